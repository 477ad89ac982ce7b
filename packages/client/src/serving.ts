// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@vnfpool/runtime/driver';
import type { Connection, Listener } from '@vnfpool/transport/stream';
import type { Transport } from '@vnfpool/wire/parameters';
import { type ChannelTransports, codecFor, defaultMessageBytesMax } from './channel/open-channel.ts';
import { ServedSession, type ServeOptions, type SessionHandler } from './served-session.ts';

/** Where an element serves its sessions. */
export interface ListenAt {
  /** Default `tcp`; in a secured scope that is TLS. */
  readonly kind?: 'tcp' | 'sctp';
  /** An address of ours. What users are told, unless `advertise` says otherwise. */
  readonly host: string;
  /** SCTP: further addresses of ours. */
  readonly addresses?: readonly string[];
  /** Default 0: the host chooses. */
  readonly port?: number;
  /** Default `data-and-control`: messages, cookies and business cards; `data`: a plain stream. */
  readonly use?: 'data' | 'data-and-control';
  /** The address to register, where that is another than `host`. */
  readonly advertise?: string;
}

export interface ServingParts {
  readonly transports: ChannelTransports;
  readonly clock: Clock;
  readonly poolHandle: Uint8Array;
  readonly onSessions: (count: number) => void;
}

/** Accepts sessions and runs the handler on each. */
export class Serving {
  readonly #parts: ServingParts;
  readonly #handler: SessionHandler;
  readonly #options: ServeOptions;
  readonly #sessions = new Set<ServedSession>();
  #listener: Listener | null = null;
  #refusing = false;

  constructor(parts: ServingParts, handler: SessionHandler, options: ServeOptions) {
    this.#parts = parts;
    this.#handler = handler;
    this.#options = options;
  }

  /** What to register. @throws TransportError */
  async listen(at: ListenAt): Promise<Transport> {
    const { kind = 'tcp', host, addresses = [], port = 0, use = 'data-and-control' } = at;
    const shape: Transport =
      kind === 'sctp'
        ? { type: 'sctp', port, use, addresses: [at.advertise ?? host, ...addresses] }
        : { type: 'tcp', port, address: at.advertise ?? host, ...(use === 'data' ? {} : { use }) };
    const { messageBytesMax = defaultMessageBytesMax, sessionsMax = 1024 } = this.#options;
    const codec = codecFor(shape, messageBytesMax);
    this.#listener = await this.#parts.transports.for(kind, codec).listen({
      host,
      port,
      ...(addresses.length === 0 ? {} : { addresses }),
      connectionsMax: sessionsMax,
      onConnection: (connection) => this.#accept(connection, codec),
    });
    return { ...shape, port: this.#listener.address.port };
  }

  /** No more sessions; those that are under way go on. */
  refuse(): void {
    // Closing the listener would close what it accepted.
    this.#refusing = true;
  }

  /** Cuts what is under way: users go on elsewhere. */
  async close(): Promise<void> {
    this.#refusing = true;
    for (const session of this.#sessions) session.drop();
    await this.#listener?.close();
  }

  #accept(connection: Connection, codec: ReturnType<typeof codecFor>): void {
    if (this.#refusing || this.#sessions.size >= (this.#options.sessionsMax ?? 1024))
      return connection.close();
    const session = new ServedSession(connection, {
      codec,
      clock: this.#parts.clock,
      poolHandle: this.#parts.poolHandle,
      options: this.#options,
      onReady: (ready) => void this.#run(ready),
      onOver: (over) => {
        this.#sessions.delete(over);
        this.#parts.onSessions(this.#sessions.size);
      },
    });
    this.#sessions.add(session);
    this.#parts.onSessions(this.#sessions.size);
  }

  /** A handler that throws loses its session, not the element; its user goes on elsewhere. */
  async #run(session: ServedSession): Promise<void> {
    try {
      await this.#handler(session);
      session.close();
    } catch (error) {
      // What the end of the session made it throw is nothing to tell.
      if (!session.signal.aborted) this.#options.onError?.(error);
      session.drop();
    }
  }
}
