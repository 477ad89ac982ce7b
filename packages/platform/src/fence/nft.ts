// SPDX-License-Identifier: Apache-2.0
import { readJiffyMs } from '../clocks/clocks.ts';
import { isPlatformError, PlatformError } from '../errors.ts';
import type { Clocks, Fence, Guarded, GuardedSlot } from '../interfaces.ts';
import { changeSets, listSet, type SetChange, type SetElement } from '../netlink/nftables.ts';
import { type FenceChanges, fenceChanges } from './fence-changes.ts';
import {
  adoptedState,
  type FenceState,
  firstState,
  horizonsIn,
  mayRunOut,
  withoutGone,
} from './fence-state.ts';
import { type FenceHandedOn, type FenceRecord, firstTable, NOTHING_HANDED_ON } from './first-table.ts';
import { checkKnown, type GuardedTable, guardedOf, keyOfText, keyText, linksOf, tableOf } from './guarded.ts';
import {
  type HorizonElement,
  horizonElement,
  isCovering,
  REMAINDER_JIFFIES_MIN,
  type Reading,
  readClocks,
} from './horizon-element.ts';
import {
  CLOSED,
  endsOf,
  type HorizonId,
  type Horizons,
  horizonOf,
  leave,
  makeAhead,
  NO_HORIZONS,
  recordOfHorizons,
  renew,
} from './horizons.ts';
import { LinkWatch } from './link-watch.ts';
import { NftTables, type TableForm, tableForms } from './nft-tables.ts';
import { allHorizonPlaces, type FenceContents, horizonPlaces } from './ruleset.ts';

const ATTEMPTS = 8;
/** Changes by others that are named in one report; the rest is counted. */
const NAMED_MAX = 5;

/** What the fence stands before, and what it reads the time by. */
export interface NftFenceOptions {
  /** Links that carry the guarded addresses. */
  readonly interfaces: readonly string[];
  readonly clocks: Clocks;
  /** Name of the two tables, default `vnfpool`; fences of one namespace need different names. */
  readonly table?: string;
  /** Hears of what somebody else changed, and that it was put right. */
  readonly changed?: (what: string) => void;
  /** Of the agent before, where it is no restart; what it does not name is closed. Default nothing. */
  readonly handedOn?: FenceHandedOn;
  /** `off` leaves out the netdev egress hook, as on a kernel that has none. Default `auto`. */
  readonly egress?: 'auto' | 'off';
  /** `off` leaves the tables to everybody, as on a kernel that knows no owners. Default `auto`. */
  readonly owner?: 'auto' | 'off';
}

/** The nftables fence, which also says how far it reaches. */
export interface NftFence extends Fence {
  readonly kind: 'nft';
  handOn(): FenceRecord;
  /** Transactions computed anew because the rule set changed underneath; only grows. */
  readonly recomputed: number;
  /** Elements of the horizons that the last {@link Fence.openUntil} wrote, of each table. */
  readonly lastHorizons: number;
  /** Has the guarantee say what else is missing. */
  lessens(what: string): void;
}

/**
 * A fence of nftables sets in the namespace of the calling thread, which stays its namespace; rules and elements go over
 * one netlink socket, acknowledged before a call returns. What an earlier agent's fence of the same name guarded is guarded
 * from the first moment, closed but for what it has handed on, until {@link Fence.guard} names the list.
 *
 * `openUntil` carries the number of the rule set's generation, read before the clocks: if anybody changed rules meanwhile it
 * is computed anew, and the rules are looked at.
 */
export function createNftFence(options: NftFenceOptions): NftFence {
  if (options.interfaces.length === 0)
    throw new PlatformError('BAD_ARGUMENT', 'a fence needs a link', { call: 'fence' });
  const tables = new NftTables(options.table ?? 'vnfpool');
  try {
    const links = new LinkWatch();
    const handedOn = options.handedOn ?? NOTHING_HANDED_ON;
    const table = firstTable(handedOn, tables.keys().map(keyText));
    links.watch([...options.interfaces, ...handedOn.also, ...linksOf(table.slotOf.keys(), 'link')]);
    const forms = tableForms(options.egress ?? 'auto', options.owner ?? 'auto');
    const { record } = handedOn;
    for (const form of record === undefined ? [] : forms) {
      const state = record && adoptedState(record, table, tables, form, links);
      if (state !== undefined) return new LinuxNftFence(tables, links, form, options, state, undefined);
    }
    const first = firstState(options.clocks, table, handedOn.ends);
    let refusal: PlatformError | undefined;
    for (const form of forms) {
      const failure = tables.load(form, links.present, first.contents);
      if (failure === undefined)
        return new LinuxNftFence(tables, links, form, options, first, refusal?.message);
      // The first form says what the lesser one lacks.
      refusal ??= failure;
    }
    throw new PlatformError('NFT', `the kernel refuses the rules: ${refusal?.message}`, {
      call: 'fence',
      cause: refusal,
    });
  } catch (error) {
    tables.close();
    throw error;
  }
}

class LinuxNftFence implements NftFence {
  readonly kind = 'nft';
  guarantee: string;
  recomputed = 0;
  lastHorizons = 0;
  readonly #tables: NftTables;
  readonly #links: LinkWatch;
  readonly #form: TableForm;
  readonly #options: NftFenceOptions;
  readonly #jiffyMs = readJiffyMs();
  /** What has less left is closed, see {@link REMAINDER_JIFFIES_MIN}. */
  readonly #leastMs = REMAINDER_JIFFIES_MIN * this.#jiffyMs;
  #table: GuardedTable;
  #horizons: Horizons;
  #contents: FenceContents;
  /** The elements of the horizons may be others than `#contents` says: some ran out, or a write failed. */
  #isUnsure: boolean;
  /** Elements of transactions that were refused, as intervalText: of several of one writing the first may have gone through. */
  readonly #attempted = new Set<string>();
  /** The rule set's generation at which everything was as it should be. */
  #verified: number | undefined;

  constructor(
    tables: NftTables,
    links: LinkWatch,
    form: TableForm,
    options: NftFenceOptions,
    first: FenceState,
    refusal: string | undefined,
  ) {
    this.#tables = tables;
    this.#links = links;
    this.#form = form;
    this.#options = options;
    this.#table = first.table;
    this.#horizons = first.horizons;
    this.#contents = first.contents;
    this.#isUnsure = first.isUnsure;
    this.guarantee = guaranteeOf(form, options.egress === 'off' ? 'not asked for' : (refusal ?? ''));
  }

  get guarded(): readonly Guarded[] {
    return [...this.#contents.values.keys()].map((text) => guardedOf(keyOfText(text)));
  }

  guard(slots: readonly GuardedSlot[], also: readonly string[] = []): void {
    const table = tableOf(slots);
    const names = linksOf(table.slotOf.keys(), 'link');
    this.#table = table;
    const isOtherLinks = this.#links.watch([...new Set([...this.#options.interfaces, ...also, ...names])]);
    const gone = [...this.#horizons.slots.keys()].filter((slot) => !table.slots.has(slot));
    this.#write(() => leave(this.#horizons, gone), isOtherLinks);
  }

  openUntil(ends: ReadonlyMap<string, number>): void {
    checkKnown(this.#table, ends.keys());
    this.#write(({ boottimeMs }) => renew(this.#horizons, ends, boottimeMs, this.#leastMs));
  }

  expect(untilMs: number): void {
    this.#write(({ boottimeMs }) => makeAhead(this.#horizons, untilMs, boottimeMs, this.#leastMs));
  }

  close(slot: string): void {
    this.#write(() => leave(this.#horizons, [slot]));
  }

  isOpen(slot: string): boolean {
    const keys = [...this.#table.slotOf].filter(([, owner]) => owner === slot).map(([text]) => text);
    if (!this.#table.slots.has(slot)) return true;
    const values = this.#tables.values();
    return keys.every((text) => {
      if (!values.has(text)) return true;
      const id = values.get(text) ?? CLOSED;
      if (id === CLOSED) return false;
      return horizonPlaces(this.#tables.table, id).every((place) => {
        const elements = listSet(this.#tables.socket, place);
        const wallMs = this.#options.clocks.wallMs();
        return elements.some((element) => isCovering(element, wallMs));
      });
    });
  }

  check(): void {
    const moved = this.#links.changes();
    if (moved.length > 0) this.#repair(moved);
    // Nobody else can change what is ours alone.
    else if (!this.#form.isOwned && this.#tables.generation() !== this.#verified) this.#verify();
  }

  handOn(): FenceRecord {
    return { rules: this.#tables.name, horizons: recordOfHorizons(this.#horizons) };
  }

  dispose(): void {
    this.#tables.remove();
    this.abandon();
  }

  lessens(what: string): void {
    this.guarantee = `${this.guarantee}; ${what}`;
  }

  abandon(): void {
    this.#tables.close();
    this.#links.close();
  }

  /** Brings the kernel to what `compute` says, in one transaction; with `isAnew` the rules, too. */
  #write(compute: (reading: Reading) => Horizons, isAnew = false): void {
    let refusal: PlatformError | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // Nobody else can change what is ours alone.
      const generation = this.#form.isOwned ? undefined : this.#tables.generation();
      const reading = readClocks(this.#options.clocks);
      if (!this.#isUnsure) this.#contents = withoutGone(this.#contents, reading);
      if (isAnew || mayRunOut(this.#contents, reading, this.#leastMs)) this.#isUnsure = true;
      const next = compute(reading);
      const contents = this.#contentsOf(next, reading);
      const { ahead, changes, isOpening, horizons } = this.#changesTo(contents);
      this.lastHorizons = horizons;
      if (changes.length === 0 && !isAnew) {
        this.#horizons = next;
        return;
      }
      if (attempt > 1 || (isOpening && !this.#form.isOwned && this.#verified !== generation)) {
        // Put right, everything is closed: what is to be done is another thing now.
        if (this.#verify()) continue;
      }
      // What only closes is right whatever happened to the rules, and carries no generation.
      const computedFor = isOpening ? generation : undefined;
      this.#isUnsure = true;
      refusal = isAnew
        ? this.#tables.load(this.#form, this.#links.present, contents, computedFor)
        : this.#change([ahead, changes], computedFor);
      if (refusal === undefined) {
        this.#horizons = next;
        this.#contents = contents;
        this.#isUnsure = false;
        this.#attempted.clear();
        if (this.#verified !== undefined)
          this.#goOnVerified(this.#verified, isAnew || ahead.length === 0 ? 1 : 2);
        return;
      }
      for (const element of contents.elements.values()) this.#attempted.add(intervalText(element));
      if (refusal.code === 'ERESTART') this.recomputed++;
      // ENOENT: an element ran out meanwhile, perhaps in one of the tables only, or somebody took something away. The others:
      // one is there that we did not know. Looking tells.
      else if (!['ENOENT', 'EEXIST', 'ENOTEMPTY', 'EBUSY'].includes(refusal.code)) throw refusal;
      // Or a link went since it was looked at.
      else if (isAnew) this.#links.again();
    }
    throw refusal ?? new PlatformError('NFT', 'the rules change without end', { call: 'fence' });
  }

  /** As long as `ours` were the only changes since all was as it should be. */
  #goOnVerified(verified: number, ours: number): void {
    const expected = (verified + ours) >>> 0;
    this.#verified = this.#tables.generation() === expected ? expected : undefined;
  }

  #contentsOf(horizons: Horizons, reading: Reading): FenceContents {
    const elements = new Map<HorizonId, HorizonElement>();
    const ends = endsOf(horizons);
    const formerEnds = endsOf(this.#horizons);
    for (const [id, endMs] of ends) {
      const known = this.#contents.elements.get(id);
      const isSame = formerEnds.get(id) === endMs && known !== undefined && !this.#isUnsure;
      const element = isSame ? known : horizonElement(endMs, reading, this.#jiffyMs);
      if (element !== undefined) elements.set(id, element);
    }
    // What nothing is held open by any more runs out by itself: to take it away is most of what a closing would cost.
    for (const [id, element] of this.#isUnsure ? [] : this.#contents.elements)
      if (!ends.has(id)) elements.set(id, element);
    const values = this.#valuesOf(horizons);
    return { values, elements };
  }

  /** The very map as before when nothing is to change in it, as most renewals have it. */
  #valuesOf(horizons: Horizons): ReadonlyMap<string, HorizonId> {
    const { values } = this.#contents;
    const { slotOf } = this.#table;
    let isSame = values.size === slotOf.size;
    for (const [text, slot] of slotOf) {
      if (!isSame) break;
      isSame = values.get(text) === horizonOf(horizons, slot);
    }
    if (isSame) return values;
    return horizonsIn(this.#table, horizons);
  }

  #changesTo(next: FenceContents): FenceChanges {
    const listed = this.#isUnsure ? (place: SetChange['place']) => this.#listed(place) : undefined;
    return fenceChanges(this.#tables.table, this.#contents, next, listed);
  }

  /** One transaction after the other. @param generation see `changeSets`: before the first */
  #change(all: readonly (readonly SetChange[])[], generation: number | undefined): PlatformError | undefined {
    let computedFor = generation;
    for (const changes of all) {
      if (changes.length === 0) continue;
      const refusal = changeSets(this.#tables.socket, changes, computedFor)?.error;
      if (refusal !== undefined) return refusal;
      if (computedFor !== undefined) computedFor = (computedFor + 1) >>> 0;
    }
    return undefined;
  }

  #listed(place: SetChange['place']): SetElement[] {
    try {
      return listSet(this.#tables.socket, place);
    } catch (error) {
      // The table is gone, which will be found.
      if (isPlatformError(error, 'ENOENT')) return [];
      throw error;
    }
  }

  /** Looks whether all is as it should be, and puts it right. @returns whether that was needed */
  #verify(): boolean {
    const { result, generation } = this.#tables.atRest(() => [
      ...this.#tables.differences(),
      ...this.#elementDifferences(),
    ]);
    if (result.length > 0) this.#repair(result);
    else this.#verified = generation;
    return result.length > 0;
  }

  #elementDifferences(): string[] {
    const found: string[] = [];
    const values = this.#tables.values();
    const wrong = [...this.#contents.values].filter(([text, value]) => values.get(text) !== value);
    const strange = [...values.keys()].filter((text) => !this.#contents.values.has(text));
    const name = (text: string): string => {
      const guarded = guardedOf(keyOfText(text));
      return guarded.what === 'address' ? guarded.address : `${guarded.what} ${guarded.link}`;
    };
    // A transaction that failed changed nothing, so that this holds even when we are not sure of the horizons.
    for (const [text] of wrong) found.push(`${name(text)} is not as it was put under the fence`);
    for (const text of strange) found.push(`${name(text)} was put under the fence`);
    return found.concat(this.#strangeHorizons());
  }

  /** Elements that would hold something open, and are not ours. Those that are missing close, and are written anew. */
  #strangeHorizons(): string[] {
    const known = new Set([...this.#attempted, ...[...this.#contents.elements.values()].map(intervalText)]);
    return allHorizonPlaces(this.#tables.table).flatMap((place) =>
      this.#listed(place).some((each) => !known.has(intervalText(each))) ? [`${place.set} is not ours`] : [],
    );
  }

  #repair(what: readonly string[]): void {
    this.#reload();
    const rest = what.length > NAMED_MAX ? `, and ${what.length - NAMED_MAX} more` : '';
    this.#options.changed?.(
      `somebody changed the fence: ${what.slice(0, NAMED_MAX).join(', ')}${rest}; put right, closed until the next renewal`,
    );
  }

  /** Everything anew, and closed. */
  #reload(): void {
    const contents = closed([...this.#table.slotOf.keys()]);
    const load = (): PlatformError | undefined =>
      this.#tables.load(this.#form, this.#links.present, contents);
    let failure = load();
    // A link went since it was looked at.
    for (let attempt = 1; failure?.code === 'ENOENT' && attempt < ATTEMPTS && this.#links.again(); attempt++)
      failure = load();
    if (failure !== undefined) throw failure;
    this.#horizons = NO_HORIZONS;
    this.#contents = contents;
    this.#isUnsure = false;
    this.#attempted.clear();
    this.#verified = undefined;
  }
}

function closed(texts: readonly string[]): FenceContents {
  return { values: new Map(texts.map((text) => [text, CLOSED])), elements: new Map() };
}

function intervalText({ key, keyEnd }: SetElement): string {
  return Buffer.from([...key, ...(keyEnd ?? [])]).toString('hex');
}

function guaranteeOf(form: TableForm, egressRefusal: string): string {
  const weakness = 'a pause during a write together with a backward step of the wall clock is not covered';
  const others = form.isOwned ? '' : '; others may change the tables, which is noticed and put right';
  return form.withEgress
    ? `nft: IPv4, IPv6, ARP and neighbour discovery of guarded addresses pass only within the lease, in both directions; ${weakness}${others}`
    : `nft without netdev egress (${egressRefusal}): frames sent by AF_PACKET pass the fence, announcements too; ${weakness}${others}`;
}
