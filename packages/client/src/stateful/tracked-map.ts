// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import type { StateKind } from '@vnfpool/wire/function-socket';
import { PoolError } from '../pool-error.ts';
import { type Change, type JsonValue, readChanges, writeChanges } from './kv-lines.ts';
import type { MovableState } from './movable-state.ts';

export interface TrackedMapOptions<Value extends JsonValue = JsonValue> {
  /** Default 1,000,000. A `set` beyond, or an import, fails with `overloaded`. */
  readonly entriesMax?: number;
  /** Keys remembered as changed, default 100,000; with more the next delta is the whole map. */
  readonly changesMax?: number;
  /** Which values it takes; an import with another one is refused. Default all that JSON can say. */
  readonly isValue?: (value: JsonValue) => value is Value;
}

/** What octets say of a map. */
export interface MapChanges<Value> {
  /** Everything before is gone: these are all entries. */
  readonly isWhole: boolean;
  readonly later: Map<string, Value | undefined>;
}

/**
 * A map that can be moved while it changes; set values anew rather than change them in place. Its octets are lines
 * of JSON (`kv/1`): `["set",KEY,VALUE]`, `["delete",KEY]`, `["clear"]`.
 */
export class TrackedMap<Value extends JsonValue = JsonValue> implements MovableState {
  readonly format = 'kv/1';
  readonly #entriesMax: number;
  readonly #changesMax: number;
  readonly #isValue: ((value: JsonValue) => value is Value) | undefined;
  #entries = new Map<string, Value>();
  /** Keys that have changed since the last export began; null: nobody wants to know. */
  #changed: Set<string> | null = null;
  /** Changed beyond what `#changed` says. */
  #allChanged = false;
  #changedBytes = 0;

  constructor({ entriesMax = 1_000_000, changesMax = 100_000, isValue }: TrackedMapOptions<Value> = {}) {
    this.#isValue = isValue;
    this.#entriesMax = entriesMax;
    this.#changesMax = changesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  entries(): IterableIterator<[string, Value]> {
    return this.#entries.entries();
  }

  set(key: string, value: Value): void {
    if (this.#entries.size >= this.#entriesMax && !this.#entries.has(key)) throw this.#full();
    this.#entries.set(key, value);
    this.#note(key, value);
  }

  delete(key: string): boolean {
    const had = this.#entries.delete(key);
    if (had) this.#note(key, null);
    return had;
  }

  export(kind: StateKind): AsyncGenerator<Uint8Array, void> {
    return this.#export(kind, null);
  }

  /** As `export`, of these keys only, and for a map that has others beside them: a snapshot does not clear it. */
  exportOf(kind: StateKind, keys: ReadonlySet<string>): AsyncGenerator<Uint8Array, void> {
    return this.#export(kind, keys);
  }

  async *#export(kind: StateKind, only: ReadonlySet<string> | null): AsyncGenerator<Uint8Array, void> {
    const before = this.#changed;
    const whole = kind === 'snapshot' || before === null || this.#allChanged;
    // From here on, so that what changes while we write is in the next delta.
    this.#changed = new Set();
    this.#allChanged = false;
    let finished = false;
    try {
      if (!whole) yield* writeChanges(this.#changesOf(before, only));
      else yield* writeChanges(only === null ? this.#everything() : this.#changesOf(only, null));
      finished = true;
    } finally {
      // Broken off: the other side has none of it.
      if (!finished && this.#changed !== null) {
        if (whole) this.#allChanged = true;
        else for (const key of before) this.#mark(key);
      }
    }
  }

  async import(kind: StateKind, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { isWhole, later } = await this.read(kind, chunks);
    // All is there. What replaces all of it cannot fail.
    if (isWhole) {
      this.#entries = later as Map<string, Value>;
      if (this.#changed) this.#allChanged = true;
      return;
    }
    let added = 0;
    for (const [key, value] of later) if (value !== undefined && !this.#entries.has(key)) added += 1;
    if (this.#entries.size + added > this.#entriesMax) throw this.#full();
    for (const [key, value] of later) {
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, value);
      this.#mark(key);
    }
  }

  /**
   * Octets of an export as what becomes of each key; undefined: it is deleted. Nothing is applied.
   * @throws WireError, PoolError `overloaded` for more entries than the map takes
   */
  async read(kind: StateKind, chunks: AsyncIterable<Uint8Array>): Promise<MapChanges<Value>> {
    let isWhole = kind === 'snapshot';
    const later = new Map<string, Value | undefined>();
    await readChanges(chunks, ([verb, key, value]) => {
      if (verb === 'set' && this.#isValue?.(value) === false)
        throw new WireError('value', 0, `the value of ${key.slice(0, 64)} is not one of ours`);
      if (verb === 'clear') {
        isWhole = true;
        later.clear();
      } else if (verb === 'set') later.set(key, value as Value);
      else if (isWhole) later.delete(key);
      else later.set(key, undefined);
      if ((isWhole ? later.size : later.size / 2) > this.#entriesMax) throw this.#full();
    });
    return { isWhole, later };
  }

  /** Adds entries with keys that are not there yet, all or none. @throws PoolError `refused`, `overloaded` */
  add(entries: ReadonlyMap<string, Value>): void {
    for (const key of entries.keys())
      if (this.#entries.has(key))
        throw new PoolError('refused', `there is an entry ${key.slice(0, 64)} already`);
    if (this.#entries.size + entries.size > this.#entriesMax) throw this.#full();
    for (const [key, value] of entries) {
      this.#entries.set(key, value);
      this.#mark(key);
    }
  }

  discard(): void {
    this.#entries.clear();
    this.release();
  }

  release(): void {
    this.#changed = null;
    this.#allChanged = false;
  }

  changedBytes(): number {
    const bytes = this.#changedBytes;
    this.#changedBytes = 0;
    return bytes;
  }

  *#everything(): Generator<Change> {
    yield ['clear'];
    // The keys of now: new ones could come faster than we write.
    const keys = [...this.#entries.keys()];
    for (const key of keys) {
      const value = this.#entries.get(key);
      if (value !== undefined) yield ['set', key, value];
    }
  }

  *#changesOf(keys: ReadonlySet<string>, only: ReadonlySet<string> | null): Generator<Change> {
    for (const key of keys) {
      if (only?.has(key) === false) continue;
      const value = this.#entries.get(key);
      yield value === undefined ? ['delete', key] : ['set', key, value];
    }
  }

  #note(key: string, value: JsonValue): void {
    // A key that changes twice between deltas is in the next one once.
    if (this.#changed?.has(key)) return;
    this.#changedBytes +=
      key.length + (typeof value === 'string' ? value : JSON.stringify(value)).length + 12;
    this.#mark(key);
  }

  #mark(key: string): void {
    if (this.#changed === null || this.#allChanged) return;
    this.#changed.add(key);
    if (this.#changed.size <= this.#changesMax) return;
    this.#changed.clear();
    this.#allChanged = true;
  }

  #full(): PoolError {
    return new PoolError('overloaded', `the map takes ${this.#entriesMax} entries`);
  }
}
