// SPDX-License-Identifier: Apache-2.0
import type { RegistrarLinks } from '@vnfpool/runtime/asap';
import type { ConnectOptions, Listener } from '@vnfpool/transport/stream';
import type { SctpTransport, TcpTransport } from '@vnfpool/wire/parameters';
import type { ClientScope } from './client-scope.ts';

/** Where an element's ASAP endpoint listens. */
export interface AsapListenAt {
  /** Default `tcp`, in a secured scope `tls`. */
  readonly kind?: 'tcp' | 'tls' | 'sctp';
  readonly host: string;
  /** SCTP: further addresses of ours. */
  readonly addresses?: readonly string[];
  /** Default 0: the host chooses. */
  readonly port?: number;
}

/**
 * An element's ASAP endpoint: a registrar that takes the element over calls on it there.
 *
 * Over SCTP what we open leaves from its port, so that the home registrar knows it from the association (RFC 5352
 * §3.1). Over TCP that cannot be: the registration says it, and registrars that look there find it.
 */
export class AsapEndpoint {
  readonly #at: AsapListenAt;
  readonly #scope: ClientScope;
  readonly #links: RegistrarLinks;
  #listener: Promise<Listener> | null = null;
  #port = 0;

  constructor(at: AsapListenAt, scope: ClientScope, links: RegistrarLinks) {
    this.#at = at;
    this.#scope = scope;
    this.#links = links;
  }

  /** Our end of SCTP associations that we open. */
  get local(): Pick<ConnectOptions, 'localAddress' | 'localAddresses' | 'localPort'> {
    const { kind, host, addresses = [] } = this.#at;
    if (kind !== 'sctp' || this.#port === 0) return {};
    return { localAddress: host, localAddresses: addresses, localPort: this.#port };
  }

  /** Listens, unless it does; what a registration says of it. @throws TransportError */
  async listen(): Promise<SctpTransport | TcpTransport | undefined> {
    const { kind, host, addresses = [], port = 0 } = this.#at;
    const transport = this.#scope.asap(kind === undefined ? {} : { transport: kind });
    this.#listener ??= transport.listen({
      host,
      port,
      ...(addresses.length === 0 ? {} : { addresses }),
      // Registrars of one scope, and some to spare.
      connectionsMax: 64,
      onConnection: (connection) => this.#links.accept(connection),
    });
    this.#port = (await this.#listener).address.port;
    return kind === 'sctp' ? undefined : { type: 'tcp', port: this.#port, address: host };
  }

  async close(): Promise<void> {
    const listener = await this.#listener?.catch(() => null);
    await listener?.close();
  }
}
