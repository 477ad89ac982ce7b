// SPDX-License-Identifier: Apache-2.0
import { isStateOfNode, type SetConfiguration } from '@vnfpool/wire/mobility';
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import type { Command, Decision, Plan } from './actions.ts';
import { balanceHandovers } from './balance.ts';
import { decideCouncils } from './council.ts';
import {
  assignmentFingerprint,
  assignmentOf,
  configurationOf,
  configurationPrint,
  specificationOf,
  specificationPrint,
  versionName,
} from './documents.ts';
import { thawedCommands } from './guard.ts';
import { indexed } from './indexed.ts';
import { decideDrains, drainHandovers, moveCommands } from './moves.ts';
import {
  councilOf,
  instanceName,
  type Observed,
  type ObservedCouncil,
  type ObservedNode,
  type Topology,
  takesOrders,
} from './observed.ts';
import { leavingHandovers, placeInstances } from './placement.ts';
import { decideSecrets } from './pool-secrets.ts';
import { type InstanceRole, rolesOf } from './roles.ts';
import { decideSharing } from './sharing.ts';
import { decideSlots } from './slots.ts';
import { decideUpgrades, replaceOutdated, upgradeHandovers, versionFor } from './upgrade.ts';

/**
 * What has to be done so that the world becomes what is declared; nothing when it is. Pure: the same
 * arguments give the same plan, whatever the order of the lists in `observed`.
 *
 * @param declared null: nothing is declared, and then nothing is touched.
 */
export function plan(declared: DeclaredSet | null, observed: Observed, topology: Topology): Plan {
  if (!declared) return { decisions: [], commands: [] };
  if (observed.isFrozen) {
    // Who is in a council is a person's word, and may be what is missing.
    const decisions = decideCouncils(declared, observed);
    if (decisions.length > 0) return { decisions, commands: [] };
    return { decisions, commands: thawedCommands(commandsOf(declared, observed, topology)) };
  }
  const decisions: Decision[] = [
    ...placeInstances(declared, observed),
    ...decideCouncils(declared, observed),
  ];
  // Slots name the instances that may hold them, so those come first.
  if (decisions.length === 0) decisions.push(...decideSlots(declared, observed));
  if (decisions.length === 0) decisions.push(...decideSharing(declared, observed));
  if (decisions.length === 0) decisions.push(...decideSecrets(declared, observed));
  if (decisions.length === 0) decisions.push(...decideDrains(declared, observed));
  if (decisions.length === 0) decisions.push(...decideUpgrades(declared, observed));
  if (decisions.length > 0) return { decisions, commands: [] };
  return { decisions: [], commands: commandsOf(declared, observed, topology) };
}

function commandsOf(declared: DeclaredSet, observed: Observed, topology: Topology): Command[] {
  const nodes = indexed(observed).nodes;
  const configuration = configurationOf(declared, observed, topology);
  const print = configuration ? configurationPrint(configuration) : null;
  const isConfigured = observed.nodes.every((node) => !takesOrders(node) || node.configuration === print);
  return [
    ...(configuration && print !== null ? configure(declared, observed, configuration, print) : []),
    ...deleteStrays(observed, nodes),
    ...declared.pools.flatMap((pool) => {
      const council = councilOf(pool, observed);
      if (!council) return [];
      const roles = rolesOf(pool, observed);
      return [
        ...poolCommands(pool, roles, observed, nodes, council),
        ...moveCommands(pool, roles, observed, council, isConfigured),
        ...drainHandovers(pool, declared, observed),
        ...upgradeHandovers(pool, observed),
        ...leavingHandovers(pool, declared, observed),
        ...balanceHandovers(pool, observed),
      ];
    }),
  ];
}

function configure(
  declared: DeclaredSet,
  observed: Observed,
  configuration: SetConfiguration,
  print: string,
): Command[] {
  // A member that is not declared any more has to hear by whom it is followed.
  const members = observed.councils.flatMap((each) => [...each.members, ...(each.next?.members ?? [])]);
  const known = new Set([...declared.nodes.map(({ name }) => name), ...members]);
  return byId(observed.nodes)
    .filter((node) => known.has(node.name) && takesOrders(node) && !node.busy && node.configuration !== print)
    .map(({ id, configuration: former }) => ({
      type: 'configure',
      node: id,
      configuration,
      fingerprint: print,
      reason: former === null ? 'it does not know the set yet' : 'the set has changed',
    }));
}

function deleteStrays(observed: Observed, nodes: ReadonlyMap<string, ObservedNode>): Command[] {
  return observed.strays
    .toSorted((a, b) => a.functionId - b.functionId || (a.node < b.node ? -1 : 1))
    .flatMap(({ node: name, functionId, busy }) => {
      const node = nodes.get(name);
      if (busy || !takesOrders(node)) return [];
      return [{ type: 'delete', node: node.id, functionId, reason: 'it is not part of the set any more' }];
    });
}

function poolCommands(
  pool: DeclaredPool,
  roles: readonly InstanceRole[],
  observed: Observed,
  nodes: ReadonlyMap<string, ObservedNode>,
  council: ObservedCouncil,
): Command[] {
  const commands: Command[] = [];
  for (const role of roles) {
    const { instance } = role;
    const node = nodes.get(instance.node);
    // Without a slot there is nothing to say yet: the council is not complete. On its way it is told by its move.
    if (!takesOrders(node) || instance.busy || instance.move || role.slot === null) continue;
    const assignment = assignmentOf(pool, role, observed, council);
    const assigned = assignmentFingerprint(assignment);
    const wanted = versionFor(pool, instance, observed);
    const specification = specificationOf(wanted);
    const fingerprints = {
      version: versionName(wanted),
      specification: specificationPrint(wanted),
      assignment: assigned,
    };
    // One that runs the version already is told the rest in the middle of its service. One that runs nobody knows what, for
    // its node's answer was lost, is told as well: the node refuses what is not what it runs.
    const isRetold =
      (instance.version === fingerprints.version || instance.version === null) &&
      instance.specification !== fingerprints.specification &&
      instance.status !== 'Terminating';
    if (instance.status === null && isInTheWay(pool, instance.node, observed)) continue;
    if (instance.status === null || isRetold) {
      commands.push({
        type: 'add',
        node: node.id,
        functionId: instance.functionId,
        name: instanceName(instance),
        specification,
        assignment,
        fingerprints,
        reason: isRetold
          ? `${instanceName(instance)} registers or ends otherwise now`
          : `${instance.node} does not run ${instanceName(instance)}`,
      });
    } else if (instance.status !== 'Terminating' && instance.assignment !== assigned) {
      commands.push({
        type: 'assign',
        node: node.id,
        functionId: instance.functionId,
        assignment,
        fingerprint: assigned,
        reason: `${instanceName(instance)} is ${assignment.role}${role.slot ? ` for slot ${role.slot.index}` : ''}`,
      });
    }
  }
  return [...commands, ...replaceOutdated(pool, roles, observed)];
}

/**
 * Whether something runs at the node still that is not part of the set any more, and may hold a slot whose connections are in the same
 * kernel: who takes a slot removes what is not of it.
 */
function isInTheWay(
  { function: specified, sharing }: DeclaredPool,
  node: string,
  { strays }: Observed,
): boolean {
  const isInKernel = isStateOfNode(specified) && sharing?.methods.includes('conntrack') === true;
  return isInKernel && strays.some((each) => each.node === node);
}

function byId(nodes: readonly ObservedNode[]): ObservedNode[] {
  return nodes.toSorted((a, b) => a.id - b.id);
}
