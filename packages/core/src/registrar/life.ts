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
