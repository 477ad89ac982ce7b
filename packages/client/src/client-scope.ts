// SPDX-License-Identifier: Apache-2.0
import type { HuntOptions, RegistrarAddress } from '@vnfpool/core/registrar-hunt';
import { PROFILES, type ScopeProfile } from '@vnfpool/core/scope';
import { asapPpid, asapRule, listenForAnnouncements } from '@vnfpool/runtime/asap';
import { type Credentials, checkCredentials } from '@vnfpool/runtime/certificates';
import { type ScopeGuard, type ScopeSecurity, scopeGuard } from '@vnfpool/runtime/scope-security';
import { setTls } from '@vnfpool/runtime/set-tls';
import { type FrameRule, unframed } from '@vnfpool/transport/framing';
import { SctpTransport } from '@vnfpool/transport/sctp';
import { type ConnectionLimits, type StreamTransport, TransportError } from '@vnfpool/transport/stream';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { TlsTransport } from '@vnfpool/transport/tls';
import type { ServerAnnounce } from '@vnfpool/wire/asap';
import type { ClientOptions } from './client-options.ts';

/** Makes the transport of sessions of one kind; `rule` cuts its messages. */
export type DataTransports = (kind: 'tcp' | 'sctp', rule: FrameRule) => StreamTransport;

/** Where a client belongs: who it is there, and what it reaches others over. */
export interface ClientScope {
  readonly profile: ScopeProfile;
  /** What the cores' hunt needs. */
  readonly hunt: Pick<
    HuntOptions,
    'registrars' | 'announcedMax' | 'transports' | 'connectTimeoutMs' | 'outdateMs'
  >;
  /** The transport to a registrar. @throws TransportError when the scope has none of its kind */
  asap(registrar: Pick<RegistrarAddress, 'transport'>): StreamTransport;
  readonly data: DataTransports;
  /** Other credentials for connections from now on. @throws CredentialsError when they are not good now */
  renew(credentials: Credentials): void;
  /** Begins to hear announcements, if that is wanted; returns the end of it. */
  hear(take: (message: ServerAnnounce, source: string) => void): () => void;
}

/**
 * @throws CredentialsError when the credentials are not good now; ScopeSecurityError when the security cannot be
 * meant; RangeError when there is no way to any registrar
 */
export function clientScope(options: ClientOptions, as: 'element' | 'user'): ClientScope {
  const { registrars = [], announcements = false, onTrouble } = options;
  if (registrars.length === 0 && announcements === false)
    throw new RangeError('neither registrars nor announcements: there is no way into the scope');
  const security = securityOf(options);
  const guard = scopeGuard(security, as);
  const profile = PROFILES[options.profile ?? 'rfc'];
  const { serverHuntTimeoutMs, serverOutdateMs } = profile.endpoint;
  const asapTransports = new Map<string, StreamTransport>();
  let renewData: ((credentials: Credentials) => void) | null = null;
  const own = ownDataTransports(security, options.data, (renew) => {
    renewData = renew;
  });
  return {
    profile,
    hunt: {
      registrars,
      announcedMax: announcements === false ? 0 : 256,
      transports: guard.secured ? ['tcp', 'tls'] : ['tcp', 'sctp'],
      connectTimeoutMs: serverHuntTimeoutMs,
      outdateMs: serverOutdateMs,
    },
    asap: ({ transport: kind }) => {
      // An announcement says TCP where it means TLS over it.
      const wanted = guard.secured && kind === 'tcp' ? 'tls' : (kind ?? (guard.secured ? 'tls' : 'tcp'));
      const transport = asapTransports.get(wanted) ?? asapTransport(guard, wanted);
      asapTransports.set(wanted, transport);
      return transport;
    },
    data: typeof options.data === 'function' ? options.data : own,
    renew: (credentials) => {
      const { domain } = checkCredentials(credentials, Date.now());
      guard.renew({ kind: 'set', credentials, domain });
      renewData?.(credentials);
    },
    hear: (take) => {
      if (announcements === false) return () => {};
      return listenForAnnouncements({
        ...(announcements === true ? profile.asapAnnounce : announcements),
        onAnnouncement: take,
        onTrouble: (reason) => onTrouble?.({ registrar: 'announcements', reason }),
      });
    },
  };
}

function securityOf({ security, credentials }: ClientOptions): ScopeSecurity {
  if (security === 'open') return { kind: 'open' };
  if (security !== undefined) return security;
  if (credentials === undefined)
    throw new RangeError('neither credentials nor security: say `open` if that is meant');
  const { domain } = checkCredentials(credentials, Date.now());
  return { kind: 'set', credentials, domain };
}

function asapTransport(guard: ScopeGuard, kind: 'tcp' | 'tls' | 'sctp'): StreamTransport {
  const refusal = guard.refusal({ kind, protocol: 'asap', side: 'connect' });
  if (refusal !== null) throw new TransportError('authentication', refusal);
  if (kind === 'sctp')
    return new SctpTransport({ rule: asapRule, protocol: asapPpid, protocols: [asapPpid] });
  return guard.transport({ protocol: 'asap', kind });
}

/**
 * Octets of a session on their way out, beside the message that goes over the mark at which senders wait: what is sent
 * again after a failover goes out at once.
 */
const QUEUE_BYTES_MAX = 2 * 1024 * 1024;

/** Without an own factory: secured as the scope is. */
function ownDataTransports(
  security: ScopeSecurity,
  wish: ClientOptions['data'],
  onRenewable: (renew: (credentials: Credentials) => void) => void,
): DataTransports {
  const renewables = new Set<TlsTransport>();
  let credentials = security.kind === 'set' ? security.credentials : null;
  onRenewable((next) => {
    credentials = next;
    for (const transport of renewables) transport.renew(next);
  });
  return (kind, rule) => {
    const limits: Partial<ConnectionLimits> = {
      sendQueueBytesMax: QUEUE_BYTES_MAX + (Number.isFinite(rule.frameBytesMax) ? rule.frameBytesMax : 0),
      // Who speaks first is the application's business, and some wait long.
      ...(rule === unframed || kind === 'sctp' ? { frameTimeoutMs: 2 ** 31 - 1 } : {}),
    };
    const isPlain = wish === 'plain' || security.kind === 'open';
    if (kind === 'sctp') {
      if (!isPlain) throw new TransportError('authentication', 'SCTP is not secured, and this scope is');
      return new SctpTransport({ rule, limits });
    }
    if (isPlain) return new TcpTransport({ rule, limits });
    const transport = securedData(security, credentials, rule, limits);
    renewables.add(transport);
    return transport;
  };
}

function securedData(
  security: ScopeSecurity,
  credentials: Credentials | null,
  rule: FrameRule,
  limits: Partial<ConnectionLimits>,
): TlsTransport {
  if (security.kind === 'set') {
    return setTls({
      rule,
      limits,
      credentials: credentials ?? security.credentials,
      domain: security.domain,
      acceptedRoles: ['user', 'element', 'node', 'manager', 'registrar'],
      servingRoles: ['element', 'node'],
    });
  }
  if (security.kind === 'certificates') {
    const { ca, own, crl, minVersion } = security;
    return new TlsTransport({
      rule,
      limits,
      credentials: { ca, ...own, ...(crl === undefined ? {} : { crl }) },
      // Users may be without certificate; the application judges them.
      anonymousPeers: true,
      ...(minVersion === undefined ? {} : { minVersion }),
    });
  }
  // Users and elements share no key with each other.
  throw new TransportError(
    'authentication',
    'sessions in a scope of shared keys need `data`: `plain` or transports',
  );
}
