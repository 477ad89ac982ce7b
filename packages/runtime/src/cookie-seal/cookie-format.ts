// SPDX-License-Identifier: Apache-2.0
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { CookieError } from './cookie-error.ts';

/**
 * What stands before the state, in the clear:
 *
 *     0 version = 1 | 1 mode: 1 signed, 2 encrypted | 2 zero (2) | 4 which secret (4) | 8 session (16)
 *     24 sequence (8) | 32 issued, milliseconds since 1970 (8) | 40 octets of state (4)
 *
 * Signed: the state, padded, then HMAC-SHA256 over all before it (32). Encrypted: nonce (12), then the state, padded,
 * by AES-256-GCM with the header as associated data, then its tag (16). Padded to a multiple of 4, because some
 * implementations complain of cookies that are not.
 */
export interface CookieHeader {
  readonly mode: 'signed' | 'encrypted';
  /** 32 bits. */
  readonly secretId: number;
  /** 16 octets. */
  readonly session: Uint8Array;
  readonly sequence: number;
  readonly issuedMs: number;
}

/** What a cookie is good for beside its session; part of the key, and not of the cookie. */
export interface CookieBinding {
  readonly poolHandle: Uint8Array;
  /** Who it was given to; empty: to whoever has it. */
  readonly holder: string;
}

const HEADER_BYTES = 44;
const NONCE_BYTES = 12;
const GCM_TAG_BYTES = 16;
const HMAC_BYTES = 32;
const VERSION = 1;
const MODES = { signed: 1, encrypted: 2 } as const;

export function writeCookie(
  header: CookieHeader,
  state: Uint8Array,
  secret: Uint8Array,
  binding: CookieBinding,
): Uint8Array {
  const head = new Uint8Array(HEADER_BYTES);
  const view = new DataView(head.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, MODES[header.mode]);
  view.setUint32(4, header.secretId);
  head.set(header.session, 8);
  view.setBigUint64(24, BigInt(header.sequence));
  view.setBigUint64(32, BigInt(header.issuedMs));
  view.setUint32(40, state.length);
  const padded = new Uint8Array(paddedTo4(state.length));
  padded.set(state);
  const key = keyOf(header, secret, binding);
  if (header.mode === 'signed') {
    const tag = createHmac('sha256', key).update(head).update(padded).digest();
    return Uint8Array.from(Buffer.concat([head, padded, tag]));
  }
  // Each session has a key of its own, so that random nonces do not meet.
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES }).setAAD(head);
  const sealed = [cipher.update(padded), cipher.final()];
  return Uint8Array.from(Buffer.concat([head, nonce, ...sealed, cipher.getAuthTag()]));
}

/** What a cookie says of itself; nothing of it is proved. @throws CookieError `malformed` */
export function readCookieHeader(cookie: Uint8Array): CookieHeader {
  const malformed = (why: string): never => {
    throw new CookieError('malformed', `the cookie ${why}`);
  };
  if (cookie.length < HEADER_BYTES) return malformed(`has ${cookie.length} octets`);
  const view = new DataView(cookie.buffer, cookie.byteOffset, cookie.byteLength);
  if (view.getUint8(0) !== VERSION) return malformed(`has version ${view.getUint8(0)}`);
  const code = view.getUint8(1);
  const mode =
    code === MODES.signed ? 'signed' : code === MODES.encrypted ? 'encrypted' : malformed(`has mode ${code}`);
  const least = mode === 'signed' ? HMAC_BYTES : NONCE_BYTES + GCM_TAG_BYTES;
  if (cookie.length !== HEADER_BYTES + paddedTo4(view.getUint32(40)) + least)
    return malformed('is cut, or has more than it says');
  return {
    mode,
    secretId: view.getUint32(4),
    session: cookie.slice(8, 24),
    sequence: numberAt(view, 24) ?? malformed('has a sequence that is too high'),
    issuedMs: numberAt(view, 32) ?? malformed('has a time that is too late'),
  };
}

/** The state of a cookie. @throws CookieError `forged` */
export function readCookieState(
  cookie: Uint8Array,
  header: CookieHeader,
  secret: Uint8Array,
  binding: CookieBinding,
): Uint8Array {
  const key = keyOf(header, secret, binding);
  const stateBytes = new DataView(cookie.buffer, cookie.byteOffset, HEADER_BYTES).getUint32(40);
  if (header.mode === 'signed') {
    const end = cookie.length - HMAC_BYTES;
    const tag = createHmac('sha256', key).update(cookie.subarray(0, end)).digest();
    if (!timingSafeEqual(tag, cookie.subarray(end))) throw forged();
    return cookie.slice(HEADER_BYTES, HEADER_BYTES + stateBytes);
  }
  const nonceEnd = HEADER_BYTES + NONCE_BYTES;
  const end = cookie.length - GCM_TAG_BYTES;
  const options = { authTagLength: GCM_TAG_BYTES };
  const cipher = createDecipheriv('aes-256-gcm', key, cookie.subarray(HEADER_BYTES, nonceEnd), options)
    .setAAD(cookie.subarray(0, HEADER_BYTES))
    .setAuthTag(cookie.subarray(end));
  try {
    const padded = Buffer.concat([cipher.update(cookie.subarray(nonceEnd, end)), cipher.final()]);
    return Uint8Array.from(padded.subarray(0, stateBytes));
  } catch {
    throw forged();
  }
}

/** The number by which cookies of a pool name a secret; tells nothing of it. */
export function secretIdOf(secret: Uint8Array, poolHandle: Uint8Array): number {
  const pool = createInfo(poolHandle);
  return new DataView(hkdfSync('sha256', secret, pool, 'vnfpool cookie secret', 4)).getUint32(0);
}

function paddedTo4(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function forged(): CookieError {
  return new CookieError('forged', 'the cookie is not of this pool and for this holder, or was changed');
}

/** Bound to mode, pool, holder and session: for anything else the key is another. Lengths keep the parts apart. */
function keyOf({ mode, session }: CookieHeader, secret: Uint8Array, binding: CookieBinding): Uint8Array {
  const parts = [Buffer.from(`vnfpool cookie 1 ${mode}`), binding.poolHandle, Buffer.from(binding.holder)];
  const info = Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
  return new Uint8Array(hkdfSync('sha256', secret, session, createInfo(info), 32));
}

/** HKDF takes 1024 octets of it, and pool handles may be longer. */
function createInfo(info: Uint8Array): Uint8Array {
  return createHmac('sha256', 'vnfpool cookie').update(info).digest();
}

/** undefined: beyond what a number holds exactly. */
function numberAt(view: DataView, offset: number): number | undefined {
  const value = view.getBigUint64(offset);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(value);
}
