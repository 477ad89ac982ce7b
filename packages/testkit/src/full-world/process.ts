// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@vnfpool/runtime/driver';
import type { NodeClock } from '../lease-world/node-clock.ts';
import type { World } from './world.ts';

/** What may wait for a process that does not run; a queue beyond it is a fault of who fills it. */
const INBOX_MAX = 10_000;
/** Datagrams that a socket's buffer holds. */
const DATAGRAMS_MAX = 256;

/**
 * A process of a simulated host: it starts, is paused and resumed, and is killed between any two things that it
 * does. What reaches it while it is paused waits; what it had planned dies with it.
 */
export class SimProcess {
  readonly name: string;
  readonly host: number;
  readonly clock: NodeClock;
  readonly #world: World;
  /** Grows with every start and end. */
  #life = 0;
  #isAlive = false;
  #isPaused = false;
  #inbox: (() => void)[] = [];
  #onEnd: (() => void)[] = [];
  #onResume: (() => void)[] = [];

  constructor(world: World, name: string, host: number, clock: NodeClock) {
    this.#world = world;
    this.name = name;
    this.host = host;
    this.clock = clock;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get life(): number {
    return this.#life;
  }

  nowMs(): number {
    return this.clock.bootMs(this.#world.nowMs);
  }

  /** Time for drivers of this life. */
  get driverClock(): Clock {
    return {
      nowMs: () => this.nowMs(),
      at: (atMs, run) => {
        let isOff = false;
        this.at(this.clock.trueMs(atMs) + 0.001, () => {
          if (!isOff) run();
        });
        return () => {
          isOff = true;
        };
      },
    };
  }

  begin(): void {
    this.#life += 1;
    this.#isAlive = true;
    this.#isPaused = false;
    this.#world.log(() => `${this.name} starts`);
  }

  /** Runs once, when this life ends. */
  onEnd(run: () => void): void {
    this.#onEnd.push(run);
  }

  /** Runs when this life goes on after a pause, before what has waited. */
  onResume(run: () => void): void {
    this.#onResume.push(run);
  }

  kill(): void {
    if (!this.#isAlive) return;
    this.#world.log(() => `${this.name} is killed`);
    this.#life += 1;
    this.#isAlive = false;
    this.#isPaused = false;
    this.#inbox = [];
    this.#onResume = [];
    for (const run of this.#onEnd.splice(0)) run();
  }

  pause(forMs: number): void {
    if (!this.#isAlive || this.#isPaused) return;
    this.#world.log(() => `${this.name} is paused for ${forMs.toFixed(1)} ms`);
    this.#isPaused = true;
    const life = this.#life;
    this.#world.schedule.after(forMs, () => {
      if (life === this.#life) this.resume();
    });
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#world.log(() => `${this.name} goes on`);
    this.#isPaused = false;
    for (const run of this.#onResume) run();
    while (this.#isAlive && !this.#isPaused) {
      const run = this.#inbox.shift();
      if (run === undefined) return;
      run();
    }
  }

  /** Now, or as soon as it runs again; never when it is dead. */
  deliver(run: () => void, kind: 'datagram' | 'other' = 'other'): void {
    if (!this.#isAlive) return;
    if (!this.#isPaused) {
      run();
      return;
    }
    if (kind === 'datagram' && this.#inbox.length >= DATAGRAMS_MAX) return;
    this.#inbox.push(run);
    if (this.#inbox.length > INBOX_MAX) this.#world.fail(`${INBOX_MAX} inputs wait for ${this.name}`);
  }

  /** At a moment of true time, if this life lasts until then. */
  at(atMs: number, run: () => void): void {
    const life = this.#life;
    this.#world.schedule.at(atMs, () => {
      if (life === this.#life) this.deliver(run);
    });
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.#world.nowMs + delayMs, run);
  }
}
