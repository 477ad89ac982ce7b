// SPDX-License-Identifier: Apache-2.0
import { createHmac, randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** Keys shared beforehand: who holds the key of an identity is that identity. @see RFC 4279, RFC 8446 §2.2 */
export interface SharedKeys {
  /** What we show when we connect. Without it we only accept. */
  readonly own?: { readonly identity: string; readonly key: Uint8Array };
  /** The key of an identity that may connect to us; null: none. */
  keyOf(identity: string): Uint8Array | null;
}

/** What an identity may be; anything else that arrives in its place (a session ticket) is not ours. */
const identityPattern = /^[\x21-\x7e]{1,64}$/;

export function isSharedKeyIdentity(identity: string): boolean {
  return identityPattern.test(identity);
}

/**
 * The accepting side of shared keys. An identity that nobody has gets a key that nobody knows, made with the same
 * work, so that neither answer nor time tells which identities exist. OpenSSL compares the proofs themselves in
 * constant time.
 */
export class SharedKeyServer {
  readonly #keys: SharedKeys;
  readonly #secret: Uint8Array = randomBytes(32);
  readonly #shown = new WeakMap<
    TLSSocket,
    { readonly identity: string; readonly known: boolean } | 'several'
  >();

  constructor(keys: SharedKeys) {
    this.#keys = keys;
  }

  /** For Node's `pskCallback`. */
  readonly answer = (socket: TLSSocket, identity: string): Uint8Array | null => {
    if (!isSharedKeyIdentity(identity)) return null;
    const unknown = createHmac('sha256', this.#secret).update(identity).digest();
    const key = this.#keys.keyOf(identity);
    const before = this.#shown.get(socket);
    const isSame = before === undefined || (before !== 'several' && before.identity === identity);
    // A second round of the same handshake shows the same identity again.
    this.#shown.set(socket, isSame ? { identity, known: key !== null } : 'several');
    return key ?? unknown;
  };

  /**
   * The identity whose key the peer has proved to hold; null: the handshake went by other means. Asked after the
   * handshake, and only then true.
   */
  provedBy(socket: TLSSocket): string | null {
    const shown = this.#shown.get(socket);
    if (shown === undefined || shown === 'several' || !shown.known || !usedSharedKey(socket)) return null;
    return shown.identity;
  }

  /** For people, of a handshake that failed. */
  describe(socket: TLSSocket): string | null {
    const shown = this.#shown.get(socket);
    if (shown === undefined) return null;
    if (shown === 'several') return 'it showed several identities';
    const { identity, known } = shown;
    return known ? `it does not hold the key of ${identity}` : `nobody is ${identity}`;
  }
}

/**
 * Whether a handshake was made by shared key. Sessions are never taken up again here (no tickets, no cache), so
 * that in TLS 1.3, where both look the same, it can have been nothing else.
 */
export function usedSharedKey(socket: TLSSocket): boolean {
  if (socket.getPeerX509Certificate() !== undefined) return false;
  return socket.getProtocol() === 'TLSv1.3'
    ? socket.isSessionReused()
    : socket.getCipher().name.includes('PSK');
}
