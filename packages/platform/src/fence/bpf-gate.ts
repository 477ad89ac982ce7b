// SPDX-License-Identifier: Apache-2.0
import {
  attachedPrograms,
  attachProgram,
  BpfMap,
  type Direction,
  detachProgram,
  type LinkProgram,
  loadProgram,
  type MapShape,
  openById,
  readInfo,
  runProgram,
} from '../bpf/index.ts';
import { PlatformError } from '../errors.ts';
import type { Clocks } from '../interfaces.ts';
import { libc } from '../libc/libc.ts';
import { inNamespace, type NetworkNamespace, openOwnNamespace } from '../namespaces/namespace.ts';
import { viewOf } from '../netlink/message.ts';
import { inheritedAddresses } from './bpf-inherited.ts';
import { DROP, fenceProgram, GUARDED_KEY_BYTES, KEY_KIND, PASS } from './bpf-program.ts';
import {
  GUARDED_MAX,
  type GuardedKey,
  type GuardedTable,
  guardedOf,
  keyOfText,
  keyText,
  linksOf,
  SLOTS_MAX,
} from './guarded.ts';
import { LinkWatch } from './link-watch.ts';

/** Of the form of maps and programs: a fence of another one is another's. */
const FORM = 1;
const NAME: Readonly<Record<Direction, string>> = { in: `vnfpool_in${FORM}`, out: `vnfpool_out${FORM}` };
const DIRECTIONS: readonly Direction[] = ['in', 'out'];
const GUARDED: MapShape = {
  kind: 'hash',
  name: 'vnfpool_guarded',
  keyBytes: GUARDED_KEY_BYTES,
  valueBytes: 4,
  entriesMax: GUARDED_MAX,
};
/** The first is nobody's, and stays closed. */
const DEADLINES: MapShape = {
  kind: 'array',
  name: 'vnfpool_until',
  keyBytes: 4,
  valueBytes: 8,
  entriesMax: SLOTS_MAX + 1,
};
const NOBODY = 0;
const CLOSED_NS = 0n;
/** Entries of the maps that one look reads: a thousand would hold up the renewals for milliseconds. */
const CHECKED_AT_ONCE = 128;
/** Ahead of what the probe's clock may be late by. */
const PROBE_OPEN_MS = 60_000;
const PROBE_ADDRESS: readonly number[] = [192, 0, 2, 1];

interface Programs {
  /** On Ethernet, and on links of bare packets, for each direction. */
  readonly ethernet: Readonly<Record<Direction, LinkProgram>>;
  readonly bare: Readonly<Record<Direction, LinkProgram>>;
}

/**
 * Programs on links that compare CLOCK_BOOTTIME with a deadline for each slot. They stay when this process ends, with
 * their maps and deadlines; the next one puts its own, closed, before it takes these away. What an ended process would still
 * write goes to maps that no program reads.
 */
export class BpfGate {
  readonly #guarded: BpfMap;
  readonly #deadlines: BpfMap;
  readonly #programs: Programs;
  readonly #links = new LinkWatch();
  /** Links are known to the system call by their index in the caller's namespace. */
  readonly #home: NetworkNamespace = openOwnNamespace();
  readonly #base: readonly string[];
  #also: readonly string[] = [];
  /** Links with our programs, by index. */
  readonly #attached = new Set<number>();
  /** Numbers of slots; 0 is nobody's. */
  readonly #numbers = new Map<string, number>();
  #entries = new Map<string, Entry>();
  /** What each slot's deadline was set to. */
  readonly #ends = new Map<number, bigint>();
  #table: GuardedTable = { slots: new Set(), slotOf: new Map() };
  #turns = 0;

  /**
   * @param inherited what is to be guarded from the first moment, closed
   * @throws PlatformError when this kernel, or our rights in it, are not enough; then nothing is changed
   */
  constructor(links: readonly string[], clocks: Clocks, inherited: readonly GuardedKey[]) {
    this.#base = links;
    this.#guarded = BpfMap.create(GUARDED);
    this.#deadlines = BpfMap.create(DEADLINES);
    this.#programs = { ethernet: this.#load(14), bare: this.#load(0) };
    try {
      this.#probe(clocks);
      this.#links.watch(links);
      // What an ended agent's programs guard is so from the first moment, too, should nftables know nothing of it any more.
      const former = inNamespace(this.#home.fd, () =>
        inheritedAddresses(this.#links.indexes.values(), NAME.in, GUARDED.name),
      );
      const texts = [...inherited, ...former].map(keyText);
      this.#table = { slots: new Set(), slotOf: new Map(texts.map((text) => [text, ''])) };
      this.#watchLinks();
      this.#writeGuarded();
      this.#attachAll();
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** What is guarded, by keyText. */
  get guarded(): readonly string[] {
    return [...this.#table.slotOf.keys()];
  }

  /** @param also links on which addresses are besides those that it was made for */
  guard(table: GuardedTable, also: readonly string[]): void {
    this.#also = also;
    this.#table = table;
    for (const [slot, number] of this.#numbers) {
      if (table.slots.has(slot)) continue;
      this.#writeEnd(number, CLOSED_NS);
      this.#numbers.delete(slot);
    }
    const taken = new Set(this.#numbers.values());
    let free = NOBODY + 1;
    for (const slot of table.slots) {
      if (this.#numbers.has(slot)) continue;
      while (taken.has(free)) free++;
      taken.add(free);
      this.#numbers.set(slot, free);
      this.#writeEnd(free, CLOSED_NS);
    }
    this.#watchLinks();
    this.#writeGuarded();
    this.#attachAll();
    this.#leaveOthers();
  }

  /** One write a slot, all in one call; the deadline is absolute, so that it may arrive at any time. */
  openUntil(ends: ReadonlyMap<string, number>): void {
    const entries = new Map<number, bigint>();
    for (const [slot, untilMs] of ends)
      entries.set(this.#numberOf(slot), untilMs > 0 ? BigInt(Math.floor(untilMs * 1e6)) : CLOSED_NS);
    for (const [number, endNs] of entries) this.#ends.set(number, endNs);
    this.#deadlines.setNumbers(entries);
  }

  close(slot: string): void {
    const number = this.#numbers.get(slot);
    if (number !== undefined) this.#writeEnd(number, CLOSED_NS);
  }

  isOpen(slot: string, boottimeMs: number): boolean {
    const number = this.#numbers.get(slot);
    if (number === undefined) return true;
    const isGuarded = [...this.#table.slotOf.values()].includes(slot);
    return !isGuarded || this.#endOf(number) > BigInt(Math.floor(boottimeMs * 1e6));
  }

  /** Puts right what somebody changed, closed. @returns what that was, in words */
  check(): string[] {
    const found = this.#links.changes();
    for (const [name, index] of this.#links.indexes) {
      if (!this.#attached.has(index)) continue;
      for (const direction of DIRECTIONS) {
        if (this.#isAttached(name, index, direction)) continue;
        found.push(`the program on ${name} (${direction}) is gone`);
        this.#attached.delete(index);
      }
    }
    for (const { bytes, number } of this.#turn([...this.#entries.values()])) {
      const value = this.#guarded.get(bytes);
      if (value !== undefined && viewOf(value).getUint32(0, true) === number) continue;
      found.push('an entry of the map of what is guarded is another');
      break;
    }
    for (const [number, endNs] of this.#turn([...this.#ends])) {
      if (this.#endOf(number) === endNs) continue;
      found.push(`the deadline of slot ${this.#nameOf(number)} is another`);
    }
    this.#turns++;
    if (found.length === 0) return found;
    for (const number of this.#ends.keys()) this.#writeEnd(number, CLOSED_NS);
    this.#entries.clear();
    this.#writeGuarded();
    this.#attachAll();
    return found;
  }

  /** Takes the programs away, and with them the maps. */
  dispose(): void {
    for (const [name, index] of this.#links.indexes) {
      if (!this.#attached.has(index)) continue;
      inNamespace(this.#home.fd, () => {
        for (const direction of DIRECTIONS)
          detachProgram(index, direction, this.#programOf(name, direction).fd);
      });
    }
    this.abandon();
  }

  /** Lets go of all without changing anything in the kernel. */
  abandon(): void {
    for (const set of [this.#programs.ethernet, this.#programs.bare])
      for (const direction of DIRECTIONS) libc().close(set[direction].fd);
    this.#guarded.close();
    this.#deadlines.close();
    this.#links.close();
    this.#home.close();
  }

  /** Those whose turn it is to be looked at: all of them, where they are few. */
  #turn<Each>(all: readonly Each[]): readonly Each[] {
    const parts = Math.ceil(all.length / CHECKED_AT_ONCE);
    const from = (this.#turns % Math.max(parts, 1)) * CHECKED_AT_ONCE;
    return all.slice(from, from + CHECKED_AT_ONCE);
  }

  #load(headerBytes: number): Record<Direction, LinkProgram> {
    const load = (direction: Direction): LinkProgram =>
      loadProgram(
        NAME[direction],
        fenceProgram({
          direction,
          headerBytes,
          guardedFd: this.#guarded.fd,
          deadlinesFd: this.#deadlines.fd,
        }),
      );
    return { in: load('in'), out: load('out') };
  }

  /**
   * Runs the program over a frame: it must pass before a deadline by our clock, and no more when that has come. In a time
   * namespace our clock is another than the kernel's.
   */
  #probe(clocks: Clocks): void {
    const frame = new Uint8Array(64);
    frame.set([0x08, 0x00, 0x45], 12);
    frame.set(PROBE_ADDRESS, 26);
    const key = kernelKey('ipv4', Uint8Array.from(PROBE_ADDRESS));
    const verdictAt = (endMs: number): number => {
      this.#deadlines.set(u32(NOBODY), u64(BigInt(Math.floor(endMs * 1e6))));
      return runProgram(this.#programs.ethernet.out, frame);
    };
    this.#guarded.set(key, u32(NOBODY));
    const isPassing = verdictAt(clocks.boottimeMs() + PROBE_OPEN_MS) === PASS;
    const isDropping = verdictAt(clocks.boottimeMs()) === DROP;
    this.#deadlines.set(u32(NOBODY), u64(CLOSED_NS));
    this.#guarded.delete(key);
    if (isPassing && isDropping) return;
    const message =
      'the programs of this kernel go by another CLOCK_BOOTTIME than this process (a time namespace?)';
    throw new PlatformError('UNSUPPORTED', message, { call: 'probe' });
  }

  /** Ours first, then those of an ended agent go: there is no moment without. */
  #attachAll(): void {
    for (const index of this.#attached)
      if (![...this.#links.indexes.values()].includes(index)) this.#attached.delete(index);
    for (const [name, index] of this.#links.indexes) {
      if (index === 0 || this.#attached.has(index)) continue;
      inNamespace(this.#home.fd, () => {
        for (const direction of DIRECTIONS) {
          const own = this.#programOf(name, direction);
          const there = attachedPrograms(index, direction);
          if (!there.includes(own.id)) attachProgram(index, direction, own);
          for (const id of there) if (id !== own.id) detachIfOurs(index, direction, id);
        }
      });
      this.#attached.add(index);
    }
  }

  /** Links that are guarded no more, by us or by an ended agent. */
  #leaveOthers(): void {
    inNamespace(this.#home.fd, () => {
      for (const index of this.#links.others())
        for (const direction of DIRECTIONS)
          for (const id of attachedPrograms(index, direction)) detachIfOurs(index, direction, id);
    });
  }

  #watchLinks(): void {
    const guarded = linksOf(this.#table.slotOf.keys(), 'link', 'forwarding');
    this.#links.watch([...new Set([...this.#base, ...this.#also, ...guarded])]);
  }

  #isAttached(name: string, index: number, direction: Direction): boolean {
    const { id } = this.#programOf(name, direction);
    return inNamespace(this.#home.fd, () => attachedPrograms(index, direction)).includes(id);
  }

  #programOf(link: string, direction: Direction): LinkProgram {
    return this.#programs[this.#links.isBare(link) ? 'bare' : 'ethernet'][direction];
  }

  /** Brings the map to what the table says. Links are known by their index there, so that one made anew is another. */
  #writeGuarded(): void {
    const wanted = new Map<string, Entry>();
    for (const [text, slot] of this.#table.slotOf) {
      const key = keyOfText(text);
      const bytes = this.#kernelKeyOf(key);
      const number = this.#numbers.get(slot) ?? NOBODY;
      if (bytes !== undefined) wanted.set(text, { bytes, number });
    }
    for (const [text, { bytes }] of this.#entries) {
      const next = wanted.get(text);
      if (next === undefined || Buffer.compare(next.bytes, bytes) !== 0) this.#guarded.delete(bytes);
    }
    const news = [...wanted].filter(([text, { bytes, number }]) => {
      const former = this.#entries.get(text);
      return former?.number !== number || Buffer.compare(former.bytes, bytes) !== 0;
    });
    this.#guarded.setAll(news.map(([, { bytes, number }]) => [bytes, u32(number)] as const));
    this.#entries = wanted;
  }

  /** Undefined for a link that is not there. */
  #kernelKeyOf(key: GuardedKey): Uint8Array | undefined {
    const guarded = guardedOf(key);
    if (guarded.what === 'address') return kernelKey(key.kind, key.bytes);
    const index = this.#links.indexes.get(guarded.link) ?? 0;
    return index === 0 ? undefined : kernelKey(key.kind, u32(index));
  }

  #numberOf(slot: string): number {
    const number = this.#numbers.get(slot);
    if (number === undefined)
      throw new PlatformError('BAD_ARGUMENT', `slot ${slot} is not under the fence`, { call: 'fence' });
    return number;
  }

  #nameOf(number: number): string {
    return [...this.#numbers].find(([, each]) => each === number)?.[0] ?? String(number);
  }

  #writeEnd(number: number, endNs: bigint): void {
    this.#ends.set(number, endNs);
    this.#deadlines.set(u32(number), u64(endNs));
  }

  #endOf(number: number): bigint {
    const value = this.#deadlines.get(u32(number));
    return value === undefined ? CLOSED_NS : viewOf(value).getBigUint64(0, true);
  }
}

interface Entry {
  /** Key in the map. */
  readonly bytes: Uint8Array;
  /** Of the slot. */
  readonly number: number;
}

function detachIfOurs(index: number, direction: Direction, id: number): void {
  const fd = openById('program', id);
  if (fd === undefined) return;
  try {
    if (readInfo(fd).name === NAME[direction]) detachProgram(index, direction, fd);
  } finally {
    libc().close(fd);
  }
}

function kernelKey(kind: GuardedKey['kind'], bytes: Uint8Array): Uint8Array {
  const key = new Uint8Array(GUARDED_KEY_BYTES);
  viewOf(key).setUint32(0, KEY_KIND[kind], true);
  key.set(bytes, 4);
  return key;
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, value, true);
  return bytes;
}
