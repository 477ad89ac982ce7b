// SPDX-License-Identifier: Apache-2.0
import type { World } from './world.ts';

/** What travels, by who sends it and why, in a window of time. */
export interface TrafficWindow {
  readonly fromMs: number;
  asap: number;
  enrp: number;
  connects: number;
  announcements: number;
}

/** Counts messages, so that a loop is found. */
export class Traffic {
  readonly #world: World;
  #window: TrafficWindow;
  /** By kind of message, over the whole run. */
  readonly kinds: Map<string, number> = new Map();

  constructor(world: World) {
    this.#world = world;
    this.#window = start(0);
  }

  count(what: Exclude<keyof TrafficWindow, 'fromMs'>, kind: string): void {
    this.#window[what] += 1;
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
  }

  /** What went since the last call. */
  take(): TrafficWindow {
    const window = this.#window;
    this.#window = start(this.#world.nowMs);
    return window;
  }
}

function start(fromMs: number): TrafficWindow {
  return { fromMs, asap: 0, enrp: 0, connects: 0, announcements: 0 };
}
