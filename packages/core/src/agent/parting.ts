// SPDX-License-Identifier: Apache-2.0
import type { Random } from '../core.ts';
import type { FunctionId, NodeId, SlotId } from '../identity.ts';
import type { AgentOutput } from './types.ts';

/** How long a hand-over may take before it is ordered once more. */
const RETRY_MS = 250;
/** All attempts together; then the function goes on here. */
const PARTING_MS = 2_000;

/**
 * The state of a function has moved to another node, and the slot that it holds here follows by planned hand-over. The
 * function stands still meanwhile; whoever of the two gets the lease has everything.
 */
export class Parting {
  readonly slot: SlotId;
  readonly #to: { readonly node: NodeId; readonly functionId: FunctionId };
  readonly #random: Random;
  readonly #untilMs: number;
  #atMs: number;

  constructor(
    slot: SlotId,
    to: { readonly node: NodeId; readonly functionId: FunctionId },
    random: Random,
    nowMs: number,
  ) {
    this.slot = slot;
    this.#to = to;
    this.#random = random;
    this.#untilMs = nowMs + PARTING_MS;
    this.#atMs = nowMs;
  }

  /** When `expire` has something to do. */
  get deadlineMs(): number {
    return Math.min(this.#atMs, this.#untilMs);
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#untilMs;
  }

  /** The hand-over, when it is due. */
  expire(nowMs: number): AgentOutput[] {
    if (nowMs < this.#atMs) return [];
    this.#atMs = nowMs + RETRY_MS;
    const nonce = this.#random.u64().toString(16).padStart(16, '0');
    return [{ type: 'hand-over', slot: this.slot, to: this.#to, nonce }];
  }
}
