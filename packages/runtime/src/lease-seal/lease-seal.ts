// SPDX-License-Identifier: Apache-2.0
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { LeaseKeyPair } from './lease-key.ts';

/** Octets that a seal adds behind a datagram: the front of an HMAC-SHA256. */
export const sealBytes = 16;

/**
 * Authenticates datagrams between two nodes. It does not encrypt, and it does not see repeats: the replay window
 * of the lease protocol does.
 */
export class LeaseSeal {
  readonly #sendKey: KeyObject;
  readonly #receiveKey: KeyObject;

  constructor(keys: LeaseKeyPair) {
    this.#sendKey = createSecretKey(keys.sendKey);
    this.#receiveKey = createSecretKey(keys.receiveKey);
  }

  /** The datagram with its tag behind it. */
  seal(bytes: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(bytes.length + sealBytes);
    sealed.set(bytes);
    sealed.set(tag(this.#sendKey, bytes), bytes.length);
    return sealed;
  }

  /** The datagram without its tag, a view of what was given; null when the tag is not the peer's. */
  open(sealed: Uint8Array): Uint8Array | null {
    if (sealed.length < sealBytes) return null;
    const bytes = sealed.subarray(0, sealed.length - sealBytes);
    return timingSafeEqual(tag(this.#receiveKey, bytes), sealed.subarray(bytes.length)) ? bytes : null;
  }
}

function tag(key: KeyObject, bytes: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(bytes).digest().subarray(0, sealBytes);
}
