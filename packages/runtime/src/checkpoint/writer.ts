// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import { type CheckpointObject, type CheckpointPlace, encodeCheckpoint } from '@vnfpool/wire/checkpoint';
import { CheckpointSuperseded, type Claiming, checkLater, claimAfter } from './claim.ts';
import { cutOf, piecesOf } from './cut.ts';
import { isBefore, type NamedObject, objectName, objectsOf } from './names.ts';
import { kindOf } from './read-object.ts';
import { sealed } from './seal.ts';

export interface CheckpointWriterOptions extends Claiming {
  /** What the holder changes. */
  readonly state: ReplicaStore;
  /** Full checkpoints that are kept, with those behind them; at least 1, default 2. */
  readonly keepFull?: number;
  /** The store has lost what was written; a full checkpoint follows. */
  readonly onLost?: () => void;
}

/** One that was written. */
export interface WrittenCheckpoint {
  readonly isFull: boolean;
  readonly sequence: number;
  /** Of keys and values. */
  readonly weight: number;
  /** Of its objects, as the store has them. */
  readonly octets: number;
}

const KEEP_FULL = 2;
/** Incremental ones behind a full one, however small they are: each is one object more to read. */
const DELTAS_MAX = 128;

/**
 * Keeps the state of a slot in a store, for one epoch of it. Calls follow one another. Every object is another one, so that a crash, or a
 * store that fails, leaves what was there.
 */
export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  /** Of the last object that was tried. */
  #number = 0;
  /** The last one that is there for certain. */
  #last: CheckpointPlace | null = null;
  /** Up to here the store has it. */
  #sequence = 0;
  /** Full checkpoints that are there for certain, the oldest first. */
  #fulls: CheckpointPlace[] = [];
  #isFullNext = true;
  #fullWeight = 0;
  #deltaWeight = 0;
  #deltas = 0;

  constructor(options: CheckpointWriterOptions) {
    this.#options = options;
  }

  /** Of the last update that the store has. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The last object that is there for certain; null: there is none. */
  get last(): CheckpointPlace | null {
    return this.#last;
  }

  /** The next checkpoint has all of the state, though what changed would do. */
  writeAllNext(): void {
    this.#isFullNext = true;
  }

  /**
   * The epoch is this holder's: from here on what earlier ones write counts no more.
   * @throws CheckpointSuperseded, ObjectStoreError; may be tried again after the latter
   */
  async claim(): Promise<void> {
    await this.#look();
  }

  /** What this holder began with, as it was read after the claim: it is what has to be kept until there is a full one of its own. */
  begin(start: CheckpointPlace): void {
    if (start.epoch > 0) this.#fulls = [start];
  }

  /**
   * Writes what changed since the last one, or all of it; null: there is nothing new. What it brings is in the store when it resolves.
   * @throws CheckpointSuperseded, ObjectStoreError; the next one has all that this one had
   */
  async write(): Promise<WrittenCheckpoint | null> {
    const { state } = this.#options;
    await this.#look();
    const isFull =
      this.#isFullNext ||
      state.floor > this.#sequence ||
      this.#deltas >= DELTAS_MAX ||
      this.#deltaWeight > this.#fullWeight;
    if (!isFull && state.sequence === this.#sequence) return null;
    const cut = cutOf(state, isFull ? 0 : this.#sequence);
    const first = this.#number + 1;
    const pieces = piecesOf(cut);
    let octets = 0;
    for (const [index, updates] of pieces.entries()) {
      const mark = index === pieces.length - 1 ? cut.mark : null;
      octets += await this.#create({ type: 'part', first, from: cut.from, updates, mark });
    }
    const { sequence } = cut.mark;
    this.#sequence = sequence;
    if (isFull) {
      this.#fulls.push({ epoch: this.#options.epoch, number: first });
      this.#fullWeight = cut.weight;
      this.#deltaWeight = 0;
      this.#deltas = 0;
      this.#isFullNext = false;
      await this.#retain();
    } else {
      this.#deltaWeight += cut.weight;
      this.#deltas += pieces.length;
    }
    return { isFull, sequence, weight: cut.weight, octets };
  }

  /** Writes what is left, and that it is all. */
  async end(): Promise<void> {
    await this.write();
    await this.#create({ type: 'end', sequence: this.#sequence });
  }

  /** Whether this is still the newest epoch, and what it wrote still there. */
  async #look(): Promise<void> {
    const { objects, slot, epoch, onLost } = this.#options;
    const found = objectsOf(await objects.list(slot));
    checkLater(found, epoch);
    const isThere = (place: CheckpointPlace): boolean =>
      found.some(({ epoch, number }) => epoch === place.epoch && number === place.number);
    const wanted = [...this.#fulls, ...(this.#last === null ? [] : [this.#last])];
    if (!wanted.every(isThere)) {
      this.#fulls = [];
      this.#last = null;
      this.#isFullNext = true;
      onLost?.();
    }
    if (!isThere({ epoch, number: 0 })) await claimAfter(this.#options, found);
  }

  /** Each under a number of its own, also after one that failed: it may have come through. Gives its octets in the store. */
  async #create(body: Body): Promise<number> {
    const { objects, slot, epoch, node, wallMs } = this.#options;
    this.#number += 1;
    const object = { ...body, slot, epoch, number: this.#number, node, wallMs: wallMs() } as CheckpointObject;
    const octets = sealed(encodeCheckpoint(object));
    const isFirst = await objects.create(slot, objectName(object, kindOf(object)), octets);
    if (!isFirst) throw new CheckpointSuperseded(epoch, epoch);
    this.#last = { epoch, number: this.#number };
    return octets.length;
  }

  /**
   * Removes what is before the fulls that are kept. They are there before it is looked who is the newest: whoever claims after that finds them,
   * and needs nothing of what goes.
   */
  async #retain(): Promise<void> {
    const { objects, slot, epoch, keepFull = KEEP_FULL } = this.#options;
    this.#fulls = this.#fulls.slice(-keepFull);
    const [oldest] = this.#fulls;
    if (oldest === undefined || this.#fulls.length < keepFull) return;
    const found = objectsOf(await objects.list(slot));
    checkLater(found, epoch);
    const old = found.filter((each) => isBefore(each, oldest) && !this.#isOwnClaim(each));
    if (old.length > 0)
      await objects.remove(
        slot,
        old.map(({ name }) => name),
      );
  }

  #isOwnClaim({ epoch, number }: NamedObject): boolean {
    return epoch === this.#options.epoch && number === 0;
  }
}

type Body =
  | Omit<Extract<CheckpointObject, { type: 'part' }>, 'slot' | 'epoch' | 'number' | 'node' | 'wallMs'>
  | Omit<Extract<CheckpointObject, { type: 'end' }>, 'slot' | 'epoch' | 'number' | 'node' | 'wallMs'>;
