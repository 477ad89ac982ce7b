// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from 'node:crypto';

const KEY_BYTES = 32;

/**
 * The 32 octets of an X25519 key's public part: the end of its SubjectPublicKeyInfo. As a JWK, Node 20 may never return: it has locked
 * the key when it makes the strings, and if memory is collected just then, the end of what has made the key waits for the same lock.
 * @see RFC 8410 §4
 */
export function rawPublicKey(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }).subarray(-KEY_BYTES));
}
