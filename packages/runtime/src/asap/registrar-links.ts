// SPDX-License-Identifier: Apache-2.0
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { type AsapMessage, encodeAsap } from '@vnfpool/wire/asap';
import { readAsap } from './asap-stream.ts';

/** What the cores of pool users and pool elements are told of their associations. */
export type LinkInput =
  | { readonly type: 'connected'; readonly association: number }
  | { readonly type: 'disconnected'; readonly association: number }
  | { readonly type: 'message'; readonly association: number; readonly message: AsapMessage };

export interface RegistrarLinksOptions {
  readonly transport: StreamTransport;
  readonly submit: (input: LinkInput) => void;
  /** A connection that failed or ended, or a message that could not be read. */
  readonly onTrouble?: (trouble: { readonly registrar: string; readonly reason: string }) => void;
}

/** Carries out what a registrar hunt asks for: connects, disconnects, sends. */
export class RegistrarLinks {
  readonly #options: RegistrarLinksOptions;
  readonly #links = new Map<number, { readonly attempt: AbortController; connection: Connection | null }>();
  #closed = false;

  constructor(options: RegistrarLinksOptions) {
    this.#options = options;
  }

  connect(association: number, registrar: { readonly host: string; readonly port: number }): void {
    if (this.#closed) return;
    const { transport, submit } = this.#options;
    const name = `${registrar.host}:${registrar.port}`;
    const attempt = new AbortController();
    const link: { readonly attempt: AbortController; connection: Connection | null } = {
      attempt,
      connection: null,
    };
    this.#links.set(association, link);
    const lost = (reason: string): void => {
      // Gone already when it was our wish.
      if (!this.#links.delete(association)) return;
      this.#trouble(name, reason);
      submit({ type: 'disconnected', association });
    };
    transport.connect({ ...registrar, signal: attempt.signal }).then(
      (connection) => {
        if (!this.#links.has(association)) return connection.close();
        link.connection = connection;
        connection.onFrame((frame) => {
          const incoming = readAsap(frame);
          if (incoming.type === 'message')
            submit({ type: 'message', association, message: incoming.message });
          else this.#trouble(name, incoming.reason);
        });
        connection.onClose(({ message }) => lost(message));
        submit({ type: 'connected', association });
      },
      (error: unknown) => lost(error instanceof Error ? error.message : String(error)),
    );
  }

  disconnect(association: number): void {
    const link = this.#links.get(association);
    this.#links.delete(association);
    link?.attempt.abort();
    link?.connection?.close();
  }

  /** Dropped without harm when the association is gone. */
  send(association: number, message: AsapMessage): void {
    this.#links.get(association)?.connection?.send(encodeAsap(message));
  }

  /** Lets go of all of them; nothing is told any more. */
  close(): void {
    this.#closed = true;
    for (const association of this.#links.keys()) this.disconnect(association);
  }

  #trouble(registrar: string, reason: string): void {
    this.#options.onTrouble?.({ registrar, reason });
  }
}
