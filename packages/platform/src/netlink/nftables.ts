// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import {
  attribute,
  be32,
  be64,
  join,
  message,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_REQUEST,
  nested,
  parseAttributeList,
  parseAttributes,
  text,
  viewOf,
} from './message.ts';
import type { NetlinkSocket, TransactionFailure } from './socket.ts';

export const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFNL_BATCH_GENID = 1;
const NFT_MSG_DELTABLE = 2;
const NFT_MSG_GETRULE = 7;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_GETSETELEM = 13;
const NFT_MSG_DELSETELEM = 14;
const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;
const NFTA_TABLE_NAME = 1;
const NFTA_RULE_TABLE = 1;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_EXPR_NAME = 1;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_TIMEOUT = 4;
const NFTA_SET_ELEM_EXPIRATION = 5;
const NFTA_SET_ELEM_KEY_END = 10;
const NFTA_DATA_VALUE = 1;

/** Families of tables that the fence uses. */
export const NFPROTO_INET = 1;
export const NFPROTO_NETDEV = 5;

/** Where a set lives. */
export interface SetPlace {
  readonly family: number;
  readonly table: string;
  readonly set: string;
}

/** An element: a key, or an interval from `key` to `keyEnd`, both included. */
export interface SetElement {
  readonly key: Uint8Array;
  readonly keyEnd?: Uint8Array;
  /**
   * Whole milliseconds until the kernel drops it (the wire unit; the kernel rounds down to jiffies, but not to none).
   * In a listing: what is left.
   */
  readonly timeoutMs?: number;
}

/** One change of a set within a transaction. */
export interface SetChange {
  readonly change: 'add' | 'delete';
  readonly place: SetPlace;
  readonly element: SetElement;
}

/** struct nfgenmsg: family 1, version 1, resource id 2 in network order. */
export function familyHeader(family: number, resource = 0): Uint8Array {
  return Uint8Array.of(family, 0, resource >> 8, resource & 0xff);
}

function encodeElement(element: SetElement, withTimeout: boolean): Uint8Array {
  const parts = [nested(NFTA_SET_ELEM_KEY, attribute(NFTA_DATA_VALUE, element.key))];
  if (element.keyEnd !== undefined) {
    parts.push(nested(NFTA_SET_ELEM_KEY_END, attribute(NFTA_DATA_VALUE, element.keyEnd)));
  }
  if (withTimeout && element.timeoutMs !== undefined) {
    if (!Number.isInteger(element.timeoutMs) || element.timeoutMs < 1) {
      // Zero would mean: for ever.
      throw new PlatformError('BAD_ARGUMENT', `timeout of ${element.timeoutMs} ms`, { call: 'set element' });
    }
    parts.push(be64(NFTA_SET_ELEM_TIMEOUT, BigInt(element.timeoutMs)));
  }
  return nested(NFTA_LIST_ELEM, ...parts);
}

/**
 * Changes sets in one transaction: all of it or nothing, acknowledged on return.
 * @param generation of the rule set that the changes were computed for; an other one refuses with `ERESTART`
 * @returns the refusal, with the index of the change that caused it
 */
export function changeSets(
  socket: NetlinkSocket,
  changes: readonly SetChange[],
  generation?: number,
): TransactionFailure | undefined {
  return transact(socket, 'change sets', changes.map(changeBuilder), generation);
}

/** The batch that makes `changes`, as bytes for another process to send; each change is acknowledged. */
export function encodeSetChanges(changes: readonly SetChange[]): Uint8Array {
  const { begin, end } = frameOf(undefined);
  return join([begin(0), ...changes.map((change, place) => changeBuilder(change)(place + 1)), end(0)]);
}

function changeBuilder({ change, place, element }: SetChange): (sequence: number) => Uint8Array {
  const isAdd = change === 'add';
  const type = (NFNL_SUBSYS_NFTABLES << 8) | (isAdd ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM);
  const parts = [
    familyHeader(place.family),
    text(NFTA_SET_ELEM_LIST_TABLE, place.table),
    text(NFTA_SET_ELEM_LIST_SET, place.set),
    nested(NFTA_SET_ELEM_LIST_ELEMENTS, encodeElement(element, isAdd)),
  ];
  return (sequence) => message(type, NLM_F_REQUEST | NLM_F_ACK | (isAdd ? NLM_F_CREATE : 0), sequence, parts);
}

/** Removes tables with all that is in them, in one transaction. */
export function deleteTables(
  socket: NetlinkSocket,
  tables: readonly { readonly family: number; readonly table: string }[],
): TransactionFailure | undefined {
  const type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_DELTABLE;
  const build = tables.map(
    ({ family, table }) =>
      (sequence: number) =>
        message(type, NLM_F_REQUEST | NLM_F_ACK, sequence, [
          familyHeader(family),
          text(NFTA_TABLE_NAME, table),
        ]),
  );
  return transact(socket, 'delete tables', build);
}

/** Sends messages that ask for an acknowledgement each as one transaction. */
export function transact(
  socket: NetlinkSocket,
  call: string,
  build: readonly ((sequence: number) => Uint8Array)[],
  generation?: number,
): TransactionFailure | undefined {
  const { begin, end } = frameOf(generation);
  return socket.transact(call, begin, build, end);
}

function frameOf(generation: number | undefined): {
  begin: (sequence: number) => Uint8Array;
  end: (sequence: number) => Uint8Array;
} {
  const frame = (type: number, attributes: readonly Uint8Array[]) => (sequence: number) =>
    message(type, NLM_F_REQUEST, sequence, [familyHeader(0, NFNL_SUBSYS_NFTABLES), ...attributes]);
  const computedFor = generation === undefined ? [] : [be32(NFNL_BATCH_GENID, generation)];
  return { begin: frame(NFNL_MSG_BATCH_BEGIN, computedFor), end: frame(NFNL_MSG_BATCH_END, []) };
}

/** The number of the rule set's present generation; every change by anybody in the namespace raises it. */
export function readGeneration(socket: NetlinkSocket): number {
  const type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETGEN;
  for (const part of socket.request('rule set generation', type, 0, [familyHeader(0)])) {
    const id = parseAttributes(part.body.subarray(4)).get(NFTA_GEN_ID);
    if (id !== undefined) return viewOf(id).getUint32(0, false);
  }
  throw new PlatformError('BAD_MESSAGE', 'no generation in the answer', { call: 'rule set generation' });
}

/** The elements of a set that have not expired. */
export function listSet(socket: NetlinkSocket, place: SetPlace): SetElement[] {
  const type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETSETELEM;
  const answer = socket.dump(`list set ${place.set}`, type, [
    familyHeader(place.family),
    text(NFTA_SET_ELEM_LIST_TABLE, place.table),
    text(NFTA_SET_ELEM_LIST_SET, place.set),
  ]);
  const found: SetElement[] = [];
  for (const part of answer) {
    const list = parseAttributes(part.body.subarray(4)).get(NFTA_SET_ELEM_LIST_ELEMENTS);
    for (const [, bytes] of list === undefined ? [] : parseAttributeList(list)) {
      const attributes = parseAttributes(bytes);
      const key = readData(attributes.get(NFTA_SET_ELEM_KEY));
      if (key === undefined) continue;
      const keyEnd = readData(attributes.get(NFTA_SET_ELEM_KEY_END));
      const left = attributes.get(NFTA_SET_ELEM_EXPIRATION);
      found.push({
        key,
        ...(keyEnd === undefined ? {} : { keyEnd }),
        ...(left === undefined ? {} : { timeoutMs: Number(viewOf(left).getBigUint64(0, false)) }),
      });
    }
  }
  return found;
}

/** The names of the expressions of every rule of a table, in the kernel's words (`meta`, `byteorder`, `lookup`). */
export function listRuleExpressions(socket: NetlinkSocket, family: number, table: string): string[][] {
  const type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETRULE;
  return socket
    .dump('list rules', type, [familyHeader(family), text(NFTA_RULE_TABLE, table)])
    .map((part) => parseAttributes(part.body.subarray(4)).get(NFTA_RULE_EXPRESSIONS))
    .filter((list) => list !== undefined)
    .map((list) =>
      parseAttributeList(list).map(([, expression]) => {
        const name = parseAttributes(expression).get(NFTA_EXPR_NAME) ?? new Uint8Array();
        return new TextDecoder().decode(name.subarray(0, Math.max(0, name.length - 1)));
      }),
    );
}

function readData(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : parseAttributes(bytes).get(NFTA_DATA_VALUE);
}
