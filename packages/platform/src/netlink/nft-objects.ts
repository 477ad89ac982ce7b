// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import {
  attribute,
  be32,
  message,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_REQUEST,
  nested,
  parseAttributeList,
  parseAttributes,
  readText,
  text,
} from './message.ts';
import type { Expression } from './nft-expressions.ts';
import { familyHeader, NFNL_SUBSYS_NFTABLES } from './nftables.ts';
import type { NetlinkSocket } from './socket.ts';

const MSG = {
  newTable: 0,
  getTable: 1,
  deleteTable: 2,
  newChain: 3,
  getChain: 4,
  newRule: 6,
  getRule: 7,
  newSet: 9,
  getSet: 10,
  getElement: 13,
} as const;
const NLM_F_APPEND = 0x800;
const NFTA_LIST_ELEM = 1;
const NF_ACCEPT = 1;

/** Nobody but the socket that made the table changes it, until it closes; it stays then. From Linux 6.9 on. */
export const NFT_TABLE_OWNED = 0x6;

export const NFT_SET_INTERVAL = 0x4;
export const NFT_SET_MAP = 0x8;
export const NFT_SET_TIMEOUT = 0x10;
export const NFT_SET_CONCAT = 0x80;

/** A request of a transaction, made when its number is known. */
export type Request = (sequence: number) => Uint8Array;

/** A table of a family. */
export interface TablePlace {
  readonly family: number;
  readonly table: string;
}

/** A set, or with NFT_SET_MAP a map to verdicts. */
export interface SetShape {
  readonly name: string;
  readonly flags: number;
  /** Bytes of the key, of each part of a joined one; each takes whole registers. */
  readonly key: readonly number[];
  /** The `nft` program's number of the key's kind, so that it can list it; six bits for each part of a joined one. */
  readonly keyType: number;
}

/** A chain, at a hook or to jump to. */
export interface ChainShape {
  readonly name: string;
  readonly hook?: {
    readonly number: number;
    readonly priority: number;
    /** For the family netdev. */
    readonly link?: string;
  };
  readonly rules: readonly (readonly Expression[])[];
}

function request(type: number, flags: number, place: TablePlace, parts: readonly Uint8Array[]): Request {
  return (sequence) =>
    message((NFNL_SUBSYS_NFTABLES << 8) | type, NLM_F_REQUEST | NLM_F_ACK | flags, sequence, [
      familyHeader(place.family),
      text(1, place.table),
      ...parts,
    ]);
}

/** Makes a table; one that is there stays, as it is without `flags`. */
export function newTable(place: TablePlace, flags?: number): Request {
  return request(MSG.newTable, NLM_F_CREATE, place, flags === undefined ? [] : [be32(2, flags)]);
}

/** Removes a table with all that is in it. */
export function deleteTable(place: TablePlace): Request {
  return request(MSG.deleteTable, 0, place, []);
}

/** @param id tells the new sets of one transaction apart */
export function newSet(place: TablePlace, shape: SetShape, id: number): Request {
  const parts = shape.key.map((bytes) => nested(NFTA_LIST_ELEM, be32(1, bytes)));
  const keyBytes = shape.key.reduce((sum, bytes) => sum + ((bytes + 3) & ~3), 0);
  return request(MSG.newSet, NLM_F_CREATE, place, [
    text(2, shape.name),
    be32(3, shape.flags),
    be32(4, shape.keyType),
    be32(5, keyBytes),
    ...((shape.flags & NFT_SET_MAP) === 0 ? [] : [be32(6, NFT_DATA_VERDICT)]),
    ...((shape.flags & NFT_SET_CONCAT) === 0 ? [] : [nested(9, nested(2, ...parts))]),
    be32(10, id),
  ]);
}

const NFT_DATA_VERDICT = 0xffffff00;
const NFT_DATA_INTEGER = 4;
const NFT_SET_EVAL = 0x20;

/** A map that rules fill themselves; what they put in goes by itself. */
export interface FilledMapShape {
  readonly name: string;
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Elements at most. */
  readonly size: number;
}

/** @param id as of `newSet` */
export function newFilledMap(place: TablePlace, shape: FilledMapShape, id: number): Request {
  return request(MSG.newSet, NLM_F_CREATE, place, [
    text(2, shape.name),
    be32(3, NFT_SET_MAP | NFT_SET_TIMEOUT | NFT_SET_EVAL),
    be32(4, NFT_DATA_INTEGER),
    be32(5, shape.keyBytes),
    be32(6, NFT_DATA_INTEGER),
    be32(7, shape.valueBytes),
    nested(9, be32(1, shape.size)),
    be32(10, id),
  ]);
}

/** The value under a key of a map; undefined: there is none. */
export function readMapped(
  socket: NetlinkSocket,
  place: TablePlace,
  map: string,
  key: Uint8Array,
): Uint8Array | undefined {
  const element = nested(NFTA_LIST_ELEM, nested(1, attribute(1, key)));
  try {
    const answer = socket.request('read a map', (NFNL_SUBSYS_NFTABLES << 8) | MSG.getElement, 0, [
      familyHeader(place.family),
      text(1, place.table),
      text(2, map),
      nested(3, element),
    ]);
    for (const part of answer) {
      const list = parseAttributes(part.body.subarray(4)).get(3);
      const [, first] = (list === undefined ? [] : parseAttributeList(list))[0] ?? [];
      const data = first === undefined ? undefined : parseAttributes(first).get(2);
      return data === undefined ? undefined : parseAttributes(data).get(1);
    }
  } catch (error) {
    if (!isPlatformError(error, 'ENOENT')) throw error;
  }
  return undefined;
}

/** The `nft` program's numbers of kinds of keys; `protocolAndTime` is 10 and 43 in six bits each. */
export const KEY_TYPES = { ipv4: 7, ipv6: 8, link: 41, protocolAndTime: 683 } as const;

/** Makes an empty chain. */
export function newChain(place: TablePlace, { name: chain, hook }: ChainShape): Request {
  if (hook === undefined) return request(MSG.newChain, NLM_F_CREATE, place, [text(3, chain)]);
  const at = [
    be32(1, hook.number),
    be32(2, hook.priority >>> 0),
    ...(hook.link === undefined ? [] : [text(3, hook.link)]),
  ];
  const policy = be32(5, NF_ACCEPT);
  return request(MSG.newChain, NLM_F_CREATE, place, [
    text(3, chain),
    nested(4, ...at),
    policy,
    text(7, 'filter'),
  ]);
}

/** Fills a chain. */
export function newRules(place: TablePlace, { name: chain, rules }: ChainShape): Request[] {
  return rules.map((rule) =>
    request(MSG.newRule, NLM_F_CREATE | NLM_F_APPEND, place, [text(2, chain), nested(4, ...rule)]),
  );
}

/**
 * All of a table but the elements of its sets, as words that are equal when it is unchanged: flags, sets, hooks, policies,
 * and rules in their order. Empty: there is no such table.
 */
export function describeTable(socket: NetlinkSocket, place: TablePlace): string[] {
  const list = (type: number, words: (attributes: Map<number, Uint8Array>) => readonly string[]): string[] =>
    socket
      .dump('describe table', (NFNL_SUBSYS_NFTABLES << 8) | type, [
        familyHeader(place.family),
        text(1, place.table),
      ])
      .map((part) => parseAttributes(part.body.subarray(4)))
      // Not every listing leaves out the others.
      .filter((attributes) => name(attributes.get(1)) === place.table)
      .map((attributes) => words(attributes).join(' '));
  try {
    const tables = list(MSG.getTable, (table) => ['table', hex(table.get(2))]);
    if (tables.length === 0) return [];
    return [
      ...tables,
      ...list(MSG.getSet, (set) => ['set', name(set.get(2)), hex(set.get(3)), hex(set.get(5))]),
      ...list(MSG.getChain, (chain) => ['chain', name(chain.get(3)), hex(chain.get(4)), hex(chain.get(5))]),
      ...list(MSG.getRule, (rule) => ['rule', name(rule.get(2)), hex(rule.get(4))]),
    ];
  } catch (error) {
    // It went while we were looking.
    if (isPlatformError(error, 'ENOENT')) return [];
    throw error;
  }
}

function name(bytes: Uint8Array | undefined): string {
  return readText(bytes ?? new Uint8Array());
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}
