// SPDX-License-Identifier: Apache-2.0
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { certificateIdentity } from '@vnfpool/transport/tls';
import { readOptionalFile, writeSecretFile } from '../files/secret-file.ts';
import { type Identity, parseIdentity } from './identity.ts';

/** PEM texts; the form that the TLS transport takes. */
export interface Credentials {
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
}

export class CredentialsError extends Error {
  override readonly name: string = 'CredentialsError';
  readonly code: 'mismatch' | 'expired' | 'unreadable';

  constructor(code: 'mismatch' | 'expired' | 'unreadable', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

const files = { key: 'key.pem', certificate: 'certificate.pem', ca: 'ca.pem' } as const;

/** Stores credentials under `folder`, each file 0600. The certificate comes last: with it the set is whole. */
export function storeCredentials(folder: string, credentials: Credentials): void {
  writeSecretFile(join(folder, files.key), credentials.key);
  writeSecretFile(join(folder, files.ca), credentials.ca);
  writeSecretFile(join(folder, files.certificate), credentials.certificate);
}

/** What `storeCredentials` wrote, or null when something is missing. Says nothing on whether it is still good. */
export function loadCredentials(folder: string): Credentials | null {
  const key = readOptionalFile(join(folder, files.key));
  const certificate = readOptionalFile(join(folder, files.certificate));
  const ca = readOptionalFile(join(folder, files.ca));
  return key === null || certificate === null || ca === null ? null : { key, certificate, ca };
}

/** The key that a join has begun with, kept so that a repeat proves to be the same joiner. */
export function loadKey(folder: string): string | null {
  return readOptionalFile(join(folder, files.key));
}

export function storeKey(folder: string, key: string): void {
  writeSecretFile(join(folder, files.key), key);
}

/**
 * Checks that key, certificate and authority belong together and that the certificate is valid now.
 * @param nowMs Wall clock.
 * @returns Who we are.
 * @throws CredentialsError
 */
export function checkCredentials(credentials: Credentials, nowMs: number): Identity {
  let certificate: X509Certificate;
  let identity: Identity;
  try {
    certificate = new X509Certificate(credentials.certificate);
    identity = parseIdentity(certificateIdentity(certificate));
    const authority = new X509Certificate(credentials.ca);
    if (!certificate.checkPrivateKey(createPrivateKey(credentials.key))) {
      throw new CredentialsError('mismatch', 'the certificate is not for the key');
    }
    if (!certificate.verify(authority.publicKey)) {
      throw new CredentialsError('mismatch', 'the certificate is not of the authority');
    }
  } catch (error) {
    if (error instanceof CredentialsError) throw error;
    throw new CredentialsError('unreadable', error instanceof Error ? error.message : String(error), error);
  }
  if (Date.parse(certificate.validTo) <= nowMs) {
    throw new CredentialsError('expired', `the certificate was valid until ${certificate.validTo}`);
  }
  return identity;
}

/** When to ask for the next certificate, by the wall clock: at two thirds of its life. */
export function renewAtMs(certificatePem: string): number {
  const certificate = new X509Certificate(certificatePem);
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  return from + ((to - from) * 2) / 3;
}

/** SHA-256 over the certificate's DER, lower-case hexadecimal. */
export function fingerprintOf(certificatePem: string): string {
  return createHash('sha256').update(new X509Certificate(certificatePem).raw).digest('hex');
}
