// SPDX-License-Identifier: Apache-2.0
import type { GuardedSlot } from '../interfaces.ts';
import { type GuardedTable, tableOf } from './guarded.ts';
import type { HorizonsRecord } from './horizons.ts';

/** What an agent that has ended handed on: its slots, and until when they are open, in ms of CLOCK_BOOTTIME. */
export interface FenceHandedOn {
  readonly slots: readonly GuardedSlot[];
  /** See {@link Fence.guard}. */
  readonly also: readonly string[];
  readonly ends: ReadonlyMap<string, number>;
  /** What its fence said of itself, see {@link Fence.handOn}; undefined: nothing. */
  readonly record: FenceRecord | undefined;
}

/** How an agent's rules stand in the kernel, so that the next one need not write them anew. */
export interface FenceRecord {
  /** Names the rules: others of another version, on other links, or changed by somebody, have another name. */
  readonly rules: string;
  readonly horizons: HorizonsRecord;
}

export const NOTHING_HANDED_ON: FenceHandedOn = { slots: [], also: [], ends: new Map(), record: undefined };

/**
 * The slots that a fence begins with. What else an earlier agent left under its fence is of no slot, so that it stays closed.
 * @param left by keyText
 * @throws PlatformError `BAD_ARGUMENT`
 */
export function firstTable({ slots }: FenceHandedOn, left: Iterable<string>): GuardedTable {
  const table = tableOf(slots);
  const nobodys = [...left].filter((text) => !table.slotOf.has(text)).map((text) => [text, ''] as const);
  return { slots: table.slots, slotOf: new Map([...table.slotOf, ...nobodys]) };
}
