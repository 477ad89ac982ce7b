// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate, ReplicaStore } from '@vnfpool/core/replication';
import type { Clock } from '@vnfpool/runtime/driver';
import type { SharingReport } from '@vnfpool/wire/mobility';
import { pause } from './waiting.ts';

/** For what is left to be written when the slot is left. */
const LAST_MS = 5_000;

/** What a store gets of a change: no secrets, and it keeps nothing that has become one. */
export function storedValue({ value, secret }: KeyUpdate): Uint8Array | null {
  return secret === undefined ? value : null;
}

/** Changes that wait for the store. */
export class WaitingChanges {
  readonly #waiting = new Set<() => void>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when something is otherwise. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

/** Amounts of a state, for views; once a second. */
export class StateMeter {
  readonly #state: ReplicaStore;
  #sequence: number;

  constructor(state: ReplicaStore) {
    this.#state = state;
    this.#sequence = state.sequence;
  }

  read(): Pick<SharingReport, 'keys' | 'bytes' | 'sequence' | 'updatesPerSecond'> {
    const { keys, bytes, sequence } = this.#state;
    const updatesPerSecond = Math.max(0, sequence - this.#sequence);
    this.#sequence = sequence;
    return { keys, bytes, sequence, updatesPerSecond };
  }
}

/**
 * Runs what writes the rest, as long as a holder that leaves may take for it. @param signal others are not to be waited for
 * @param write whether the store has all; ends soon after its signal
 */
export async function writeLast(
  clock: Clock,
  signal: AbortSignal,
  write: (signal: AbortSignal) => Promise<boolean>,
  onMissing: () => void,
): Promise<void> {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const late = pause(clock, LAST_MS, stop).then(() => over.abort());
  const last = write(stop).then((isThere) => {
    if (!isThere && !signal.aborted) onMissing();
    over.abort();
  });
  await Promise.race([late, last]);
}
