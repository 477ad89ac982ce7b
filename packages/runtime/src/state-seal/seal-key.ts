// SPDX-License-Identifier: Apache-2.0
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { SEAL_RECEIVER_BYTES } from '@vnfpool/wire/replication';
import { readOptionalFile, writeSecretFile } from '../files/secret-file.ts';
import { rawPublicKey } from '../x25519/index.ts';
import { publicKeyOf, sealBase } from './hpke.ts';
import { SealError } from './seal-error.ts';

/** A node's X25519 key, to which others seal the secrets of its copies. */
export interface SealKey {
  readonly privateKey: KeyObject;
  /** base64 of 32 octets; what the node tells with its address. */
  readonly publicKey: string;
}

/** Whom something is sealed to. */
export interface SealReceiver {
  readonly key: KeyObject;
  /** Front of the SHA-256 of the key's octets. */
  readonly id: Uint8Array;
}

/**
 * The key in `path` (PKCS#8 PEM, 0600), made on the first call. It outlives the agent, as others know it and are not told another at once.
 * @throws SealError `unusable-key` when the file holds another kind of key
 */
export function openSealKey(path: string): SealKey {
  const pem = readOptionalFile(path);
  if (pem === null) {
    const made = createSealKey();
    writeSecretFile(path, made.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    return made;
  }
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== 'x25519')
    throw new SealError(
      'unusable-key',
      `${path} holds a key of type ${privateKey.asymmetricKeyType}, not x25519`,
    );
  return sealKey(privateKey);
}

/** A key that is kept nowhere. */
export function createSealKey(): SealKey {
  return sealKey(generateKeyPairSync('x25519').privateKey);
}

/** @param publicKey base64 of 32 octets @throws SealError `unusable-key`, for one of small order, too */
export function sealReceiver(publicKey: string): SealReceiver {
  const octets = Buffer.from(publicKey, 'base64');
  if (octets.length !== 32) throw new SealError('unusable-key', `a key of ${octets.length} octets, not 32`);
  const key = publicKeyOf(octets);
  const id = new Uint8Array(createHash('sha256').update(octets).digest().subarray(0, SEAL_RECEIVER_BYTES));
  try {
    sealBase(key, id, id, id);
  } catch (error) {
    throw new SealError('unusable-key', 'a key that nothing can be sealed to', error);
  }
  return { key, id };
}

function sealKey(privateKey: KeyObject): SealKey {
  const publicKey = Buffer.from(rawPublicKey(createPublicKey(privateKey))).toString('base64');
  return { privateKey, publicKey };
}
