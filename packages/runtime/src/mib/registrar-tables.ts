// SPDX-License-Identifier: Apache-2.0
import type { ElementSnapshot, PeerSnapshot, PoolSnapshot, RegistrarSnapshot } from '@vnfpool/core/registrar';
import type { ScopeEndpoint } from '../endpoint/endpoint.ts';
import {
  addressRows,
  addressType,
  identifier,
  type MibRow,
  type MibTable,
  policyColumns,
  table,
  timeTicks,
  userAddressRows,
  userTransportColumns,
} from './values.ts';

/** What a registrar's process knows of itself beside its handlespace. */
export interface RegistrarFacts {
  readonly scope: string;
  readonly description: string;
  readonly uptimeMs: number;
  readonly enrp: readonly ScopeEndpoint[];
  /** Multicast groups; null: not announced. */
  readonly announce: {
    readonly asap: { readonly group: string; readonly port: number } | null;
    readonly enrp: { readonly group: string; readonly port: number } | null;
  };
}

const P = 'rserpoolENRP';
const REGISTRAR: MibRow = { [`${P}Index`]: 1 };

/**
 * The ENRP group of the MIB, one registrar's. Rows carry their index columns.
 * @param nowMs By the clock of the snapshot
 * @see RFC 5525 §4
 */
export function registrarTables(
  snapshot: RegistrarSnapshot,
  facts: RegistrarFacts,
  nowMs: number,
): Readonly<Record<string, MibTable>> {
  const pools = snapshot.pools.map((pool, at) => ({
    pool,
    row: { ...REGISTRAR, [`${P}PoolIndex`]: at + 1 },
  }));
  const elements = pools.flatMap(({ pool, row }) =>
    pool.elements.map((element, at) => ({ element, row: { ...row, [`${P}PoolElementIndex`]: at + 1 } })),
  );
  const peers = snapshot.peers.map((peer, at) => ({ peer, row: { [`${P}PeerIndex`]: at + 1 } }));
  const asapAddresses = {
    index: `${P}ASAPAddrTableIndex`,
    type: `${P}ASAPL3Type`,
    address: `${P}ASAPL3Addr`,
  };
  const enrpAddresses = {
    index: `${P}ENRPAddrTableIndex`,
    type: `${P}ENRPL3Type`,
    address: `${P}ENRPL3Addr`,
  };
  const peerAddresses = {
    index: `${P}PeerAddrTableIndex`,
    type: `${P}PeerL3Type`,
    address: `${P}PeerL3Addr`,
  };
  return {
    [`${P}Table`]: table('1.1', [registrarRow(snapshot, facts)]),
    [`${P}PoolTable`]: table(
      '1.3',
      pools.map(({ pool, row }) => poolRow(pool, row)),
    ),
    [`${P}PoolElementTable`]: table(
      '1.4',
      elements.map(({ element, row }) => elementRow(element, row)),
    ),
    [`${P}ASAPAddrTable`]: table(
      '1.5',
      elements.flatMap(({ element, row }) => addressRows(row, asapAddresses, asapAddressesOf(element))),
    ),
    [`${P}UserAddrTable`]: table(
      '1.6',
      elements.flatMap(({ element, row }) => userAddressRows(row, P, element.userTransport)),
    ),
    [`${P}ENRPAddrTable`]: table(
      '1.7',
      addressRows(
        REGISTRAR,
        enrpAddresses,
        facts.enrp.flatMap(({ addresses }) => addresses),
      ),
    ),
    [`${P}PeerTable`]: table(
      '1.8',
      peers.map(({ peer, row }) => peerRow(peer, row, nowMs)),
    ),
    [`${P}PeerAddrTable`]: table(
      '1.9',
      peers.flatMap(({ peer, row }) => addressRows(row, peerAddresses, peerAddressesOf(peer))),
    ),
  };
}

function registrarRow(snapshot: RegistrarSnapshot, facts: RegistrarFacts): MibRow {
  const { asap, enrp } = facts.announce;
  return {
    ...REGISTRAR,
    [`${P}OperationScope`]: facts.scope,
    [`${P}Identifier`]: identifier(snapshot.registrarId),
    [`${P}Description`]: facts.description,
    [`${P}Uptime`]: timeTicks(facts.uptimeMs),
    [`${P}Port`]: facts.enrp[0]?.port ?? 0,
    [`${P}ASAPAnnouncePort`]: asap?.port ?? 0,
    [`${P}ASAPAnnounceAddrType`]: asap === null ? 0 : addressType(asap.group),
    [`${P}ASAPAnnounceAddr`]: asap?.group ?? '',
    [`${P}ENRPAnnouncePort`]: enrp?.port ?? 0,
    [`${P}ENRPAnnounceAddrType`]: enrp === null ? 0 : addressType(enrp.group),
    [`${P}ENRPAnnounceAddr`]: enrp?.group ?? '',
  };
}

function poolRow(pool: PoolSnapshot, row: MibRow): MibRow {
  return { ...row, [`${P}PoolHandle`]: pool.name };
}

function elementRow(element: ElementSnapshot, row: MibRow): MibRow {
  return {
    ...row,
    [`${P}PoolElementID`]: identifier(element.id),
    [`${P}ASAPTransportPort`]: element.asapTransport?.port ?? 0,
    ...userTransportColumns(P, element.userTransport),
    ...policyColumns(P, element.policy),
    [`${P}RegistrationLife`]: timeTicks(element.lifeLeftMs),
    [`${P}HomeENRPServer`]: identifier(element.homeRegistrar),
  };
}

function peerRow(peer: PeerSnapshot, row: MibRow, nowMs: number): MibRow {
  return {
    ...row,
    [`${P}PeerIdentifier`]: identifier(peer.registrarId),
    [`${P}PeerPort`]: peer.transport?.port ?? 0,
    [`${P}PeerLastHeard`]: timeTicks(peer.lastHeardMs === null ? null : nowMs - peer.lastHeardMs),
  };
}

function asapAddressesOf({ asapTransport }: ElementSnapshot): readonly string[] {
  if (asapTransport === null) return [];
  return asapTransport.type === 'sctp' ? asapTransport.addresses : [asapTransport.address];
}

function peerAddressesOf({ transport }: PeerSnapshot): readonly string[] {
  if (transport === null) return [];
  return transport.type === 'sctp' ? transport.addresses : [transport.address];
}
