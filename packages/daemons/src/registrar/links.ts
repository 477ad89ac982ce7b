// SPDX-License-Identifier: Apache-2.0
import type { Identity, Peer, RegistrarInput } from '@vnfpool/core/registrar';
import { readAsap } from '@vnfpool/runtime/asap';
import type { EndpointKind } from '@vnfpool/runtime/endpoint';
import { readEnrp } from '@vnfpool/runtime/enrp';
import type { FloodGuard, Logger } from '@vnfpool/runtime/logging';
import type { Connection } from '@vnfpool/transport/stream';
import { type AsapMessage, encodeAsap } from '@vnfpool/wire/asap';
import { type EnrpMessage, encodeEnrp } from '@vnfpool/wire/enrp';
import type { SctpTransport, TcpTransport } from '@vnfpool/wire/parameters';

export type Protocol = 'asap' | 'enrp';

/** A connection, and what it runs over. */
export interface Link {
  readonly kind: EndpointKind;
  readonly connection: Connection;
}

export interface LinksOptions {
  readonly submit: (input: RegistrarInput) => boolean;
  readonly logger: Logger;
  /** For what others can make us write. */
  readonly guard: FloodGuard;
  /** Who is at the other end; null: not authenticated. */
  readonly identityOf: (connection: Connection) => Identity | null;
  /** Opens a connection to an endpoint that an element or a peer told. */
  readonly dial: (
    protocol: Protocol,
    transport: SctpTransport | TcpTransport,
    signal: AbortSignal,
  ) => Promise<Link>;
}

/** Connections as the registrar's core knows them: numbered, with who is at the other end. */
export class Links {
  readonly #options: LinksOptions;
  readonly #connections = new Map<number, Connection>();
  readonly #ending = new AbortController();
  #last = 0;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#connections.size;
  }

  /** Takes over a connection. @param attempt The core's number of the `connect` that this answers */
  open(protocol: Protocol, { kind, connection }: Link, attempt?: number): void {
    const association = ++this.#last;
    const { submit, guard } = this.#options;
    const identity = this.#options.identityOf(connection);
    this.#connections.set(association, connection);
    const asked = attempt === undefined ? {} : { attempt };
    const peer = peerOf(connection, kind, protocol);
    const opened = submit({ type: INPUTS[protocol].opened, association, identity, peer, ...asked });
    const logger = this.#options.logger.child({
      association,
      protocol,
      peer: identity?.name,
      role: identity?.role,
    });
    logger.debug({ addresses: peer.addresses, port: connection.peer.port }, 'association opened');
    connection.onClose(({ code, message }) => {
      this.#connections.delete(association);
      logger.debug({ code, reason: message }, 'association closed');
      // At the bound this would be lost, and with it the end of the association's elements.
      if (opened && !submit({ type: INPUTS[protocol].closed, association })) {
        logger.error('the end of an association was refused by the driver');
      }
    });
    if (!opened) return connection.close('overloaded');
    connection.onFrame((frame) => {
      const incoming = protocol === 'asap' ? readAsap(frame) : readEnrp(frame);
      // Not dropped in silence: the peer notices at once and comes back.
      if (incoming.type === 'malformed')
        guard.warn('malformed', { association, protocol, reason: incoming.reason }, 'malformed message');
      if (!submit(inputOf(protocol, association, incoming))) connection.close('overloaded');
    });
  }

  /** Carries out the core's `connect`. */
  connect(attempt: number, protocol: Protocol, transport: SctpTransport | TcpTransport): void {
    const { dial, submit, logger } = this.#options;
    dial(protocol, transport, this.#ending.signal).then(
      (link) => this.open(protocol, link, attempt),
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        logger.debug({ attempt, protocol, reason }, 'could not connect');
        submit({ type: 'connect-failed', attempt, reason });
      },
    );
  }

  send(association: number, message: AsapMessage): void {
    this.#connections.get(association)?.send(encodeAsap(message));
  }

  sendToPeer(association: number, message: EnrpMessage): void {
    this.#connections.get(association)?.send(encodeEnrp(message));
  }

  close(association: number, reason: string): void {
    const connection = this.#connections.get(association);
    if (connection === undefined) return;
    this.#options.guard.warn('closed', { association, reason }, 'association closed by the registrar');
    connection.close(reason);
  }

  /** Ends attempts and connections that we opened; those that were accepted end with their listener. */
  stop(): void {
    this.#ending.abort(new Error('the registrar is stopped'));
    for (const connection of this.#connections.values()) connection.close();
  }
}

const INPUTS = {
  asap: { opened: 'association-opened', closed: 'association-closed' },
  enrp: { opened: 'peer-opened', closed: 'peer-closed' },
} as const;

function inputOf(
  protocol: Protocol,
  association: number,
  incoming: ReturnType<typeof readAsap> | ReturnType<typeof readEnrp>,
): RegistrarInput {
  if (incoming.type === 'malformed') {
    const { report } = incoming;
    return { type: protocol === 'asap' ? 'malformed' : 'peer-malformed', association, report };
  }
  const { message, unrecognized } = incoming;
  return 'sender' in message
    ? { type: 'peer-message', association, message, unrecognized }
    : { type: 'message', association, message, unrecognized };
}

/** An SCTP association tells the endpoint itself; of a TCP connection only the address means something. */
function peerOf(connection: Connection, kind: EndpointKind, protocol: Protocol): Peer {
  const addresses = connection.peer.addresses.map(plainAddress);
  if (kind !== 'sctp') return { transport: 'tcp', addresses };
  const { port } = connection.peer;
  const asapTransport = { type: 'sctp', port, use: 'data', addresses } as const;
  return { transport: 'sctp', addresses, ...(protocol === 'asap' ? { asapTransport } : {}) };
}

/** An IPv4 address that arrived at a socket for both families. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
