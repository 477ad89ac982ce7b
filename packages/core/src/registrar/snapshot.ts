// SPDX-License-Identifier: Apache-2.0
import type { Policy, Transport } from '@vnfpool/wire/parameters';
import { poolName } from '../handlespace/pool-key.ts';
import type { RegistrarCounters, RegistrarState } from './state.ts';

/** What a registrar knows at one moment, for views. */
export interface RegistrarSnapshot {
  readonly registrarId: number;
  readonly associations: number;
  readonly pools: readonly PoolSnapshot[];
  readonly counters: Readonly<RegistrarCounters>;
}

export interface PoolSnapshot {
  readonly name: string;
  readonly handle: Uint8Array;
  readonly policyType: Policy['type'];
  readonly elements: readonly ElementSnapshot[];
}

export interface ElementSnapshot {
  readonly id: number;
  readonly homeRegistrar: number;
  readonly userTransport: Transport;
  readonly policy: Policy;
  /** Until the registration runs out; null: never. */
  readonly lifeLeftMs: number | null;
  /** Name of who registered it, or null. */
  readonly owner: string | null;
  /** Whether the association over which it registered is up. */
  readonly attached: boolean;
  readonly badReports: number;
  readonly silentMs: number;
}

export function takeSnapshot(state: RegistrarState, nowMs: number): RegistrarSnapshot {
  const pools = [...state.handlespace.pools()].map((pool): PoolSnapshot => {
    const elements = [...pool.elements()].map((element): ElementSnapshot => {
      const owned = state.owned(pool.handle, element.id);
      const lifeAtMs = owned === undefined ? undefined : state.deadlines.get(owned, 'life');
      return {
        id: element.id,
        homeRegistrar: element.homeRegistrar,
        userTransport: element.userTransport,
        policy: element.policy,
        lifeLeftMs: lifeAtMs === undefined ? null : lifeAtMs - nowMs,
        owner: owned?.owner ?? null,
        attached: owned?.association !== undefined,
        badReports: owned?.badReports ?? 0,
        silentMs: owned === undefined ? 0 : nowMs - owned.lastHeardMs,
      };
    });
    return { name: poolName(pool.handle), handle: pool.handle, policyType: pool.policy.type, elements };
  });
  const { registrarId } = state.options;
  return { registrarId, associations: state.associations.size, pools, counters: { ...state.counters } };
}
