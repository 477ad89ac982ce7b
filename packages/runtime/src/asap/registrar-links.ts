// SPDX-License-Identifier: Apache-2.0
import type { RegistrarAddress } from '@vnfpool/core/registrar-hunt';
import type { Connection, ConnectOptions, StreamTransport } from '@vnfpool/transport/stream';
import { type AsapMessage, encodeAsap } from '@vnfpool/wire/asap';
import { readAsap } from './asap-stream.ts';

/** SCTP payload protocol identifier of ASAP. @see RFC 5352 §10.2 */
export const asapPpid = 11;

/** What the cores of pool users and pool elements are told of their associations. */
export type LinkInput =
  | { readonly type: 'connected'; readonly association: number }
  | { readonly type: 'disconnected'; readonly association: number }
  | { readonly type: 'message'; readonly association: number; readonly message: AsapMessage };

/** And of those that registrars opened to us. */
export type InboundLinkInput =
  | { readonly type: 'inbound-opened'; readonly association: number }
  | { readonly type: 'inbound-closed'; readonly association: number }
  | { readonly type: 'inbound-message'; readonly association: number; readonly message: AsapMessage };

export interface RegistrarLinksOptions {
  /** One for all registrars, or how to find the one for a registrar; a throw means that it cannot be reached. */
  readonly transport: StreamTransport | ((registrar: RegistrarAddress) => StreamTransport);
  readonly submit: (input: LinkInput) => void;
  /** Where registrars may call on us, see `accept`. */
  readonly submitInbound?: (input: InboundLinkInput) => void;
  /** Our end of what we open, so that registrars find us there again. */
  readonly local?: () => Pick<ConnectOptions, 'localAddress' | 'localAddresses' | 'localPort'>;
  /** A connection that failed or ended, or a message that could not be read. */
  readonly onTrouble?: (trouble: { readonly registrar: string; readonly reason: string }) => void;
}

interface Link {
  readonly attempt: AbortController | null;
  connection: Connection | null;
}

/** Carries out what a registrar hunt asks for: connects, disconnects, sends. */
export class RegistrarLinks {
  readonly #options: RegistrarLinksOptions;
  /** Those we opened have the core's numbers, from 1 on; those opened to us ours, from −1 downwards. */
  readonly #links = new Map<number, Link>();
  #lastInbound = 0;
  #closed = false;

  constructor(options: RegistrarLinksOptions) {
    this.#options = options;
  }

  connect(association: number, registrar: RegistrarAddress): void {
    if (this.#closed) return;
    const { submit } = this.#options;
    const name = `${registrar.host}:${registrar.port}`;
    const attempt = new AbortController();
    const link: Link = { attempt, connection: null };
    this.#links.set(association, link);
    const lost = (reason: string): void => {
      // Gone already when it was our wish.
      if (!this.#links.delete(association)) return;
      this.#trouble(name, reason);
      submit({ type: 'disconnected', association });
    };
    this.#open(registrar, attempt.signal).then(
      (connection) => {
        if (!this.#links.has(association)) return connection.close();
        link.connection = connection;
        this.#read(connection, name, (message) => submit({ type: 'message', association, message }));
        connection.onClose(({ message }) => lost(message));
        submit({ type: 'connected', association });
      },
      (error: unknown) => lost(error instanceof Error ? error.message : String(error)),
    );
  }

  /** Takes over a connection that a registrar opened to our ASAP endpoint. */
  accept(connection: Connection): void {
    const { submitInbound } = this.#options;
    if (this.#closed || submitInbound === undefined) return connection.close();
    this.#lastInbound -= 1;
    const association = this.#lastInbound;
    const name = `${connection.peer.address}:${connection.peer.port}`;
    this.#links.set(association, { attempt: null, connection });
    submitInbound({ type: 'inbound-opened', association });
    // Refused at the bound.
    if (!this.#links.has(association)) return;
    this.#read(connection, name, (message) =>
      submitInbound({ type: 'inbound-message', association, message }),
    );
    connection.onClose(({ message }) => {
      if (!this.#links.delete(association)) return;
      this.#trouble(name, message);
      submitInbound({ type: 'inbound-closed', association });
    });
  }

  disconnect(association: number): void {
    const link = this.#links.get(association);
    this.#links.delete(association);
    link?.attempt?.abort();
    link?.connection?.close();
  }

  /** Dropped without harm when the association is gone. */
  send(association: number, message: AsapMessage): void {
    this.#links.get(association)?.connection?.send(encodeAsap(message), asapPpid);
  }

  /** Lets go of all of them; nothing is told any more. */
  close(): void {
    this.#closed = true;
    for (const association of this.#links.keys()) this.disconnect(association);
  }

  async #open(registrar: RegistrarAddress, signal: AbortSignal): Promise<Connection> {
    const { transport, local } = this.#options;
    const chosen = typeof transport === 'function' ? transport(registrar) : transport;
    const { host, port, addresses } = registrar;
    const others = addresses?.filter((address) => address !== host) ?? [];
    return chosen.connect({
      host,
      port,
      signal,
      ...(others.length === 0 ? {} : { addresses: others }),
      ...(chosen.kind === 'sctp' ? local?.() : {}),
    });
  }

  #read(connection: Connection, name: string, take: (message: AsapMessage) => void): void {
    connection.onFrame((frame) => {
      const incoming = readAsap(frame);
      if (incoming.type === 'message') take(incoming.message);
      else this.#trouble(name, incoming.reason);
    });
  }

  #trouble(registrar: string, reason: string): void {
    this.#options.onTrouble?.({ registrar, reason });
  }
}
