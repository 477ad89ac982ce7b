// SPDX-License-Identifier: Apache-2.0
import type { Registration } from '@vnfpool/wire/asap';
import type { Policy, Transport } from '@vnfpool/wire/parameters';

/** Timers of one element. */
export type PoolElementTimer = 't2-registration' | 't3-deregistration' | 't4-reregistration' | 'update';

/** One element and how far its registration is. @see RFC 5352 §3.1 */
export interface LocalElement {
  readonly poolHandle: Uint8Array;
  readonly id: number;
  userTransport: Transport;
  policy: Policy;
  lifeMs: number | null;
  /**
   * - `hunting`: no association
   * - `registering`: sent, not answered
   * - `registered`
   * - `deregistering`: sent, not answered, or waiting for an association to send it over
   */
  phase: 'hunting' | 'registering' | 'registered' | 'deregistering';
  /** In the pool as far as we know; stays true while a re-registration is on its way. */
  member: boolean;
  /** Values changed since the last registration was sent. */
  changed: boolean;
  attempts: number;
  sentMs: number;
  homeRegistrar: number;
}

const T4_MARGIN_MS = 20_000;

/** T4: 20 s before the life runs out, at half of it when that is short, and now and then even for ever. */
export function reregistrationMs(lifeMs: number | null, maxMs: number): number {
  if (lifeMs === null) return maxMs;
  return Math.min(maxMs, lifeMs <= 2 * T4_MARGIN_MS ? lifeMs / 2 : lifeMs - T4_MARGIN_MS);
}

/** Home registrar and ASAP transport are the registrar's to fill in. */
export function registrationOf(element: LocalElement, unit: 'seconds' | 'milliseconds'): Registration {
  const { poolHandle, id, userTransport, policy, lifeMs } = element;
  const life = lifeMs === null ? -1 : Math.max(1, Math.ceil(unit === 'seconds' ? lifeMs / 1000 : lifeMs));
  const registrationLife = Math.min(life, 0x7fffffff);
  return {
    type: 'registration',
    poolHandle,
    element: { id, homeRegistrar: 0, registrationLife, userTransport, policy },
  };
}
