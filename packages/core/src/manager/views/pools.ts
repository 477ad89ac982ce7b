// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../../declared/set.ts';
import type { PoolSharingView } from '../../management/sharing-views.ts';
import type { Health, PoolView } from '../../management/views.ts';
import { isReady, type Observed } from '../../planner/observed.ts';
import { rolesOf, slotsOf } from '../../planner/roles.ts';
import { instancesOf, isNWay } from '../../planner/surplus.ts';
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
  const nodes = new Map(observed.nodes.map((node) => [node.name, node]));
  const roles = rolesOf(pool, observed);
  const ready = new Set(
    roles.filter(({ instance }) => isReady(instance, nodes)).map(({ instance }) => instance.functionId),
  );
  const count = (role: string): number =>
    roles.filter((each) => each.role === role && ready.has(each.instance.functionId)).length;
  const slotsHeld = slotsOf(pool, observed).filter(
    ({ id, holder }) => holder !== null && ready.has(holder) && !state.unraised.has(id),
  ).length;
  const { slots, standbys, spares } = pool.redundancy;
  const standbysReady = count('standby');
  const sparesReady = count('spare');
  const missing = isNWay(pool) ? instancesOf(pool) - ready.size : 0;
  const bare = verdict(
    slots - slotsHeld,
    slots,
    Math.max(missing, standbys - standbysReady),
    spares - Math.min(spares, sparesReady),
  );
  const { health, reason } = bare.health === 'whole' ? withState(bare, pool, observed, state) : bare;
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

function withMerged(view: PoolSharingView | null, state: ManagerState, pool: string): PoolSharingView | null {
  const merged = mergedStateViews(state, pool);
  return view === null || merged === undefined ? view : { ...view, merged };
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
