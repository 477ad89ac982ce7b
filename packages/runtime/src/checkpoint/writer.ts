// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import { type CheckpointObject, type CheckpointPlace, encodeCheckpoint } from '@vnfpool/wire/checkpoint';
import { KEEP_FULL_MIN } from '@vnfpool/wire/mobility';
import { CheckpointSuperseded, type Claiming, checkLater, claimAfter } from './claim.ts';
import { type Cut, cutOf, piecesOf } from './cut.ts';
import { isBefore, type NamedObject, objectName, objectsOf } from './names.ts';
import { kindOf } from './read-object.ts';
import { numberBehind } from './restore.ts';
import { sealed } from './seal.ts';

export interface CheckpointWriterOptions extends Claiming {
  /** What the holder changes. */
  readonly state: ReplicaStore;
  /** Full checkpoints that are kept, with those behind them; at least 2, which is the default. */
  readonly keepFull?: number;
  /** Of the last object of this epoch that was tried, in whatever store; 0: none was. */
  readonly number?: number;
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

/** So many have to be this holder's, or what it began with, before anything goes: these were read, or are there for certain. */
const KEEP_FULL = KEEP_FULL_MIN;
/** Incremental ones behind a full one, however small they are: each is one object more to read. */
const DELTAS_MAX = 128;

/**
 * Keeps the state of a slot in a store, for one epoch of it. Calls follow one another. Every object is another one, so that a crash, or a
 * store that fails, leaves what was there.
 */
export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  /** Of the last object that was tried. */
  #number: number;
  /** The last one that is there for certain. */
  #last: CheckpointPlace | null = null;
  /** Up to here the store has it. */
  #sequence = 0;
  /** Full checkpoints that are there for certain, the oldest first. */
  #fulls: CheckpointPlace[] = [];
  #keepFull: number;
  /** Fewer are to be kept than before. */
  #isTooMany = false;
  #isFullNext = true;
  #fullWeight = 0;
  #deltaWeight = 0;
  #deltas = 0;
  /** What is there is not what the holder has. */
  #isRestored = false;
  #isEnded = false;

  constructor(options: CheckpointWriterOptions) {
    this.#options = options;
    this.#number = options.number ?? 0;
    this.#keepFull = options.keepFull ?? KEEP_FULL;
  }

  /** Full checkpoints that are kept from now on; what is too many goes with the next call of `write`. */
  keep(full: number): void {
    this.#isTooMany ||= full < this.#keepFull;
    this.#keepFull = full;
  }

  /** Of the last update that the store has. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Of the last object that was tried. */
  get number(): number {
    return this.#number;
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
    if (!isFull && state.sequence === this.#sequence) {
      if (this.#isTooMany) await this.#retain();
      return null;
    }
    const cut = cutOf(state, isFull ? 0 : this.#sequence);
    const first = this.#number + 1;
    const { pieces, octets } = await this.#createAll(cut);
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
      this.#deltas += pieces;
    }
    return { isFull, sequence, weight: cut.weight, octets };
  }

  /**
   * What the holder has is written, and behind it all of another state: whoever takes the slot next begins with that. Nothing but `end`
   * may follow. @param chosen numbered anew
   * @throws CheckpointSuperseded, ObjectStoreError: it may have come through, and the next call of `write` writes all that the holder has
   */
  async restore(chosen: ReplicaStore): Promise<WrittenCheckpoint & { readonly number: number }> {
    await this.write();
    numberBehind(chosen, this.#options.state.sequence);
    this.#isFullNext = true;
    const cut = cutOf(chosen, 0);
    const { octets } = await this.#createAll(cut);
    const { sequence } = cut.mark;
    this.#sequence = sequence;
    this.#isRestored = true;
    return { isFull: true, sequence, weight: cut.weight, octets, number: this.#number };
  }

  /** Writes what is left, and that it is all. */
  async end(): Promise<void> {
    if (this.#isEnded) return;
    if (!this.#isRestored) await this.write();
    await this.#create({ type: 'end', sequence: this.#sequence });
    this.#isEnded = true;
  }

  /** Whether this is still the newest epoch, and what it wrote still there. */
  async #look(): Promise<void> {
    const { objects, slot, epoch, onLost } = this.#options;
    const found = objectsOf(await objects.list(slot));
    checkLater(found, epoch);
    // Nobody but this holder writes under its epoch, unless it is taken for gone, and the slot begins anew with another state.
    if (found.some((each) => each.epoch === epoch && each.number > this.#number))
      throw new CheckpointSuperseded(epoch, epoch);
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

  /** All pieces of it. */
  async #createAll(cut: Cut): Promise<{ readonly pieces: number; readonly octets: number }> {
    const first = this.#number + 1;
    const pieces = piecesOf(cut);
    let octets = 0;
    for (const [index, updates] of pieces.entries()) {
      const mark = index === pieces.length - 1 ? cut.mark : null;
      octets += await this.#create({ type: 'part', first, from: cut.from, updates, mark });
    }
    return { pieces: pieces.length, octets };
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
    const { objects, slot, epoch } = this.#options;
    this.#fulls = this.#fulls.slice(-this.#keepFull);
    const [first] = this.#fulls;
    if (first === undefined || this.#fulls.length < KEEP_FULL) return;
    const found = objectsOf(await objects.list(slot));
    checkLater(found, epoch);
    this.#isTooMany = false;
    const before = found.filter((each) => each.kind === 'start' && isBefore(each, first));
    const oldest = [...before, ...this.#fulls].at(-this.#keepFull);
    if (oldest === undefined) return;
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
