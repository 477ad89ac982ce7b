// SPDX-License-Identifier: Apache-2.0
import type { CertificateIdentity } from '@vnfpool/transport/stream';
import { type CertificateRole, IdentityError, parseIdentity } from '../certificates/identity.ts';
import type { CertificateMapping, CertificateScope } from './description.ts';
import { ScopeSecurityError } from './errors.ts';
import { matchesPattern } from './pattern.ts';

/** What a certificate makes of its holder; a text: why nothing. */
export type Mapped = { readonly role: CertificateRole; readonly name: string } | string;

/** Mappings at most. */
const MAPPINGS_MAX = 1024;

/**
 * Reads certificates by the rules of a scope. The chain has been verified.
 * @throws ScopeSecurityError for a mapping that cannot be meant
 */
export function certificateIdentities(
  scope: Pick<CertificateScope, 'identities' | 'domain' | 'revoked'>,
): (certificate: CertificateIdentity) => Mapped {
  const { identities = [], domain } = scope;
  if (identities.length > MAPPINGS_MAX)
    throw new ScopeSecurityError('description', `${identities.length} identities, at most ${MAPPINGS_MAX}`);
  const revoked = new Set((scope.revoked ?? []).map(fingerprint));
  const mappings = identities.map(prepared);
  return (certificate) => {
    if (revoked.has(certificate.fingerprint)) return 'the certificate is revoked';
    for (const mapping of mappings) {
      const name = nameBy(mapping, certificate);
      if (name === null) continue;
      const { role } = mapping;
      return /^[\x20-\x7e]{1,253}$/.test(name) ? { role, name } : 'its name cannot be written';
    }
    if (domain === undefined) return 'the certificate is nobody that this scope knows';
    try {
      const { role, name } = parseIdentity(certificate, domain);
      return { role, name };
    } catch (error) {
      if (error instanceof IdentityError) return error.message;
      throw error;
    }
  };
}

function prepared(mapping: CertificateMapping): CertificateMapping {
  const { dnsName, fingerprint: print } = mapping;
  return {
    ...mapping,
    ...(dnsName === undefined ? {} : { dnsName: dnsName.toLowerCase() }),
    ...(print === undefined ? {} : { fingerprint: fingerprint(print) }),
  };
}

/** The name of who fits all of a mapping; null: it does not fit. */
function nameBy(mapping: CertificateMapping, certificate: CertificateIdentity): string | null {
  const { commonName } = certificate;
  const dnsNames = certificate.dnsNames.map((name) => name.toLowerCase());
  const parts: readonly (readonly [string | undefined, readonly string[]])[] = [
    [mapping.uri, certificate.uris],
    [mapping.dnsName, dnsNames],
    [mapping.commonName, commonName === null ? [] : [commonName]],
    [mapping.fingerprint, [certificate.fingerprint]],
  ];
  let fitted: string | undefined;
  for (const [pattern, values] of parts) {
    if (pattern === undefined) continue;
    const value = values.find((each) => matchesPattern(pattern, each));
    if (value === undefined) return null;
    fitted ??= value;
  }
  return mapping.name ?? fitted ?? commonName ?? certificate.fingerprint;
}

function fingerprint(text: string): string {
  const digits = text.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(digits))
    throw new ScopeSecurityError('description', `"${text}" is no SHA-256 in hexadecimal`);
  return digits;
}
