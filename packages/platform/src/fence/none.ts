// SPDX-License-Identifier: Apache-2.0
import type { Clocks, Fence } from '../interfaces.ts';

/** The absence of a fence, with bookkeeping: for loopback, where nothing can be told apart by address. */
export interface NoFence extends Fence {
  readonly kind: 'none';
  readonly guarantee: string;
}

/** Keeps nothing out; `isOpen` says what a real fence would. */
export function createNoFence(clocks: Clocks): NoFence {
  const ends = new Map<string, number>();
  return {
    kind: 'none',
    guarantee: 'no fence: a holder that lost its lease goes on being heard until it notices',
    get guarded() {
      return [...ends.keys()];
    },
    guard: (addresses) => {
      for (const address of ends.keys()) if (!addresses.includes(address)) ends.delete(address);
      for (const address of addresses) if (!ends.has(address)) ends.set(address, -Infinity);
    },
    open: (address, untilMs) => {
      ends.set(address, untilMs);
    },
    close: (address) => {
      ends.set(address, -Infinity);
    },
    isOpen: (address) => (ends.get(address) ?? Infinity) > clocks.boottimeMs(),
    dispose: () => {
      ends.clear();
    },
  };
}
