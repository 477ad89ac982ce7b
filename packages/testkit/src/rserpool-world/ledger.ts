// SPDX-License-Identifier: Apache-2.0
import { poolName } from '@vnfpool/core/handlespace';
import type { ElementHost, Registered } from './element-host.ts';
import type { World } from './world.ts';

/** One name of one element. */
export interface Entry {
  readonly key: string;
  readonly host: ElementHost;
  readonly name: Registered;
  readonly sinceMs: number;
}

/** What is true: who lives and serves under which name, and since when those that do not are gone. */
export class Ledger {
  readonly #world: World;
  readonly #living = new Map<string, Entry>();
  readonly #goneMs = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  lives(host: ElementHost, name: Registered): void {
    const key = keyOf(name.poolHandle, name.elementId);
    if (this.#living.has(key)) return;
    this.#living.set(key, { key, host, name, sinceMs: this.#world.nowMs });
    this.#goneMs.delete(key);
  }

  /** It died, or does not want to be registered any more. */
  left(host: ElementHost, name: Registered): void {
    const key = keyOf(name.poolHandle, name.elementId);
    if (this.#living.get(key)?.host !== host) return;
    this.#living.delete(key);
    this.#goneMs.set(key, this.#world.nowMs);
  }

  living(): IterableIterator<Entry> {
    return this.#living.values();
  }

  get livingCount(): number {
    return this.#living.size;
  }

  find(key: string): Entry | undefined {
    return this.#living.get(key);
  }

  /** How long it has been gone; undefined: it lives, or never did. */
  goneForMs(key: string): number | undefined {
    const goneMs = this.#goneMs.get(key);
    return goneMs === undefined ? undefined : this.#world.nowMs - goneMs;
  }
}

export function keyOf(poolHandle: Uint8Array, elementId: number): string {
  return `${poolName(poolHandle)}/0x${elementId.toString(16)}`;
}
