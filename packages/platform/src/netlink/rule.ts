// SPDX-License-Identifier: Apache-2.0
import { familyOf, ipBytes } from './ip.ts';
import { attribute, NLM_F_CREATE, NLM_F_EXCL, u32 } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;
const FRA_SRC = 2;
const FRA_PRIORITY = 6;
const FRA_TABLE = 15;
const FR_ACT_TO_TBL = 1;
/** Before the rule that leads to the main table (32766). */
const PRIORITY = 20_000;

/** Packets from an address look into a table of routes of their own first. */
export interface SourceRule {
  readonly address: string;
  readonly table: number;
}

function parts({ address, table }: SourceRule): Uint8Array[] {
  const octets = ipBytes(address);
  // struct fib_rule_hdr: family, prefix lengths of destination and source, tos, table, reserved 2, action, flags 4.
  const header = new Uint8Array(12);
  header.set([familyOf(address), 0, octets.length * 8, 0, 0, 0, 0, FR_ACT_TO_TBL]);
  return [header, attribute(FRA_SRC, octets), u32(FRA_PRIORITY, PRIORITY), u32(FRA_TABLE, table)];
}

/** `EEXIST` when it is there. */
export function addSourceRule(socket: NetlinkSocket, rule: SourceRule): void {
  socket.request(`rule for ${rule.address}`, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, parts(rule));
}

/** `ENOENT` when it is not there. */
export function deleteSourceRule(socket: NetlinkSocket, rule: SourceRule): void {
  socket.request(`rule for ${rule.address}`, RTM_DELRULE, 0, parts(rule));
}
