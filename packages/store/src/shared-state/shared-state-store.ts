// SPDX-License-Identifier: Apache-2.0

/**
 * The state of slots outside of the set, changed in place, for one holder of each at a time. The store itself knows whose a slot is: a
 * claim of an epoch, which only a higher one takes away, goes before everything, and what comes under another claim is refused there,
 * in the same step in which it would have been written.
 *
 * Beside the data lies a mark: words of whoever writes, which say what the data are. Each write names the mark that it follows on, and the
 * one that it leaves, so that one that is repeated counts once, and a store that went back to an earlier state is noticed.
 */
export interface SharedStateStore {
  readonly limits: SharedStateLimits;
  /** Who has the slot, and what the mark says. @throws SharedStateError */
  look(slot: string): Promise<SlotHead>;
  /**
   * The slot is the claimant's, if no other one has this epoch or a higher one. What is written under a claim from before is refused from
   * then on. Repeated it says the same. @throws SharedStateError
   */
  claim(slot: string, claim: SlotClaim): Promise<Claimed>;
  /** Entries of a generation, a page at a time. @param cursor null: the first; else of the page before @throws SharedStateError */
  read(
    slot: string,
    claim: SlotClaim,
    generation: number,
    cursor: string | null,
  ): Promise<EntryPage | Refused>;
  /**
   * All of it, or nothing. One that rejects may have come through, and may be repeated.
   * @throws SharedStateError; RangeError for more than `limits`
   */
  write(slot: string, claim: SlotClaim, write: SlotWrite): Promise<Written | Refused>;
  /** All that there is of the slot, but for the claim. @throws SharedStateError */
  remove(slot: string, claim: SlotClaim, generations: readonly number[]): Promise<Written | Refused>;
  /** What is under way is rejected, or comes through. */
  close(): Promise<void>;
}

/** Of one write. */
export interface SharedStateLimits {
  readonly updates: number;
  /** Of keys and values together; one update may weigh more. */
  readonly octets: number;
  readonly valueOctets: number;
}

export interface SlotClaim {
  /** From 1. */
  readonly epoch: number;
  readonly node: number;
}

/** Null: nobody has claimed it, or the store has lost it. */
export interface SlotHead {
  readonly claim: SlotClaim | null;
  /** Empty: nothing was written. */
  readonly mark: string;
}

export type Claimed = { readonly isClaimed: boolean } & SlotHead;

/** Key: characters U+0000 to U+00FF. Value null: it is no more. */
export interface EntryUpdate {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface EntryPage {
  readonly isRefused: false;
  readonly entries: readonly (readonly [key: string, value: Uint8Array])[];
  /** Null: this was the last one. */
  readonly cursor: string | null;
}

export interface SlotWrite {
  /** The mark that is there; empty: none is. */
  readonly from: string;
  /** The one that is there then. Never one that was before. */
  readonly to: string;
  /** Where the updates go; from 1. */
  readonly generation: number;
  /** What the generation had is removed before. */
  readonly isAnew?: boolean;
  /** Nobody needs this generation any more. */
  readonly dropped?: number;
  readonly updates: readonly EntryUpdate[];
}

export interface Written {
  readonly isRefused: false;
}

/** Nothing was done: the slot is another's, or the mark is another one. */
export type Refused = { readonly isRefused: true } & SlotHead;

/**
 * - `unavailable`: the store does not answer, or not in time; it may be well again later
 * - `full`: it has no room · `address`: it cannot be one of ours · `closed`: this end was closed
 */
export type SharedStateErrorCode = 'unavailable' | 'full' | 'address' | 'closed';

export class SharedStateError extends Error {
  override readonly name: string = 'SharedStateError';
  readonly code: SharedStateErrorCode;

  constructor(code: SharedStateErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

const SLOT = /^[0-9a-z]{1,64}$/;

/** @throws RangeError for what no store takes */
export function checkSlot(slot: string): string {
  if (!SLOT.test(slot)) throw new RangeError(`${slot} is no slot`);
  return slot;
}

/** @throws RangeError for more than the limits */
export function checkWrite({ updates }: SlotWrite, limits: SharedStateLimits): void {
  if (updates.length > limits.updates) throw new RangeError(`a write of ${updates.length} updates`);
  let octets = 0;
  for (const { key, value } of updates) {
    const length = value?.length ?? 0;
    if (length > limits.valueOctets) throw new RangeError(`a value of ${length} octets`);
    octets += key.length + length;
  }
  if (octets > limits.octets && updates.length > 1) throw new RangeError(`a write of ${octets} octets`);
}

export function isSameClaim(a: SlotClaim | null, b: SlotClaim | null): boolean {
  return a?.epoch === b?.epoch && a?.node === b?.node;
}
