// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { Association, RegistrarState } from './state.ts';

/**
 * Why whoever is at the other end may not be this element; undefined: it may.
 * @see RFC 5355 §2.1–§2.4
 */
export function banned(
  state: RegistrarState,
  { identity }: Association,
  poolHandle: Uint8Array,
  element: PoolElement,
): 'not-authenticated' | 'not-authorized' | undefined {
  if (identity === null) return state.options.openRegistration ? undefined : 'not-authenticated';
  const may = identity.mayRegister ?? (identity.role === 'node' || identity.role === 'element');
  return may && state.authorize(identity, poolHandle, element) ? undefined : 'not-authorized';
}
