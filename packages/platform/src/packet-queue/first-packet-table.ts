// SPDX-License-Identifier: Apache-2.0

import type { ConntrackLayer4, ConntrackTuple } from '../conntrack/entry.ts';
import { IPS_CONFIRMED, IPS_DST_NAT, IPS_SRC_NAT } from '../conntrack/entry.ts';
import { PlatformError } from '../errors.ts';
import { type Expression, isEqual, isIn, loadMeta, loadNetwork, META } from '../netlink/nft-expressions.ts';
import {
  deleteTable,
  type FilledMapShape,
  NFT_SET_TIMEOUT,
  newChain,
  newFilledMap,
  newRules,
  newSet,
  newTable,
  type Request,
  readMapped,
  type TablePlace,
} from '../netlink/nft-objects.ts';
import { changeSets, NFPROTO_INET, type SetElement, setRequests, transact } from '../netlink/nftables.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../netlink/socket.ts';
import { type FirstPacket, HEAD_BYTES } from './packet.ts';
import {
  CT,
  hasBits,
  jumpTo,
  loadFlow,
  loadOriginal,
  loadTransport,
  putInto,
  queueByTarget,
  queueTo,
} from './rule-expressions.ts';

/*
 * The kernel says with a packet in a queue what it looks like, but not of which flow it is, and a flow that begins is in no table that could be
 * asked. So the rule that hands a first packet over puts down first what it looked like before its translation: under its addresses, its
 * protocol and the first octets of layer 4. Behind NAT (100), ahead of helpers (300) and of what puts the flow into the table.
 */
const POSTROUTING = 4;
const PRIORITY = 250;
/** What is not asked for by then belongs to no packet that waits. */
const ORIGINAL_MS = 3_000;
const ORIGINALS_MAX = 65_536;
/** Without a word of its program for so long the table does nothing any more. */
export const ALIVE_MS = 10_000;
/** How often the program is to say that it lives. */
export const ALIVE_EVERY_MS = 2_500;

const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
const ALIVE = 'alive';
const WAITING = 'waiting';
const NFPROTO_TYPE = 2;

/** Of each family: where its addresses stand in the header, and the maps, each of as much as the sixteen registers leave room for. */
const FAMILIES = [
  {
    family: NFPROTO_IPV4,
    bytes: 4,
    at: 12,
    maps: [
      {
        name: 'original4',
        load: [CT.sourceIpv4, CT.destinationIpv4, CT.protocolSource, CT.protocolDestination],
      },
    ],
  },
  {
    family: NFPROTO_IPV6,
    bytes: 16,
    at: 8,
    maps: [
      { name: 'source6', load: [CT.sourceIpv6, CT.protocolSource] },
      { name: 'destination6', load: [CT.destinationIpv6, CT.protocolDestination] },
    ],
  },
] as const;
type Family = (typeof FAMILIES)[number];

const ADDRESSES: ReadonlySet<number> = new Set([
  CT.sourceIpv4,
  CT.destinationIpv4,
  CT.sourceIpv6,
  CT.destinationIpv6,
]);

/** Which of the kernel's ways hands a packet over: the expression of nftables, or the target of xtables. */
export type HandOver = 'queue' | 'target';

/**
 * Rules of the calling thread's namespace by which the first packet of each translated flow waits in a queue. A packet whose queue nobody has is
 * dropped; who made the table says that it lives, or it does nothing any more after ten seconds.
 */
export class FirstPacketTable {
  readonly #socket = new NetlinkSocket(NETLINK_NETFILTER);
  readonly #place: TablePlace;
  /** By which of the kernel's ways. */
  readonly handOver: HandOver;

  /**
   * In place of a table of this name that is there.
   * @throws PlatformError `UNSUPPORTED` with both refusals on a kernel that hands no packets over; `EPERM`
   */
  constructor(table: string, queue: number) {
    this.#place = { family: NFPROTO_INET, table };
    try {
      this.handOver = this.#load(queue);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  /** To be called every {@link ALIVE_EVERY_MS}. */
  live(): void {
    const place = { ...this.#place, set: ALIVE };
    // Taking away what has timed out is refused.
    const failure = changeSets(this.#socket, [
      { change: 'delete', place, elements: families() },
      { change: 'add', place, elements: alive() },
    ]);
    if (failure === undefined) return;
    const again = changeSets(this.#socket, [{ change: 'add', place, elements: alive() }]);
    if (again !== undefined) throw again.error;
  }

  /** What the packet's flow was before its translation; undefined: it is not known any more, or there was no room. @throws PlatformError */
  originalOf({ tuple, head }: FirstPacket): ConntrackTuple | undefined {
    const family = FAMILIES.find(({ bytes }) => bytes === tuple.source.length);
    if (family === undefined) return undefined;
    const key = keyOf(tuple, head);
    const found: Record<number, Uint8Array> = {};
    for (const { name, load } of family.maps) {
      const value = readMapped(this.#socket, this.#place, name, key);
      if (value === undefined) return undefined;
      let at = 0;
      for (const each of load) {
        const bytes = ADDRESSES.has(each) ? family.bytes : 4;
        found[each] = value.subarray(at, at + bytes);
        at += bytes;
      }
    }
    const isIpv4 = family.family === NFPROTO_IPV4;
    const source = found[isIpv4 ? CT.sourceIpv4 : CT.sourceIpv6];
    const destination = found[isIpv4 ? CT.destinationIpv4 : CT.destinationIpv6];
    if (source === undefined || destination === undefined) return undefined;
    const layer4 = layer4Of(tuple.layer4, found[CT.protocolSource], found[CT.protocolDestination]);
    return { source, destination, protocol: tuple.protocol, layer4 };
  }

  /** The rules stay, until they are removed or do nothing any more. */
  close(): void {
    this.#socket.close();
  }

  #load(queue: number): HandOver {
    const refusals: string[] = [];
    for (const handOver of ['queue', 'target'] as const) {
      const failure = transact(
        this.#socket,
        'hold first packets',
        requests(this.#place, handOver === 'queue' ? queueTo(queue) : queueByTarget(queue)),
      );
      if (failure === undefined) return handOver;
      if (failure.error.code === 'EPERM') throw failure.error;
      refusals.push(
        `by ${handOver === 'queue' ? 'nftables (CONFIG_NFT_QUEUE)' : 'xtables (CONFIG_NFT_COMPAT, CONFIG_NETFILTER_XT_TARGET_NFQUEUE)'}: ${failure.error.code}`,
      );
    }
    const message = `the kernel hands no packets to a program: ${refusals.join('; ')}`;
    throw new PlatformError('UNSUPPORTED', message, { call: 'hold first packets' });
  }
}

/** Takes such a table away, whoever made it, from the calling thread's namespace: packets pass from then on. */
export function removeFirstPacketTable(table: string): void {
  const socket = new NetlinkSocket(NETLINK_NETFILTER);
  try {
    transact(socket, 'remove the table of first packets', removal({ family: NFPROTO_INET, table }));
  } finally {
    socket.close();
  }
}

/** Of one that need not be there. */
function removal(place: TablePlace): Request[] {
  return [newTable(place), deleteTable(place)];
}

function requests(place: TablePlace, handOver: Expression): Request[] {
  const shapes = FAMILIES.flatMap(mapShapes);
  const first = { name: 'first', hook: { number: POSTROUTING, priority: PRIORITY } };
  return [
    ...removal(place),
    newTable(place),
    newSet(place, { name: ALIVE, flags: NFT_SET_TIMEOUT, key: [4], keyType: NFPROTO_TYPE }, 1),
    ...shapes.map((shape, index) => newFilledMap(place, shape, index + 2)),
    newChain(place, { name: WAITING, rules: [] }),
    newChain(place, { ...first, rules: [] }),
    ...setRequests({ change: 'add', place: { ...place, set: ALIVE }, elements: alive() }),
    ...newRules(place, { name: WAITING, rules: [...FAMILIES.map(originalRule), [handOver]] }),
    ...newRules(place, { ...first, rules: [firstRule()] }),
  ];
}

/** Translated, and in no table yet. */
function firstRule(): Expression[] {
  return [
    loadFlow(0, CT.status),
    ...hasBits(0, IPS_SRC_NAT | IPS_DST_NAT, true),
    ...hasBits(0, IPS_CONFIRMED, false),
    loadFlow(0, CT.zone),
    isEqual(0, [0, 0]),
    loadMeta(0, META.family),
    isIn(ALIVE, 0),
    jumpTo(WAITING),
  ];
}

/** Puts down what the flow was; of a packet that is too short for it nothing. */
function originalRule({ family, bytes, at, maps }: Family): Expression[] {
  const protocolAt = bytes / 2;
  const valueAt = protocolAt + 1 + HEAD_BYTES / 4;
  return [
    loadMeta(0, META.family),
    isEqual(0, [family]),
    loadNetwork(0, at, 2 * bytes),
    loadMeta(protocolAt, META.layer4),
    loadTransport(protocolAt + 1, HEAD_BYTES),
    ...maps.flatMap(({ name, load }) => {
      let place = valueAt;
      const loads = load.map((each) => {
        const into = place;
        place += (ADDRESSES.has(each) ? bytes : 4) / 4;
        return loadOriginal(into, each);
      });
      return [...loads, putInto(name, 0, valueAt, ORIGINAL_MS)];
    }),
  ];
}

function mapShapes({ bytes, maps }: Family): FilledMapShape[] {
  return maps.map(({ name, load }) => ({
    name,
    keyBytes: 2 * bytes + 4 + HEAD_BYTES,
    valueBytes: load.reduce<number>((sum, each) => sum + (ADDRESSES.has(each) ? bytes : 4), 0),
    size: ORIGINALS_MAX,
  }));
}

/** As `originalRule` has it in its registers. */
function keyOf({ source, destination, protocol }: ConntrackTuple, head: Uint8Array): Uint8Array {
  const at = 2 * source.length;
  const key = new Uint8Array(at + 4 + HEAD_BYTES);
  key.set(source);
  key.set(destination, source.length);
  key[at] = protocol;
  key.set(head, at + 4);
  return key;
}

/** Of ICMP the kernel keeps the identifier as the source, type and code as the destination. */
function layer4Of(
  translated: ConntrackLayer4,
  source: Uint8Array = new Uint8Array(2),
  destination: Uint8Array = new Uint8Array(2),
): ConntrackLayer4 {
  const u16 = (bytes: Uint8Array): number => ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  if (translated?.kind !== 'icmp')
    return { kind: 'ports', source: u16(source), destination: u16(destination) };
  return { kind: 'icmp', type: destination[0] ?? 0, code: destination[1] ?? 0, id: u16(source) };
}

function families(): SetElement[] {
  return [NFPROTO_IPV4, NFPROTO_IPV6].map((family) => ({ key: Uint8Array.of(family, 0, 0, 0) }));
}

function alive(): SetElement[] {
  return families().map((element) => ({ ...element, timeoutMs: ALIVE_MS }));
}
