// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { der } from './der.ts';

/** Common name, 2.5.4.3. */
const commonName = [0x55, 0x04, 0x03];
/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2. */
const ecdsaWithSha256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/** A new ECDSA P-256 key as PKCS#8 PEM. */
export function createPrivateKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * A certification request that proves possession of the key. It carries a common name only: names and
 * addresses of the certificate are the authority's to choose. Written by hand so that who joins a set need not
 * load an ASN.1 library (about 19 MB).
 *
 * @param privateKeyPem ECDSA P-256
 * @see RFC 2986 §4
 */
export function createRequestPem(privateKeyPem: string, name: string): string {
  const key: KeyObject = createPrivateKey(privateKeyPem);
  const subject = der.sequence(der.set(der.sequence(der.oid(commonName), der.utf8(name))));
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const info = der.sequence(der.integer(0), subject, publicKey, der.context(0, new Uint8Array(0)));
  const request = der.sequence(
    info,
    der.sequence(der.oid(ecdsaWithSha256)),
    der.bits(sign('sha256', info, { key, dsaEncoding: 'der' })),
  );
  return pem('CERTIFICATE REQUEST', request);
}

function pem(label: string, octets: Uint8Array): string {
  const lines =
    Buffer.from(octets)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
