// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:crypto';
import type { SecureContextOptions, SecureVersion } from 'node:tls';

/** PEM texts of a member whom others know by certificate. */
export interface TlsCredentials {
  readonly key: string;
  readonly certificate: string;
  /** The only authority believed. */
  readonly ca: string;
}

/** PEM texts; what is absent is not needed, or not believed. */
export interface TlsMaterial {
  /** Ours, with its certificate. Who only connects may be without both. */
  readonly key?: string;
  readonly certificate?: string;
  /** The only authority believed; absent: none is. */
  readonly ca?: string;
  /** Revocation lists; then one of each authority is needed. */
  readonly crl?: string;
}

export interface TlsContextOptions {
  readonly credentials: TlsMaterial | undefined;
  /** Whether shared keys are among the means. */
  readonly sharedKeys: boolean;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Adds the one suite that RFC 5355 makes mandatory: no forward secrecy, and CBC. TLS 1.2 only. */
  readonly obsoleteSuite: boolean;
}

const suites = {
  v13: ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'],
  /** A shared key goes with one hash, SHA-256: a suite with another would quietly leave it out. */
  v13SharedKey: ['TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
  v12: ['ECDSA', 'RSA'].flatMap((kind) => [
    `ECDHE-${kind}-AES256-GCM-SHA384`,
    `ECDHE-${kind}-CHACHA20-POLY1305`,
    `ECDHE-${kind}-AES128-GCM-SHA256`,
  ]),
  v12SharedKey: [
    'ECDHE-PSK-CHACHA20-POLY1305',
    'DHE-PSK-AES256-GCM-SHA384',
    'DHE-PSK-CHACHA20-POLY1305',
    'DHE-PSK-AES128-GCM-SHA256',
  ],
  obsolete: 'AES128-SHA',
  obsoleteSharedKey: 'PSK-AES128-CBC-SHA',
} as const;

export type TlsContext = SecureContextOptions & {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  readonly ciphers: string;
};

/**
 * What both ends hand to OpenSSL: AEAD and forward secrecy, no session taken up again (it would outlive what was
 * checked when it began), no renegotiation.
 */
export function tlsContext({
  credentials,
  sharedKeys,
  minVersion,
  obsoleteSuite,
}: TlsContextOptions): TlsContext {
  const with12 = minVersion === 'TLSv1.2';
  const ciphers = [
    ...(sharedKeys ? suites.v13SharedKey : suites.v13),
    ...(with12 && sharedKeys ? suites.v12SharedKey : []),
    ...(with12 && credentials !== undefined ? suites.v12 : []),
    ...(with12 && obsoleteSuite && sharedKeys ? [suites.obsoleteSharedKey] : []),
    ...(with12 && obsoleteSuite && credentials !== undefined ? [suites.obsolete] : []),
  ];
  const { ca, key, certificate, crl } = credentials ?? {};
  return {
    // An empty list, or Node would believe the authorities of the web.
    ca: ca === undefined || ca === '' ? [] : ca,
    ...(key === undefined || certificate === undefined ? {} : { key, cert: certificate }),
    ...(crl === undefined ? {} : { crl }),
    ciphers: ciphers.join(':'),
    honorCipherOrder: true,
    minVersion,
    maxVersion: 'TLSv1.3',
    ...(with12 && sharedKeys ? { dhparam: 'auto' } : {}),
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}
