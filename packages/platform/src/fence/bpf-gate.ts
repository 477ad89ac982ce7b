// SPDX-License-Identifier: Apache-2.0
import {
  attachedPrograms,
  attachProgram,
  type BpfMap,
  type Direction,
  detachProgram,
  type LinkProgram,
  openById,
  readInfo,
} from '../bpf/index.ts';
import { isPlatformError, PlatformError } from '../errors.ts';
import { libc } from '../libc/libc.ts';
import { inNamespace, type NetworkNamespace, openOwnNamespace } from '../namespaces/namespace.ts';
import { viewOf } from '../netlink/message.ts';
import { inheritedAddresses } from './bpf-inherited.ts';
import {
  CLOSED_NS,
  DIRECTIONS,
  type FencePrograms,
  GUARDED_MAP_NAME,
  kernelKey,
  NOBODY,
  PROGRAM_NAME,
  u32,
  u64,
} from './bpf-programs.ts';
import { FirstPlace } from './first-place.ts';
import { type FenceHandedOn, firstTable, NOTHING_HANDED_ON } from './first-table.ts';
import { type GuardedKey, type GuardedTable, guardedOf, keyOfText, keyText, linksOf } from './guarded.ts';
import { LinkWatch } from './link-watch.ts';

/** Entries of the maps that one look reads: a thousand would hold up the renewals for milliseconds. */
const CHECKED_AT_ONCE = 128;

/**
 * Programs on links that compare CLOCK_BOOTTIME with a deadline for each slot. They stay when this process ends, with
 * their maps and deadlines; the next one puts its own, closed but for what was handed on to it, before it takes these away. What an ended process would still
 * write goes to maps that no program reads.
 */
export class BpfGate {
  readonly #programs: FencePrograms;
  readonly #guarded: BpfMap;
  readonly #deadlines: BpfMap;
  readonly #links = new LinkWatch();
  /** Links are known to the system call by their index in the caller's namespace. */
  readonly #home: NetworkNamespace = openOwnNamespace();
  readonly #base: readonly string[];
  #also: readonly string[] = [];
  /** Links with our programs, by index. */
  readonly #attached = new Set<number>();
  /** Of links where somebody was ahead of us, by index. */
  readonly #firstPlaces = new Map<number, Readonly<Record<Direction, FirstPlace>>>();
  /** Numbers of slots; 0 is nobody's. */
  readonly #numbers = new Map<string, number>();
  #entries = new Map<string, Entry>();
  /** What each slot's deadline was set to. */
  readonly #ends = new Map<number, bigint>();
  #table: GuardedTable = { slots: new Set(), slotOf: new Map() };
  #turns = 0;

  /**
   * @param programs this gate's alone from now on
   * @param left what is to be guarded from the first moment, closed but for what was handed on
   * @throws PlatformError when this kernel, or our rights in it, are not enough; then nothing is changed
   */
  constructor(
    links: readonly string[],
    programs: FencePrograms,
    left: readonly GuardedKey[],
    handedOn: FenceHandedOn = NOTHING_HANDED_ON,
  ) {
    this.#base = links;
    this.#programs = programs;
    this.#guarded = programs.guarded;
    this.#deadlines = programs.deadlines;
    try {
      this.#links.watch([...links, ...handedOn.also]);
      // What an ended agent's programs guard is so from the first moment, too, should nftables know nothing of it any more.
      const former = inNamespace(this.#home.fd, () =>
        inheritedAddresses(this.#links.indexes.values(), PROGRAM_NAME.in, GUARDED_MAP_NAME),
      );
      this.#also = handedOn.also;
      this.#table = firstTable(handedOn, [...left, ...former].map(keyText));
      this.#numberSlots();
      this.openUntil(handedOn.ends);
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
    this.#numberSlots();
    this.#watchLinks();
    this.#writeGuarded();
    this.#attachAll();
    this.#leaveOthers();
  }

  /** A number for each slot, closed as long as nothing else is said. */
  #numberSlots(): void {
    const { slots } = this.#table;
    for (const [slot, number] of this.#numbers) {
      if (slots.has(slot)) continue;
      this.#writeEnd(number, CLOSED_NS);
      this.#numbers.delete(slot);
    }
    const taken = new Set(this.#numbers.values());
    let free = NOBODY + 1;
    for (const slot of slots) {
      if (this.#numbers.has(slot)) continue;
      while (taken.has(free)) free++;
      taken.add(free);
      this.#numbers.set(slot, free);
      this.#writeEnd(free, CLOSED_NS);
    }
  }

  /** One write a slot, all in one call; the deadline is absolute, so that it may arrive at any time. */
  openUntil(ends: ReadonlyMap<string, number>): void {
    const entries: [number, bigint][] = [];
    // Most of them end together, and a large number is slow to make.
    let lastMs = 0;
    let endNs = CLOSED_NS;
    for (const [slot, untilMs] of ends) {
      if (untilMs !== lastMs) endNs = untilMs > 0 ? BigInt(Math.floor(untilMs * 1e6)) : CLOSED_NS;
      lastMs = untilMs;
      entries.push([this.#numberOf(slot), endNs]);
    }
    for (const [number, end] of entries) this.#ends.set(number, end);
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

  /** Puts right what somebody changed, closed. */
  check(): FoundChanges {
    const found = this.#links.changes();
    const left: string[] = [];
    for (const [name, index] of this.#links.indexes) {
      if (!this.#attached.has(index)) continue;
      for (const direction of DIRECTIONS) {
        const place = this.#placeOf(name, index, direction);
        if (place === 0) continue;
        if (place > 0) {
          const ahead = `somebody’s program is ahead of ours on ${name} (${direction})`;
          const todo = this.#firstPlaceOn(index, direction).overtaken(this.#turns);
          if (todo === 'take' && this.#goAhead(name, index, direction)) found.push(ahead);
          if (todo === 'leave')
            left.push(`${ahead} again and again and stays there: what it lets pass only nftables guards`);
          continue;
        }
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
    if (found.length === 0) return { righted: found, left };
    for (const number of this.#ends.keys()) this.#writeEnd(number, CLOSED_NS);
    this.#entries.clear();
    this.#writeGuarded();
    this.#attachAll();
    return { righted: found, left };
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
    this.#programs.close();
    this.#links.close();
    this.#home.close();
  }

  /** Those whose turn it is to be looked at: all of them, where they are few. */
  #turn<Each>(all: readonly Each[]): readonly Each[] {
    const parts = Math.ceil(all.length / CHECKED_AT_ONCE);
    const from = (this.#turns % Math.max(parts, 1)) * CHECKED_AT_ONCE;
    return all.slice(from, from + CHECKED_AT_ONCE);
  }

  /** Ours first, then those of an ended agent go: there is no moment without. */
  #attachAll(): void {
    for (const index of this.#attached)
      if (![...this.#links.indexes.values()].includes(index)) this.#attached.delete(index);
    for (const [name, index] of this.#links.indexes) {
      if (index === 0 || this.#attached.has(index)) continue;
      try {
        this.#attachTo(name, index);
        this.#attached.add(index);
      } catch (error) {
        // It went since it was looked at, which the next look finds.
        if (!isPlatformError(error, 'ENODEV')) throw error;
      }
    }
  }

  #attachTo(name: string, index: number): void {
    inNamespace(this.#home.fd, () => {
      for (const direction of DIRECTIONS) {
        const own = this.#programOf(name, direction);
        const there = attachedPrograms(index, direction);
        if (!there.includes(own.id)) attachProgram(index, direction, own);
        for (const id of there) if (id !== own.id) detachIfOurs(index, direction, id);
      }
    });
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

  /** 0: ours is the first to have a frame; -1: it is not there. */
  #placeOf(name: string, index: number, direction: Direction): number {
    const { id } = this.#programOf(name, direction);
    return inNamespace(this.#home.fd, () => attachedPrograms(index, direction)).indexOf(id);
  }

  /**
   * A program is on a link once, so a twin stands in for it while it moves: there is no moment without.
   * @returns whether it is the first now; else the link is gone, which the next look tells
   */
  #goAhead(name: string, index: number, direction: Direction): boolean {
    const own = this.#programOf(name, direction);
    const twin = this.#programs.loadTwin(this.#kindOf(name), direction);
    try {
      inNamespace(this.#home.fd, () => {
        attachProgram(index, direction, twin);
        detachProgram(index, direction, own.fd);
        attachProgram(index, direction, own);
        detachProgram(index, direction, twin.fd);
      });
      return true;
    } catch (error) {
      if (!isPlatformError(error, 'ENODEV')) throw error;
      return false;
    } finally {
      libc().close(twin.fd);
    }
  }

  #firstPlaceOn(index: number, direction: Direction): FirstPlace {
    const present = new Set(this.#links.indexes.values());
    for (const each of this.#firstPlaces.keys()) if (!present.has(each)) this.#firstPlaces.delete(each);
    const places = this.#firstPlaces.get(index) ?? { in: new FirstPlace(), out: new FirstPlace() };
    this.#firstPlaces.set(index, places);
    return places[direction];
  }

  #programOf(link: string, direction: Direction): LinkProgram {
    return this.#programs.on(this.#kindOf(link))[direction];
  }

  #kindOf(link: string): 'bare' | 'ethernet' {
    return this.#links.isBare(link) ? 'bare' : 'ethernet';
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

/** What a look found, in words. */
export interface FoundChanges {
  /** Put right, and the fence is closed where there is any. */
  readonly righted: readonly string[];
  /** Left as they are. */
  readonly left: readonly string[];
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
    if (readInfo(fd).name === PROGRAM_NAME[direction]) detachProgram(index, direction, fd);
  } finally {
    libc().close(fd);
  }
}
