// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import type { CertificateIdentity } from '../stream/stream-transport.ts';
import { canonicalAddress } from './server-identity.ts';

/** Reads what we use of a certificate. The caller has verified its chain. */
export function certificateIdentity(certificate: X509Certificate): CertificateIdentity {
  return {
    commonName: commonName(certificate.subject),
    ...subjectAltNames(certificate.subjectAltName),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    validToMs: Date.parse(certificate.validTo),
  };
}

/** Node prints the subject as lines `KEY=value`. */
function commonName(subject: string | undefined): string | null {
  const line = (subject ?? '').split('\n').find((each) => each.startsWith('CN='));
  return line === undefined ? null : line.slice(3);
}

export type SubjectAltNames = Pick<CertificateIdentity, 'uris' | 'dnsNames' | 'addresses'>;

/**
 * Reads Node's print of a subjectAltName: `DNS:a, URI:b, …`, where a value that holds a separator stands between
 * quotes, as JSON. Reading entry by entry keeps a name such as `x, URI:spiffe://…` from posing as two.
 */
export function subjectAltNames(text = ''): SubjectAltNames {
  const uris: string[] = [];
  const dnsNames: string[] = [];
  const addresses: string[] = [];
  const entry = /\s*([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:,|$)/gy;
  for (let match = entry.exec(text); match !== null; match = entry.exec(text)) {
    const [, kind, printed = ''] = match;
    const value = printed.startsWith('"') ? unquoted(printed) : printed;
    if (kind === 'URI') uris.push(value);
    else if (kind === 'DNS') dnsNames.push(value);
    else if (kind === 'IP Address') addresses.push(canonicalAddress(value) ?? value);
    if (entry.lastIndex >= text.length) return { uris, dnsNames, addresses };
  }
  // Not in the form we know: no identity rather than half of one.
  return { uris: [], dnsNames: [], addresses: [] };
}

function unquoted(printed: string): string {
  try {
    return JSON.parse(printed) as string;
  } catch {
    return '';
  }
}
