// SPDX-License-Identifier: Apache-2.0
import type { LeaseOutput } from '@vnfpool/core/lease';
import type { Action } from './describe.ts';
import type { FenceEnd } from './fence-model.ts';

export type FenceUntil = Extract<LeaseOutput, { type: 'fence-until' }>;

/**
 * What one step renews, from `first` on, is one write, as in production: takes from the backlog what comes right behind
 * it. `beyondMs`: how much longer than its lease a broken agent keeps a fence open.
 */
export function takeFenceEnds(first: FenceUntil, backlog: Action[], beyondMs: number): Map<string, FenceEnd> {
  const ends = new Map<string, FenceEnd>();
  for (let next: Action | undefined = first; next?.type === 'fence-until'; next = backlog[0]) {
    ends.set(next.slot, { epoch: next.epoch, untilBootMs: next.untilMs + beyondMs });
    if (next !== first) backlog.shift();
  }
  return ends;
}
