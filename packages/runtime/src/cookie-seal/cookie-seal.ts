// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { CookieError } from './cookie-error.ts';
import {
  type CookieHeader,
  readCookieHeader,
  readCookieState,
  secretIdOf,
  writeCookie,
} from './cookie-format.ts';
import { SessionFloors } from './session-floors.ts';

export interface CookieSealOptions {
  readonly poolHandle: Uint8Array;
  /**
   * Secrets that all elements of the pool share, 32…64 random octets each. The first seals; the others are former
   * ones, or one to come, and only open. At most 16.
   */
  readonly secrets: readonly Uint8Array[];
  /** Whether users cannot read the state. Default true; false: they can, and cannot change it. */
  readonly encrypted?: boolean;
  /** After this a cookie is refused. Default 3600000 ms. */
  readonly ageMaxMs?: number;
  /** How far the clocks of the pool's elements may be apart. Default 60000 ms. */
  readonly clockSkewMs?: number;
  /** Sessions whose latest state is remembered. Default 65536. */
  readonly sessionsMax?: number;
  /** Octets of a state at most. Default 32000: a user keeps no cookie beyond 32768. */
  readonly stateBytesMax?: number;
}

/** A session as its cookies name it. */
export interface CookieSession {
  /** 32 hexadecimal digits, random. */
  readonly id: string;
  /** Of the latest state; 0: none yet. Grows with the time, so that who lost count does not fall behind. */
  readonly sequence: number;
  /** Whom its cookies are good for: what TLS proved of the user. Empty: for whoever has them. */
  readonly holder: string;
}

export interface OpenedCookie {
  readonly state: Uint8Array;
  /** Goes on from here. */
  readonly session: CookieSession;
  /** Wall clock of the element that sealed it. */
  readonly issuedMs: number;
}

/** What opening cookies came to. */
export type CookieCounters = Record<'sealed' | 'opened' | CookieError['code'], number>;

/**
 * Seals the state of sessions into cookies that users carry from one element of a pool to the next, and opens them
 * there. A cookie is bound to the pool, the session, the holder and the time; an older state than one that this element
 * has seen is refused. What another element has seen, this one cannot know: there, the age is the bound.
 * @see RFC 5352 §3.8, RFC 5355 §2.16
 */
export class CookieSeal {
  readonly counters: CookieCounters = {
    sealed: 0,
    opened: 0,
    malformed: 0,
    'unknown-key': 0,
    forged: 0,
    expired: 0,
    future: 0,
    stale: 0,
  };
  readonly #poolHandle: Uint8Array;
  #current: { readonly id: number; readonly secret: Uint8Array };
  #secrets: ReadonlyMap<number, Uint8Array>;
  readonly #mode: CookieHeader['mode'];
  #ageMaxMs: number;
  readonly #clockSkewMs: number;
  readonly #stateBytesMax: number;
  readonly #floors: SessionFloors;

  /** @throws RangeError for secrets that are none */
  constructor(options: CookieSealOptions) {
    const { secrets, encrypted = true, poolHandle } = options;
    ({ current: this.#current, all: this.#secrets } = named(secrets, poolHandle));
    this.#poolHandle = poolHandle;
    this.#mode = encrypted ? 'encrypted' : 'signed';
    this.#ageMaxMs = options.ageMaxMs ?? 3_600_000;
    this.#clockSkewMs = options.clockSkewMs ?? 60_000;
    this.#stateBytesMax = options.stateBytesMax ?? 32_000;
    this.#floors = new SessionFloors(options.sessionsMax ?? 65_536, this.#clockSkewMs);
  }

  /** Other secrets, and another age, from now on; what is known of sessions stays. @throws RangeError for secrets that are none */
  change({ secrets, ageMaxMs }: Pick<CookieSealOptions, 'secrets'> & { readonly ageMaxMs: number }): void {
    ({ current: this.#current, all: this.#secrets } = named(secrets, this.#poolHandle));
    this.#ageMaxMs = ageMaxMs;
  }

  /** A new session, before its first cookie. */
  begin(holder = ''): CookieSession {
    return { id: randomBytes(16).toString('hex'), sequence: 0, holder };
  }

  /**
   * The next state of a session. Use the session that is returned for the state after it.
   * @param nowMs Wall clock.
   * @throws RangeError for a state that is too long
   */
  seal(
    session: CookieSession,
    state: Uint8Array,
    nowMs: number,
  ): { readonly cookie: Uint8Array; readonly session: CookieSession } {
    if (state.length > this.#stateBytesMax)
      throw new RangeError(`a state of ${state.length} octets, at most ${this.#stateBytesMax} fit a cookie`);
    const issuedMs = Math.floor(nowMs);
    const next = { ...session, sequence: Math.max(session.sequence + 1, issuedMs) };
    const header = {
      mode: this.#mode,
      secretId: this.#current.id,
      session: Uint8Array.from(Buffer.from(session.id, 'hex')),
      sequence: next.sequence,
      issuedMs,
    };
    const binding = { poolHandle: this.#poolHandle, holder: session.holder };
    this.counters.sealed += 1;
    return { cookie: writeCookie(header, state, this.#current.secret, binding), session: next };
  }

  /**
   * The state of a cookie that a user brought. From then on older states of its session are refused.
   * @param nowMs Wall clock.
   * @param holder What TLS proved of the user, as at `begin`.
   * @throws CookieError
   */
  open(cookie: Uint8Array, nowMs: number, holder = ''): OpenedCookie {
    try {
      const opened = this.#open(cookie, nowMs, holder);
      this.counters.opened += 1;
      return opened;
    } catch (error) {
      if (error instanceof CookieError) this.counters[error.code] += 1;
      throw error;
    }
  }

  /**
   * The user has this state for certain (it answered to what came after it), so that an older one would be thrown
   * back on purpose. Not before: a cookie that got lost leaves the user with the one before.
   * @param nowMs Wall clock.
   */
  confirm(session: CookieSession, nowMs: number): void {
    this.#floors.raise(session.id, session.sequence, nowMs);
  }

  #open(cookie: Uint8Array, nowMs: number, holder: string): OpenedCookie {
    const header = readCookieHeader(cookie);
    const { secretId, sequence, issuedMs } = header;
    const secret = this.#secrets.get(secretId);
    if (secret === undefined)
      throw new CookieError('unknown-key', 'the cookie was sealed by a secret that we do not have');
    // Who encrypts does not take what is only signed.
    if (header.mode !== this.#mode) throw new CookieError('forged', `the cookie is ${header.mode}`);
    const state = readCookieState(cookie, header, secret, { poolHandle: this.#poolHandle, holder });
    if (issuedMs > nowMs + this.#clockSkewMs)
      throw new CookieError('future', `the cookie is from ${issuedMs - nowMs} ms from now`);
    const oldestMs = nowMs - this.#ageMaxMs;
    if (issuedMs < oldestMs) throw new CookieError('expired', `the cookie is ${nowMs - issuedMs} ms old`);
    const id = Buffer.from(header.session).toString('hex');
    this.#floors.expire(oldestMs);
    if (!this.#floors.admits(id, sequence, issuedMs))
      throw new CookieError('stale', 'there is a later state of the session');
    this.#floors.raise(id, sequence, issuedMs);
    return { state, session: { id, sequence, holder }, issuedMs };
  }
}

interface Named {
  readonly current: { readonly id: number; readonly secret: Uint8Array };
  readonly all: ReadonlyMap<number, Uint8Array>;
}

/** @throws RangeError */
function named(secrets: readonly Uint8Array[], poolHandle: Uint8Array): Named {
  const [current] = secrets;
  if (current === undefined || secrets.length > 16) throw new RangeError('1…16 secrets are needed');
  for (const { length } of secrets) {
    if (length < 32 || length > 64) throw new RangeError(`a secret of ${length} octets, not 32…64`);
  }
  // Of two that are named alike, which is one chance in 4 · 10⁹, the first counts.
  const all = new Map(secrets.toReversed().map((secret) => [secretIdOf(secret, poolHandle), secret]));
  return { current: { id: secretIdOf(current, poolHandle), secret: current }, all };
}
