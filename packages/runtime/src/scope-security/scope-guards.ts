// SPDX-License-Identifier: Apache-2.0
import type { Authorize, Identity } from '@vnfpool/core/registrar';
import type { FrameRule } from '@vnfpool/transport/framing';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { type SharedKeys, TlsTransport } from '@vnfpool/transport/tls';
import { asapRule } from '../asap/asap-stream.ts';
import { enrpRule } from '../enrp/enrp-stream.ts';
import type { ScopeSecurity } from './description.ts';
import { ScopeSecurityError } from './errors.ts';
import { listenOnly } from './listen-only.ts';
import { type Means, meansOf } from './means.ts';
import { registrationRules, type ScopeIdentity } from './registration-rules.ts';
import type { ScopeGuard, ScopeRole, ScopeTransportOptions } from './scope-guard.ts';
import { mayRegister } from './scope-roles.ts';

/**
 * The security of a scope as one of its members sees it.
 * @throws ScopeSecurityError when the description cannot be meant
 */
export function scopeGuard(security: ScopeSecurity, as: ScopeRole): ScopeGuard {
  return security.kind === 'open' ? new OpenGuard() : new SecuredGuard(security, as);
}

class OpenGuard implements ScopeGuard {
  readonly secured = false;
  readonly registrarOptions = { openRegistration: true, openPeering: true };
  /** Not asked by the core where nobody is known. */
  readonly authorize: Authorize = () => true;

  transport({ protocol, kind = 'tcp', limits }: ScopeTransportOptions): StreamTransport {
    if (kind === 'tls') throw new ScopeSecurityError('description', noTls);
    return plain(protocol, limits);
  }

  refusal({ kind }: Parameters<ScopeGuard['refusal']>[0]): string | null {
    return kind === 'tls' ? noTls : null;
  }

  identityOf(): null {
    return null;
  }

  renew(security: ScopeSecurity): void {
    if (security.kind !== 'open') throw otherKind('open', security.kind);
  }
}

type Secured = Exclude<ScopeSecurity, { kind: 'open' }>;

class SecuredGuard implements ScopeGuard {
  readonly secured = true;
  readonly registrarOptions = { openRegistration: false, openPeering: false };
  readonly authorize: Authorize = (identity, poolHandle, element) =>
    this.#allowed(identity, poolHandle, element);
  readonly #as: ScopeRole;
  readonly #transports = new Map<TlsTransport, 'asap' | 'enrp'>();
  #security: Secured;
  #means: Means;
  #allowed: Authorize;

  constructor(security: Secured, as: ScopeRole) {
    this.#as = as;
    this.#security = security;
    this.#means = meansOf(security, as);
    this.#allowed = allowedBy(security);
  }

  transport(options: ScopeTransportOptions): StreamTransport {
    const { protocol, kind = 'tls', limits, onHandshakeFailure } = options;
    if (kind === 'tcp') {
      const refusal = this.refusal({ kind, protocol, side: 'listen' });
      if (refusal !== null) throw new ScopeSecurityError('description', refusal);
      return listenOnly(plain(protocol, limits));
    }
    const means = (): Means => this.#means;
    const { sharedKeys, ...own } = means().transport(protocol);
    const transport = new TlsTransport({
      ...own,
      // Asked anew each time, so that they follow `renew`.
      judgePeer: (certificate, side) => means().judge(certificate, side, protocol),
      ...(sharedKeys === undefined ? {} : { sharedKeys: following(sharedKeys, protocol, means) }),
      rule: ruleOf(protocol),
      ...(limits === undefined ? {} : { limits }),
      ...(onHandshakeFailure === undefined ? {} : { onHandshakeFailure }),
    });
    this.#transports.set(transport, protocol);
    return transport;
  }

  refusal({ kind, protocol, side }: Parameters<ScopeGuard['refusal']>[0]): string | null {
    if (kind === 'tls') return null;
    const scope = `a scope secured by ${this.#security.kind}`;
    if (this.#as !== 'registrar' || protocol !== 'asap' || side !== 'listen')
      return `${kind} is not secured, and this is ${scope}`;
    if (this.#security.unsecuredUsers !== true)
      return `${kind} is not secured, this is ${scope}, and unsecuredUsers is not set`;
    return null;
  }

  identityOf({ peer }: Connection): Identity | null {
    const known = this.#means.identityOf(peer);
    if (known === null) return null;
    const addresses = peer.addresses.map(withoutMapping);
    const identity: ScopeIdentity = { ...known, mayRegister: mayRegister(known.role), addresses };
    return identity;
  }

  renew(security: ScopeSecurity): void {
    if (security.kind !== this.#security.kind) throw otherKind(this.#security.kind, security.kind);
    const means = meansOf(security, this.#as);
    this.#allowed = allowedBy(security);
    this.#security = security;
    this.#means = means;
    for (const [transport, protocol] of this.#transports) {
      const { credentials } = means.transport(protocol);
      if (credentials !== undefined) transport.renew(credentials);
    }
  }
}

function ruleOf(protocol: 'asap' | 'enrp'): FrameRule {
  return protocol === 'asap' ? asapRule : enrpRule;
}

function plain(protocol: 'asap' | 'enrp', limits: ScopeTransportOptions['limits']): TcpTransport {
  return new TcpTransport({ rule: ruleOf(protocol), ...(limits === undefined ? {} : { limits }) });
}

/** The keys of the scope as they are when they are asked for. */
function following(first: SharedKeys, protocol: 'asap' | 'enrp', means: () => Means): SharedKeys {
  const now = (): SharedKeys => means().transport(protocol).sharedKeys ?? first;
  return {
    get own(): NonNullable<SharedKeys['own']> {
      return now().own ?? fail();
    },
    keyOf: (identity) => now().keyOf(identity),
  };
}

function fail(): never {
  throw new Error('a scope secured by shared keys has one of its own');
}

/** A set says by its certificates who registers; rules can narrow it. Elsewhere rules say all. */
function allowedBy(security: Secured): Authorize {
  if (security.rules === undefined && security.kind === 'set') return () => true;
  return registrationRules(security.rules ?? []);
}

/** An IPv4 address that arrived at a socket for both families. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

const noTls = 'an open scope has neither certificates nor keys for tls';

function otherKind(was: string, is: string): ScopeSecurityError {
  return new ScopeSecurityError('description', `a scope secured by ${was} does not become one of ${is}`);
}
