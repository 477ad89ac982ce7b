// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, encodeUtf8, WireError } from '@vnfpool/wire/bytes';
import { LineSplitter, type StateKind } from '@vnfpool/wire/function-socket';
import { PoolError } from '../pool-error.ts';
import type { MovableState } from './movable-state.ts';

/** What JSON can say. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export interface TrackedMapOptions<Value extends JsonValue = JsonValue> {
  /** Default 1,000,000. A `set` beyond, or an import, fails with `overloaded`. */
  readonly entriesMax?: number;
  /** Keys remembered as changed, default 100,000; with more the next delta is the whole map. */
  readonly changesMax?: number;
  /** Which values it takes; an import with another one is refused. Default all that JSON can say. */
  readonly isValue?: (value: JsonValue) => value is Value;
}

/** A line of the octets: one change. */
type Change =
  | readonly ['set', string, JsonValue]
  | readonly ['delete', string]
  /** Everything before is gone. */
  | readonly ['clear'];

/** Octets handed out at once. */
const CHUNK_BYTES = 65_536;
/** Octets of one entry on its way. */
const ENTRY_BYTES_MAX = 1_048_576;

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

  async *export(kind: StateKind): AsyncGenerator<Uint8Array, void> {
    const before = this.#changed;
    const whole = kind === 'snapshot' || before === null || this.#allChanged;
    // From here on, so that what changes while we write is in the next delta.
    this.#changed = new Set();
    this.#allChanged = false;
    let finished = false;
    try {
      yield* inChunks(whole ? this.#everything() : this.#changesOf(before));
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
    // What replaces all that is there; null: changes to it.
    let entries = kind === 'snapshot' ? new Map<string, Value>() : null;
    let later = new Map<string, Value | undefined>();
    const lines = new LineSplitter(ENTRY_BYTES_MAX);
    for await (const chunk of chunks) {
      for (const line of lines.push(chunk)) {
        const [verb, key, value] = parseChange(line);
        if (verb === 'set' && this.#isValue?.(value) === false)
          throw new WireError('value', 0, `the value of ${key.slice(0, 64)} is not one of ours`);
        if (verb === 'clear') {
          entries = new Map();
          later = new Map();
        } else if (entries === null) later.set(key, value as Value | undefined);
        else if (verb === 'set') entries.set(key, value as Value);
        else entries.delete(key);
        if ((entries?.size ?? later.size / 2) > this.#entriesMax) throw this.#full();
      }
    }
    if (lines.pending > 0) throw new WireError('short', lines.pending, 'the last line has no end');
    // All is there and nothing fails from here on.
    if (entries !== null) {
      this.#entries = entries;
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

  *#changesOf(keys: ReadonlySet<string>): Generator<Change> {
    for (const key of keys) {
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

async function* inChunks(changes: Iterable<Change>): AsyncGenerator<Uint8Array, void> {
  let text = '';
  for (const change of changes) {
    const line = `${JSON.stringify(change)}\n`;
    if (line.length * 3 >= ENTRY_BYTES_MAX && encodeUtf8(line).length > ENTRY_BYTES_MAX)
      throw new PoolError('overloaded', `the entry ${change[1]?.slice(0, 64)} has more than 1 MiB`);
    text += line;
    if (text.length < CHUNK_BYTES) continue;
    yield encodeUtf8(text);
    text = '';
  }
  if (text !== '') yield encodeUtf8(text);
}

function parseChange(line: Uint8Array): Change {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(line));
  } catch {
    throw new WireError('value', 0, 'a line of the state is not JSON');
  }
  if (Array.isArray(value)) {
    const [verb, key] = value as unknown[];
    if (verb === 'clear' && value.length === 1) return ['clear'];
    if (verb === 'set' && value.length === 3 && typeof key === 'string')
      return ['set', key, value[2] as JsonValue];
    if (verb === 'delete' && value.length === 2 && typeof key === 'string') return ['delete', key];
  }
  throw new WireError('value', 0, 'a line of the state is no change');
}
