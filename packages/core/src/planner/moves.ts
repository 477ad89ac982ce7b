// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import type { Command, Decision } from './actions.ts';
import {
  assignmentFingerprint,
  assignmentOf,
  specificationOf,
  specificationPrint,
  versionName,
} from './documents.ts';
import { indexed } from './indexed.ts';
import { instanceName, isReady, type Observed, type ObservedCouncil, takesOrders } from './observed.ts';
import { byNumber } from './placement.ts';
import type { InstanceRole } from './roles.ts';
import { successorOf } from './successor.ts';
import { isNWay, slotsPerInstance } from './surplus.ts';
import { destinationOf } from './target.ts';
import { versionFor } from './upgrade.ts';

/**
 * The next instance that leaves a drained node: one at a time of each node, standbys before holders. Only one, for two
 * nodes might choose the same target for one pool; the next plan decides for the others.
 */
export function decideDrains(declared: DeclaredSet, observed: Observed): Decision[] {
  const nodes = indexed(observed).nodes;
  const holders = new Set(observed.slots.map(({ holder }) => holder));
  const sharing = new Set(declared.pools.filter(isNWay).map(({ name }) => name));
  for (const { name } of declared.nodes) {
    const node = nodes.get(name);
    if (!takesOrders(node) || !node.draining) continue;
    const mine = byNumber(observed.instances.filter((instance) => instance.node === name));
    if (mine.some(({ move }) => move !== null)) continue;
    const order = mine
      .filter((instance) => isReady(instance, nodes) && !instance.busy && !instance.isHeldBack)
      .filter((instance) => !holders.has(instance.functionId) || !sharing.has(instance.pool))
      .sort((a, b) => Number(holders.has(a.functionId)) - Number(holders.has(b.functionId)));
    for (const instance of order) {
      const target = destinationOf(instance, declared, observed);
      if (!target) continue;
      const reason = `${name} is drained`;
      return [{ type: 'move', functionId: instance.functionId, to: target.name, reason }];
    }
  }
  return [];
}

/** An instance that cannot leave a drained node gives up its slots at least; one that may share them does not take them along. */
export function drainHandovers(pool: DeclaredPool, declared: DeclaredSet, observed: Observed): Command[] {
  const { instances, nodes, slotsOf } = indexed(observed);
  return slotsOf(pool.name).flatMap((slot): Command[] => {
    const holder = instances.get(slot.holder);
    if (slot.handover || !holder || holder.move || holder.busy) return [];
    if (nodes.get(holder.node)?.draining !== true) return [];
    if (!isNWay(pool) && destinationOf(holder, declared, observed)) return [];
    const to = successorOf(slot, observed, slotsPerInstance(pool));
    const reason = `${holder.node} is drained, and ${instanceName(holder)} does not take its slot along`;
    return to ? [{ type: 'handover', slot: slot.id, to: to.functionId, reason }] : [];
  });
}

/** What the two ends of a move are told next. `isConfigured`: every node knows the destination as a candidate. */
export function moveCommands(
  pool: DeclaredPool,
  roles: readonly InstanceRole[],
  observed: Observed,
  council: ObservedCouncil,
  isConfigured: boolean,
): Command[] {
  const nodes = indexed(observed).nodes;
  return roles.flatMap((role): Command[] => {
    const { instance } = role;
    const { move, functionId } = instance;
    const source = nodes.get(instance.node);
    const target = nodes.get(move?.to ?? '');
    if (!move || move.busy || !isConfigured || !takesOrders(source) || !takesOrders(target)) return [];
    const reason = `${instanceName(instance)} moves from ${source.name} to ${target.name}`;
    if (move.phase === 'prepared')
      return [{ type: 'transfer', node: source.id, to: target.id, functionId, reason }];
    if (move.phase === 'ordered' || role.slot === null) return [];
    const version = versionFor(pool, instance, observed);
    const specification = specificationOf(version);
    const assignment = assignmentOf(pool, role, observed, council);
    const fingerprints = {
      version: versionName(version),
      specification: specificationPrint(version),
      assignment: assignmentFingerprint(assignment),
    };
    const name = instanceName(instance);
    const from = source.id;
    return [
      {
        type: 'prepare',
        node: target.id,
        from,
        functionId,
        name,
        specification,
        assignment,
        fingerprints,
        reason,
      },
    ];
  });
}
