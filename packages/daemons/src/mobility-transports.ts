// SPDX-License-Identifier: Apache-2.0
import { IdentityError, parseIdentity } from '@vnfpool/runtime/certificates';
import type { FrameRule } from '@vnfpool/transport/framing';
import { MptcpTransport } from '@vnfpool/transport/mptcp';
import { SctpTransport, sctpMissing } from '@vnfpool/transport/sctp';
import type { CertificateIdentity, ConnectionLimits, StreamTransport } from '@vnfpool/transport/stream';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { TlsTransport, type TlsTransportOptions } from '@vnfpool/transport/tls';

/**
 * What carries the service-mobility protocol: TCP; Multipath TCP, which is TCP where an end lacks it; SCTP of the
 * kernel, one message a user message, ordered, on stream 0, payload protocol 0.
 * @see draft-yokota-opsawg-virtnw-service-management-02 §5
 */
export type MobilityTransportKind = 'tcp' | 'mptcp' | 'sctp';

export interface PlainOptions {
  readonly rule: FrameRule;
  readonly limits?: Partial<ConnectionLimits>;
}

/**
 * A transport without security of its own.
 * @throws Error when the kernel has no SCTP; how to get it stands in the message
 */
export function plainMobilityTransport(kind: MobilityTransportKind, options: PlainOptions): StreamTransport {
  switch (kind) {
    case 'tcp':
      return new TcpTransport(options);
    case 'mptcp':
      return new MptcpTransport(options);
    case 'sctp': {
      const missing = sctpMissing();
      if (missing !== null) throw new Error(missing);
      // Nothing is said about what a peer writes as payload protocol, so none is refused.
      return new SctpTransport({ ...options, protocol: 0 });
    }
  }
}

/**
 * TLS over TCP or Multipath TCP.
 * @throws Error for SCTP, which has no TLS here: it is for a path that is protected below
 */
export function tlsMobilityTransport(
  kind: MobilityTransportKind,
  options: Omit<TlsTransportOptions, 'multipath'>,
): TlsTransport {
  if (kind === 'sctp') throw new Error('SCTP has no TLS: it is for a path that is protected by other means');
  return new TlsTransport({ ...options, multipath: kind === 'mptcp' });
}

/**
 * Node ID that a certificate names by `spiffe://DOMAIN/node/ID`; null: it names none, somebody may have mapped it; a
 * text: why it is not of a node.
 */
export function nodeOfCertificate(names: CertificateIdentity): number | string | null {
  if (!names.uris.some((uri) => uri.startsWith('spiffe:'))) return null;
  try {
    const { role, id } = parseIdentity(names);
    return role === 'node' && id !== undefined ? id : `a ${role} is no node`;
  } catch (error) {
    if (error instanceof IdentityError) return error.message;
    throw error;
  }
}
