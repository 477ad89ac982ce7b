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
 *     0 version = 1 | 1 mode: 1 signed, 2 encrypted | 2 number of the secret (2) | 4 session (16)
 *     20 sequence (8) | 28 issued, milliseconds since 1970 (8)
 *
 * Signed: the state, then HMAC-SHA256 over all before it (32). Encrypted: nonce (12), then the state by AES-256-GCM
 * with the header as associated data, then its tag (16).
 */
export interface CookieHeader {
  readonly mode: 'signed' | 'encrypted';
  /** 0…65535. */
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

export const HEADER_BYTES = 36;
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
  view.setUint16(2, header.secretId);
  head.set(header.session, 4);
  view.setBigUint64(20, BigInt(header.sequence));
  view.setBigUint64(28, BigInt(header.issuedMs));
  const key = keyOf(header, secret, binding);
  if (header.mode === 'signed') {
    const tag = createHmac('sha256', key).update(head).update(state).digest();
    return Uint8Array.from(Buffer.concat([head, state, tag]));
  }
  // Each session has a key of its own, so that random nonces do not meet.
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES }).setAAD(head);
  const sealed = [cipher.update(state), cipher.final()];
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
  if (cookie.length < HEADER_BYTES + least) return malformed('is cut');
  return {
    mode,
    secretId: view.getUint16(2),
    session: cookie.slice(4, 20),
    sequence: numberAt(view, 20) ?? malformed('has a sequence that is too high'),
    issuedMs: numberAt(view, 28) ?? malformed('has a time that is too late'),
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
  if (header.mode === 'signed') {
    const end = cookie.length - HMAC_BYTES;
    const tag = createHmac('sha256', key).update(cookie.subarray(0, end)).digest();
    if (!timingSafeEqual(tag, cookie.subarray(end))) throw forged();
    return cookie.slice(HEADER_BYTES, end);
  }
  const nonceEnd = HEADER_BYTES + NONCE_BYTES;
  const end = cookie.length - GCM_TAG_BYTES;
  const options = { authTagLength: GCM_TAG_BYTES };
  const cipher = createDecipheriv('aes-256-gcm', key, cookie.subarray(HEADER_BYTES, nonceEnd), options)
    .setAAD(cookie.subarray(0, HEADER_BYTES))
    .setAuthTag(cookie.subarray(end));
  try {
    return Uint8Array.from(Buffer.concat([cipher.update(cookie.subarray(nonceEnd, end)), cipher.final()]));
  } catch {
    throw forged();
  }
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
