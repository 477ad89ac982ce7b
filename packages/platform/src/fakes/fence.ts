// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import type { Clocks, Fence, Guarded, GuardedSlot } from '../interfaces.ts';

/** The kernel's two conditions for one slot. */
interface Opening {
  readonly wallFromMs: number;
  readonly wallUntilMs: number;
  readonly timeoutAtMs: number;
}

/**
 * A fence in memory with the two conditions of the nft form: the wall clock within the interval, and the timeout, which
 * starts when the write *arrives*, not run out. `beforeWrite` stands between computing and writing, where a
 * test lets time pass or steps the clock.
 */
export class FakeFence implements Fence {
  readonly kind = 'nft';
  readonly guarantee = 'a fence in memory';
  readonly #clocks: Clocks;
  readonly #openings = new Map<string, Opening>();
  #slots: readonly GuardedSlot[] = [];
  /** Called after the clocks were read and before the element is there. */
  beforeWrite: (() => void) | undefined;
  /** Calls of `openUntil` so far. */
  writes = 0;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
  }

  get guarded(): readonly Guarded[] {
    return this.#slots.flatMap(({ guarded }) => guarded);
  }

  guard(slots: readonly GuardedSlot[]): void {
    this.#slots = [...slots];
    for (const slot of this.#openings.keys()) if (!this.#isKnown(slot)) this.#openings.delete(slot);
  }

  openUntil(ends: ReadonlyMap<string, number>): void {
    for (const slot of ends.keys()) this.#check(slot);
    this.writes++;
    const wallFromMs = this.#clocks.wallMs();
    const nowMs = this.#clocks.boottimeMs();
    this.beforeWrite?.();
    for (const [slot, untilMs] of ends) {
      const leftMs = untilMs - nowMs;
      const timeoutAtMs = this.#clocks.boottimeMs() + leftMs;
      if (leftMs <= 0) this.#openings.delete(slot);
      else this.#openings.set(slot, { wallFromMs, wallUntilMs: wallFromMs + leftMs, timeoutAtMs });
    }
  }

  expect(): void {}

  close(slot: string): void {
    this.#openings.delete(slot);
  }

  isOpen(slot: string): boolean {
    if (!this.#isKnown(slot)) return true;
    const opening = this.#openings.get(slot);
    const wallMs = this.#clocks.wallMs();
    return (
      opening !== undefined &&
      wallMs >= opening.wallFromMs &&
      wallMs <= opening.wallUntilMs &&
      this.#clocks.boottimeMs() < opening.timeoutAtMs
    );
  }

  handOn(): undefined {
    return undefined;
  }

  abandon(): void {}

  check(): void {}

  dispose(): void {
    this.#slots = [];
    this.#openings.clear();
  }

  #isKnown(slot: string): boolean {
    return this.#slots.some((each) => each.slot === slot);
  }

  #check(slot: string): void {
    if (this.#isKnown(slot)) return;
    throw new PlatformError('BAD_ARGUMENT', `slot ${slot} is not under the fence`, { call: 'fence' });
  }
}
