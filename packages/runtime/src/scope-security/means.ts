// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { CertificateIdentity, Peer } from '@vnfpool/transport/stream';
import { isSharedKeyIdentity, type SharedKeys, type TlsTransportOptions } from '@vnfpool/transport/tls';
import type { CertificateRole } from '../certificates/identity.ts';
import { certificateIdentities, type Mapped } from './certificate-identities.ts';
import type { CertificateScope, PskKey, PskScope, ScopeSecurity, SetScope } from './description.ts';
import { ScopeSecurityError } from './errors.ts';
import type { ScopeRole } from './scope-guard.ts';
import { acceptedRoles, servingRoles } from './scope-roles.ts';

type Protocol = 'asap' | 'enrp';

type MeansTransport = Pick<
  TlsTransportOptions,
  'credentials' | 'sharedKeys' | 'checkName' | 'anonymousPeers' | 'minVersion' | 'obsoleteSuite'
>;

/** How one kind of scope proves who is who. */
export interface Means {
  transport(protocol: Protocol): MeansTransport;
  judge(certificate: CertificateIdentity, side: 'accepted' | 'connected', protocol: Protocol): string | null;
  identityOf(peer: Peer): { readonly role: CertificateRole; readonly name: string } | null;
}

/** @throws ScopeSecurityError when the description cannot be meant */
export function meansOf(security: Exclude<ScopeSecurity, { kind: 'open' }>, as: ScopeRole): Means {
  switch (security.kind) {
    case 'certificates':
      return byCertificate(security, as);
    case 'psk':
      return bySharedKey(security, as);
    case 'set':
      return bySet(security, as);
  }
}

function bySet(scope: SetScope, as: ScopeRole): Means {
  const read = certificateIdentities({ domain: scope.domain });
  const { credentials } = scope;
  return {
    transport: (protocol) => ({
      credentials,
      // The role says more than the address, and members move.
      checkName: false,
      anonymousPeers: answersAnybody(scope, as, protocol),
    }),
    judge: judgeBy(read, as),
    identityOf: ({ identity }) => known(identity, read),
  };
}

function byCertificate(scope: CertificateScope, as: ScopeRole): Means {
  const { ca, own, crl, identities, domain, minVersion = 'TLSv1.3', obsoleteSuite = false } = scope;
  const read = certificateIdentities(scope);
  const isMapped = domain !== undefined || (identities ?? []).length > 0;
  if (as === 'registrar' && !isMapped)
    throw fault('a registrar needs identities, or a domain, to tell by certificate who is who');
  if (as !== 'user' && own === undefined) throw fault(`a ${as} needs a certificate and a key of its own`);
  checkPair(own);
  const credentials = {
    ca,
    ...(own === undefined ? {} : { key: own.key, certificate: own.certificate }),
    ...(crl === undefined ? {} : { crl }),
  };
  const judge = judgeBy(read, as);
  const revoked = certificateIdentities({
    identities: [{ role: 'registrar' }],
    revoked: scope.revoked ?? [],
  });
  return {
    transport: (protocol) => ({
      credentials,
      checkName: true,
      anonymousPeers: answersAnybody(scope, as, protocol),
      minVersion,
      obsoleteSuite,
    }),
    judge: (certificate, side, protocol) => {
      if (isMapped) return judge(certificate, side, protocol);
      // Whoever has the address that we asked for in a certificate of the authority, as on the web.
      const plain = revoked(certificate);
      return typeof plain === 'string' ? plain : null;
    },
    identityOf: ({ identity }) => (isMapped ? known(identity, read) : null),
  };
}

function bySharedKey(scope: PskScope, as: ScopeRole): Means {
  const { identity, keys, own, minVersion = 'TLSv1.3', obsoleteSuite = false } = scope;
  const byIdentity = new Map(keys.map((each) => [each.identity, checkKey(each)]));
  if (byIdentity.size !== keys.length) throw fault('an identity has two keys');
  if (new Set(keys.map(({ key }) => Buffer.from(key).toString('hex'))).size !== keys.length)
    throw fault('two identities have the same key: either could pass for the other');
  const mine = byIdentity.get(identity);
  if (mine === undefined) throw fault(`there is no key of ${identity}, which we are to be`);
  checkPair(own);
  const sharedKeys = (protocol: Protocol): SharedKeys => ({
    own: { identity, key: mine.key },
    keyOf: (shown) => {
      const found = byIdentity.get(shown);
      // Who shows our own identity would be ourselves, or somebody who throws our words back at us.
      if (found === undefined || shown === identity) return null;
      return acceptedRoles(as, protocol).includes(found.role) ? found.key : null;
    },
  });
  return {
    transport: (protocol) => {
      const shown = as === 'registrar' && protocol === 'asap' ? own : undefined;
      return {
        ...(shown === undefined ? {} : { credentials: shown }),
        sharedKeys: sharedKeys(protocol),
        anonymousPeers: shown !== undefined,
        minVersion,
        obsoleteSuite,
      };
    },
    judge: () => 'certificates are not believed in a scope of shared keys',
    identityOf: ({ sharedKeyIdentity: proved }) => {
      if (proved === undefined) return null;
      // We connected: the other end holds our key, which registrars do.
      if (proved === identity) return { role: 'registrar', name: `holder of the key of ${identity}` };
      const found = byIdentity.get(proved);
      // Without its key: identities get into logs and views.
      return found === undefined ? null : { role: found.role, name: found.name };
    },
  };
}

function judgeBy(read: (certificate: CertificateIdentity) => Mapped, as: ScopeRole): Means['judge'] {
  return (certificate, side, protocol) => {
    const found = read(certificate);
    if (typeof found === 'string') return found;
    const admitted = (side === 'accepted' ? acceptedRoles : servingRoles)(as, protocol);
    const { role, name } = found;
    return admitted.includes(role) ? null : `${role} ${name} is none of: ${admitted.join(', ')}`;
  };
}

function known(
  identity: CertificateIdentity | null,
  read: (certificate: CertificateIdentity) => Mapped,
): Exclude<Mapped, string> | null {
  if (identity === null) return null;
  const found = read(identity);
  return typeof found === 'string' ? null : found;
}

/** Users that show nothing are answered over ASAP, by registrars that were told so. */
function answersAnybody(scope: { unsecuredUsers?: boolean }, as: ScopeRole, protocol: Protocol): boolean {
  return scope.unsecuredUsers === true && as === 'registrar' && protocol === 'asap';
}

function checkKey(entry: PskKey): PskKey {
  const { identity, key } = entry;
  if (!isSharedKeyIdentity(identity))
    throw fault(`${JSON.stringify(identity)} is not an identity of 1…64 visible ASCII characters`);
  if (key.length < 16 || key.length > 64)
    throw fault(`the key of ${identity} has ${key.length} octets, not 16…64`);
  if (new Set(key).size < 4) throw fault(`the key of ${identity} is not random`);
  return entry;
}

/** Found here, and not by the first peer. */
function checkPair(own: { readonly certificate: string; readonly key: string } | undefined): void {
  if (own === undefined) return;
  let fits: boolean;
  try {
    fits = new X509Certificate(own.certificate).checkPrivateKey(createPrivateKey(own.key));
  } catch (error) {
    throw fault(`certificate or key cannot be read: ${error instanceof Error ? error.message : ''}`);
  }
  if (!fits) throw fault('the certificate is not for the key');
}

function fault(message: string): ScopeSecurityError {
  return new ScopeSecurityError('description', message);
}
