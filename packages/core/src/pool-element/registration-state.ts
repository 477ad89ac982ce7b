// SPDX-License-Identifier: Apache-2.0
import type { Registration } from '@vnfpool/wire/asap';
import type { Policy, SctpTransport, TcpTransport, Transport } from '@vnfpool/wire/parameters';
import type { PoolElementInput } from './messages.ts';

/** Timers of one element. */
export type PoolElementTimer = 't2-registration' | 't3-deregistration' | 't4-reregistration' | 'update';

/** One element and how far its registration is. @see RFC 5352 §3.1 */
export interface LocalElement {
  readonly poolHandle: Uint8Array;
  readonly id: number;
  userTransport: Transport;
  policy: Policy;
  lifeMs: number | null;
  asapTransport: SctpTransport | TcpTransport | undefined;
  /** The association that its home registrar opened to us; undefined: the one that we hunt for. */
  inbound: number | undefined;
  /**
   * - `hunting`: no association
   * - `registering`: sent, not answered
   * - `registered`
   * - `deregistering`: sent, not answered, or waiting for an association to send it over
   */
  phase: 'hunting' | 'registering' | 'registered' | 'deregistering';
  /** In the pool as far as we know; stays true while a re-registration is on its way. */
  member: boolean;
  /** Some registrar has had it; it may have another home by now without our knowing. */
  known: boolean;
  /** Values changed since the last registration was sent. */
  changed: boolean;
  /** The policy last sent. */
  sentPolicy: Policy | undefined;
  attempts: number;
  sentMs: number;
  /** Identifier of the home registrar; 0: not told yet. */
  homeRegistrar: number;
}

/** An element of which no registrar has heard yet. */
export function newElement(
  input: Extract<PoolElementInput, { type: 'register' }>,
  poolHandle: Uint8Array,
): LocalElement {
  const { elementId: id, userTransport, policy, lifeMs, asapTransport } = input;
  return {
    poolHandle,
    id,
    userTransport,
    policy,
    lifeMs,
    asapTransport,
    inbound: undefined,
    phase: 'hunting',
    member: false,
    known: false,
    changed: false,
    sentPolicy: undefined,
    attempts: 0,
    sentMs: Number.NEGATIVE_INFINITY,
    homeRegistrar: 0,
  };
}

/** What every event about this element begins with. */
export function eventOf(element: LocalElement): {
  readonly type: 'event';
  readonly poolHandle: Uint8Array;
  readonly elementId: number;
} {
  return { type: 'event', poolHandle: element.poolHandle, elementId: element.id };
}

const T4_MARGIN_MS = 20_000;

/** T4: 20 s before the life runs out, at half of it when that is short, and now and then even for ever. */
export function reregistrationMs(lifeMs: number | null, maxMs: number): number {
  if (lifeMs === null) return maxMs;
  return Math.min(maxMs, lifeMs <= 2 * T4_MARGIN_MS ? lifeMs / 2 : lifeMs - T4_MARGIN_MS);
}

/** A load within the hysteresis of what was sent last, and nothing else new. */
export function isMinorChange(sent: Policy | undefined, next: Policy, hysteresis: number): boolean {
  if (hysteresis <= 0 || sent === undefined || sent.type === 'other' || sent.type !== next.type) return false;
  if (!('load' in sent) || !('load' in next)) return false;
  if (Math.abs(next.load - sent.load) >= hysteresis * 0xffffffff) return false;
  const [a, b]: readonly Readonly<Record<string, unknown>>[] = [sent, next];
  return Object.keys(sent).every((field) => field === 'load' || a?.[field] === b?.[field]);
}

/** The home registrar is the registrar's to fill in. */
export function registrationOf(
  element: LocalElement,
  {
    lifeUnit,
    infiniteLife,
  }: { readonly lifeUnit: 'seconds' | 'milliseconds'; readonly infiniteLife: number },
): Registration {
  const { poolHandle, id, userTransport, policy, lifeMs, asapTransport } = element;
  const life = (ms: number): number => Math.max(1, Math.ceil(lifeUnit === 'seconds' ? ms / 1000 : ms));
  const registrationLife = lifeMs === null ? infiniteLife : Math.min(life(lifeMs), 0x7fffffff);
  const own = { id, homeRegistrar: 0, registrationLife, userTransport, policy };
  return {
    type: 'registration',
    poolHandle,
    element: asapTransport === undefined ? own : { ...own, asapTransport },
  };
}
