// SPDX-License-Identifier: Apache-2.0
import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { FORWARD_MAC_BYTES } from '@vnfpool/wire/session-forward';

/** Authenticates datagrams of one transfer; it does not encrypt them. */
export class ForwardSeal {
  readonly secret: string;
  readonly #key: KeyObject;

  /** @param secret base64url of 32 octets; default a new one */
  constructor(secret: string = randomBytes(32).toString('base64url')) {
    this.secret = secret;
    this.#key = createSecretKey(Buffer.from(secret, 'base64url'));
  }

  /** The datagram with its MAC behind it. */
  seal(bytes: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(bytes.length + FORWARD_MAC_BYTES);
    sealed.set(bytes);
    sealed.set(this.#mac(bytes), bytes.length);
    return sealed;
  }

  /** @param bytes The datagram without its MAC. */
  isRight(bytes: Uint8Array, mac: Uint8Array): boolean {
    return timingSafeEqual(this.#mac(bytes), mac);
  }

  #mac(bytes: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#key).update(bytes).digest().subarray(0, FORWARD_MAC_BYTES);
  }
}
