// SPDX-License-Identifier: Apache-2.0
import type { SessionForward, SessionSelector, StateKind } from '@vnfpool/wire/function-socket';
import { PoolError } from '../pool-error.ts';
import type { JsonValue } from './kv-lines.ts';
import type { MovableSessions } from './movable-sessions.ts';
import { SessionGate } from './session-gate.ts';
import { type SessionNames, selectSessions } from './session-selection.ts';
import type { TrackedMap } from './tracked-map.ts';

export interface TrackedSessionsOptions<Value extends JsonValue = JsonValue>
  extends SessionNames<string, Value> {
  /** Where this instance takes packets of sessions that came from another one; default nowhere. */
  readonly forward?: () => SessionForward | null | Promise<SessionForward | null>;
  /** These are served here from now on. */
  readonly onArrived?: (keys: readonly string[]) => void;
  /** These are served elsewhere from now on. */
  readonly onMoved?: (keys: readonly string[], forward: SessionForward | null) => void;
  /** Sessions remembered as moved, default 1,000,000; beyond, the oldest are forgotten. */
  readonly movedMax?: number;
  /** Changes held back at once, default 1024; more fail with `overloaded`. */
  readonly waitingMax?: number;
}

/** The session is served by another instance, at `forward`; null: it takes nothing from us. */
export class SessionMovedError extends PoolError {
  override readonly name: string = 'SessionMovedError';
  readonly forward: SessionForward | null;

  constructor(key: string, forward: SessionForward | null) {
    const where = forward === null ? 'elsewhere' : `at ${forward.address} port ${forward.port}`;
    super('moved', `the session ${key.slice(0, 64)} is served ${where}`);
    this.forward = forward;
  }
}

/**
 * Sessions that are entries of a map, each movable for itself; whatever changes one goes through `change`. The map can
 * move as a whole, too. Ratios and counts take the sessions that have been in the map longest.
 */
export class TrackedSessions<Value extends JsonValue = JsonValue> implements MovableSessions {
  readonly #map: TrackedMap<Value>;
  readonly #options: TrackedSessionsOptions<Value>;
  readonly #gate: SessionGate<string>;
  /** Those that are about to move; null: none. */
  #selected: ReadonlySet<string> | null = null;
  /** What came and is not served yet; null: nothing. */
  #staged: Map<string, Value> | null = null;
  #accepted = 0;
  readonly #moved = new Map<string, SessionForward | null>();

  constructor(map: TrackedMap<Value>, options: TrackedSessionsOptions<Value> = {}) {
    this.#map = map;
    this.#options = options;
    this.#gate = new SessionGate(options.waitingMax);
  }

  get count(): number {
    return this.#map.size;
  }

  /**
   * Runs what changes, begins or ends a session; waits while it is held back.
   * @throws SessionMovedError when it is served elsewhere
   */
  change<Result>(key: string, run: () => Result | Promise<Result>): Promise<Result> {
    return this.#gate.run(key, () => {
      const forward = this.#moved.get(key);
      if (forward !== undefined) throw new SessionMovedError(key, forward);
      return run();
    });
  }

  /** Where the session has moved: null without an address; undefined: it has not, or that was forgotten. */
  movedTo(key: string): SessionForward | null | undefined {
    return this.#moved.get(key);
  }

  /** The session is over where it has moved, or may begin here anew. */
  forget(key: string): void {
    this.#moved.delete(key);
  }

  // ------------------------------------------------------------ source

  select(selection: readonly SessionSelector[]): number {
    this.resume();
    this.#selected = selectSessions(this.#map.entries(), this.#map.size, selection, this.#options);
    return this.#selected.size;
  }

  get selectedCount(): number {
    let count = 0;
    for (const key of this.#selected ?? []) if (this.#map.has(key)) count += 1;
    return count;
  }

  export(kind: StateKind): AsyncIterable<Uint8Array> {
    if (this.#selected === null) throw new PoolError('refused', 'no sessions are selected');
    return this.#map.exportOf(kind, this.#selected);
  }

  async quiesce(): Promise<void> {
    if (this.#selected === null) throw new PoolError('refused', 'no sessions are selected');
    await this.#gate.hold(this.#selected);
  }

  resume(): void {
    this.#selected = null;
    this.#map.release();
    this.#gate.release();
  }

  moved(forward: SessionForward | null): void {
    // That they go is no change that anybody wants to know.
    this.#map.release();
    const keys = [...(this.#selected ?? [])].filter((key) => this.#map.delete(key));
    const { movedMax = 1_000_000, onMoved } = this.#options;
    for (const key of keys) {
      this.#moved.delete(key);
      this.#moved.set(key, forward);
    }
    for (const oldest of this.#moved.keys()) {
      if (this.#moved.size <= movedMax) break;
      this.#moved.delete(oldest);
    }
    // Those that were held back find that it is elsewhere.
    this.resume();
    if (keys.length > 0) onMoved?.(keys, forward);
  }

  // ------------------------------------------------------------ destination

  async expect(): Promise<SessionForward | null> {
    this.discard();
    return (await this.#options.forward?.()) ?? null;
  }

  async import(kind: StateKind, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    const { isWhole, later } = await this.#map.read(kind, chunks);
    const staged = isWhole || this.#staged === null ? new Map<string, Value>() : this.#staged;
    for (const key of later.keys())
      if (this.#map.has(key))
        throw new PoolError('refused', `the session ${key.slice(0, 64)} is here already`);
    for (const [key, value] of later) {
      if (value === undefined) staged.delete(key);
      else staged.set(key, value);
    }
    this.#staged = staged;
    return staged.size;
  }

  accept(): number {
    // Asked again, when the answer was lost.
    if (this.#staged === null) return this.#accepted;
    this.#map.add(this.#staged);
    const keys = [...this.#staged.keys()];
    for (const key of keys) this.#moved.delete(key);
    this.#staged = null;
    this.#accepted = keys.length;
    this.#options.onArrived?.(keys);
    return keys.length;
  }

  discard(): void {
    this.#staged = null;
    this.#accepted = 0;
  }
}
