// SPDX-License-Identifier: Apache-2.0
import {
  CookieError,
  type CookieErrorCode,
  CookieSeal as PoolSeal,
  type CookieSealOptions as PoolSealOptions,
} from '@vnfpool/runtime/cookie-seal';
import { octetsOf, type PoolHandle } from './client-options.ts';

export interface CookieSealOptions {
  /**
   * What all elements of the pool know and nobody else: 32 octets or more from a good source of randomness. The first
   * one seals; the others are read too, so that a secret can be changed without cutting sessions.
   */
  readonly secrets: readonly Uint8Array[];
  /** A cookie of another pool is not good here. */
  readonly poolHandle: PoolHandle;
  /** Older ones are not good any more. Default 24 hours. */
  readonly maxAgeMs?: number;
  /** Whether users cannot read the state. Default true. */
  readonly encrypt?: boolean;
  /** Wall clock, the same for all of the pool; default the system's. */
  readonly nowMs?: () => number;
}

/** What a good cookie holds. */
export interface SealedState {
  readonly state: Uint8Array;
  /** Of the session, drawn by the element that served it first, hexadecimal. */
  readonly session: string;
  readonly sealedMs: number;
}

/**
 * Why a cookie is not believed: nobody of this pool made it, it is too old, from the future, or a later one of its
 * session was here.
 */
export type CookieFault =
  | 'malformed'
  | 'unknown secret'
  | 'forged'
  | 'too old'
  | 'from the future'
  | 'replayed';

export interface CookieSeal {
  /** A new session's name. */
  newSession(): string;
  seal(state: Uint8Array, session: string): Uint8Array;
  open(cookie: Uint8Array): SealedState | CookieFault;
}

const SKEW_MS = 5 * 60_000;
/** A message of ASAP holds no more. */
const STATE_BYTES_MAX = 65_000;

const FAULTS: { readonly [C in CookieErrorCode]: CookieFault } = {
  malformed: 'malformed',
  'unknown-key': 'unknown secret',
  forged: 'forged',
  expired: 'too old',
  future: 'from the future',
  stale: 'replayed',
};

/**
 * Seals the state of a session for the way through its user: signed, by default encrypted too, bound to pool, session and
 * time. An element that has opened a cookie takes no earlier one of that session any more.
 * @throws RangeError for secrets that are none
 * @see RFC 5355 §2.16
 */
export function cookieSeal(options: CookieSealOptions): CookieSeal {
  return sealBy(new PoolSeal(poolSealOptions(options)), options.nowMs ?? Date.now);
}

export function poolSealOptions(options: CookieSealOptions): PoolSealOptions {
  const { secrets, encrypt = true, maxAgeMs = 24 * 3_600_000 } = options;
  return {
    secrets,
    poolHandle: octetsOf(options.poolHandle),
    encrypted: encrypt,
    ageMaxMs: maxAgeMs,
    clockSkewMs: SKEW_MS,
    stateBytesMax: STATE_BYTES_MAX,
  };
}

export function sealBy(seal: PoolSeal, nowMs: () => number): CookieSeal {
  /** Of all sessions here, so that each state is later than any before it. */
  let sequence = 0;
  return {
    newSession: () => seal.begin().id,
    seal: (state, session) => {
      if (!/^[0-9a-f]{32}$/.test(session)) throw new RangeError('no name of a session');
      const sealed = seal.seal({ id: session, sequence, holder: '' }, state, nowMs());
      ({ sequence } = sealed.session);
      return sealed.cookie;
    },
    open: (cookie) => {
      try {
        const { state, session, issuedMs } = seal.open(cookie, nowMs());
        sequence = Math.max(sequence, session.sequence);
        return { state, session: session.id, sealedMs: issuedMs };
      } catch (error) {
        if (error instanceof CookieError) return FAULTS[error.code];
        throw error;
      }
    },
  };
}
