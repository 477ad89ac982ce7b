// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import type { Clocks, Fence, GuardedSlot } from '../interfaces.ts';

/** The absence of a fence, with bookkeeping: for loopback, where nothing can be told apart by address. */
export interface NoFence extends Fence {
  readonly kind: 'none';
}

/** Keeps nothing out; `isOpen` says what a real fence would. */
export function createNoFence(clocks: Clocks): NoFence {
  let slots: readonly GuardedSlot[] = [];
  const ends = new Map<string, number>();
  const check = (slot: string): void => {
    if (slots.some((each) => each.slot === slot)) return;
    throw new PlatformError('BAD_ARGUMENT', `slot ${slot} is not under the fence`, { call: 'fence' });
  };
  return {
    kind: 'none',
    guarantee: 'no fence: a holder that lost its lease goes on being heard until it notices',
    get guarded() {
      return slots.flatMap(({ guarded }) => guarded);
    },
    guard: (wanted) => {
      slots = [...wanted];
      for (const slot of ends.keys()) if (!slots.some((each) => each.slot === slot)) ends.delete(slot);
    },
    openUntil: (wanted) => {
      for (const slot of wanted.keys()) check(slot);
      for (const [slot, untilMs] of wanted) ends.set(slot, untilMs);
    },
    expect: () => {},
    close: (slot) => {
      ends.delete(slot);
    },
    isOpen: (slot) =>
      !slots.some((each) => each.slot === slot) || (ends.get(slot) ?? -Infinity) > clocks.boottimeMs(),
    check: () => {},
    handOn: () => undefined,
    abandon: () => {},
    dispose: () => {
      slots = [];
      ends.clear();
    },
  };
}
