// SPDX-License-Identifier: Apache-2.0
import type { LeaseRules } from '@vnfpool/core/lease';
import type { AgentManners } from '../lease-world/agent-manners.ts';
import type { FenceKind } from '../lease-world/fence-model.ts';

/** How often each kind of fault or order may happen on one path. Loss, delay and reordering cost nothing. */
export interface Budgets {
  /** A process ends, between any two of its outputs, and the next one starts. */
  readonly crashes: number;
  /** A process stands still between two outputs, or its function is slow to answer. */
  readonly pauses: number;
  /** A datagram that was delivered comes once more. */
  readonly duplicates: number;
  /** Release, hand-over, end of a function, another list of candidates. */
  readonly orders: number;
}

export const NO_FAULTS: Budgets = { crashes: 0, pauses: 0, duplicates: 0, orders: 0 };

/**
 * Where the search begins. `born`: three nodes that were just started. `held`: node 1 holds all slots with all
 * three members. `held-by-two`: with members 1 and 2; what it sent to member 3 is still on its way. `renewing`: the
 * same with that lost, and node 1 has just asked for its first renewal. `with-heir`: node 1 has an
 * heir and has been renewed since; whatever was sent until then is lost where it has not come.
 */
export type Start = 'born' | 'held' | 'held-by-two' | 'renewing' | 'with-heir';

/** Each node's clock: as fast or as slow as the drift bound allows of two clocks, or right. */
export type Rates = readonly [
  'slow' | 'right' | 'fast',
  'slow' | 'right' | 'fast',
  'slow' | 'right' | 'fast',
];

/** Resets come with a network that this search does not have, kernels that are late to close with a clock of theirs. */
export type LonelyManners = Omit<AgentManners, 'releasesOnReset' | 'saysClosedTooEarly'>;

export interface ExplorerOptions {
  /** Rules of the engines; default: production's. */
  readonly rules?: LeaseRules;
  /** What the agents do wrong, of what one node can do alone; default nothing. */
  readonly manners?: LonelyManners;
  /** Default `held-by-two`. */
  readonly start?: Start;
  /** Default all `right`. */
  readonly rates?: Rates;
  /** Slots of the council, default 1. */
  readonly slots?: 1 | 2;
  /** How many of the three have a candidate, default 3; the others are members only. */
  readonly candidates?: 1 | 2 | 3;
  /** Nothing happens later than this, default 2,000 ms. */
  readonly horizonMs?: number;
  /** Default none of them. */
  readonly budgets?: Partial<Budgets>;
  /** Default `bpf`. */
  readonly fence?: FenceKind;
  /** Steps on the longest path. */
  readonly depthMax: number;
  /** States kept, some 40 bytes each; default a million. The search ends when there are more. */
  readonly statesMax?: number;
  /** Ends the search where it is. */
  readonly signal?: AbortSignal;
  /** Told now and then. */
  readonly progress?: (sofar: Covered) => void;
}

/** What a search has seen. */
export interface Covered {
  /** All paths of this many steps were followed. */
  readonly depth: number;
  /** Different states of the whole. */
  readonly states: number;
  /** Different histories of single nodes, all of which ran through the engine. */
  readonly histories: number;
  /** Steps taken between states. */
  readonly steps: number;
}

export interface ExplorerResult extends Covered {
  readonly ok: boolean;
  /** Nothing within the depth was left out. */
  readonly isComplete: boolean;
  /** What was broken, by a path than which none is shorter. */
  readonly violation?: string;
  /** That path: one line a step, and what the node did in it. */
  readonly trace: readonly string[];
}
