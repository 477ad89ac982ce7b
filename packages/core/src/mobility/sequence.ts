// SPDX-License-Identifier: Apache-2.0

const SPACE = 2 ** 24;

/** The number after `sequence`: 24 bits, without 0. */
export function nextSequence(sequence: number): number {
  const next = (sequence + 1) % SPACE;
  return next === 0 ? 1 : next;
}

/** The number so many steps on, at least. */
export function laterSequence(sequence: number, steps: number): number {
  return nextSequence((sequence + steps - 1) % SPACE);
}

/**
 * Steps from `older` to `newer`; negative when it is the other way round.
 * @see RFC 1982 §3.2
 */
export function sequenceDistance(older: number, newer: number): number {
  const forward = (newer - older + SPACE) % SPACE;
  return forward < SPACE / 2 ? forward : forward - SPACE;
}
