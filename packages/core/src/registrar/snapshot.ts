// SPDX-License-Identifier: Apache-2.0
import type { Policy, Transport } from '@vnfpool/wire/parameters';
import { poolName } from '../handlespace/pool-key.ts';
import type { RegistrarCounters } from './counters.ts';
import { distanceMsOf } from './distance.ts';
import type { RegistrarTransport } from './messages.ts';
import type { PeerRegistrar } from './peers/peer.ts';
import type { RegistrarState } from './state.ts';

/** What a registrar knows at one moment, for views. */
export interface RegistrarSnapshot {
  readonly registrarId: number;
  /** `running` also without `start`: alone. */
  readonly state: 'joining' | 'running' | 'stopped';
  /** Over our own elements. @see RFC 5353 §3.6.2 */
  readonly checksum: number;
  /** Elements that we own. */
  readonly ownElements: number;
  /** The other registrars of the scope. */
  readonly peers: readonly PeerSnapshot[];
  readonly associations: number;
  readonly peerAssociations: number;
  readonly pools: readonly PoolSnapshot[];
  readonly counters: Readonly<RegistrarCounters>;
}

export interface PeerSnapshot {
  readonly registrarId: number;
  /** `inactive`: somebody is taking it over. */
  readonly state: 'active' | 'suspect' | 'inactive';
  /** By the driver's clock; null: never heard, only heard of. */
  readonly lastHeardMs: number | null;
  /** The checksum in its last presence; null: none yet. */
  readonly checksumTold: number | null;
  /** Ours over the elements that we believe it owns. */
  readonly checksumComputed: number;
  readonly elements: number;
  /** Its ENRP endpoint; null: it did not tell yet. */
  readonly transport: RegistrarTransport | null;
  /** Whether an association to it is up. */
  readonly connected: boolean;
  /** Half the round-trip time; null: not measured. */
  readonly distanceMs: number | null;
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
  /** Where its ASAP endpoint is; null: only its association tells. */
  readonly asapTransport: RegistrarTransport | null;
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
      const owned = state.owned.get(pool.handle, element.id);
      const remote = state.remote.get(pool.handle, element.id);
      const lifeAtMs =
        owned !== undefined
          ? state.deadlines.get(owned, 'life')
          : remote && state.deadlines.get(remote, 'remote-life');
      return {
        id: element.id,
        homeRegistrar: element.homeRegistrar,
        userTransport: element.userTransport,
        asapTransport: element.asapTransport ?? null,
        policy: element.policy,
        lifeLeftMs: lifeAtMs === undefined ? null : lifeAtMs - nowMs,
        owner: owned?.owner?.name ?? null,
        attached: owned?.association !== undefined,
        badReports: owned?.badReports ?? 0,
        silentMs: owned === undefined ? 0 : nowMs - owned.lastHeardMs,
      };
    });
    return { name: poolName(pool.handle), handle: pool.handle, policyType: pool.policy.type, elements };
  });
  const { registrarId, scope, handlespace } = state;
  return {
    registrarId,
    state: scope.phase,
    checksum: handlespace.checksum(registrarId),
    ownElements: handlespace.ownedCount(registrarId),
    peers: [...scope.peers.values()].map((peer) => peerSnapshot(state, peer)),
    associations: state.associations.size,
    peerAssociations: scope.links.size,
    pools,
    counters: { ...state.counters },
  };
}

function peerSnapshot({ handlespace, options }: RegistrarState, peer: PeerRegistrar): PeerSnapshot {
  const { id, via } = peer;
  return {
    registrarId: id,
    state: peer.state,
    lastHeardMs: peer.lastHeardMs ?? null,
    checksumTold: peer.checksumTold ?? null,
    checksumComputed: handlespace.checksum(id),
    elements: handlespace.ownedCount(id),
    transport: peer.transport ?? null,
    connected: via !== undefined,
    distanceMs: via?.rttMs === undefined ? null : distanceMsOf(via.rttMs, options.distanceStepMs),
  };
}
