// SPDX-License-Identifier: Apache-2.0

/** One request, as the client saw it. */
export interface Asked {
  /** From 1 on, without a gap. */
  readonly number: number;
  readonly key: string;
  readonly op: 'write' | 'remove' | 'read';
  readonly sentMs: number;
  /** When its answer came; null: none came, or it was refused. */
  answeredMs: number | null;
  /** When the holder had made the change; by the same clock. */
  appliedMs: number | null;
  /** The holder's own number of that change, by which its mechanism counts. */
  position: number | null;
}

/** What a kill cost. */
export interface Loss {
  /** Updates that had been answered and whose effect the next holder lacks. */
  readonly letOut: number;
  /** Keys of those. */
  readonly keys: number;
  /** Updates that had not been answered and that it lacks. */
  readonly unanswered: number;
}

/**
 * Compares what the client was told with what the next holder has.
 * @param next Of each key the number of the request that gave it its value there. A key that is not there is as its last removal left
 * it, if there was one.
 */
export function lossOf(asked: readonly Asked[], next: ReadonlyMap<string, number>): Loss {
  const removed = new Map<string, number>();
  for (const { op, key, number } of asked) if (op === 'remove') removed.set(key, number);
  const keys = new Set<string>();
  let letOut = 0;
  let unanswered = 0;
  for (const { op, key, number, answeredMs } of asked) {
    if (op === 'read' || number <= (next.get(key) ?? removed.get(key) ?? 0)) continue;
    if (answeredMs === null) unanswered += 1;
    else {
      letOut += 1;
      keys.add(key);
    }
  }
  return { letOut, keys: keys.size, unanswered };
}

/** From this moment on the next holder would have had everything up to this position. */
export interface Reached {
  readonly atMs: number;
  readonly position: number;
}

export interface Lag {
  /** Of each update, the time from the change at the holder to where it was safe. */
  readonly ms: readonly number[];
  /** At the moment of each update, how many of them were not safe, this one with them. */
  readonly updates: readonly number[];
}

/**
 * How far the next holder was behind, for the updates that were made from `fromMs` until `untilMs`. Those that never reached it are in
 * `updates` only: a time they do not have.
 * @param reached In the order of both its numbers.
 */
export function lagOf(
  asked: readonly Asked[],
  reached: readonly Reached[],
  fromMs: number,
  untilMs: number,
): Lag {
  const made = asked
    .flatMap(({ appliedMs, position }) =>
      appliedMs === null || position === null ? [] : [{ appliedMs, position }],
    )
    .sort((one, other) => one.position - other.position);
  const ms: number[] = [];
  const updates: number[] = [];
  // Both grow with the updates: each list is gone through once.
  let before = 0;
  let until = 0;
  for (const { appliedMs, position } of made) {
    while (before < reached.length && (reached[before] as Reached).atMs <= appliedMs) before += 1;
    while (until < reached.length && (reached[until] as Reached).position < position) until += 1;
    if (appliedMs < fromMs || appliedMs > untilMs) continue;
    updates.push(Math.max(0, position - (reached[before - 1]?.position ?? 0)));
    const safe = reached[until];
    if (safe !== undefined) ms.push(Math.max(0, safe.atMs - appliedMs));
  }
  return { ms, updates };
}

/**
 * As {@link lagOf}, where changes do not come in their order, and of several of one key perhaps only the last.
 * @param safe Requests that wrote, and when that was safe.
 */
export function lagByRequest(
  asked: readonly Asked[],
  safe: ReadonlyMap<number, number>,
  fromMs: number,
  untilMs: number,
): Lag {
  const atMs = new Map<string, number>();
  const made: { readonly appliedMs: number; readonly safeMs: number }[] = [];
  for (const { op, key, number, appliedMs } of asked.toReversed()) {
    if (op !== 'write' || appliedMs === null) continue;
    // What came later of the same key stands for it.
    const safeMs = Math.min(
      safe.get(number) ?? Number.POSITIVE_INFINITY,
      atMs.get(key) ?? Number.POSITIVE_INFINITY,
    );
    atMs.set(key, safeMs);
    made.push({ appliedMs, safeMs });
  }
  made.sort((one, other) => one.appliedMs - other.appliedMs);
  const safeTimes = made.map(({ safeMs }) => safeMs).sort((one, other) => one - other);
  const ms: number[] = [];
  const updates: number[] = [];
  let come = 0;
  made.forEach(({ appliedMs, safeMs }, at) => {
    while (come < safeTimes.length && (safeTimes[come] as number) <= appliedMs) come += 1;
    if (appliedMs < fromMs || appliedMs > untilMs) return;
    updates.push(at + 1 - come);
    if (safeMs !== Number.POSITIVE_INFINITY) ms.push(Math.max(0, safeMs - appliedMs));
  });
  return { ms, updates };
}
