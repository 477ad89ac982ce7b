// SPDX-License-Identifier: Apache-2.0
import type { TlsTransport } from '@vnfpool/transport/tls';
import { type SetTlsOptions, setTls } from '../set-tls/set-tls.ts';
import { asapRule } from './asap-stream.ts';

/** ASAP over TLS 1.3 within a set: every member may connect, only registrars serve. */
export function asapTls(
  options: Pick<SetTlsOptions, 'credentials' | 'domain' | 'limits' | 'onHandshakeFailure'>,
): TlsTransport {
  return setTls({
    ...options,
    rule: asapRule,
    acceptedRoles: ['node', 'element', 'user', 'manager', 'registrar'],
    servingRoles: ['registrar'],
  });
}
