// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import type { ExpectationEvent } from '@vnfpool/platform/conntrack';
import {
  decodeSharedExpectation,
  type FlowExpectation,
  sharedExpectationBody,
  sharedExpectationKey,
  sharedFlowKey,
  sharedFlowParts,
  sharedFlowValue,
  sharedKeyWithoutZone,
} from '@vnfpool/wire/flow-state';
import type { Rank } from './rank.ts';

/** More than a kernel keeps (`nf_conntrack_expect_max`) as it comes; further ones are not shared. */
const EXPECTATIONS_MAX = 16_384;

/** What the kernel says of one. */
interface Known {
  readonly expectation: FlowExpectation;
  readonly body: string;
}

/** What the other side has of an expectation; the empty body: nobody knows what. */
interface Told {
  readonly key: string;
  readonly body: string;
}

/** Zone of a flow that is shared, by the key that it would have without one; null: there is none, or not just one. */
export type MasterZone = (keyWithoutZone: string) => number | null;

/**
 * What is known of the connections that the kernel expects, and what of it the other side was not told yet. The kernel does not say the
 * zone of an expectation: it is that of its master. One whose master is not shared waits for it, and counts for nothing until then.
 */
export class ExpectationMirror {
  readonly #masterZone: MasterZone;
  /** By the key without a zone, as the kernel says them. */
  readonly #known = new Map<string, Known>();
  readonly #told = new Map<string, Told>();
  /** Of those that were taken the last time: what was told of them before; undefined: nothing. */
  readonly #before = new Map<string, Told | undefined>();
  /** What was told of them is to be compared with what is known. */
  readonly #open = new Set<string>();
  /** Those of a master that is not shared, by its key without a zone. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #updates = new Map<string, readonly KeyUpdate[]>();
  #isListed = false;
  #leftOut = 0;

  constructor(masterZone: MasterZone) {
    this.#masterZone = masterZone;
  }

  /** Changes that the other side was not told. */
  get pending(): number {
    this.#look();
    return this.#updates.size;
  }

  /** For want of room. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** The other side has this one. @throws WireError */
  told(key: string, value: Uint8Array): void {
    const expectation = decodeSharedExpectation(key, value);
    const plain = plainKey(expectation);
    this.#told.set(plain, { key, body: sharedFlowParts(value).body });
    this.#open.add(plain);
  }

  /** @throws WireError of one that cannot be told */
  event({ type, expectation }: ExpectationEvent): void {
    if (type === 'new') this.#set(plainKey(expectation), expectation);
    else this.#remove(plainKey(expectation));
  }

  /** All of them, at once: what is not among them is no more. Those that cannot be told are left out by `check`. */
  listed(expectations: readonly FlowExpectation[], check: (put: () => void) => void): void {
    const gone = new Set(this.#known.keys());
    for (const expectation of expectations) {
      check(() => {
        const plain = plainKey(expectation);
        this.#set(plain, expectation);
        gone.delete(plain);
      });
    }
    for (const plain of gone) this.#remove(plain);
    this.#isListed = true;
  }

  /** A flow may be shared from now on. @returns whether some wait for it */
  shares(keyWithoutZone: string): boolean {
    const waiting = this.#waiting.get(keyWithoutZone);
    for (const plain of waiting ?? []) this.#open.add(plain);
    return waiting !== undefined;
  }

  /** Whether any waits for its master. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** What the other side is to be told next of this rank, at most so many or one more; it counts as told. */
  take(max: number, rank: Rank): KeyUpdate[] {
    this.#look();
    if (rank === 'gone') this.#before.clear();
    const taken: KeyUpdate[] = [];
    for (const [plain, updates] of this.#updates) {
      if (taken.length >= max) break;
      const told = this.#told.get(plain);
      const last = updates.at(-1);
      const value = last?.value ?? null;
      if (rank !== (value === null ? 'gone' : told === undefined ? 'fresh' : 'changed')) continue;
      this.#updates.delete(plain);
      this.#before.set(plain, told);
      taken.push(...updates);
      if (value === null || last === undefined) this.#told.delete(plain);
      else this.#told.set(plain, { key: last.key, body: sharedFlowParts(value).body });
    }
    return taken;
  }

  /** Of these nobody knows whether the other side took them: they are to be told again, and count as known to it. */
  untold(updates: readonly KeyUpdate[]): void {
    for (const { key } of updates) this.#tellAgain(sharedKeyWithoutZone(key), { key, body: '' });
  }

  /** These, of the last that were taken, the other side did not take: they are to be told again. */
  refused(updates: readonly KeyUpdate[]): void {
    for (const { key, value } of updates) {
      const plain = sharedKeyWithoutZone(key);
      const before = this.#before.get(plain);
      // Of a zone of its own: what it had in the other one went ahead.
      const isOther = value !== null && before?.key !== key;
      if (!isOther) this.#tellAgain(plain, { key, body: '' });
      else if (before === undefined || this.#told.get(plain)?.key !== before.key) this.#tellAgain(plain);
    }
  }

  /** @param told what the other side has of it; absent: nothing */
  #tellAgain(plain: string, told?: Told): void {
    if (told === undefined) this.#told.delete(plain);
    else this.#told.set(plain, told);
    this.#open.add(plain);
  }

  #set(plain: string, expectation: FlowExpectation): void {
    if (this.#known.size >= EXPECTATIONS_MAX && !this.#known.has(plain)) {
      this.#leftOut++;
      return;
    }
    const body = sharedExpectationBody(expectation);
    this.#stopWaiting(plain);
    this.#known.set(plain, { expectation, body });
    this.#open.add(plain);
  }

  #remove(plain: string): void {
    this.#stopWaiting(plain);
    this.#known.delete(plain);
    this.#open.add(plain);
  }

  #look(): void {
    // What was told before is compared with the whole.
    if (!this.#isListed) return;
    for (const plain of this.#open) {
      const updates = this.#difference(plain);
      if (updates.length === 0) this.#updates.delete(plain);
      else this.#updates.set(plain, updates);
    }
    this.#open.clear();
  }

  #difference(plain: string): KeyUpdate[] {
    const told = this.#told.get(plain);
    const known = this.#known.get(plain);
    const zone = known === undefined ? null : this.#zoneOf(plain, known);
    if (known === undefined || zone === null)
      return told === undefined ? [] : [{ key: told.key, value: null }];
    const { expectation, body } = known;
    const key = sharedExpectationKey({ ...expectation, zone });
    const update = { key, value: sharedFlowValue(body, expectation.timeoutSeconds) };
    if (told === undefined) return [update];
    if (told.key !== key) return [{ key: told.key, value: null }, update];
    return told.body === body ? [] : [update];
  }

  #zoneOf(plain: string, { expectation }: Known): number | null {
    const master = masterKey(expectation);
    const zone = this.#masterZone(master);
    if (zone !== null) {
      this.#stopWaiting(plain);
      return zone;
    }
    const waiting = this.#waiting.get(master) ?? new Set();
    this.#waiting.set(master, waiting.add(plain));
    return null;
  }

  #stopWaiting(plain: string): void {
    const known = this.#known.get(plain);
    if (known === undefined) return;
    const master = masterKey(known.expectation);
    const waiting = this.#waiting.get(master);
    if (waiting?.delete(plain) === true && waiting.size === 0) this.#waiting.delete(master);
  }
}

function plainKey({ tuple }: FlowExpectation): string {
  return sharedExpectationKey({ tuple, zone: 0 });
}

/** Key that the master would have without a zone. */
export function masterKey({ master }: FlowExpectation): string {
  return sharedFlowKey({ original: master, zone: 0, zoneDirection: 'both' });
}
