// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';

const DISTANCE_MAX = 0xffffffff;

/** One way of a round trip, to the nearest step; 0 where nothing was measured. In milliseconds. */
export function distanceMsOf(rttMs: number | undefined, stepMs: number): number {
  if (rttMs === undefined || !(stepMs > 0)) return 0;
  return Math.round(Math.max(0, rttMs) / 2 / stepMs) * stepMs;
}

/** An element of ours, as far away as its association says; what it claims itself does not count. */
export function atDistance(element: PoolElement, distanceMs: number): PoolElement {
  const { policy } = element;
  if (!('distance' in policy) || policy.distance === distanceMs) return element;
  return { ...element, policy: { ...policy, distance: distanceMs } };
}

/** An element that another registrar told us of: its distance from there, and from there to us. */
export function fartherBy(element: PoolElement, distanceMs: number): PoolElement {
  const { policy } = element;
  if (!('distance' in policy) || distanceMs === 0) return element;
  const distance = Math.min(DISTANCE_MAX, policy.distance + distanceMs);
  return { ...element, policy: { ...policy, distance } };
}
