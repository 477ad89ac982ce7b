// SPDX-License-Identifier: Apache-2.0

/** What is done about an instance that fails, step by step. */
export interface DeclaredRestart {
  /** Starts in place before its slot goes to another candidate… */
  readonly inPlace: number;
  /** …within this time. */
  readonly withinMs: number;
  /** Each of them must make it ready within this time. */
  readonly readyMs: number;
  /** Not ready for so long, it is made anew on another node; null: never. */
  readonly elsewhereMs: number | null;
}

/** How failures count against a candidate. */
export interface DeclaredFlap {
  readonly penalty: number;
  readonly suppress: number;
  readonly reuse: number;
  readonly halfLifeMs: number;
}

/** When a slot goes back to the instance that it was made for; minutes of the day are of UTC. */
export type DeclaredFailback =
  | { readonly rule: 'delayed'; readonly delayMs: number }
  | { readonly rule: 'window'; readonly fromMinute: number; readonly toMinute: number };

/** When so much is gone at once that nothing is placed anew. */
export interface DeclaredGuard {
  /** More than this share of the nodes, 0 to 1… */
  readonly share: number;
  /** …and at least so many… */
  readonly least: number;
  /** …lost within this time of one another. */
  readonly withinMs: number;
}

export const GUARD_DEFAULT: DeclaredGuard = { share: 1 / 3, least: 2, withinMs: 60_000 };
