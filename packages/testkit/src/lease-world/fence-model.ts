// SPDX-License-Identifier: Apache-2.0
import type { NodeClock } from './node-clock.ts';

/**
 * `nft`: absolute wall-clock interval and relative timeout. `bpf`: absolute CLOCK_BOOTTIME deadline. `relative`:
 * a timeout alone, which a late write reopens; only there to show that the world sees it.
 */
export type FenceKind = 'nft' | 'bpf' | 'relative';

/** What the process computed and is about to write. */
export interface FenceWrite {
  readonly epoch: number;
  readonly untilBootMs: number;
  readonly wallFromMs: number;
  readonly wallUntilMs: number;
  readonly timeoutMs: number;
  readonly computedAtTrueMs: number;
  readonly wallSteps: number;
}

interface Element extends FenceWrite {
  /** When the timeout ends, on the kernel's own clock. */
  readonly timeoutAtBootMs: number;
  readonly isLate: boolean;
}

/** Below this a write is a delete: a timeout of a few jiffies is not kept exactly. */
const REMAINDER_MIN_MS = 0.5;

/** A write that arrives later than this after its computing is late. */
const LATE_MS = 0.1;

/**
 * One machine's fence for one slot, as the kernel keeps it; it survives the agent's process.
 *
 * In the `nft` form a late write together with a backward step of the wall clock is not covered: that is the
 * declared lesser guarantee. The model leaves this combination out (`excluded` counts how often).
 */
export class FenceModel {
  readonly #kind: FenceKind;
  readonly #clock: NodeClock;
  #element: Element | undefined;
  #backwardSteps = 0;
  excluded = 0;

  constructor(kind: FenceKind, clock: NodeClock) {
    this.#kind = kind;
    this.#clock = clock;
  }

  /** The wall clock is read before the lease clock. */
  compute(epoch: number, untilBootMs: number, trueMs: number): FenceWrite {
    const wallFromMs = this.#clock.wallMs(trueMs);
    const timeoutMs = untilBootMs - this.#clock.bootMs(trueMs);
    return {
      epoch,
      untilBootMs,
      wallFromMs,
      wallUntilMs: wallFromMs + timeoutMs,
      timeoutMs,
      computedAtTrueMs: trueMs,
      wallSteps: this.#backwardSteps,
    };
  }

  write(write: FenceWrite, trueMs: number): void {
    if (write.timeoutMs < REMAINDER_MIN_MS) {
      this.#element = undefined;
      return;
    }
    const isLate = trueMs - write.computedAtTrueMs > LATE_MS;
    if (this.#kind === 'nft' && isLate && write.wallSteps !== this.#backwardSteps) {
      this.excluded += 1;
      this.#element = undefined;
      return;
    }
    this.#element = { ...write, isLate, timeoutAtBootMs: this.#clock.bootMs(trueMs) + write.timeoutMs };
  }

  close(): void {
    this.#element = undefined;
  }

  /** The epoch under which the fence lets packets through now; undefined: it is closed. */
  openEpoch(trueMs: number): number | undefined {
    const element = this.#element;
    if (element === undefined) return undefined;
    const bootMs = this.#clock.bootMs(trueMs);
    if (this.#kind === 'bpf') return bootMs < element.untilBootMs ? element.epoch : undefined;
    if (this.#kind === 'relative') return bootMs < element.timeoutAtBootMs ? element.epoch : undefined;
    const wallMs = this.#clock.wallMs(trueMs);
    const isInside = wallMs >= element.wallFromMs && wallMs <= element.wallUntilMs;
    return isInside && bootMs < element.timeoutAtBootMs ? element.epoch : undefined;
  }

  /** To be told of every step of the wall clock. */
  wallStepped(byMs: number): void {
    if (byMs >= 0) return;
    this.#backwardSteps += 1;
    if (this.#kind === 'nft' && this.#element?.isLate === true) {
      this.excluded += 1;
      this.#element = undefined;
    }
  }
}
