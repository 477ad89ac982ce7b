// SPDX-License-Identifier: Apache-2.0
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { rawPublicKey } from '../x25519/index.ts';

/*
 * Hybrid public key encryption, one message a time: base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305, of
 * which the sequence number is always 0.
 * @see RFC 9180
 */

export interface Encapsulated {
  /** Public key of the sender for this message alone, 32 octets. */
  readonly encapsulated: Uint8Array;
  /** The message with its tag of 16 octets. */
  readonly sealed: Uint8Array;
}

const KEM_SUITE = Buffer.from([...Buffer.from('KEM'), 0x00, 0x20]);
const HPKE_SUITE = Buffer.from([...Buffer.from('HPKE'), 0x00, 0x20, 0x00, 0x01, 0x00, 0x03]);
const VERSION = Buffer.from('HPKE-v1');
const NOTHING = Buffer.alloc(0);
const MODE_BASE = Buffer.from([0]);
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/**
 * §6.1, SealBase. @param ephemeral only for tests against known messages: each message has a key of its own
 * @throws Error when the receiver's key has small order
 */
export function sealBase(
  receiver: KeyObject,
  info: Uint8Array,
  additional: Uint8Array,
  message: Uint8Array,
  ephemeral: KeyObject = generateKeyPairSync('x25519').privateKey,
): Encapsulated {
  const encapsulated = rawPublicKey(createPublicKey(ephemeral));
  const secret = diffieHellman({ privateKey: ephemeral, publicKey: receiver });
  const { key, nonce } = schedule(shared(secret, encapsulated, rawPublicKey(receiver)), info);
  return { encapsulated, sealed: encrypt(key, nonce, additional, message) };
}

/** §6.1, OpenBase. @throws Error when it is not what was sealed, to this key, with this */
export function openBase(
  own: KeyObject,
  info: Uint8Array,
  additional: Uint8Array,
  { encapsulated, sealed }: Encapsulated,
): Uint8Array {
  const secret = diffieHellman({ privateKey: own, publicKey: publicKeyOf(encapsulated) });
  const { key, nonce } = schedule(shared(secret, encapsulated, rawPublicKey(createPublicKey(own))), info);
  return decrypt(key, nonce, additional, sealed);
}

/** ChaCha20-Poly1305, the tag behind. @see RFC 8439 §2.8 */
export function encrypt(
  key: Uint8Array | KeyObject,
  nonce: Uint8Array,
  additional: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(additional, { plaintextLength: message.length });
  const parts = [cipher.update(message), cipher.final()];
  return new Uint8Array(Buffer.concat([...parts, cipher.getAuthTag()]));
}

/** @throws Error when it is not what was encrypted */
export function decrypt(
  key: Uint8Array | KeyObject,
  nonce: Uint8Array,
  additional: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  const length = sealed.length - TAG_BYTES;
  if (length < 0) throw new RangeError('it is shorter than its tag');
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(additional, { plaintextLength: length });
  decipher.setAuthTag(sealed.subarray(length));
  return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, length)), decipher.final()]));
}

/** @param octets 32 */
export function publicKeyOf(octets: Uint8Array): KeyObject {
  const x = Buffer.from(octets).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
}

/** §4.1, ExtractAndExpand of the Diffie-Hellman result. */
function shared(secret: Uint8Array, encapsulated: Uint8Array, receiver: Uint8Array): Uint8Array {
  const key = extract(KEM_SUITE, NOTHING, 'eae_prk', secret);
  return expand(KEM_SUITE, key, 'shared_secret', Buffer.concat([encapsulated, receiver]), KEY_BYTES);
}

/** §5.1, KeySchedule without a shared key of before. */
function schedule(
  secret: Uint8Array,
  info: Uint8Array,
): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const context = Buffer.concat([
    MODE_BASE,
    extract(HPKE_SUITE, NOTHING, 'psk_id_hash', NOTHING),
    extract(HPKE_SUITE, NOTHING, 'info_hash', info),
  ]);
  const from = extract(HPKE_SUITE, secret, 'secret', NOTHING);
  return {
    key: expand(HPKE_SUITE, from, 'key', context, KEY_BYTES),
    nonce: expand(HPKE_SUITE, from, 'base_nonce', context, NONCE_BYTES),
  };
}

/** §4, LabeledExtract. */
function extract(suite: Uint8Array, salt: Uint8Array, label: string, input: Uint8Array): Buffer {
  return createHmac('sha256', salt).update(VERSION).update(suite).update(label).update(input).digest();
}

/** §4, LabeledExpand: of at most one block of SHA-256. */
function expand(suite: Uint8Array, key: Uint8Array, label: string, info: Uint8Array, length: number): Buffer {
  const block = createHmac('sha256', key)
    .update(Buffer.from([length >> 8, length & 0xff]))
    .update(VERSION)
    .update(suite)
    .update(label)
    .update(info)
    .update(Buffer.from([1]))
    .digest();
  return block.subarray(0, length);
}
