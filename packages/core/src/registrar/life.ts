// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { RegistrarState } from './state.ts';

/** The registration life in milliseconds; undefined: for ever. @see RFC 5354 §3.10 */
export function lifeMsOf(state: RegistrarState, element: PoolElement): number | undefined {
  const { lifeUnit, infiniteLife } = state.options;
  const { registrationLife } = element;
  if (registrationLife === -1 || registrationLife === infiniteLife) return undefined;
  return Math.max(0, registrationLife) * (lifeUnit === 'seconds' ? 1000 : 1);
}

/**
 * How long an element of another registrar is kept without news of it. Its life, and as long as it may take until a
 * dead owner is noticed and taken over: an owner that died cannot renew what lives, and whoever takes it over is to
 * find it.
 */
export function remoteLifeMsOf(state: RegistrarState, element: PoolElement): number | undefined {
  const { maxTimeLastHeardMs, maxTimeNoResponseMs, takeoverExpiryMs } = state.options;
  const lifeMs = lifeMsOf(state, element);
  if (lifeMs === undefined) return undefined;
  return lifeMs + maxTimeLastHeardMs + 2 * maxTimeNoResponseMs + takeoverExpiryMs;
}
