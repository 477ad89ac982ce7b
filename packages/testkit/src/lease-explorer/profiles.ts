// SPDX-License-Identifier: Apache-2.0
import type { ExplorerOptions } from './options.ts';

/** Where to search, and for what kind of fault; how far is the caller's. */
export type Profile = Omit<
  ExplorerOptions,
  'depthMax' | 'statesMax' | 'signal' | 'progress' | 'rules' | 'manners'
>;

/** A lease that runs out, the next one, and half of a renewal. */
const ONE_TAKEOVER_MS = 450;

/** Small worlds, each of which can be searched deep: what they have in common the deepest. */
export const PROFILES: Readonly<Record<string, Profile>> = {
  /** Loss, delay and reordering alone. */
  takeover: { start: 'held-by-two', candidates: 2, horizonMs: ONE_TAKEOVER_MS },
  /** A renewal whose answers may be late, and a member that knows nothing of the holder. */
  renewal: { start: 'renewing', candidates: 2, horizonMs: ONE_TAKEOVER_MS },
  'renewal and pause': {
    start: 'renewing',
    candidates: 2,
    horizonMs: ONE_TAKEOVER_MS,
    budgets: { pauses: 1 },
  },
  /** The holder's clock slow, the others' fast. */
  drift: { start: 'held', rates: ['slow', 'fast', 'fast'], candidates: 2, horizonMs: ONE_TAKEOVER_MS },
  /** Two rivals for a holder that is late. */
  rivals: { start: 'held-by-two', horizonMs: ONE_TAKEOVER_MS },
  /** One process ends, anywhere, and comes back. */
  restart: {
    start: 'held-by-two',
    candidates: 2,
    horizonMs: ONE_TAKEOVER_MS,
    budgets: { crashes: 1 },
  },
  'two restarts': { start: 'held-by-two', candidates: 2, horizonMs: 900, budgets: { crashes: 2 } },
  /** One process stands still between two of its outputs. */
  pause: { start: 'held-by-two', candidates: 2, horizonMs: ONE_TAKEOVER_MS, budgets: { pauses: 1 } },
  duplicate: { start: 'held-by-two', candidates: 2, horizonMs: ONE_TAKEOVER_MS, budgets: { duplicates: 2 } },
  /** The holder is told to let go, to hand over, to change its list, or its function ends. */
  order: { start: 'held', horizonMs: ONE_TAKEOVER_MS, budgets: { orders: 1 } },
  'order and restart': {
    start: 'held',
    candidates: 2,
    horizonMs: ONE_TAKEOVER_MS,
    budgets: { orders: 1, crashes: 1 },
  },
  'order and pause': {
    start: 'held',
    candidates: 2,
    horizonMs: ONE_TAKEOVER_MS,
    budgets: { orders: 1, pauses: 1 },
  },
  /** The holder's function ends, and an heir follows within its lease. */
  heir: { start: 'with-heir', candidates: 2, horizonMs: 700, budgets: { orders: 1 } },
  'heir and rival': { start: 'with-heir', horizonMs: 700, budgets: { orders: 1 } },
  'heir and restart': {
    start: 'with-heir',
    candidates: 2,
    horizonMs: 700,
    budgets: { orders: 1, crashes: 1 },
  },
  birth: { start: 'born', horizonMs: 4_500 },
  'birth and restart': { start: 'born', candidates: 2, horizonMs: 2_500, budgets: { crashes: 1 } },
  'two slots': { start: 'held-by-two', slots: 2, candidates: 2, horizonMs: ONE_TAKEOVER_MS },
  everything: {
    start: 'held-by-two',
    horizonMs: 900,
    budgets: { crashes: 1, pauses: 1, duplicates: 1, orders: 1 },
  },
};
