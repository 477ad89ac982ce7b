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
  readText,
  text,
  viewOf,
} from './message.ts';
import type { NetlinkSocket, TransactionFailure } from './socket.ts';

export const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFNL_BATCH_GENID = 1;
const NFT_MSG_DELTABLE = 2;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_GETSETELEM = 13;
const NFT_MSG_DELSETELEM = 14;
const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;
const NFTA_TABLE_NAME = 1;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;
const NFTA_SET_ELEM_TIMEOUT = 4;
const NFTA_SET_ELEM_EXPIRATION = 5;
const NFTA_SET_ELEM_KEY_END = 10;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFTA_VERDICT_CODE = 1;
const NFTA_VERDICT_CHAIN = 2;
/** -3 */
const NFT_JUMP = 0xfffffffd;

/** Families of tables that the fence uses. */
export const NFPROTO_INET = 1;
export const NFPROTO_NETDEV = 5;

/** Where a set lives. */
export interface SetPlace {
  readonly family: number;
  readonly table: string;
  readonly set: string;
}

/** What happens to a packet. */
export type Verdict = 'drop' | { readonly jump: string };

/** An element: a key, or an interval from `key` to `keyEnd`, both included. */
export interface SetElement {
  readonly key: Uint8Array;
  readonly keyEnd?: Uint8Array;
  /** What a map of verdicts has for it: `drop`, or a chain to jump to. */
  readonly verdict?: Verdict;
  /**
   * Whole milliseconds until the kernel drops it (the wire unit; the kernel rounds down to jiffies, but not to none).
   * In a listing: what is left.
   */
  readonly timeoutMs?: number;
}

/** A change of a set within a transaction. */
export interface SetChange {
  readonly change: 'add' | 'delete';
  readonly place: SetPlace;
  readonly elements: readonly SetElement[];
}

/** Elements of one message: an attribute holds 64 KiB, and one of ours takes at most 100 bytes. */
const ELEMENTS_MAX = 400;

/** struct nfgenmsg: family 1, version 1, resource id 2 in network order. */
export function familyHeader(family: number, resource = 0): Uint8Array {
  return Uint8Array.of(family, 0, resource >> 8, resource & 0xff);
}

function encodeElement(element: SetElement, isAdd: boolean): Uint8Array {
  const parts = [nested(NFTA_SET_ELEM_KEY, attribute(NFTA_DATA_VALUE, element.key))];
  if (element.keyEnd !== undefined) {
    parts.push(nested(NFTA_SET_ELEM_KEY_END, attribute(NFTA_DATA_VALUE, element.keyEnd)));
  }
  if (isAdd && element.verdict !== undefined) {
    parts.push(nested(NFTA_SET_ELEM_DATA, nested(NFTA_DATA_VERDICT, ...encodeVerdict(element.verdict))));
  }
  if (isAdd && element.timeoutMs !== undefined) {
    if (!Number.isInteger(element.timeoutMs) || element.timeoutMs < 1) {
      // Zero would mean: for ever.
      throw new PlatformError('BAD_ARGUMENT', `timeout of ${element.timeoutMs} ms`, { call: 'set element' });
    }
    parts.push(be64(NFTA_SET_ELEM_TIMEOUT, BigInt(element.timeoutMs)));
  }
  return nested(NFTA_LIST_ELEM, ...parts);
}

function encodeVerdict(verdict: Verdict): Uint8Array[] {
  return verdict === 'drop'
    ? [be32(NFTA_VERDICT_CODE, 0)]
    : [be32(NFTA_VERDICT_CODE, NFT_JUMP), text(NFTA_VERDICT_CHAIN, verdict.jump)];
}

/** Undefined for one that is none of ours. */
function readVerdict(data: Uint8Array | undefined): Verdict | undefined {
  const bytes = data === undefined ? undefined : parseAttributes(data).get(NFTA_DATA_VERDICT);
  const verdict = bytes === undefined ? undefined : parseAttributes(bytes);
  const code = verdict?.get(NFTA_VERDICT_CODE);
  if (verdict === undefined || code === undefined) return undefined;
  const number = viewOf(code).getUint32(0, false);
  if (number === 0) return 'drop';
  const chain = verdict.get(NFTA_VERDICT_CHAIN);
  return number === NFT_JUMP && chain !== undefined ? { jump: readText(chain) } : undefined;
}

/**
 * Changes sets in one transaction: all of it or nothing, acknowledged on return.
 * @param generation of the rule set that the changes were computed for; an other one refuses with `ERESTART`
 */
export function changeSets(
  socket: NetlinkSocket,
  changes: readonly SetChange[],
  generation?: number,
): TransactionFailure | undefined {
  return transact(socket, 'change sets', changes.flatMap(setRequests), generation);
}

/** A transaction as bytes for another process to send; each request is acknowledged. */
export function encodeTransaction(requests: readonly ((sequence: number) => Uint8Array)[]): Uint8Array {
  const { begin, end } = frameOf(undefined);
  return join([begin(0), ...requests.map((build, place) => build(place + 1)), end(0)]);
}

/** The requests of a change: none without elements. */
export function setRequests({ change, place, elements }: SetChange): ((sequence: number) => Uint8Array)[] {
  const requests: ((sequence: number) => Uint8Array)[] = [];
  for (let from = 0; from < elements.length; from += ELEMENTS_MAX)
    requests.push(setRequest(change, place, elements.slice(from, from + ELEMENTS_MAX)));
  return requests;
}

function setRequest(
  change: SetChange['change'],
  place: SetPlace,
  elements: readonly SetElement[],
): (sequence: number) => Uint8Array {
  const isAdd = change === 'add';
  const type = (NFNL_SUBSYS_NFTABLES << 8) | (isAdd ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM);
  const parts = [
    familyHeader(place.family),
    text(NFTA_SET_ELEM_LIST_TABLE, place.table),
    text(NFTA_SET_ELEM_LIST_SET, place.set),
    nested(NFTA_SET_ELEM_LIST_ELEMENTS, ...elements.map((element) => encodeElement(element, isAdd))),
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
      const verdict = readVerdict(attributes.get(NFTA_SET_ELEM_DATA));
      found.push({
        key,
        ...(keyEnd === undefined ? {} : { keyEnd }),
        ...(verdict === undefined ? {} : { verdict }),
        ...(left === undefined ? {} : { timeoutMs: Number(viewOf(left).getBigUint64(0, false)) }),
      });
    }
  }
  return found;
}

function readData(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : parseAttributes(bytes).get(NFTA_DATA_VALUE);
}
