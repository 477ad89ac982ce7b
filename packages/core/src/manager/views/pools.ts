// SPDX-License-Identifier: Apache-2.0

import type { DeclaredPool } from '../../declared/set.ts';
import type { PoolSharingView } from '../../management/sharing-views.ts';
import type { Health, PoolView } from '../../management/views.ts';
import { indexed } from '../../planner/indexed.ts';
import {
  instanceName,
  isReady,
  type Observed,
  type ObservedInstance,
  type ObservedSlot,
  refusalOf,
  refusingNodes,
} from '../../planner/observed.ts';
import { type InstanceRole, rolesOf, slotsOf } from '../../planner/roles.ts';
import { instancesOf, isNWay } from '../../planner/surplus.ts';
import { askedOf } from '../asked.ts';
import { mergedStateViews, mergedTrouble } from '../mergeable.ts';
import { slotSharingView } from '../slot-sharing.ts';
import type { ManagerState } from '../state.ts';
import { poolSharingView } from './sharing.ts';
import { upgradeView } from './upgrades.ts';

export function poolViews(state: ManagerState, nowMs: number): PoolView[] {
  const { set } = state;
  if (!set) return [];
  const observed = state.observed(nowMs);
  return set.declared.pools.map((pool) => poolView(pool, set.declared.name, observed, state));
}

function poolView(pool: DeclaredPool, set: string, observed: Observed, state: ManagerState): PoolView {
  const nodes = indexed(observed).nodes;
  const roles = rolesOf(pool, observed);
  const poolSlots = slotsOf(pool, observed);
  const ready = new Set(
    roles.filter(({ instance }) => isReady(instance, nodes)).map(({ instance }) => instance.functionId),
  );
  const asked = askedOf(state, pool.name, observed).filter(({ functionId }) => ready.has(functionId));
  const told = countOf(pool, poolSlots, roles, ready, state);
  for (const { functionId } of asked) ready.delete(functionId);
  const { slotsHeld, standbysReady, sparesReady, found } =
    asked.length === 0 ? told : countOf(pool, poolSlots, roles, ready, state);
  const bare = found.health === told.found.health ? found : whileAsked(asked);
  const { slots, standbys, spares } = pool.redundancy;
  const whole = bare.health === 'whole' ? withState(bare, pool, observed, state) : bare;
  const { health, reason } = withRefusals(whole, poolSlots, roles);
  return {
    name: pool.name,
    set,
    health,
    reason,
    slots,
    slotsHeld,
    standbys,
    standbysReady,
    spares,
    sparesReady,
    policy: pool.policy,
    addresses: pool.addresses.flat(),
    port: pool.function.port === 0 ? null : pool.function.port,
    leaseMs: pool.failover.leaseMs,
    upgrade: upgradeView(pool, observed),
    sharing: withMerged(poolSharingView(pool, observed), state, pool.name),
  };
}

interface Count {
  readonly slotsHeld: number;
  readonly standbysReady: number;
  readonly sparesReady: number;
  readonly found: Verdict;
}

/** What there is of a pool, and what follows from the numbers; `ready`: Function IDs of whoever counts. */
function countOf(
  pool: DeclaredPool,
  poolSlots: readonly ObservedSlot[],
  roles: readonly InstanceRole[],
  ready: ReadonlySet<number>,
  { unraised }: ManagerState,
): Count {
  /** Whoever could not take each of the slots protects none for certain. */
  const refusing = refusingNodes(poolSlots);
  const fit = roles.filter(({ instance }) => ready.has(instance.functionId) && !refusing.has(instance.node));
  const count = (role: string): number => fit.filter((each) => each.role === role).length;
  const slotsHeld = poolSlots.filter(
    ({ id, holder }) => holder !== null && ready.has(holder) && !unraised.has(id),
  ).length;
  const { slots, standbys, spares } = pool.redundancy;
  const standbysReady = count('standby');
  const sparesReady = count('spare');
  const missing = isNWay(pool) ? instancesOf(pool) - fit.length : 0;
  const found = verdict(
    slots - slotsHeld,
    slots,
    Math.max(missing, standbys - standbysReady),
    spares - Math.min(spares, sparesReady),
  );
  return { slotsHeld, standbysReady, sparesReady, found };
}

/** Nobody has said that it fails, nor that it does not: neither whole nor down. */
function whileAsked(asked: readonly ObservedInstance[]): Verdict {
  const nodes = [...new Set(asked.map(({ node }) => node))].sort();
  const reason = `It is not known yet what still runs on ${nodes.join(', ')}, which registered a moment ago.`;
  return { health: 'degraded', reason };
}

function withMerged(view: PoolSharingView | null, state: ManagerState, pool: string): PoolSharingView | null {
  const merged = mergedStateViews(state, pool);
  return view === null || merged === undefined ? view : { ...view, merged };
}

/** Who is not counted although it runs, and why; a slot that its holder does not serve whole is not well either. */
function withRefusals(
  { health, reason }: Verdict,
  slots: readonly ObservedSlot[],
  roles: readonly InstanceRole[],
): Verdict {
  const some = slots.filter(({ refusals }) => (refusals?.size ?? 0) > 0);
  const refused = some.flatMap((slot) =>
    roles.flatMap(({ instance }) => {
      const refusal = refusalOf(instance, slot);
      if (refusal === undefined) return [];
      const words = `${instanceName(instance)} on ${instance.node}: ${refusal.why}.`;
      return [{ words, isHolder: slot.holder === instance.functionId }];
    }),
  );
  const holder = refused.find(({ isHolder }) => isHolder);
  if (health === 'whole')
    return holder
      ? { health: 'degraded', reason: `It serves, but not whole: ${holder.words}` }
      : { health, reason };
  const [first] = refused;
  return { health, reason: first === undefined ? reason : `${reason} ${first.words}` };
}

/** Redundancy of the state counts as that of instances does. */
function withState(found: Verdict, pool: DeclaredPool, observed: Observed, state: ManagerState): Verdict {
  const [first] = slotsOf(pool, observed).flatMap((slot) => {
    const sharing = slotSharingView(state, slot);
    if (sharing === null) return [];
    return sharing.isProtected && !sharing.isLossy ? (sharing.alarms ?? []) : [sharing.verdict];
  });
  const merged = first === undefined ? mergedTrouble(state, pool.name) : undefined;
  if (merged !== undefined) return { health: 'degraded', reason: `It serves, but: ${merged}` };
  return first === undefined ? found : { health: 'degraded', reason: `It serves, but: ${first}` };
}

interface Verdict {
  readonly health: Health;
  readonly reason: string;
}

function verdict(unheld: number, slots: number, standbysShort: number, sparesShort: number): Verdict {
  if (unheld >= slots) return { health: 'down', reason: 'No slot is held by an instance that is ready.' };
  if (unheld > 0)
    return {
      health: 'degraded',
      reason: `${unheld} of ${slots} slots are not held by an instance that is ready.`,
    };
  if (standbysShort > 0)
    return {
      health: 'degraded',
      reason: `It serves, but ${standbysShort} standby${standbysShort === 1 ? ' is' : 's are'} missing.`,
    };
  if (sparesShort > 0)
    return {
      health: 'degraded',
      reason: `It serves, but ${sparesShort} spare${sparesShort === 1 ? ' is' : 's are'} missing.`,
    };
  return { health: 'whole', reason: 'Everything that was asked for is there.' };
}
