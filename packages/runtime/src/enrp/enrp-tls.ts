// SPDX-License-Identifier: Apache-2.0
import type { TlsTransport } from '@vnfpool/transport/tls';
import { type SetTlsOptions, setTls } from '../set-tls/set-tls.ts';
import { enrpRule } from './enrp-stream.ts';

/** ENRP over TLS 1.3 within a set: registrars only, at both ends. @see RFC 5353 §6 */
export function enrpTls(
  options: Pick<SetTlsOptions, 'credentials' | 'domain' | 'limits' | 'onHandshakeFailure'>,
): TlsTransport {
  return setTls({ ...options, rule: enrpRule, acceptedRoles: ['registrar'], servingRoles: ['registrar'] });
}
