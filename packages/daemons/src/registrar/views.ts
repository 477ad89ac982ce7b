// SPDX-License-Identifier: Apache-2.0
import type { PeerSnapshot, RegistrarSnapshot } from '@vnfpool/core/registrar';
import { endpointOfTransport, formatEndpoint } from '@vnfpool/runtime/endpoint';
import type { Policy, SctpTransport, TcpTransport, Transport } from '@vnfpool/wire/parameters';

/** GET /v1/handlespace */
export interface HandlespaceView {
  readonly registrarId: string;
  readonly state: 'joining' | 'running' | 'stopped';
  /** Over the elements it owns: `0x` and four hexadecimal digits. */
  readonly checksum: string;
  readonly ownElements: number;
  readonly associations: number;
  readonly peerAssociations: number;
  /** The other registrars of the scope. */
  readonly peers: readonly PeerView[];
  readonly pools: readonly {
    readonly name: string;
    /** Hexadecimal. */
    readonly handle: string;
    readonly policy: string;
    readonly elements: readonly ElementView[];
  }[];
  readonly counters: Readonly<Record<string, number>>;
}

export interface PeerView {
  readonly id: string;
  /** `inactive`: somebody is taking it over. */
  readonly state: 'active' | 'suspect' | 'inactive';
  /** Null: never heard, only heard of. */
  readonly silentMs: number | null;
  /** What it says, and what we compute over the elements that we believe it owns; null: it has not said yet. */
  readonly checksum: { readonly told: string | null; readonly computed: string };
  readonly elements: number;
  readonly endpoint: string | null;
  readonly connected: boolean;
  readonly distanceMs: number | null;
}

export interface ElementView {
  /** `0x` and eight hexadecimal digits. */
  readonly id: string;
  readonly homeRegistrar: string;
  readonly transport: string;
  readonly port: number | null;
  readonly addresses: readonly string[];
  /** Where registrars call on it; null: only its association tells. */
  readonly asapEndpoint: string | null;
  readonly policy: Readonly<Record<string, unknown>>;
  /** Null: for ever. */
  readonly lifeLeftMs: number | null;
  readonly owner: string | null;
  readonly attached: boolean;
  readonly badReports: number;
  readonly silentMs: number;
}

/** @param nowMs By the clock of the snapshot */
export function handlespaceView(snapshot: RegistrarSnapshot, nowMs: number): HandlespaceView {
  return {
    registrarId: identifier(snapshot.registrarId),
    state: snapshot.state,
    checksum: checksum(snapshot.checksum),
    ownElements: snapshot.ownElements,
    associations: snapshot.associations,
    peerAssociations: snapshot.peerAssociations,
    peers: snapshot.peers.map((peer) => peerView(peer, nowMs)),
    pools: snapshot.pools.map((pool) => ({
      name: pool.name,
      handle: Buffer.from(pool.handle).toString('hex'),
      policy: pool.policyType,
      elements: pool.elements.map(({ id, homeRegistrar, userTransport, asapTransport, policy, ...rest }) => ({
        id: identifier(id),
        homeRegistrar: identifier(homeRegistrar),
        ...transportView(userTransport),
        asapEndpoint: asapTransport === null ? null : endpointText(asapTransport),
        policy: policyView(policy),
        ...rest,
      })),
    })),
    counters: { ...snapshot.counters },
  };
}

function peerView(peer: PeerSnapshot, nowMs: number): PeerView {
  const { registrarId, state, lastHeardMs, checksumTold, checksumComputed, transport } = peer;
  return {
    id: identifier(registrarId),
    state,
    silentMs: lastHeardMs === null ? null : Math.max(0, nowMs - lastHeardMs),
    checksum: {
      told: checksumTold === null ? null : checksum(checksumTold),
      computed: checksum(checksumComputed),
    },
    elements: peer.elements,
    endpoint: transport === null ? null : endpointText(transport),
    connected: peer.connected,
    distanceMs: peer.distanceMs,
  };
}

function transportView(transport: Transport): Pick<ElementView, 'transport' | 'port' | 'addresses'> {
  if (transport.type === 'opaque') return { transport: 'opaque', port: null, addresses: [] };
  const addresses = transport.type === 'sctp' ? transport.addresses : [transport.address];
  return { transport: transport.type, port: transport.port, addresses };
}

function policyView(policy: Policy): Readonly<Record<string, unknown>> {
  return policy.type === 'other' ? { type: 'other', code: identifier(policy.code) } : { ...policy };
}

function endpointText(transport: SctpTransport | TcpTransport): string {
  return formatEndpoint(endpointOfTransport(transport, 'tcp'));
}

function checksum(sum: number): string {
  return `0x${sum.toString(16).padStart(4, '0')}`;
}

export function identifier(id: number): string {
  return `0x${id.toString(16).padStart(8, '0')}`;
}
