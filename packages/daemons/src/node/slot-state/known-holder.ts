// SPDX-License-Identifier: Apache-2.0
import { ROUNDS } from '@vnfpool/core';
import { ROUND_JUMP_MAX } from '@vnfpool/core/lease';
import type { CopyRefusal } from '@vnfpool/runtime/replication';
import type { CouncilDefinition, SlotDefinition, SlotState } from '@vnfpool/wire/mobility';

/**
 * Whose state of a slot may be its holder's, by what this node knows of it. It hears of a grant later than the holder does, so whatever
 * may be news is let in: a take-over does not wait for it.
 */
export class KnownHolder {
  readonly #self: number;
  #candidates: ReadonlySet<number> = new Set();
  #generation = 1;
  /** By the value that this node saw last. */
  #holder: number | null = null;
  #epoch = 0;
  #listed: ReadonlySet<number> = new Set();

  constructor(self: number) {
    this.#self = self;
  }

  define({ candidates, councilId = 1 }: SlotDefinition, councils: readonly CouncilDefinition[]): void {
    this.#candidates = new Set(candidates.map(({ node }) => node));
    const council = councils.find(({ id }) => id === councilId);
    this.#generation = council?.version.generation ?? this.#generation;
  }

  /** What the lease worker sees of it. @returns whether another one holds it */
  observe({ holder, epoch: text, candidates, isReleased }: SlotState): boolean {
    const epoch = Number(text);
    // The epoch of a release may be the successor's: it says nothing of who else may be the holder.
    if (holder === null || isReleased === true || epoch < this.#epoch) return false;
    const isOther = holder.node !== this.#holder;
    this.#holder = holder.node;
    this.#epoch = epoch;
    this.#listed = new Set(candidates.map(({ node }) => node));
    return isOther;
  }

  /** Undefined: it may be. @param epoch that of its grant, which is lower than that of the value as soon as a list was changed */
  refusal(node: number | null, epoch: number): CopyRefusal | undefined {
    const isCandidate = (each: number): boolean =>
      this.#candidates.has(each) || this.#listed.has(each) || each === this.#holder;
    if (node === null || !isCandidate(node))
      return this.#refused('protocol', `node ${node ?? 'without a number'} is no candidate of the slot`);
    // This node's own taking waits for the last word of the one before.
    const isOver = this.#holder !== null && this.#holder !== this.#self && this.#holder !== node;
    if (isOver && epoch < this.#epoch)
      return this.#refused('old-epoch', `node ${this.#holder} holds the slot since`);
    const generation = Math.max(this.#generation, Math.floor(this.#epoch / ROUNDS));
    const round = (this.#epoch % ROUNDS) + ROUND_JUMP_MAX;
    if (Math.floor(epoch / ROUNDS) > generation || epoch % ROUNDS > round)
      return this.#refused('protocol', `epoch ${epoch} cannot have been granted`);
    return undefined;
  }

  #refused(reason: CopyRefusal['reason'], text: string): CopyRefusal {
    return { reason, epoch: this.#epoch, text };
  }
}
