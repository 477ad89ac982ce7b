// SPDX-License-Identifier: Apache-2.0
import type { PartKind } from '@vnfpool/wire/state-channel';

/** A counter that no session reaches: the session has ended. */
const ENDED = 0xffffffff;
const RECORD_BYTES = 8;

/** Sessions, each with a counter that changes while it is served. */
export type Sessions = Map<number, number>;

/**
 * The function at the source: serves, tells what changed since it was last asked, and stops when told to. `isMoving`
 * says which of its sessions a transfer is about.
 */
export class ToySource {
  readonly sessions: Sessions = new Map();
  /** Sessions as they began, counted and ended by themselves, wherever they are served. */
  readonly ledger: Sessions = new Map();
  readonly #isMoving: (id: number) => boolean;
  #changed = new Set<number>();
  /** Ids of the part that is being given. */
  #rest: number[] = [];
  #nextId: number;
  isAlive = true;
  isQuiesced = false;
  /** It gave its sessions away. */
  isFinished = false;
  /** What moves, as it was when it last stopped. */
  atQuiesce: Sessions | null = null;

  constructor(count: number, isMoving: (id: number) => boolean) {
    this.#isMoving = isMoving;
    for (let id = 1; id <= count; id += 1) {
      this.sessions.set(id, 1);
      this.ledger.set(id, 1);
    }
    this.#nextId = count + 1;
  }

  /** It serves the sessions that the transfer is about. */
  get owns(): boolean {
    return this.isAlive && !this.isQuiesced && !this.isFinished;
  }

  /** One change: a session counts on, begins or ends. `what` in [0, 1) chooses which. */
  change(what: number, which: number): void {
    if (!this.isAlive) return;
    const ids = [...this.sessions.keys()].filter((id) => this.owns || !this.#isMoving(id));
    const id = ids[Math.floor(which * ids.length)];
    if (what < 0.1 && this.owns) this.#set(this.#nextId++, 1);
    else if (id !== undefined && what > 0.9) this.#end(id);
    else if (id !== undefined) this.#set(id, (this.sessions.get(id) ?? 0) + 1);
  }

  /** Begins a part: what changes from now on is for the next one. */
  cut(kind: PartKind): void {
    const ids = kind === 'snapshot' ? this.sessions.keys() : this.#changed;
    this.#rest = [...ids].filter(this.#isMoving);
    this.#changed = new Set();
  }

  /** Some sessions of the part as they are now; null when it has no more. */
  chunk(count: number): Uint8Array | null {
    const ids = this.#rest.splice(0, count);
    if (ids.length === 0) return null;
    const octets = new Uint8Array(ids.length * RECORD_BYTES);
    const view = new DataView(octets.buffer);
    ids.forEach((id, at) => {
      view.setUint32(at * RECORD_BYTES, id);
      view.setUint32(at * RECORD_BYTES + 4, this.sessions.get(id) ?? ENDED);
    });
    return octets;
  }

  quiesce(): void {
    this.isQuiesced = true;
    this.atQuiesce = this.moving();
  }

  finish(): void {
    this.isFinished = true;
    for (const id of this.moving().keys()) this.sessions.delete(id);
  }

  /** The sessions that the transfer is about. */
  moving(): Sessions {
    return new Map([...this.sessions].filter(([id]) => this.#isMoving(id)));
  }

  #set(id: number, counter: number): void {
    this.sessions.set(id, counter);
    this.ledger.set(id, counter);
    this.#changed.add(id);
  }

  #end(id: number): void {
    this.sessions.delete(id);
    this.ledger.delete(id);
    this.#changed.add(id);
  }
}

/** The function at the destination: takes parts in beside its own sessions, and owns them when told so. */
export class ToyDestination {
  readonly imported: Sessions = new Map();
  isAlive = true;
  isActive = false;
  /** Chunks are cut anywhere: a record may come in two. */
  #partial: number[] = [];

  take(octets: Uint8Array): void {
    const all = Uint8Array.from([...this.#partial, ...octets]);
    const whole = all.length - (all.length % RECORD_BYTES);
    const view = new DataView(all.buffer);
    for (let at = 0; at < whole; at += RECORD_BYTES) {
      const id = view.getUint32(at);
      const counter = view.getUint32(at + 4);
      if (counter === ENDED) this.imported.delete(id);
      else this.imported.set(id, counter);
    }
    this.#partial = [...all.subarray(whole)];
  }

  get owns(): boolean {
    return this.isAlive && this.isActive;
  }

  discard(): void {
    this.imported.clear();
    this.#partial = [];
    this.isActive = false;
  }
}

/**
 * What is served by the two, each session with its counter; null: one of them is served twice. A function that has ended
 * serves nothing, one that gave sessions away serves the others.
 */
export function servedBy(source: ToySource, destination: ToyDestination): Sessions | null {
  const served = new Map(source.isAlive ? source.sessions : []);
  if (!destination.owns) return served;
  for (const [id, counter] of destination.imported) {
    if (served.has(id)) return null;
    served.set(id, counter);
  }
  return served;
}

export function sameSessions(one: Sessions, other: Sessions): boolean {
  return one.size === other.size && [...one].every(([id, counter]) => other.get(id) === counter);
}
