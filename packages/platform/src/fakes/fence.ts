// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import type { Clocks, Fence } from '../interfaces.ts';

/** The kernel's two conditions for one address. */
interface Opening {
  readonly wallFromMs: number;
  readonly wallUntilMs: number;
  readonly timeoutAtMs: number;
}

/**
 * A fence in memory with the two conditions of the real one: the wall clock within the interval, and the timeout, which
 * starts when the write *arrives*, not run out. `beforeWrite` stands between computing and writing, where a
 * test lets time pass or steps the clock.
 */
export class FakeFence implements Fence {
  readonly kind = 'nft';
  readonly #clocks: Clocks;
  readonly #openings = new Map<string, Opening | undefined>();
  /** Called after the clocks were read and before the element is there. */
  beforeWrite: (() => void) | undefined;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
  }

  get guarded(): readonly string[] {
    return [...this.#openings.keys()];
  }

  guard(addresses: readonly string[]): void {
    for (const address of this.#openings.keys()) {
      if (!addresses.includes(address)) this.#openings.delete(address);
    }
    for (const address of addresses) {
      if (!this.#openings.has(address)) this.#openings.set(address, undefined);
    }
  }

  open(address: string, untilMs: number): void {
    this.#check(address);
    const wallFromMs = this.#clocks.wallMs();
    const leftMs = untilMs - this.#clocks.boottimeMs();
    this.beforeWrite?.();
    this.#openings.set(
      address,
      leftMs > 0
        ? { wallFromMs, wallUntilMs: wallFromMs + leftMs, timeoutAtMs: this.#clocks.boottimeMs() + leftMs }
        : undefined,
    );
  }

  close(address: string): void {
    this.#check(address);
    this.#openings.set(address, undefined);
  }

  isOpen(address: string): boolean {
    if (!this.#openings.has(address)) return true;
    const opening = this.#openings.get(address);
    const wallMs = this.#clocks.wallMs();
    return (
      opening !== undefined &&
      wallMs >= opening.wallFromMs &&
      wallMs <= opening.wallUntilMs &&
      this.#clocks.boottimeMs() < opening.timeoutAtMs
    );
  }

  dispose(): void {
    this.#openings.clear();
  }

  #check(address: string): void {
    if (this.#openings.has(address)) return;
    throw new PlatformError('BAD_ARGUMENT', `${address} is not under the fence`, { call: 'fence' });
  }
}
