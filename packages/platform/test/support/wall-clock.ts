// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { createLinuxClocks } from '../../src/clocks/index.ts';
import { CLOCK_REALTIME, native } from '../../src/libc/index.ts';

/** Why the wall clock may not be set here; empty: it is that of a kernel of our own, and nobody else goes by it. */
export const wallClockMissing: string =
  existsSync('/proc/cpuinfo') && readFileSync('/proc/cpuinfo', 'utf8').includes('User Mode Linux')
    ? ''
    : '[only in a kernel of our own: npm test -- sctp]';

/** The wall clock of a kernel of our own: stepped, and put right again. */
export class SteppedWallClock {
  readonly #clocks = createLinuxClocks();
  readonly #rightAheadMs = this.#aheadMs();

  /** How far it is from what it would be, had nobody stepped it. */
  get wrongByMs(): number {
    return this.#aheadMs() - this.#rightAheadMs;
  }

  step(byMs: number): void {
    this.#set(this.#clocks.wallMs() + byMs);
  }

  putRight(): void {
    this.#set(this.#clocks.boottimeMs() + this.#rightAheadMs);
  }

  #aheadMs(): number {
    return this.#clocks.wallMs() - this.#clocks.boottimeMs();
  }

  #set(wallMs: number): void {
    // Whatever test calls: never the clock of the host.
    if (wallClockMissing !== '') throw new Error(wallClockMissing);
    const seconds = Math.floor(wallMs / 1e3);
    const time = new BigInt64Array([BigInt(seconds), BigInt(Math.floor((wallMs - seconds * 1e3) * 1e6))]);
    native().call('clock_settime', 'int clock_settime(int, const void *)', CLOCK_REALTIME, time);
  }
}
