// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import { type ConntrackEntry, type ConntrackEvent, mergeEntry } from '@vnfpool/platform/conntrack';
import {
  flowOfBody,
  readSharedFlowKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowParts,
  sharedFlowValue,
  sharedKeyInZone,
  viewSharedFlow,
  zoneOfSharedKey,
} from '@vnfpool/wire/flow-state';
import { type FlowChoice, isWorthSharing } from './choice.ts';
import type { Rank } from './rank.ts';

/** Zones in which flows are looked for by their tuples alone; flows of more zones are not found so. */
const ZONES_MAX = 256;

/** A listing under way. */
interface Listing {
  /** Keys of which is known what they are now: listed, begun, or ended since the listing began. */
  readonly settled: Set<string>;
}

/**
 * What is known of the kernel's table, and what of it the other side was not told yet. It holds a key and a body for each flow of
 * the table, some 100 octets, and no more than one untold change of each: who is told late is told what is, once.
 */
export class FlowMirror {
  readonly #choice: FlowChoice;
  readonly #onShared: (key: string) => void;
  /** Those of both directions that were seen. */
  readonly #zones = new Set<number>();
  readonly #known = new Map<string, string>();
  /** Shared flows that the other side knows nothing of, with the time that they have left in seconds. */
  readonly #fresh = new Map<string, number>();
  /** Those that it knows otherwise. */
  readonly #changed = new Map<string, number>();
  /** Those that it has, and that are no more, or are not to be shared any more. */
  readonly #gone = new Set<string>();
  /** Taken as fresh the last time. */
  readonly #begun = new Set<string>();
  /** Said of flows of which not all is known: it is to be listed, or looked up. */
  readonly #partial = new Map<string, ConntrackEntry>();
  #listing: Listing | null = null;
  /** Told of ahead of the kernel, which has not told of them yet, with the round of `overdue` in which they were. */
  readonly #announced = new Map<string, number>();
  #round = 0;

  /** @param onShared a flow has changed, and may be shared from now on */
  constructor(choice: FlowChoice, onShared: (key: string) => void = () => undefined) {
    this.#choice = choice;
    this.#onShared = onShared;
  }

  /** Flows of the table, shared or not. */
  get size(): number {
    return this.#known.size;
  }

  /** Changes that the other side was not told. */
  get pending(): number {
    return this.#gone.size + this.#changed.size + this.#fresh.size;
  }

  /**
   * The other side has this flow.
   * @throws WireError
   */
  told(key: string, value: Uint8Array): void {
    const { body } = sharedFlowParts(value);
    this.#known.set(key, body);
    this.#seeZone(key);
    // So that it counts as told whatever becomes of it.
    if (!isWorthSharing(this.#choice, key, body)) this.#gone.add(key);
  }

  event({ type, entry }: ConntrackEvent): void {
    const key = sharedFlowKey(entry);
    if (this.#announced.size > 0) this.#announced.delete(key);
    const settled = this.#listing?.settled;
    if (type === 'update') {
      const known = this.#known.get(key);
      // What was known before events were lost may be old: the listing has the rest of it.
      if (known === undefined || (settled !== undefined && !settled.has(key))) {
        const former = this.#partial.get(key);
        this.#partial.set(key, former === undefined ? entry : mergeEntry(former, entry));
        return;
      }
      this.#set(key, known, bodyOfUpdate(key, known, entry), entry.timeoutSeconds);
      return;
    }
    settled?.add(key);
    if (this.#partial.size > 0) this.#partial.delete(key);
    if (type === 'destroy') this.#remove(key);
    else this.#set(key, this.#known.get(key), sharedFlowBody(entry), entry.timeoutSeconds);
  }

  /** The table is listed from here on; a listing before is forgotten. */
  beginListing(): void {
    this.#listing = { settled: new Set() };
    this.#partial.clear();
  }

  listed(entry: ConntrackEntry): void {
    if (this.#listing === null) return;
    const { settled } = this.#listing;
    const key = sharedFlowKey(entry);
    // It may be listed twice, or as it was before what an event has told.
    if (settled.has(key)) return;
    settled.add(key);
    const said = this.#partial.get(key);
    this.#partial.delete(key);
    const now = said === undefined ? entry : mergeEntry(entry, said);
    this.#set(key, this.#known.get(key), sharedFlowBody(now), now.timeoutSeconds);
  }

  /** The rest is not listed: what was not stays as it is known, until the next listing. */
  dropListing(): void {
    this.#listing = null;
  }

  /** All is listed: what was not is no more. */
  endListing(): void {
    const settled = this.#listing?.settled;
    this.#listing = null;
    if (settled === undefined) return;
    const isThere = (key: string): boolean =>
      settled.has(key) || this.#partial.has(key) || this.#announced.has(key);
    for (const key of this.#known.keys()) if (!isThere(key)) this.#remove(key);
  }

  /**
   * A flow whose first packet waits until the other side has it: the kernel has it in no table yet. It counts as told.
   * @returns what to tell
   * @throws WireError of one that cannot be told
   */
  announce(key: string, entry: ConntrackEntry): KeyUpdate {
    const body = sharedFlowBody(entry);
    this.#listing?.settled.add(key);
    this.#known.set(key, body);
    this.#fresh.delete(key);
    this.#changed.delete(key);
    this.#gone.delete(key);
    this.#begun.delete(key);
    this.#announced.set(key, this.#round);
    this.#onShared(key);
    return { key, value: sharedFlowValue(body, entry.timeoutSeconds) };
  }

  /** Whether the kernel has told of this flow. */
  isHeardOf(key: string): boolean {
    return this.#known.has(key) && !this.#announced.has(key);
  }

  /** It did not begin after all; one of which the kernel has told meanwhile stays. */
  withdraw(key: string): void {
    if (this.#announced.delete(key)) this.#remove(key);
  }

  /** Announced flows of which the kernel has told nothing since the call before the last one. */
  overdue(): readonly string[] {
    const due = [...this.#announced].filter(([, round]) => round < this.#round).map(([key]) => key);
    this.#round++;
    return due;
  }

  /** Keys of flows that are to be looked up, as events said only a part of them; during a listing none. */
  get unclear(): readonly string[] {
    return this.#listing === null && this.#partial.size > 0 ? [...this.#partial.keys()] : [];
  }

  /** What was looked up, whether it was unclear or not; undefined: there is no such flow. */
  found(key: string, entry: ConntrackEntry | undefined): void {
    this.#partial.delete(key);
    this.#announced.delete(key);
    // What is listed may be older.
    this.#listing?.settled.add(key);
    if (entry === undefined) this.#remove(key);
    else this.#set(key, this.#known.get(key), sharedFlowBody(entry), entry.timeoutSeconds);
  }

  /** What the other side is to be told next of this rank, at most so many; it counts as told. */
  take(max: number, rank: Rank): KeyUpdate[] {
    const updates: KeyUpdate[] = [];
    if (rank === 'gone') {
      for (const key of this.#gone) {
        if (updates.length >= max) break;
        this.#gone.delete(key);
        this.#begun.delete(key);
        updates.push({ key, value: null });
      }
      return updates;
    }
    const pending = rank === 'fresh' ? this.#fresh : this.#changed;
    if (rank === 'fresh') this.#begun.clear();
    for (const [key, timeoutSeconds] of pending) {
      if (updates.length >= max) break;
      pending.delete(key);
      if (rank === 'fresh') this.#begun.add(key);
      else this.#begun.delete(key);
      const body = this.#known.get(key);
      updates.push({ key, value: body === undefined ? null : sharedFlowValue(body, timeoutSeconds) });
    }
    return updates;
  }

  /** Of these nobody knows whether the other side took them: they are to be told again, and count as known to it. */
  untold(updates: readonly KeyUpdate[]): void {
    for (const { key, value } of updates) {
      if (this.#gone.has(key) || this.#changed.has(key)) continue;
      const fresh = this.#fresh.get(key);
      this.#fresh.delete(key);
      if (this.#isShared(key)) this.#changed.set(key, fresh ?? secondsOf(value));
      else this.#gone.add(key);
    }
  }

  /** These, of the last that were taken, the other side did not take: they are to be told again, behind all others of their rank. */
  refused(updates: readonly KeyUpdate[]): void {
    for (const update of updates) {
      const { key, value } = update;
      if (!this.#begun.delete(key)) {
        this.untold([update]);
        continue;
      }
      // What became of it meanwhile became of one that nobody has.
      const changed = this.#changed.get(key);
      this.#changed.delete(key);
      this.#gone.delete(key);
      if (this.#isShared(key)) this.#fresh.set(key, changed ?? secondsOf(value));
    }
  }

  /** Whether it is a connection of TCP that is known: others have no numbers to be shifted. */
  isTcp(key: string): boolean {
    const body = this.#known.get(key);
    return body !== undefined && viewSharedFlow(body).tcpState !== null;
  }

  /** Zone of the shared flow that has this key but for its zone; null: there is none, or more than one. */
  zoneOf(keyWithoutZone: string): number | null {
    let found: number | null = null;
    for (const zone of [0, ...this.#zones]) {
      const key = sharedKeyInZone(keyWithoutZone, zone);
      if (!this.#isShared(key)) continue;
      if (found !== null) return null;
      found = zone;
    }
    return found;
  }

  /** Keys and values of all flows that are shared, as far as is known. */
  *shared(): Generator<readonly [key: string, body: string]> {
    for (const [key, body] of this.#known) if (isWorthSharing(this.#choice, key, body)) yield [key, body];
  }

  #set(key: string, known: string | undefined, body: string, timeoutSeconds: number): void {
    if (known === body) return;
    const isTold = this.#isTold(key, known);
    this.#known.set(key, body);
    if (known === undefined) this.#seeZone(key);
    if (!isWorthSharing(this.#choice, key, body)) this.#unshare(key, isTold);
    else if (isTold) {
      this.#gone.delete(key);
      this.#changed.set(key, timeoutSeconds);
    } else this.#fresh.set(key, timeoutSeconds);
    this.#onShared(key);
  }

  #seeZone(key: string): void {
    const zone = zoneOfSharedKey(key);
    if (zone > 0 && this.#zones.size < ZONES_MAX) this.#zones.add(zone);
  }

  #remove(key: string): void {
    const known = this.#known.get(key);
    if (known === undefined) return;
    const isTold = this.#isTold(key, known);
    this.#known.delete(key);
    this.#unshare(key, isTold);
  }

  #unshare(key: string, isTold: boolean): void {
    if (isTold) {
      this.#changed.delete(key);
      this.#gone.add(key);
    } else this.#fresh.delete(key);
  }

  #isShared(key: string): boolean {
    const body = this.#known.get(key);
    return body !== undefined && isWorthSharing(this.#choice, key, body);
  }

  #isTold(key: string, known: string | undefined): boolean {
    if (this.#changed.has(key) || this.#gone.has(key)) return true;
    return known !== undefined && !this.#fresh.has(key) && isWorthSharing(this.#choice, key, known);
  }
}

function secondsOf(value: Uint8Array | null): number {
  return value === null ? 0 : sharedFlowParts(value).timeoutSeconds;
}

/** An update leaves out what did not change. */
function bodyOfUpdate(key: string, known: string, said: ConntrackEntry): string {
  const { tcpState, hasFields } = viewSharedFlow(known);
  if (!hasFields && (tcpState === null || said.tcp !== null)) return sharedFlowBody(said);
  return sharedFlowBody(mergeEntry(flowOfBody(readSharedFlowKey(key), known, 0), said));
}
