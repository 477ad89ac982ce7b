// SPDX-License-Identifier: Apache-2.0

/** Whom the set's authority makes certificates for. `element` is a pool element that no agent manages. */
export const roles = ['manager', 'registrar', 'node', 'element', 'user'] as const;
export type CertificateRole = (typeof roles)[number];

/**
 * Who a certificate of the set speaks for. Carried as the subjectAltName URI
 * `spiffe://<domain>/<role>/<name>`, for nodes `spiffe://<domain>/node/<id>` with the name as common name.
 */
export interface Identity {
  readonly domain: string;
  readonly role: CertificateRole;
  /** Letters, digits, `.`, `_`, `-`; at most 63, begins with a letter or digit. */
  readonly name: string;
  /** Node ID; nodes only. */
  readonly id?: number;
}

/** A certificate's own words, as the transport reads them. */
export interface CertificateNames {
  readonly commonName: string | null;
  readonly uris: readonly string[];
}

export class IdentityError extends Error {
  override readonly name: string = 'IdentityError';
  readonly code = 'identity';
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const domainPattern = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;

export function isIdentityName(name: string): boolean {
  return namePattern.test(name);
}

/** @throws IdentityError when a part cannot stand in a certificate */
export function checkIdentity(identity: Identity): void {
  const { domain, role, name, id } = identity;
  if (!domainPattern.test(domain))
    throw new IdentityError(`set domain ${JSON.stringify(domain)} is not usable`);
  if (!roles.includes(role)) throw new IdentityError(`unknown role ${JSON.stringify(role)}`);
  if (!namePattern.test(name)) throw new IdentityError(`name ${JSON.stringify(name)} is not usable`);
  if (role === 'node') {
    if (id === undefined || !Number.isInteger(id) || id < 1 || id > 0xfffffffe) {
      throw new IdentityError(`node id ${id} is not in 1…4294967294`);
    }
  } else if (id !== undefined) {
    throw new IdentityError(`a ${role} has no node id`);
  }
}

export function identityUri(identity: Identity): string {
  checkIdentity(identity);
  const last = identity.role === 'node' ? String(identity.id) : identity.name;
  return `spiffe://${identity.domain}/${identity.role}/${last}`;
}

/**
 * Reads the identity of a certificate whose chain has been verified.
 * @param domain The set we belong to; another domain is refused.
 * @throws IdentityError when it is not one of ours, or says two things.
 */
export function parseIdentity(certificate: CertificateNames, domain?: string): Identity {
  const found = certificate.uris.filter((uri) => uri.startsWith('spiffe:'));
  const [uri] = found;
  if (uri === undefined) throw new IdentityError('the certificate has no spiffe URI');
  if (found.length > 1) throw new IdentityError(`the certificate has ${found.length} spiffe URIs`);
  const match = /^spiffe:\/\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(uri);
  if (match === null) throw new IdentityError(`${uri} is not spiffe://<domain>/<role>/<name>`);
  const [, ofDomain = '', role = '', last = ''] = match;
  if (domain !== undefined && ofDomain !== domain) {
    throw new IdentityError(`${uri} belongs to ${ofDomain}, we to ${domain}`);
  }
  const identity = identityFrom(ofDomain, role, last, certificate.commonName);
  checkIdentity(identity);
  // Leading zeros, signs and the like: one identity has one spelling.
  if (identityUri(identity) !== uri) throw new IdentityError(`${uri} is not in its one spelling`);
  return identity;
}

function identityFrom(domain: string, role: string, last: string, commonName: string | null): Identity {
  if (role === 'node') return { domain, role, id: Number(last), name: commonName ?? '' };
  return { domain, role: role as CertificateRole, name: last };
}
