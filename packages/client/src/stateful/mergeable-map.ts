// SPDX-License-Identifier: Apache-2.0
import { MergeableState, type Update } from '@vnfpool/core/gossip';
import { OCTETS_MAX } from '@vnfpool/wire/gossip';
import type { MergeKey, MergeRefusal } from '@vnfpool/wire/merge-link';
import { PoolError } from '../pool-error.ts';
import { MergeLink, weightOf } from './merge-link.ts';

export interface MergeableMapOptions {
  /** A key may have something else now, by whomever; all keys, when the state comes anew. */
  readonly onChange?: (key: string) => void;
  /** Changes that are not made yet, default 16,384; more fail with `overloaded`. */
  readonly waitingMax?: number;
  /** Octets of theirs, default 16 MiB. */
  readonly waitingBytesMax?: number;
}

interface Entry {
  counter: number | null;
  register: string | null;
  readonly elements: Set<string>;
}

interface Change {
  readonly update: Update;
  readonly weight: number;
  readonly settle: () => void;
  readonly fail: (error: PoolError) => void;
}

const REFUSALS: Readonly<Record<MergeRefusal, readonly ['overloaded' | 'refused' | 'closed', string]>> = {
  cells: ['overloaded', 'the state has as many counters, registers and elements as it may have'],
  octets: ['overloaded', 'the state is as large as it may be'],
  replicas: ['overloaded', 'too many lives of nodes have left something in the state'],
  value: ['refused', 'the value is too long, or the sum more than 2^53 - 1'],
  clock: ['refused', 'the time of the register is at the end of all times'],
  gone: ['closed', 'the node was declared gone'],
  incarnation: ['closed', 'the agent has to be started again'],
  closed: ['closed', 'the state of the pool is kept here no more'],
};
const utf8 = new TextDecoder();
/** Half a character, which is no UTF-8. */
const HALF = /\p{Surrogate}/u;

/**
 * Counters, registers and sets that all instances of a pool change at the same time. A change is made at once at this node and comes to the
 * others a little later; what changes at the same time merges, see docs/gossip.md. A key has one counter, one register and one set, each
 * there once it is used. Keys, values and elements are texts of at most 1,024 octets in UTF-8.
 *
 * The map has all of the state; reading waits for nobody. Changes wait as long as there is no agent, or the pool has no such
 * state (yet).
 */
export class MergeableMap {
  readonly #onChange: (key: string) => void;
  readonly #waitingMax: number;
  readonly #waitingBytesMax: number;
  #entries = new Map<string, Entry>();
  /** What comes, until all of it has come. */
  #coming: Map<string, Entry> | null = null;
  /** A key of which parts are missing. */
  #part: Entry | null = null;
  #link: MergeLink | null = null;
  #alone: MergeableState | null = null;
  #isClosed = false;
  /** Not given to an agent yet. */
  #waiting: Change[] = [];
  /** Given to it, by number. */
  readonly #given = new Map<number, Change>();
  #weight = 0;
  #onJoined: (() => void)[] = [];

  constructor(options: MergeableMapOptions = {}) {
    this.#onChange = options.onChange ?? (() => undefined);
    this.#waitingMax = options.waitingMax ?? 16_384;
    this.#waitingBytesMax = options.waitingBytesMax ?? 2 ** 24;
  }

  /** Whether the state of this node is here, and what others change comes. Else what is read may be old. */
  get isJoined(): boolean {
    return this.#alone !== null || (this.#link !== null && this.#coming === null);
  }

  /** Resolves when the state of this node has come. @throws PoolError `closed` */
  joined(): Promise<void> {
    if (this.isJoined) return Promise.resolve();
    if (this.#isClosed) return Promise.reject(new PoolError('closed', 'the map was closed'));
    return new Promise((resolve, reject) => {
      this.#onJoined.push(() =>
        this.#isClosed ? reject(new PoolError('closed', 'the map was closed')) : resolve(),
      );
    });
  }

  /** Keys that have anything. */
  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** The sum of what all have counted; 0 where nobody did. */
  counter(key: string): number {
    return this.#entries.get(key)?.counter ?? 0;
  }

  /** What was written last; undefined: nothing. */
  register(key: string): string | undefined {
    return this.#entries.get(key)?.register ?? undefined;
  }

  has(key: string, element: string): boolean {
    return this.#entries.get(key)?.elements.has(element) ?? false;
  }

  /** Of the key's set. */
  elements(key: string): readonly string[] {
    return [...(this.#entries.get(key)?.elements ?? [])];
  }

  /**
   * Adds to the key's counter. Resolves when it is made at this node, and can be read.
   * @param by a whole number, also below 0
   * @throws PoolError with nothing changed: `overloaded` beyond a bound, `refused` for what cannot be; `closed` when the agent went away
   * meanwhile: whether it was made is not known. TypeError for half a character
   */
  count(key: string, by: number = 1): Promise<void> {
    if (!Number.isSafeInteger(by))
      return Promise.reject(new PoolError('refused', `${by} is no whole number`));
    return this.#change(() => ({ type: 'count', key: octetsOf(key), by }));
  }

  /** Gives the key's register a value; the later of two stays. @throws PoolError as `count` does */
  write(key: string, value: string): Promise<void> {
    return this.#change(() => ({ type: 'write', key: octetsOf(key), value: octetsOf(value) }));
  }

  /** Puts an element into the key's set. @throws PoolError as `count` does */
  add(key: string, element: string): Promise<void> {
    return this.#change(() => ({ type: 'add', key: octetsOf(key), element: octetsOf(element) }));
  }

  /** Takes an element out of the key's set; whoever adds it at the same time wins. @throws PoolError as `count` does */
  discard(key: string, element: string): Promise<void> {
    return this.#change(() => ({ type: 'discard', key: octetsOf(key), element: octetsOf(element) }));
  }

  /** Takes counter, register and set of the key away, as far as they are known here. @throws PoolError as `count` does */
  remove(key: string): Promise<void> {
    return this.#change(() => ({ type: 'remove', key: octetsOf(key) }));
  }

  // ---------------------------------------------------------- by the function's connection to its agent

  /** The state is at this socket; it comes, and changes go there. */
  join(path: string): void {
    this.#link?.cut();
    this.#lost();
    this.#coming = new Map();
    const link: MergeLink = MergeLink.connect(path, {
      onKeys: (keys) => this.#take(keys),
      onDone: (number) => this.#done(number),
      onRefused: (number, reason) => this.#refused(number, reason),
      onCut: () => {
        if (this.#link !== link) return;
        this.#link = null;
        this.#coming = null;
        this.#part = null;
        this.#lost();
      },
    });
    this.#link = link;
    for (const change of this.#waiting.splice(0)) this.#given.set(link.ask(change.update), change);
  }

  /** There is no agent, and nobody to share it with. */
  standAlone(): void {
    this.#alone ??= new MergeableState({ replica: { origin: 0, incarnation: 0n } });
    for (const change of this.#waiting.splice(0)) this.#changeAlone(change, this.#alone);
    this.#tellJoined();
  }

  close(): void {
    this.#isClosed = true;
    this.#link?.cut();
    this.#link = null;
    this.#lost();
    const error = new PoolError('closed', 'the map was closed');
    for (const change of this.#waiting.splice(0)) this.#end(change).fail(error);
    this.#tellJoined();
  }

  async #change(make: () => Update): Promise<void> {
    const update = make();
    const weight = weightOf(update);
    if (this.#isClosed) throw new PoolError('closed', 'the map was closed');
    const count = this.#waiting.length + this.#given.size;
    if (count >= this.#waitingMax || this.#weight + weight > this.#waitingBytesMax)
      throw new PoolError('overloaded', `${count} changes wait until they are made`);
    await new Promise<void>((settle, fail) => {
      const change: Change = { update, weight, settle, fail };
      this.#weight += weight;
      if (this.#alone !== null) this.#changeAlone(change, this.#alone);
      else if (this.#link === null) this.#waiting.push(change);
      else this.#given.set(this.#link.ask(update), change);
    });
  }

  #changeAlone(change: Change, state: MergeableState): void {
    const { settle, fail, update } = this.#end(change);
    const reason = state.update(update, Date.now());
    if (reason !== null) {
      fail(errorOf(reason));
      return;
    }
    const { key } = update;
    const [counter, register, elements] = [state.counter(key), state.register(key), state.elements(key)];
    this.#set(utf8.decode(key), {
      counter: counter ?? null,
      register: register === undefined ? null : utf8.decode(register),
      elements: new Set(elements.map((element) => utf8.decode(element))),
    });
    settle();
  }

  #take(keys: readonly MergeKey[]): void {
    for (const { key, isFirst, isLast, counter, register, elements } of keys) {
      if (isFirst) this.#part = { counter: null, register: null, elements: new Set() };
      const entry = this.#part;
      if (entry === null)
        throw new PoolError('internal', 'the agent goes on with a key that it did not begin');
      entry.counter ??= counter;
      entry.register ??= register === null ? null : utf8.decode(register);
      for (const element of elements) entry.elements.add(utf8.decode(element));
      if (!isLast) continue;
      this.#part = null;
      this.#set(utf8.decode(key), entry);
    }
  }

  #set(key: string, entry: Entry): void {
    const entries = this.#coming ?? this.#entries;
    if (entry.counter === null && entry.register === null && entry.elements.size === 0) entries.delete(key);
    else entries.set(key, entry);
    if (this.#coming === null) this.#onChange(key);
  }

  #done(number: number): void {
    const coming = this.#coming;
    if (coming !== null) {
      const keys = new Set([...this.#entries.keys(), ...coming.keys()]);
      this.#entries = coming;
      this.#coming = null;
      this.#tellJoined();
      for (const key of keys) this.#onChange(key);
    }
    // In the order of their numbers.
    for (const [at, change] of this.#given) {
      if (at > number) return;
      this.#given.delete(at);
      this.#end(change).settle();
    }
  }

  #refused(number: number, reason: MergeRefusal): void {
    const change = this.#given.get(number);
    if (change === undefined) return;
    this.#given.delete(number);
    this.#end(change).fail(errorOf(reason));
  }

  /** The connection is over. */
  #lost(): void {
    const error = new PoolError('closed', 'the agent went away: whether the change was made is not known');
    for (const change of this.#given.values()) this.#end(change).fail(error);
    this.#given.clear();
  }

  #end(change: Change): Change {
    this.#weight -= change.weight;
    return change;
  }

  #tellJoined(): void {
    for (const tell of this.#onJoined.splice(0)) tell();
  }
}

function errorOf(reason: MergeRefusal): PoolError {
  const [code, message] = REFUSALS[reason];
  return new PoolError(code, message);
}

/** @throws TypeError for half a character; PoolError `refused` for what is too long */
function octetsOf(text: string): Uint8Array {
  if (HALF.test(text)) throw new TypeError('a text has half a character');
  const octets = new TextEncoder().encode(text);
  if (octets.length > OCTETS_MAX)
    throw new PoolError('refused', `a key, a value or an element has at most ${OCTETS_MAX} octets`);
  return octets;
}
