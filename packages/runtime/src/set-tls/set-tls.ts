// SPDX-License-Identifier: Apache-2.0
import type { FrameRule } from '@vnfpool/transport/framing';
import type { CertificateIdentity, ConnectionLimits } from '@vnfpool/transport/stream';
import { TlsTransport, type TlsTransportOptions } from '@vnfpool/transport/tls';
import type { Credentials } from '../certificates/credentials.ts';
import { type CertificateRole, IdentityError, parseIdentity } from '../certificates/identity.ts';

export interface SetTlsOptions {
  readonly rule: FrameRule;
  readonly credentials: Credentials;
  /** The set we belong to; certificates of another are refused. */
  readonly domain: string;
  /** Who may connect to us. */
  readonly acceptedRoles: readonly CertificateRole[];
  /** Whom we may find where we connect to. */
  readonly servingRoles: readonly CertificateRole[];
  readonly limits?: Partial<ConnectionLimits>;
  /** For logs: who was refused, and why. */
  readonly onHandshakeFailure?: NonNullable<TlsTransportOptions['onHandshakeFailure']>;
}

/**
 * TLS 1.3 within a set: the peer's role decides. That its certificate names the address is not asked, because
 * the role says more, and members move.
 */
export function setTls(options: SetTlsOptions): TlsTransport {
  const { rule, credentials, domain, acceptedRoles, servingRoles, limits, onHandshakeFailure } = options;
  return new TlsTransport({
    rule,
    credentials,
    judgePeer: (certificate, side) =>
      refusal(certificate, domain, side === 'accepted' ? acceptedRoles : servingRoles),
    ...(limits === undefined ? {} : { limits }),
    ...(onHandshakeFailure === undefined ? {} : { onHandshakeFailure }),
  });
}

function refusal(
  certificate: CertificateIdentity,
  domain: string,
  admitted: readonly CertificateRole[],
): string | null {
  try {
    const { role, name } = parseIdentity(certificate, domain);
    return admitted.includes(role) ? null : `${role} ${name} is none of: ${admitted.join(', ')}`;
  } catch (error) {
    if (error instanceof IdentityError) return error.message;
    throw error;
  }
}
