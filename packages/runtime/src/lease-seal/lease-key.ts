// SPDX-License-Identifier: Apache-2.0
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { readOptionalFile, writeSecretFile } from '../files/secret-file.ts';
import { rawPublicKey } from '../x25519/index.ts';

/** A node's X25519 key for lease datagrams. */
export interface LeaseKey {
  readonly privateKey: KeyObject;
  /** base64url of 32 octets; what a node tells when it joins. */
  readonly publicKey: string;
}

/** Keys between two nodes, one a direction, 32 octets each. Plain octets, so that they can go to a worker. */
export interface LeaseKeyPair {
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

export class LeaseKeyError extends Error {
  override readonly name: string = 'LeaseKeyError';
  readonly code = 'lease-key';
}

/** The key in `path` (PKCS#8 PEM, 0600), made on the first call. */
export function openLeaseKey(path: string): LeaseKey {
  const pem = readOptionalFile(path);
  if (pem !== null) {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType !== 'x25519') {
      throw new LeaseKeyError(`${path} holds a key of type ${privateKey.asymmetricKeyType}, not x25519`);
    }
    return leaseKey(privateKey);
  }
  const { privateKey } = generateKeyPairSync('x25519');
  writeSecretFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return leaseKey(privateKey);
}

/** A key that is kept nowhere. */
export function createLeaseKey(): LeaseKey {
  return leaseKey(generateKeyPairSync('x25519').privateKey);
}

function leaseKey(privateKey: KeyObject): LeaseKey {
  return {
    privateKey,
    publicKey: Buffer.from(rawPublicKey(createPublicKey(privateKey))).toString('base64url'),
  };
}

/** The two ends, and the set they belong to. */
export interface LeasePair {
  readonly set: string;
  readonly ownNode: number;
  readonly peerNode: number;
}

const keyBytes = 32;

/**
 * Derives what two nodes share: X25519, then HKDF-SHA256 with the set as salt and sender and receiver in the
 * info. A key a direction: a datagram thrown back at its sender does not verify.
 * @param peerPublicKey base64url of 32 octets
 * @throws LeaseKeyError when the peer's key is not one, or has small order
 * @see RFC 7748 §6.1, RFC 5869
 */
export function deriveLeaseKeys(own: LeaseKey, peerPublicKey: string, pair: LeasePair): LeaseKeyPair {
  let secret: Uint8Array;
  try {
    const publicKey = createPublicKey({
      key: { kty: 'OKP', crv: 'X25519', x: peerPublicKey },
      format: 'jwk',
    });
    // OpenSSL refuses a result of all zeros.
    secret = diffieHellman({ privateKey: own.privateKey, publicKey });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LeaseKeyError(`the lease key of node ${pair.peerNode} is not usable: ${why}`, { cause: error });
  }
  const derive = (from: number, to: number): Uint8Array =>
    new Uint8Array(
      hkdfSync('sha256', secret, Buffer.from(pair.set), `vnfpool lease 1 ${from}>${to}`, keyBytes),
    );
  return {
    sendKey: derive(pair.ownNode, pair.peerNode),
    receiveKey: derive(pair.peerNode, pair.ownNode),
  };
}
