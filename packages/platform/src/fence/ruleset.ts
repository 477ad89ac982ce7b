// SPDX-License-Identifier: Apache-2.0
import { checkInterfaceName } from '../netlink/link.ts';
import {
  decide,
  doAsMapped,
  type Expression,
  isEqual,
  isIn,
  isNotIn,
  loadMeta,
  loadNetwork,
  META,
  NF_ACCEPT,
  NF_DROP,
  toNetworkOrder8,
} from '../netlink/nft-expressions.ts';
import {
  type ChainShape,
  deleteTable,
  KEY_TYPES,
  NFT_SET_CONCAT,
  NFT_SET_INTERVAL,
  NFT_SET_MAP,
  NFT_SET_TIMEOUT,
  newChain,
  newRules,
  newSet,
  newTable,
  type Request,
  type SetShape,
  type TablePlace,
} from '../netlink/nft-objects.ts';
import {
  NFPROTO_INET,
  NFPROTO_NETDEV,
  type SetElement,
  type SetPlace,
  setRequests,
  type Verdict,
} from '../netlink/nftables.ts';
import { type KeyKind, keyOfText } from './guarded.ts';
import type { HorizonElement } from './horizon-element.ts';
import { CLOSED, HORIZONS_MAX, type HorizonId } from './horizons.ts';

/** Ahead of connection tracking (-200), of flow tables, and of what others put at `raw` (-300). */
const PRIORITY = -450;

/** Maps from what is guarded to what happens to it, in the tables that have rules for it. */
const MAPS: readonly {
  readonly kind: KeyKind;
  readonly families: readonly number[];
  readonly shape: SetShape;
}[] = [
  {
    kind: 'ipv4',
    families: [NFPROTO_NETDEV, NFPROTO_INET],
    shape: { name: 'address4', flags: NFT_SET_MAP, key: [4], keyType: KEY_TYPES.ipv4 },
  },
  {
    kind: 'ipv6',
    families: [NFPROTO_NETDEV, NFPROTO_INET],
    shape: { name: 'address6', flags: NFT_SET_MAP, key: [16], keyType: KEY_TYPES.ipv6 },
  },
  {
    kind: 'link',
    families: [NFPROTO_NETDEV],
    shape: { name: 'links', flags: NFT_SET_MAP, key: [16], keyType: KEY_TYPES.link },
  },
  {
    kind: 'forwarding',
    families: [NFPROTO_INET],
    shape: { name: 'forwarding', flags: NFT_SET_MAP, key: [16], keyType: KEY_TYPES.link },
  },
];

/** Guarded IPv4 addresses once more, to ask whether one is without doing what is mapped. */
const GUARDED4: SetShape = { name: 'guarded4', flags: 0, key: [4], keyType: KEY_TYPES.ipv4 };

/** A set of each horizon; its only element is an interval of the wall clock, with a timeout. */
function horizonShape(id: HorizonId): SetShape {
  return {
    name: `until${id}`,
    flags: NFT_SET_INTERVAL | NFT_SET_TIMEOUT | NFT_SET_CONCAT,
    key: [2, 8],
    keyType: KEY_TYPES.protocolAndTime,
  };
}

/** All that there can be at a time. */
export const HORIZON_IDS: readonly HorizonId[] = Array.from({ length: HORIZONS_MAX }, (_, at) => at + 1);

/** What a map has for something whose slot shares this horizon. */
export function verdictOf(id: HorizonId): Verdict {
  return id === CLOSED ? 'drop' : { jump: `horizon${id}` };
}

/** The horizon of what a map has; null for what is none of ours. */
export function horizonOfVerdict(verdict: Verdict | undefined): HorizonId | null {
  if (verdict === 'drop') return CLOSED;
  const id = Number(/^horizon(\d+)$/.exec(verdict?.jump ?? '')?.[1] ?? CLOSED);
  return id === CLOSED ? null : id;
}

/** The two tables of a fence. */
export function fenceTables(table: string): readonly TablePlace[] {
  return [
    { family: NFPROTO_NETDEV, table },
    { family: NFPROTO_INET, table },
  ];
}

/** Where a kind of key is looked up, and what for. */
export function mapPlaces(table: string, kind: KeyKind): readonly SetPlace[] {
  const map = MAPS.find((each) => each.kind === kind);
  return (map?.families ?? []).map((family) => ({ family, table, set: map?.shape.name ?? '' }));
}

/** Where a kind of key stands once more, without a verdict. */
export function plainPlaces(table: string, kind: KeyKind): readonly SetPlace[] {
  return kind === 'ipv4' ? [{ family: NFPROTO_NETDEV, table, set: GUARDED4.name }] : [];
}

/** The two places of a horizon. */
export function horizonPlaces(table: string, id: HorizonId): readonly SetPlace[] {
  return fenceTables(table).map((place) => ({ ...place, set: horizonShape(id).name }));
}

/** The places of all horizons. */
export function allHorizonPlaces(table: string): readonly SetPlace[] {
  return HORIZON_IDS.flatMap((id) => horizonPlaces(table, id));
}

/** What the sets hold. */
export interface FenceContents {
  /** The horizon of everything guarded, by keyText. */
  readonly values: ReadonlyMap<string, HorizonId>;
  readonly elements: ReadonlyMap<HorizonId, HorizonElement>;
}

/** What the rules are made for. */
export interface FenceRules {
  readonly table: string;
  /** Links whose frames are checked, ARP and neighbour discovery included. */
  readonly links: readonly string[];
  /** What is under the fence from the first moment. */
  readonly contents: FenceContents;
  /** Whether the kernel has the netdev egress hook. */
  readonly withEgress: boolean;
  /** Flags of the tables, see NFT_TABLE_OWNED. */
  readonly tableFlags: number;
}

/** One transaction that puts the rules in place of former ones. */
export function fenceRequests(rules: FenceRules): Request[] {
  const values = [...rules.contents.values].map(([text, id]) => ({ ...keyOfText(text), id }));
  return fenceTables(rules.table).flatMap((place) => {
    const maps = MAPS.filter(({ families }) => families.includes(place.family));
    const isInet = place.family === NFPROTO_INET;
    const base = isInet ? inetChains() : rules.links.flatMap((link) => linkChains(link, rules.withEgress));
    const chains = [...HORIZON_IDS.map(horizonChain), ...base];
    const plain = isInet ? [] : [GUARDED4];
    const sets = [...HORIZON_IDS.map(horizonShape), ...maps.map(({ shape }) => shape), ...plain];
    const fill = (set: string, elements: readonly SetElement[]): Request[] =>
      setRequests({ change: 'add', place: { ...place, set }, elements });
    const keys = (kind: KeyKind): typeof values => values.filter((value) => value.kind === kind);
    return [
      // The first is for the second, which wants a table that is there.
      newTable(place),
      deleteTable(place),
      newTable(place, rules.tableFlags),
      ...sets.map((shape, index) => newSet(place, shape, index + 1)),
      ...chains.map((chain) => newChain(place, chain)),
      ...maps.flatMap(({ kind, shape }) => {
        const elements = keys(kind).map(({ bytes, id }) => ({ key: bytes, verdict: verdictOf(id) }));
        return fill(shape.name, elements);
      }),
      ...plain.flatMap(({ name }) =>
        fill(
          name,
          keys('ipv4').map(({ bytes }) => ({ key: bytes })),
        ),
      ),
      ...[...rules.contents.elements].flatMap(([id, element]) => fill(horizonShape(id).name, [element])),
      ...chains.flatMap((chain) => newRules(place, chain)),
    ];
  });
}

/** The chains on one link. */
function linkChains(link: string, withEgress: boolean): ChainShape[] {
  checkInterfaceName(link);
  const input: ChainShape = {
    name: `in-${link}`,
    hook: { number: 0, priority: PRIORITY, link },
    rules: [
      guard('links', loadMeta(0, META.inputLink16)),
      guard('address4', ...ipv4(META.protocol), loadNetwork(0, 16, 4)),
      // Somebody announces an address that is guarded here too: our neighbour table is to follow its holder.
      [...arp, ...isArpRequest, loadNetwork(0, 14, 4), isIn(GUARDED4.name, 0), decide(NF_ACCEPT)],
      guard('address4', ...arp, ...isArpRequest, loadNetwork(0, 24, 4)),
      guard('address6', ...ipv6(META.protocol), loadNetwork(0, 24, 16)),
      guard('address6', ...neighbourDiscovery(SOLICITATION), loadNetwork(0, 48, 16)),
    ],
  };
  const output: ChainShape = {
    name: `out-${link}`,
    hook: { number: 1, priority: PRIORITY, link },
    rules: [
      guard('links', loadMeta(0, META.outputLink16)),
      guard('address4', ...ipv4(META.protocol), loadNetwork(0, 12, 4)),
      guard('address4', ...arp, loadNetwork(0, 14, 4)),
      guard('address6', ...ipv6(META.protocol), loadNetwork(0, 8, 16)),
      guard('address6', ...neighbourDiscovery(ADVERTISEMENT), loadNetwork(0, 48, 16)),
    ],
  };
  return withEgress ? [input, output] : [input];
}

function inetChains(): ChainShape[] {
  const chain = (name: string, number: number, ...rules: Expression[][]): ChainShape => ({
    name,
    hook: { number, priority: PRIORITY },
    rules,
  });
  return [
    chain(
      'in',
      1,
      guard('address4', ...ipv4(META.family), loadNetwork(0, 16, 4)),
      guard('address6', ...ipv6(META.family), loadNetwork(0, 24, 16)),
    ),
    chain(
      'through',
      2,
      guard('forwarding', loadMeta(0, META.inputLink16)),
      guard('forwarding', loadMeta(0, META.outputLink16)),
    ),
    chain(
      'out',
      3,
      guard('address4', ...ipv4(META.family), loadNetwork(0, 12, 4)),
      guard('address6', ...ipv6(META.family), loadNetwork(0, 8, 16)),
    ),
  ];
}

/** Does what is mapped for the key that `load` leaves in the first registers. */
function guard(map: string, ...load: readonly Expression[]): Expression[] {
  return [...load, doAsMapped(map, 0)];
}

/** Drops when the wall clock is outside the horizon's interval, or the timeout has taken it away; else comes back. */
function horizonChain(id: HorizonId): ChainShape {
  return {
    name: `horizon${id}`,
    rules: [
      [
        loadMeta(0, META.protocol),
        loadMeta(1, META.time8),
        // The kernel compares interval ends byte by byte.
        toNetworkOrder8(1),
        isNotIn(horizonShape(id).name, 0),
        decide(NF_DROP),
      ],
    ],
  };
}

const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const arp: readonly Expression[] = [loadMeta(0, META.protocol), isEqual(0, [0x08, 0x06])];
const isArpRequest: readonly Expression[] = [loadNetwork(0, 6, 2), isEqual(0, [0, 1])];

function ipv4(by: number): Expression[] {
  return [loadMeta(0, by), isEqual(0, by === META.family ? [NFPROTO_IPV4] : [0x08, 0x00])];
}

function ipv6(by: number): Expression[] {
  return [loadMeta(0, by), isEqual(0, by === META.family ? [NFPROTO_IPV6] : [0x86, 0xdd])];
}

/** Messages of it have no headers between. @see RFC 4861 §4 */
function neighbourDiscovery(type: number): Expression[] {
  return [
    ...ipv6(META.protocol),
    loadNetwork(0, 6, 1),
    isEqual(0, [ICMPV6]),
    loadNetwork(0, 40, 1),
    isEqual(0, [type]),
  ];
}
