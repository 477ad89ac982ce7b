// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import type { Clock } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import type { Found, Take } from './keeping.ts';
import { orAborted, pause } from './waiting.ts';

/** For a holder that lets go to write its last changes. */
const LAST_CHANGES_MS = 5_000;
const LOOK_EVERY_MS = 20;
/** Without a last resort: after this time another candidate may try. */
const READ_MS = 10_000;
/** Of a function that serves already, and has its state itself. */
const READ_RESUMED_MS = 2_000;
const RETRY_MS = 250;

export interface Reading {
  readonly order: Take;
  readonly withoutAfterMs: number | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** What was found in a store, as far as it tells how much of it is missing. */
export interface InStore {
  readonly store: ReplicaStore;
  /** The store has something of the slot. */
  readonly isThere: boolean;
  /** Who wrote it; null: not known. */
  readonly node: number | null;
  readonly epoch: number;
  /** Whoever wrote it said that it was all, or has answered nothing else. */
  readonly isEnded: boolean;
  /** What is known to be missing, each as the end of a sentence. */
  readonly missing: readonly string[];
}

/**
 * Reads, again and again while the store fails. @param isFault whether the store failed, not the slot is another's
 * @throws Error of the store: the slot is given up
 */
export async function readUntil(
  { order, withoutAfterMs, clock, logger, signal }: Reading,
  isFault: (error: unknown) => error is Error,
  read: () => Promise<Found>,
): Promise<Found> {
  const { slot, isResumed, previous } = order;
  const untilMs = clock.nowMs() + (isResumed ? READ_RESUMED_MS : (withoutAfterMs ?? READ_MS));
  for (;;) {
    try {
      return await orAborted(read(), signal);
    } catch (error) {
      if (!isFault(error)) throw error;
      if (clock.nowMs() < untilMs) {
        logger.warn(
          { slot, reason: error.message },
          'the store of its state cannot be read; it is tried again',
        );
        await pause(clock, RETRY_MS, signal);
        signal.throwIfAborted();
        continue;
      }
      if (!isResumed && withoutAfterMs === undefined) throw error;
      logger.error({ slot, reason: error.message }, 'it begins without the state in the store');
      return foundIn(new ReplicaStore(), previous === null, !isResumed);
    }
  }
}

/** A holder that lets go writes what it still has: resolves when it has said that it was all, or takes too long. */
export async function lastChanges(
  { order: { isReleased, ...order }, clock, signal }: Reading,
  self: number,
  hasEnded: () => Promise<boolean>,
): Promise<void> {
  const last = lastNodeOf(order, self);
  if (!isReleased || last === null || last === self) return;
  const untilMs = clock.nowMs() + LAST_CHANGES_MS;
  while (!(await hasEnded()) && clock.nowMs() < untilMs) {
    await pause(clock, LOOK_EVERY_MS, signal);
    signal.throwIfAborted();
  }
}

/** Who has to be told that something is missing is told. */
export function judged({ order, logger }: Reading, self: number, found: InStore): Found {
  const { slot, isReleased, isResumed } = order;
  const { store, isThere, node, epoch, isEnded } = found;
  const last = lastNodeOf(order, self);
  const isOther = last !== null && node !== null && node !== last;
  const missing = [
    ...found.missing,
    ...(isOther ? ['all that the last holder changed, which wrote none'] : []),
    ...(last !== null && !isThere ? ['everything: there is none'] : []),
    ...(isReleased && !isResumed && !isEnded && last !== null ? ['the last word of the holder before'] : []),
  ];
  if (missing.length > 0)
    logger.error({ slot, missing: missing.join('; ') }, 'state is missing from the store');
  else if (isThere) logger.info({ slot, keys: store.keys, epoch }, 'state was read from the store');
  // A function that went on has its state itself.
  return foundIn(store, isThere || last === null, missing.length > 0 && !isResumed);
}

/** Who wrote last; null: nobody has. */
function lastNodeOf(
  { previous, isResumed }: Pick<Take, 'previous' | 'isResumed'>,
  self: number,
): number | null {
  return isResumed ? self : (previous?.node ?? null);
}

export function foundIn(store: ReplicaStore, isWhole: boolean, isLossy: boolean): Found {
  return { from: { store, history: [] }, isWhole, isLossy };
}
