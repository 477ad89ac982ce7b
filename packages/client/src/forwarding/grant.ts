// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';
import type { ForwardPlace } from '@vnfpool/core/session-forward';

/**
 * What whoever gets sessions must know to have their packets: it is secret, and goes with the state of the sessions,
 * by the state channel between the nodes. Values of JSON.
 */
export interface ForwardGrant {
  readonly [key: string]: string | number;
  /** 16 hexadecimal digits. */
  readonly transfer: string;
  /** base64url of 32 octets; of this transfer alone. */
  readonly secret: string;
  /** Where the home takes and sends forwarded packets. */
  readonly address: string;
  readonly port: number;
}

/** One end of a transfer, as it moves with a function that moves as a whole; secret, too. */
export interface ForwardingState {
  readonly [key: string]: string | number | null;
  readonly transfer: string;
  readonly secret: string;
  readonly end: 'home' | 'holder';
  readonly generation: number;
  /** The other end; null: not heard yet. */
  readonly address: string | null;
  readonly port: number | null;
}

/** Null: it is none. */
export function readForwardGrant(value: unknown): ForwardGrant | null {
  const { transfer, secret, address, port } = fieldsOf(value);
  return isTransfer(transfer) && isSecret(secret) && isPlace({ address, port })
    ? { transfer, secret, address: address as string, port: port as number }
    : null;
}

/** Null: it is none. */
export function readForwardingState(value: unknown): ForwardingState | null {
  const { transfer, secret, end, generation, address, port } = fieldsOf(value);
  if (!isTransfer(transfer) || !isSecret(secret) || (end !== 'home' && end !== 'holder')) return null;
  if (!Number.isSafeInteger(generation) || (generation as number) < 0 || (generation as number) > 0xffffffff)
    return null;
  const state = { transfer, secret, end, generation: generation as number } as const;
  if (address === null && port === null) return { ...state, address, port };
  const place = { address, port };
  return isPlace(place) ? { ...state, ...place } : null;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object' ? (value as Readonly<Record<string, unknown>>) : {};
const isTransfer = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
const isSecret = (value: unknown): value is string => typeof value === 'string' && /^[\w-]{43}$/.test(value);
const isPlace = (value: { address: unknown; port: unknown }): value is ForwardPlace =>
  typeof value.address === 'string' &&
  isIP(value.address) !== 0 &&
  Number.isInteger(value.port) &&
  (value.port as number) >= 1 &&
  (value.port as number) <= 65_535;
