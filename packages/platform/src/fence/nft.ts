// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readJiffyMs } from '../clocks/clocks.ts';
import { isPlatformError, PlatformError } from '../errors.ts';
import type { Clocks, Fence, Guarded, GuardedSlot } from '../interfaces.ts';
import { ipv4Bytes, ipv4Text, parseIpv4Prefix } from '../netlink/ipv4.ts';
import {
  changeSets,
  deleteTables,
  listRuleExpressions,
  listSet,
  readGeneration,
  type SetChange,
  type SetElement,
} from '../netlink/nftables.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../netlink/socket.ts';
import { isCovering, isOf, leaseElement } from './lease-element.ts';
import { fenceRuleset, fenceTables, setPlaces } from './ruleset.ts';

const GUARDED_MAX = 256;
const ATTEMPTS = 8;
const NFT_TIMEOUT_MS = 10_000;

/** What the fence stands before, and what it reads the time by. */
export interface NftFenceOptions {
  /** Links that carry the guarded addresses. */
  readonly interfaces: readonly string[];
  readonly clocks: Clocks;
  /** Name of the two tables, default `vnfpool`; fences of one namespace need different names. */
  readonly table?: string;
  /** `off` leaves out the netdev egress hook, as on a kernel that has none. Default `auto`. */
  readonly egress?: 'auto' | 'off';
}

/** The nftables fence, which also says how far it reaches. */
export interface NftFence extends Fence {
  readonly kind: 'nft';
  /** Transactions computed anew because the rule set changed underneath; only grows. */
  readonly recomputed: number;
}

/**
 * A fence of nftables sets in the namespace of the calling thread, which stays its namespace.
 *
 * The `nft` program loads the rules once, in the constructor; from there on everything goes over one netlink socket,
 * acknowledged before a call returns, mostly in less than a millisecond. Addresses that an earlier agent's fence of the same name guarded are guarded
 * from the first moment, closed, until {@link Fence.guard} names the list. At most 256 addresses.
 *
 * `openUntil` carries the number of the rule set's generation, read before the clocks: if anybody changed rules meanwhile it
 * is computed anew. When somebody removes the tables, `openUntil`, `close`, `isOpen` and `guard` throw `ENOENT`.
 */
export function createNftFence(options: NftFenceOptions): NftFence {
  const socket = new NetlinkSocket(NETLINK_NETFILTER);
  try {
    const table = options.table ?? 'vnfpool';
    if (!/^[a-z][a-z0-9_]{0,30}$/.test(table) || options.interfaces.length === 0) {
      throw new PlatformError('BAD_ARGUMENT', 'a fence needs a plain table name and a link', {
        call: 'fence',
      });
    }
    const inherited = readInherited(socket, table);
    const rules = { table, interfaces: options.interfaces, guarded: inherited };
    let refusal = options.egress === 'off' ? 'not asked for' : loadRules({ ...rules, withEgress: true });
    const withEgress = refusal === '';
    if (!withEgress) {
      const reason = loadRules({ ...rules, withEgress: false });
      if (reason !== '')
        throw new PlatformError('NFT', `nft refuses the rule set: ${reason}`, { call: 'nft' });
    }
    refusal = refusal.split('\n', 1)[0] ?? '';
    checkByteOrder(socket, table);
    return new LinuxNftFence(socket, options.clocks, table, inherited, withEgress ? '' : refusal);
  } catch (error) {
    socket.close();
    throw error;
  }
}

class LinuxNftFence implements NftFence {
  readonly kind = 'nft';
  readonly guarantee: string;
  recomputed = 0;
  readonly #socket: NetlinkSocket;
  readonly #clocks: Clocks;
  readonly #table: string;
  readonly #guarded: Set<string>;
  #slots: ReadonlyMap<string, readonly string[]> = new Map();
  /** What we wrote and did not delete, by address; no entry: ask the kernel. */
  readonly #written = new Map<string, SetElement | undefined>();
  readonly #jiffyMs = readJiffyMs();

  constructor(
    socket: NetlinkSocket,
    clocks: Clocks,
    table: string,
    guarded: readonly string[],
    egressRefusal: string,
  ) {
    this.#socket = socket;
    this.#clocks = clocks;
    this.#table = table;
    this.#guarded = new Set(guarded);
    const weakness = 'a pause during a write together with a backward step of the wall clock is not covered';
    this.guarantee =
      egressRefusal === ''
        ? `nft: IPv4 and ARP of guarded addresses pass only within the lease, in both directions; ${weakness}`
        : `nft without netdev egress (${egressRefusal}): frames sent by AF_PACKET pass the fence, announcements too; ${weakness}`;
  }

  get guarded(): readonly Guarded[] {
    return [...this.#guarded].map((address) => ({ what: 'address', address }));
  }

  guard(slots: readonly GuardedSlot[]): void {
    const named = slots.map(({ slot, guarded }) => {
      const addresses = guarded.map((each) => {
        if (each.what === 'address') return parseIpv4Prefix(each.address).address;
        throw new PlatformError('UNSUPPORTED', `this fence does not guard a ${each.what}`, { call: 'guard' });
      });
      return [slot, addresses] as const;
    });
    this.#guardAddresses(named.flatMap(([, addresses]) => addresses));
    this.#slots = new Map(named);
  }

  #guardAddresses(addresses: readonly string[]): void {
    const wanted = new Set(addresses.map((address) => parseIpv4Prefix(address).address));
    if (wanted.size > GUARDED_MAX) {
      throw new PlatformError('BAD_ARGUMENT', `at most ${GUARDED_MAX} guarded addresses`, { call: 'guard' });
    }
    const leaving = [...this.#guarded].filter((address) => !wanted.has(address));
    const coming = [...wanted].filter((address) => !this.#guarded.has(address));
    if (leaving.length > 0) this.#write(leaving, () => undefined);
    const places = setPlaces(this.#table, 'guarded');
    const changes = (['delete', 'add'] as const).flatMap((change) =>
      (change === 'delete' ? leaving : coming).flatMap((address) =>
        places.map((place): SetChange => ({ change, place, element: { key: ipv4Bytes(address) } })),
      ),
    );
    if (changes.length === 0) return;
    const failure = changeSets(this.#socket, changes);
    if (failure !== undefined) throw failure.error;
    for (const address of leaving) {
      this.#guarded.delete(address);
      this.#written.delete(address);
    }
    for (const address of coming) {
      this.#guarded.add(address);
      this.#written.set(address, undefined);
    }
  }

  openUntil(ends: ReadonlyMap<string, number>): void {
    const leases = new Map<string, number>();
    for (const [slot, untilMs] of ends) {
      const addresses = this.#slots.get(slot);
      if (addresses === undefined)
        throw new PlatformError('BAD_ARGUMENT', `slot ${slot} is not under the fence`, { call: 'fence' });
      for (const address of addresses) leases.set(address, untilMs);
    }
    this.#write([...leases.keys()], (address) =>
      leaseElement(address, leases.get(address) ?? 0, this.#clocks, this.#jiffyMs),
    );
  }

  close(slot: string): void {
    const addresses = this.#slots.get(slot) ?? [];
    if (addresses.length > 0) this.#write(addresses, () => undefined);
  }

  isOpen(slot: string): boolean {
    return (this.#slots.get(slot) ?? []).every((address) => this.#isAddressOpen(address));
  }

  check(): void {}

  #isAddressOpen(address: string): boolean {
    const plain = parseIpv4Prefix(address).address;
    if (!this.#guarded.has(plain)) return true;
    return setPlaces(this.#table, 'lease').every((place) => {
      const elements = listSet(this.#socket, place);
      const wallMs = this.#clocks.wallMs();
      return elements.some((element) => isCovering(element, plain, wallMs));
    });
  }

  dispose(): void {
    const failure = deleteTables(this.#socket, fenceTables(this.#table));
    this.#socket.close();
    if (failure !== undefined && failure.error.code !== 'ENOENT') throw failure.error;
  }

  /** Puts an element, or none, in the place of each address's old one, in both tables, in one transaction. */
  #write(addresses: readonly string[], compute: (address: string) => SetElement | undefined): void {
    const places = setPlaces(this.#table, 'lease');
    let refusal: PlatformError | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const changes = addresses.flatMap((address) => this.#deletions(address));
      const generation = readGeneration(this.#socket);
      const elements = new Map<string, SetElement | undefined>();
      for (const address of addresses) elements.set(address, compute(address));
      const additions = [...elements.values()].flatMap((element) =>
        element === undefined ? [] : places.map((place): SetChange => ({ change: 'add', place, element })),
      );
      changes.push(...additions);
      // Until the kernel has answered we do not know what is there.
      for (const address of addresses) this.#written.delete(address);
      // What only closes is right whatever happened to the rules, and carries no generation.
      const computedFor = additions.length === 0 ? undefined : generation;
      const failure = changes.length === 0 ? undefined : changeSets(this.#socket, changes, computedFor);
      if (failure === undefined) {
        for (const [address, element] of elements) this.#written.set(address, element);
        return;
      }
      refusal = failure.error;
      if (refusal.code === 'ERESTART') this.recomputed++;
      // ENOENT: an old element ran out meanwhile, perhaps in one of the tables only. The others: one overlaps
      // that we did not know. Listing tells.
      else if (!['ENOENT', 'EEXIST', 'ENOTEMPTY'].includes(refusal.code)) throw refusal;
    }
    throw refusal ?? new PlatformError('NFT', 'no attempt made', { call: 'fence' });
  }

  #deletions(address: string): SetChange[] {
    const places = setPlaces(this.#table, 'lease');
    if (this.#written.has(address)) {
      const element = this.#written.get(address);
      return element === undefined ? [] : places.map((place) => ({ change: 'delete', place, element }));
    }
    return places.flatMap((place) =>
      listSet(this.#socket, place)
        .filter((element) => isOf(element, address))
        .map((element): SetChange => ({ change: 'delete', place, element })),
    );
  }
}

/** Loads rules; returns nft's complaint, empty when it took them. */
function loadRules(rules: Parameters<typeof fenceRuleset>[0]): string {
  const run = spawnSync('nft', ['-f', '-'], {
    input: fenceRuleset(rules),
    encoding: 'utf8',
    timeout: NFT_TIMEOUT_MS,
  });
  if (run.error !== undefined) {
    const message = `cannot run nft: ${run.error.message}; install nftables`;
    throw new PlatformError('NFT', message, { call: 'nft', cause: run.error });
  }
  return run.status === 0 ? '' : run.stderr.trim() || `exit status ${String(run.status)}`;
}

function readInherited(socket: NetlinkSocket, table: string): string[] {
  const found = new Set<string>();
  for (const place of setPlaces(table, 'guarded')) {
    try {
      for (const element of listSet(socket, place)) found.add(ipv4Text(element.key));
    } catch (error) {
      if (!isPlatformError(error, 'ENOENT')) throw error;
    }
  }
  return [...found];
}

/**
 * The kernel compares interval ends byte by byte, so every rule must turn its clock into network order first. An nft
 * that forgets this would make a fence of chance.
 */
function checkByteOrder(socket: NetlinkSocket, table: string): void {
  for (const { family } of fenceTables(table)) {
    const rules = listRuleExpressions(socket, family, table);
    if (rules.length === 0 || !rules.every((names) => names.includes('byteorder'))) {
      const failure = deleteTables(socket, fenceTables(table));
      const message =
        'this nft does not convert the clock of a rule to network order; install another version';
      throw new PlatformError('NFT', message, { call: 'nft', cause: failure?.error });
    }
  }
}
