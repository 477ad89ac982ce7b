// SPDX-License-Identifier: Apache-2.0
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
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

/** Why a cookie is not believed: nobody of this pool made it, or it is too old, or from the future. */
export type CookieFault = 'malformed' | 'unknown secret' | 'forged' | 'too old' | 'from the future';

export interface CookieSeal {
  /** A new session's name. */
  newSession(): string;
  seal(state: Uint8Array, session: string): Uint8Array;
  open(cookie: Uint8Array): SealedState | CookieFault;
}

/*
 * version 1 | flags: 1 encrypted | 2 zero octets | which secret (4) | time (8) | session (16) | nonce (12)
 * | octets of state (4) | state, padded to a multiple of 4 | tag: AES-256-GCM (16), or HMAC-SHA-256 (32)
 */
const HEADER_BYTES = 48;
const AT = { time: 8, session: 16, nonce: 32, length: 44 } as const;
const TAG_BYTES = { encrypted: 16, signed: 32 } as const;
const SKEW_MS = 5 * 60_000;

/**
 * Seals the state of a session for the way through its user: signed, by default encrypted too, bound to pool, session and
 * time. It does not tell the latest cookie of a session from an earlier one.
 * @see RFC 5355 §2.16
 */
export function cookieSeal(options: CookieSealOptions): CookieSeal {
  const { secrets, encrypt = true, maxAgeMs = 24 * 3_600_000, nowMs = Date.now } = options;
  const pool = octetsOf(options.poolHandle);
  const keys = secrets.map((secret) => keysOf(secret, pool));
  const [own] = keys;
  if (own === undefined) throw new RangeError('sealing cookies needs a secret');
  return {
    newSession: () => randomBytes(16).toString('hex'),
    seal: (state, session) => {
      const header = Buffer.alloc(HEADER_BYTES);
      header[0] = 1;
      header[1] = encrypt ? 1 : 0;
      own.id.copy(header, 4);
      header.writeBigUInt64BE(BigInt(Math.floor(nowMs())), AT.time);
      if (!/^[0-9a-f]{32}$/.test(session)) throw new RangeError('no name of a session');
      header.write(session, AT.session, 'hex');
      randomBytes(12).copy(header, AT.nonce);
      header.writeUInt32BE(state.length, AT.length);
      // Some implementations complain of lengths that are no multiple of 4.
      const padded = Buffer.alloc(Math.ceil(state.length / 4) * 4);
      padded.set(state);
      if (!encrypt) return Buffer.concat([header, padded, sign(own.sign, header, padded)]);
      const cipher = createCipheriv('aes-256-gcm', own.encrypt, header.subarray(AT.nonce, AT.length));
      cipher.setAAD(header);
      return Buffer.concat([header, cipher.update(padded), cipher.final(), cipher.getAuthTag()]);
    },
    open: (bytes) => {
      const cookie = Buffer.from(bytes);
      const encrypted = cookie[1] === 1;
      const tagBytes = encrypted ? TAG_BYTES.encrypted : TAG_BYTES.signed;
      if (cookie.length < HEADER_BYTES + tagBytes || cookie[0] !== 1) return 'malformed';
      const header = cookie.subarray(0, HEADER_BYTES);
      const body = cookie.subarray(HEADER_BYTES, -tagBytes);
      const tag = cookie.subarray(-tagBytes);
      const key = keys.find(({ id }) => id.equals(header.subarray(4, 8)));
      if (key === undefined) return 'unknown secret';
      // Who encrypts does not take what is only signed.
      if (encrypted !== encrypt) return 'forged';
      const padded = encrypted
        ? decrypt(key.encrypt, header, body, tag)
        : verify(key.sign, header, body, tag);
      if (padded === null) return 'forged';
      const length = header.readUInt32BE(AT.length);
      if (length > padded.length) return 'malformed';
      const sealedMs = Number(header.readBigUInt64BE(AT.time));
      if (sealedMs > nowMs() + SKEW_MS) return 'from the future';
      if (nowMs() - sealedMs > maxAgeMs) return 'too old';
      const session = header.subarray(AT.session, AT.nonce).toString('hex');
      return { state: Uint8Array.from(padded.subarray(0, length)), session, sealedMs };
    },
  };
}

interface Keys {
  readonly id: Buffer;
  readonly sign: Buffer;
  readonly encrypt: Buffer;
}

/** Keys of this pool and this purpose alone. */
function keysOf(secret: Uint8Array, pool: Uint8Array): Keys {
  if (secret.length < 32) throw new RangeError(`a secret of ${secret.length} octets, at least 32 are needed`);
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, pool, `vnfpool session cookie: ${purpose}`, 32));
  const [sign, encrypt] = [derive('sign'), derive('encrypt')];
  return { id: createHash('sha256').update(sign).digest().subarray(0, 4), sign, encrypt };
}

function sign(key: Buffer, header: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update(header).update(body).digest();
}

function verify(key: Buffer, header: Buffer, body: Buffer, tag: Buffer): Buffer | null {
  return timingSafeEqual(sign(key, header, body), tag) ? body : null;
}

function decrypt(key: Buffer, header: Buffer, body: Buffer, tag: Buffer): Buffer | null {
  const decipher = createDecipheriv('aes-256-gcm', key, header.subarray(AT.nonce, AT.length), {
    authTagLength: 16,
  });
  decipher.setAAD(header);
  decipher.setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch {
    return null;
  }
}
