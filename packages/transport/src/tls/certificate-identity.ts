// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import type { CertificateIdentity } from '../stream/stream-transport.ts';

/** Reads what we use of a certificate. The caller has verified its chain. */
export function certificateIdentity(certificate: X509Certificate): CertificateIdentity {
  return {
    commonName: commonName(certificate.subject),
    uris: uris(certificate.subjectAltName ?? ''),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    validToMs: Date.parse(certificate.validTo),
  };
}

/** Node prints the subject as lines `KEY=value`. */
function commonName(subject: string | undefined): string | null {
  const line = (subject ?? '').split('\n').find((each) => each.startsWith('CN='));
  return line === undefined ? null : line.slice(3);
}

/**
 * Node prints `DNS:a, URI:b, …` and puts a value that holds a separator between quotes, as JSON. Reading entry
 * by entry keeps a name such as `x, URI:spiffe://…` from posing as two.
 */
function uris(text: string): string[] {
  const found: string[] = [];
  const entry = /\s*([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:,|$)/gy;
  for (let match = entry.exec(text); match !== null; match = entry.exec(text)) {
    const [, kind, value = ''] = match;
    if (kind === 'URI') found.push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
    if (entry.lastIndex >= text.length) return found;
  }
  // Not in the form we know: no identity rather than half of one.
  return [];
}
