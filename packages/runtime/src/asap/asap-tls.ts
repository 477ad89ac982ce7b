// SPDX-License-Identifier: Apache-2.0
import type { CertificateIdentity, ConnectionLimits } from '@vnfpool/transport/stream';
import { TlsTransport, type TlsTransportOptions } from '@vnfpool/transport/tls';
import type { Credentials } from '../certificates/credentials.ts';
import { type CertificateRole, IdentityError, parseIdentity } from '../certificates/identity.ts';
import { asapRule } from './asap-stream.ts';

export interface AsapTlsOptions {
  readonly credentials: Credentials;
  /** The set we belong to; certificates of another are refused. */
  readonly domain: string;
  readonly limits?: Partial<ConnectionLimits>;
  readonly onHandshakeFailure?: NonNullable<TlsTransportOptions['onHandshakeFailure']>;
}

/** Who may be at the other end. */
const acceptedRoles: readonly CertificateRole[] = ['node', 'element', 'user', 'manager', 'registrar'];
const servingRoles: readonly CertificateRole[] = ['registrar'];

/**
 * ASAP over TLS 1.3 within a set. Who connects must find a registrar of the set; that its certificate names the
 * address is not asked, because the role says more and registrars move.
 */
export function asapTls(options: AsapTlsOptions): TlsTransport {
  return new TlsTransport({
    rule: asapRule,
    credentials: options.credentials,
    judgePeer: (certificate, side) =>
      refusal(certificate, options.domain, side === 'accepted' ? acceptedRoles : servingRoles),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.onHandshakeFailure === undefined ? {} : { onHandshakeFailure: options.onHandshakeFailure }),
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
