// SPDX-License-Identifier: Apache-2.0
import { type StreamTransport, TransportError } from '@vnfpool/transport/stream';

/**
 * A transport without security, of a registrar in a secured scope: users are answered over it, and nobody is called
 * on, wherever a peer may say that somebody is.
 */
export function listenOnly(transport: StreamTransport): StreamTransport {
  const { kind } = transport;
  return {
    kind,
    counters: transport.counters,
    listen: (options) => transport.listen(options),
    connect: ({ host, port }) => {
      const message = `connecting to ${host}:${port}: in a secured scope nobody is called on by ${kind}`;
      return Promise.reject(new TransportError('authentication', message));
    },
  };
}
