// SPDX-License-Identifier: Apache-2.0
import type { ReplicaStore } from '@vnfpool/core/replication';
import type { EntryUpdate, SharedStateStore, SlotClaim, SlotWrite } from '@vnfpool/store/shared-state';
import type { ReplicaUpdate } from '@vnfpool/wire/replication';
import { encodeStateMark, type StateMark } from '@vnfpool/wire/shared-state';
import { cutOf } from '../checkpoint/cut.ts';
import { PendingChanges } from './pending-changes.ts';
import { markOf } from './reader.ts';
import { checkOwner, SharedStateSuperseded } from './superseded.ts';

export interface SharedStateWriterOptions {
  readonly store: SharedStateStore;
  readonly slot: string;
  readonly claim: SlotClaim;
  /** What the holder changes. */
  readonly state: ReplicaStore;
  /** Changes that wait one by one weigh this at most. */
  readonly windowOctets: number;
  /** The mark of what the state began with, as it was read after the claim; empty: all of it is written. */
  readonly base: string;
  /** The store has lost what was written; all of it follows. */
  readonly onLost?: () => void;
}

/** A write, and what is so when it is done. */
interface Step {
  readonly write: SlotWrite;
  readonly mark: StateMark;
  /** Time of the first change that it brings; null: it brings none. */
  readonly sinceMs: number | null;
}

/** Pieces of a state, or of what changed, at one moment. */
interface Cut {
  readonly isAll: boolean;
  readonly generation: number;
  readonly pieces: readonly (readonly EntryUpdate[])[];
  readonly sequence: number;
  readonly sum: StateMark['sum'];
  readonly sinceMs: number | null;
}

const NOTHING: Pick<StateMark, 'generation' | 'sequence' | 'state' | 'sum'> = {
  generation: 0,
  sequence: 0,
  state: 'midway',
  sum: null,
};

/**
 * Keeps the state of a slot in a store, in place, for one epoch of it. Calls of `write` and `end` follow one another. A write that failed is
 * repeated as it was, since it may have come through.
 */
export class SharedStateWriter {
  readonly #options: SharedStateWriterOptions;
  readonly #pending: PendingChanges;
  #isClaimed = false;
  /** What the store has, as words and as what they say; null: nothing of ours. */
  #text: string;
  #mark: StateMark | null;
  /** The data are no longer those of the state here: all of it is written. */
  #isAllDue: boolean;
  /** Up to here the store has it. */
  #sequence: number;
  #cut: Cut | null = null;
  #cutAt = 0;
  /** Since it is not known whether it came through. */
  #step: Step | null = null;
  /** Of writes under this claim. */
  #number = 0;

  constructor(options: SharedStateWriterOptions) {
    this.#options = options;
    this.#pending = new PendingChanges(options.windowOctets);
    this.#text = options.base;
    this.#mark = markOf(options.base);
    this.#isAllDue = this.#mark === null;
    this.#sequence = this.#mark?.sequence ?? 0;
    if (this.#mark !== null && options.state.sequence > this.#sequence) this.#catchUp();
  }

  /** Of the last update that the store has. */
  get sequence(): number {
    return this.#sequence;
  }

  /** What lies beside the data; empty: nothing of this writer. */
  get mark(): string {
    return this.#isAllDue ? '' : this.#text;
  }

  /** The store has all of the state. */
  get isDone(): boolean {
    return !this.#isAllDue && this.#cut === null && this.#step === null && this.#pending.isEmpty;
  }

  /** Time of the oldest change that the store has not; null: it has all that were told. */
  get sinceMs(): number | null {
    return this.#step?.sinceMs ?? this.#cut?.sinceMs ?? this.#pending.sinceMs;
  }

  /** The state has changed so, in this order. */
  add(updates: readonly ReplicaUpdate[], nowMs: number): void {
    if (updates.length > 0) this.#pending.add(updates, nowMs);
  }

  /**
   * One write of what the store has not; where it has all, it is looked whether that is so.
   * @throws SharedStateSuperseded for good; SharedStateError, and it may be tried again
   */
  async write(): Promise<void> {
    await this.#try(() => this.#next());
  }

  /** Writes what is left, and that it is all. */
  async end(): Promise<void> {
    while (!this.#hasEnded()) await this.#try(() => (this.isDone ? this.#ended() : this.#next()));
  }

  async #try(stepOf: () => Step): Promise<void> {
    const { store, slot, claim } = this.#options;
    if (!this.#isClaimed) await this.#claim();
    this.#step ??= stepOf();
    const { write, mark } = this.#step;
    const written = await store.write(slot, claim, write);
    if (written.isRefused) {
      checkOwner(written, claim);
      this.#lost();
      return;
    }
    this.#step = null;
    this.#text = write.to;
    this.#mark = mark;
    this.#advance();
    // Until all of it is there the mark counts what somebody else had.
    if (!this.#isAllDue) this.#sequence = mark.sequence;
  }

  /** Whatever is there then is what is followed on. */
  async #claim(): Promise<void> {
    const { store, slot, claim } = this.#options;
    const claimed = await store.claim(slot, claim);
    if (!claimed.isClaimed) throw new SharedStateSuperseded(claim, claimed.claim?.epoch ?? claim.epoch);
    this.#isClaimed = true;
    if (claimed.mark === this.#text) return;
    const isOurs = this.#text !== '';
    this.#text = claimed.mark;
    this.#mark = markOf(claimed.mark);
    // No mark of ours says the same as one before.
    if (this.#mark?.epoch === claim.epoch) this.#number = Math.max(this.#number, this.#mark.number);
    this.#isAllDue = true;
    this.#sequence = 0;
    this.#cut = null;
    if (isOurs) this.#options.onLost?.();
  }

  /** What is there is not what was left there, and nobody later did it. */
  #lost(): void {
    const sinceMs = this.sinceMs;
    this.#isClaimed = false;
    this.#isAllDue = true;
    this.#sequence = 0;
    this.#cut = null;
    this.#step = null;
    // What it brought is in the state.
    if (sinceMs !== null) this.#pending.giveUp(sinceMs);
  }

  #next(): Step {
    const { state, store } = this.#options;
    if (this.#cut === null && this.#isAllDue) this.#all();
    else if (this.#cut === null && this.#pending.isOver) this.#catchUp();
    if (this.#cut !== null) return this.#piece(this.#cut);
    const generation = this.#mark?.generation ?? 1;
    if (this.#pending.isEmpty)
      return this.#stepOf(
        { ...(this.#mark ?? NOTHING), generation, state: 'whole' },
        { generation },
        [],
        null,
      );
    const { updates, sequence, sinceMs } = this.#pending.take(store.limits);
    const sum = sequence === state.sequence ? { keys: state.keys, digest: state.digest } : null;
    return this.#stepOf({ generation, sequence, state: 'whole', sum }, { generation }, updates, sinceMs);
  }

  #ended(): Step {
    const mark = this.#mark ?? NOTHING;
    const { generation } = mark;
    return this.#stepOf({ ...mark, state: 'ended' }, { generation }, [], null);
  }

  #hasEnded(): boolean {
    return this.isDone && this.#mark?.state === 'ended' && this.#mark.epoch === this.#options.claim.epoch;
  }

  #piece(cut: Cut): Step {
    const { isAll, generation, pieces, sequence, sum, sinceMs } = cut;
    const updates = pieces[this.#cutAt] ?? [];
    const former = this.#mark ?? NOTHING;
    const place = { generation, ...(isAll && this.#cutAt === 0 ? { isAnew: true } : {}) };
    // Until the last one whoever reads has what was there before, and hears of it.
    if (this.#cutAt < pieces.length - 1)
      return this.#stepOf(
        { ...former, state: 'midway', sum: isAll ? former.sum : null },
        place,
        updates,
        sinceMs,
      );
    const dropped = isAll && former.generation > 0 ? { dropped: former.generation } : {};
    return this.#stepOf(
      { generation, sequence, state: 'whole', sum },
      { ...place, ...dropped },
      updates,
      sinceMs,
    );
  }

  #stepOf(
    what: Pick<StateMark, 'generation' | 'sequence' | 'state' | 'sum'>,
    place: Pick<SlotWrite, 'generation' | 'isAnew' | 'dropped'>,
    updates: readonly EntryUpdate[],
    sinceMs: number | null,
  ): Step {
    const { epoch, node } = this.#options.claim;
    this.#number += 1;
    const mark: StateMark = { ...what, epoch, node, number: this.#number };
    const write = { ...place, from: this.#text, to: encodeStateMark(mark), updates };
    return { write, mark, sinceMs };
  }

  /** The step was done. */
  #advance(): void {
    if (this.#cut === null) return;
    this.#cutAt += 1;
    if (this.#cutAt < this.#cut.pieces.length) return;
    if (this.#cut.isAll) this.#isAllDue = false;
    this.#cut = null;
  }

  #all(): void {
    this.#begin(0, true, (this.#mark?.generation ?? 0) + 1);
  }

  /** What changed since, each key once; all of it where removals were forgotten. */
  #catchUp(): void {
    if (this.#options.state.floor > this.#sequence) this.#all();
    else this.#begin(this.#sequence, false, this.#mark?.generation ?? 1);
  }

  #begin(from: number, isAll: boolean, generation: number): void {
    const { state, store } = this.#options;
    const { updates, mark } = cutOf(state, from);
    const { sequence, keys, digest } = mark;
    this.#cut = {
      isAll,
      generation,
      pieces: piecesOf(updates, store.limits),
      sequence,
      sum: { keys, digest },
      sinceMs: this.#pending.sinceMs,
    };
    this.#cutAt = 0;
    this.#pending.clear();
  }
}

/** One at least. */
function piecesOf(
  updates: readonly ReplicaUpdate[],
  limits: SharedStateStore['limits'],
): readonly (readonly EntryUpdate[])[] {
  const pieces: EntryUpdate[][] = [[]];
  let octets = 0;
  for (const { key, value } of updates) {
    const weight = key.length + (value?.length ?? 0);
    const last = pieces.at(-1) as EntryUpdate[];
    if (last.length === limits.updates || (last.length > 0 && octets + weight > limits.octets)) {
      pieces.push([{ key, value }]);
      octets = weight;
    } else {
      last.push({ key, value });
      octets += weight;
    }
  }
  return pieces;
}
