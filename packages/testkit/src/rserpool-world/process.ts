// SPDX-License-Identifier: Apache-2.0
import type { IpText } from '@vnfpool/wire/parameters';
import { NodeClock } from '../lease-world/node-clock.ts';
import type { AssociationEnd } from './association.ts';
import type { Protocol } from './options.ts';
import type { World } from './world.ts';

/** What may wait for a paused process; beyond it somebody floods it. */
const INBOX_MAX = 50_000;

/**
 * A process on a machine of its own. It starts, is paused and resumed, is killed, or loses its machine; what had
 * reached it while it was paused waits, what it had planned dies with it. Its clock runs at its own rate.
 */
export class Process {
  readonly id: number;
  readonly name: string;
  readonly address: IpText;
  readonly clock: NodeClock;
  /** Who takes associations, by protocol, in this life. */
  readonly listeners: Map<Protocol, (end: AssociationEnd) => void> = new Map();
  readonly ends: Set<AssociationEnd> = new Set();
  /** Nothing answers at this machine, not even a reset. */
  isDark = false;
  /** When a fault last began or ended that concerned it. */
  touchedMs = 0;
  readonly #world: World;
  #life = 0;
  #isAlive = false;
  #isPaused = false;
  #inbox: (() => void)[] = [];
  #onEnd: (() => void)[] = [];

  constructor(world: World, id: number, name: string) {
    this.#world = world;
    this.id = id;
    this.name = name;
    this.address = `10.${20 + (id >> 14)}.${(id >> 7) & 127}.${1 + (id & 127)}`;
    const rate = 1 + world.random.between(-0.001, 0.001);
    this.clock = new NodeClock(rate, world.random.between(1, 1e6), 1.7e12);
  }

  get life(): number {
    return this.#life;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isRunning(): boolean {
    return this.#isAlive && !this.#isPaused;
  }

  nowMs(): number {
    return this.clock.bootMs(this.#world.nowMs);
  }

  touch(): void {
    this.touchedMs = this.#world.nowMs;
  }

  begin(): void {
    this.#life += 1;
    this.#isAlive = true;
    this.#isPaused = false;
    this.isDark = false;
    this.touch();
  }

  /** Runs once, when this life ends. */
  onEnd(run: () => void): void {
    this.#onEnd.push(run);
  }

  /** `crash`: the machine goes on and closes what was open. `power`: the machine is gone too. */
  kill(how: 'crash' | 'power'): void {
    if (!this.#isAlive) return;
    this.#world.log(() => `${this.name} ${how === 'crash' ? 'is killed' : 'loses power'}`);
    this.touch();
    this.#life += 1;
    this.#isAlive = false;
    this.#isPaused = false;
    this.#inbox = [];
    this.isDark = how === 'power';
    for (const run of this.#onEnd.splice(0)) run();
    this.listeners.clear();
    for (const end of this.ends) end.orphan(how);
    this.ends.clear();
  }

  pause(forMs: number): void {
    if (!this.isRunning) return;
    this.#world.log(() => `${this.name} is paused for ${forMs.toFixed(0)} ms`);
    this.touch();
    this.#isPaused = true;
    const life = this.#life;
    this.#world.schedule.after(forMs, () => {
      if (life === this.#life) this.resume();
    });
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#world.log(() => `${this.name} goes on`);
    this.touch();
    this.#isPaused = false;
    const waiting = this.#inbox;
    this.#inbox = [];
    const life = this.#life;
    for (const run of waiting) if (life === this.#life) run();
  }

  /** Now, or as soon as it runs again; never when it is dead. */
  deliver(run: () => void): void {
    if (!this.#isAlive) return;
    if (!this.#isPaused) {
      run();
      return;
    }
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
