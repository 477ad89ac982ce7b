// SPDX-License-Identifier: Apache-2.0
import {
  type CouncilDefinition,
  type CouncilMembership,
  type FunctionSpecification,
  isStateOfNode,
  type SetConfiguration,
  type SlotAssignment,
  type SlotCandidate,
  type SlotDefinition,
  type StateAccess,
} from '@vnfpool/wire/mobility';
import { type DeclaredPool, type DeclaredSet, slotAddresses, slotAddressing } from '../declared/set.ts';
import type { DeclaredState } from '../declared/sharing.ts';
import { once } from '../once.ts';
import { isSame } from '../same.ts';
import { fingerprint } from './fingerprint.ts';
import { mergeablePart } from './mergeable.ts';
import {
  councilOf,
  instanceName,
  type NamedMembers,
  type Observed,
  type ObservedCouncil,
  type Topology,
} from './observed.ts';
import { type InstanceRole, rankingOf, slotsOf } from './roles.ts';
import { cookiesPart } from './secrets-record.ts';
import { sharingPart } from './slot-sharing.ts';
import { candidatesOf } from './slots.ts';

/** What an instance of the pool runs. */
export const specificationOf: (pool: DeclaredPool) => FunctionSpecification = once((pool) => {
  const {
    program,
    arguments: words,
    environment,
    directory,
    port,
    health,
    stop,
    limits,
    state,
    hooks,
    netns,
    container,
  } = pool.function;
  return {
    v: 1,
    kind: container !== undefined ? 'container' : netns !== undefined ? 'netns' : 'process',
    command: program === '' ? [] : [program, ...words],
    env: environment,
    ...(directory === '' ? {} : { directory }),
    // Without one nobody is told where to reach it.
    ...(port === 0 && isStateOfNode(pool.function) ? {} : { port }),
    health,
    stop,
    ...(limits === undefined ? {} : { limits }),
    ...(state === undefined ? {} : { state: accessOf(state) }),
    ...(hooks === undefined ? {} : { hooks }),
    ...(netns === undefined ? {} : { netns }),
    ...(container === undefined ? {} : { container }),
    registration: {
      poolHandle: pool.name,
      policy: pool.policy,
      ...(pool.policy === 'least-used' ? { load: 'cpu' as const } : {}),
    },
  };
});

/** What a node was told last, where it was that. */
export const specificationPrint: (pool: DeclaredPool) => string = once((pool) =>
  fingerprint(specificationOf(pool)),
);

/** What can be shared is between the manager and itself: it is settled anew without replacing anybody. */
function accessOf(state: DeclaredState): StateAccess {
  const { offers: _offers, ...access } = state;
  return access;
}

/**
 * Names what an instance runs: two specifications of one version differ only in what a running instance can be told, how it
 * registers and how it is ended.
 */
export const versionName: (pool: DeclaredPool) => string = once((pool) => {
  const { registration: _registration, stop: _stop, ...rest } = specificationOf(pool);
  return fingerprint(rest);
});

/** What an instance is for. */
export function assignmentOf(
  pool: DeclaredPool,
  { instance, role, slot }: InstanceRole,
  observed: Observed,
  council: ObservedCouncil,
): SlotAssignment {
  const handover = slot?.handover && slot.holder === instance.functionId ? slot.handover : null;
  return {
    v: 1,
    pool: pool.name,
    name: instanceName(instance),
    slot: slot ? { id: slot.id, index: slot.index } : null,
    role,
    epoch: String(slot?.epoch ?? 0),
    addresses: slot ? slotAddresses(pool, slot.index) : [],
    council: council.version,
    ranking: slot ? rankingOf(pool, slot.index, observed) : [],
    ...(handover ? { handover } : {}),
    ...(slot?.acceptedLoss?.to === instance.functionId
      ? { acceptedLoss: String(slot.acceptedLoss.epoch) }
      : {}),
    ...rulesOf(pool),
    ...cookiesPart(pool, observed),
  };
}

/** What an agent does by itself about failures; nothing where nothing was declared. */
function rulesOf({
  restart,
  failover,
}: DeclaredPool): Pick<SlotAssignment, 'restart' | 'flap' | 'holdDownMs'> {
  const { flap, holdDownMs } = failover;
  const ladder = restart && {
    inPlace: restart.inPlace,
    withinMs: restart.withinMs,
    readyMs: restart.readyMs,
  };
  return {
    ...(ladder && ladder.inPlace > 0 ? { restart: ladder } : {}),
    ...(flap === undefined ? {} : { flap }),
    ...(holdDownMs === undefined ? {} : { holdDownMs }),
  };
}

/** The epoch grows by itself while nothing else changes; nodes need not be told what they told. */
export function assignmentFingerprint(assignment: SlotAssignment): string {
  return fingerprint({ ...assignment, epoch: '' });
}

/** Made last: a configuration is large, and the next one is the same almost always. */
let last: { readonly configuration: SetConfiguration; readonly print: string } | undefined;

export function configurationPrint(configuration: SetConfiguration): string {
  const { print } =
    isSame(last?.configuration, configuration) && last ? last : { print: fingerprint(configuration) };
  last = { configuration, print };
  return print;
}

/** The set as every node needs to know it; undefined while a member of a council has no number. */
export function configurationOf(
  declared: DeclaredSet,
  observed: Observed,
  topology: Topology,
): SetConfiguration | undefined {
  const { councils } = observed;
  if (councils.length === 0) return undefined;
  const ids = new Map(observed.nodes.map(({ name, id }) => [name, id]));
  const definitions = councils.flatMap((council) => definitionOf(council, ids) ?? []);
  if (definitions.length < councils.length) return undefined;
  const moves = new Map(
    observed.instances.flatMap(({ functionId, move }) => (move ? [[functionId, move.to] as const] : [])),
  );
  const hosts = new Set([
    ...councils.flatMap(({ members, former, next }) => [
      ...members,
      ...(former?.members ?? []),
      ...(next?.members ?? []),
    ]),
    ...observed.instances.map(({ node }) => node),
    ...moves.values(),
  ]);
  /** An instance on its way may hold its slot at either end: behind where it is now, where it goes. */
  const withMoves = (candidates: readonly SlotCandidate[]): SlotCandidate[] =>
    candidates.flatMap((candidate) => {
      const id = ids.get(moves.get(candidate.functionId) ?? '');
      return id === undefined ? [candidate] : [candidate, { node: id, functionId: candidate.functionId }];
    });
  return {
    v: 1,
    set: declared.name,
    councils: definitions,
    nodes: observed.nodes
      .filter(({ name }) => hosts.has(name))
      .sort((a, b) => a.id - b.id)
      .flatMap(({ id, name, endpoint }) =>
        endpoint
          ? [
              {
                node: id,
                name,
                address: endpoint.address,
                port: endpoint.port,
                key: endpoint.key,
                fence: endpoint.fence,
                ...(endpoint.replicationPort === undefined
                  ? {}
                  : { replicationPort: endpoint.replicationPort }),
                ...(endpoint.sealKey === undefined ? {} : { sealKey: endpoint.sealKey }),
              },
            ]
          : [],
      ),
    slots: declared.pools.flatMap((pool) =>
      slotsOf(pool, observed).map((slot) => ({
        id: slot.id,
        pool: pool.name,
        index: slot.index,
        ...councilIdOf(pool, observed),
        leaseMs: pool.failover.leaseMs,
        addresses: slotAddresses(pool, slot.index),
        ...addressingOf(pool, slot.index),
        genesis: slot.genesis,
        candidates: withMoves(candidatesOf(pool, slot.index, observed)),
        ...sharingPart(pool, observed),
        ...(pool.redundancy.slotsPerInstance === undefined
          ? {}
          : { slotsPerFunction: pool.redundancy.slotsPerInstance }),
      })),
    ),
    registrars: topology.registrars,
    ...mergeablePart(declared, observed),
    ...(declared.fence
      ? { fenceHook: { command: declared.fence.hook, timeoutMs: declared.fence.timeoutMs } }
      : {}),
  };
}

/** A council by numbers; undefined while a member has none. */
function definitionOf(
  { id, former, next, isForced, ...council }: ObservedCouncil,
  ids: ReadonlyMap<string, number>,
): CouncilDefinition | undefined {
  const numbered = ({ version, members: names }: NamedMembers): CouncilMembership | undefined => {
    const members = names.flatMap((name) => ids.get(name) ?? []);
    return members.length === names.length ? { version, members } : undefined;
  };
  const [now, before, then] = [council, former, next].map((each) => each && numbered(each));
  if (!now || (former && !before) || (next && !then)) return undefined;
  return {
    id,
    ...now,
    ...(before ? { former: before } : {}),
    ...(then ? { next: then } : {}),
    ...(isForced ? { forced: true } : {}),
  };
}

/** Most sets have one council, which goes without saying. */
function councilIdOf(pool: DeclaredPool, observed: Observed): Pick<SlotDefinition, 'councilId'> {
  const { id = 1 } = councilOf(pool, observed) ?? {};
  return id === 1 ? {} : { councilId: id };
}

function addressingOf(pool: DeclaredPool, index: number): Pick<SlotDefinition, 'addressing'> {
  const addressing = slotAddressing(pool, index);
  return addressing === undefined ? {} : { addressing };
}
