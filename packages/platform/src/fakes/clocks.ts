// SPDX-License-Identifier: Apache-2.0
import type { Clocks } from '../interfaces.ts';

/** Clocks that stand still until a test moves them. */
export class FakeClocks implements Clocks {
  #boottimeMs: number;
  #wallMs: number;

  /** Defaults: boot time 0, wall clock 1 January 2030. */
  constructor(boottimeMs = 0, wallMs = 1_893_456_000_000) {
    this.#boottimeMs = boottimeMs;
    this.#wallMs = wallMs;
  }

  boottimeMs(): number {
    return this.#boottimeMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  /** Lets time pass on both clocks. */
  advance(elapsedMs: number): void {
    if (elapsedMs < 0) throw new RangeError('time goes forward');
    this.#boottimeMs += elapsedMs;
    this.#wallMs += elapsedMs;
  }

  /** Steps the wall clock alone, forward or back. */
  stepWall(byMs: number): void {
    this.#wallMs += byMs;
  }
}
