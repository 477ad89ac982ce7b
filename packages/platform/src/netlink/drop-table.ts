// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import {
  be32,
  be64,
  message,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REQUEST,
  nested,
  parseAttributes,
  text,
  viewOf,
} from './message.ts';
import { familyHeader, NFNL_SUBSYS_NFTABLES, NFPROTO_NETDEV, transact } from './nftables.ts';
import type { NetlinkSocket } from './socket.ts';

const NEW_TABLE: number = (NFNL_SUBSYS_NFTABLES << 8) | 0;
const NEW_CHAIN: number = (NFNL_SUBSYS_NFTABLES << 8) | 3;
const GET_CHAIN: number = (NFNL_SUBSYS_NFTABLES << 8) | 4;
const NFTA_TABLE_NAME = 1;
const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_HOOK = 4;
const NFTA_CHAIN_POLICY = 5;
const NFTA_CHAIN_TYPE = 7;
const NFTA_CHAIN_COUNTERS = 8;
const NFTA_HOOK_HOOKNUM = 1;
const NFTA_HOOK_PRIORITY = 2;
const NFTA_HOOK_DEVS = 4;
const NFTA_DEVICE_NAME = 1;
const NFTA_COUNTER_BYTES = 1;
const NFTA_COUNTER_PACKETS = 2;
const NF_DROP = 0;
/** Ahead of whatever else hooks in there, flow tables included. */
const PRIORITY = -2000;

const CHAINS = [
  { name: 'in', hook: 0 },
  { name: 'out', hook: 1 },
] as const;

/** What a table dropped, both ways together. */
export interface Dropped {
  readonly packets: number;
  readonly bytes: number;
}

/**
 * Makes a table that drops and counts every frame of these links, both ways, ARP included; in one transaction, without the program `nft`.
 * @throws PlatformError `EEXIST`; `EOPNOTSUPP` on a kernel without the hook for frames that leave (before 5.16)
 */
export function addDropTable(socket: NetlinkSocket, table: string, links: readonly string[]): void {
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  const build = (type: number, parts: readonly Uint8Array[]) => (sequence: number) =>
    message(type, flags, sequence, [familyHeader(NFPROTO_NETDEV), ...parts]);
  const failure = transact(socket, `add table ${table}`, [
    build(NEW_TABLE, [text(NFTA_TABLE_NAME, table)]),
    ...CHAINS.map(({ name, hook }) =>
      build(NEW_CHAIN, [
        text(NFTA_CHAIN_TABLE, table),
        text(NFTA_CHAIN_NAME, name),
        nested(
          NFTA_CHAIN_HOOK,
          be32(NFTA_HOOK_HOOKNUM, hook),
          be32(NFTA_HOOK_PRIORITY, PRIORITY >>> 0),
          nested(NFTA_HOOK_DEVS, ...links.map((link) => text(NFTA_DEVICE_NAME, link))),
        ),
        be32(NFTA_CHAIN_POLICY, NF_DROP),
        text(NFTA_CHAIN_TYPE, 'filter'),
        nested(NFTA_CHAIN_COUNTERS, be64(NFTA_COUNTER_BYTES, 0n), be64(NFTA_COUNTER_PACKETS, 0n)),
      ]),
    ),
  ]);
  if (failure !== undefined) throw failure.error;
}

/** What such a table dropped so far; null: there is none. */
export function readDropped(socket: NetlinkSocket, table: string): Dropped | null {
  let packets = 0;
  let bytes = 0;
  try {
    for (const { name } of CHAINS) {
      const asked = [
        familyHeader(NFPROTO_NETDEV),
        text(NFTA_CHAIN_TABLE, table),
        text(NFTA_CHAIN_NAME, name),
      ];
      for (const part of socket.request(`counters of ${table}`, GET_CHAIN, 0, asked)) {
        const counters = parseAttributes(part.body.subarray(4)).get(NFTA_CHAIN_COUNTERS);
        if (counters === undefined) continue;
        const values = parseAttributes(counters);
        packets += numberOf(values.get(NFTA_COUNTER_PACKETS));
        bytes += numberOf(values.get(NFTA_COUNTER_BYTES));
      }
    }
  } catch (error) {
    if (isPlatformError(error, 'ENOENT')) return null;
    throw error;
  }
  return { packets, bytes };
}

function numberOf(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : Number(viewOf(value).getBigUint64(0));
}
