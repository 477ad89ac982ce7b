// SPDX-License-Identifier: Apache-2.0
import type { Identity, RegistrarInput } from '@vnfpool/core/registrar';
import { readAsap } from '@vnfpool/runtime/asap';
import { parseIdentity } from '@vnfpool/runtime/certificates';
import type { Logger } from '@vnfpool/runtime/logging';
import type { Connection } from '@vnfpool/transport/stream';
import { type AsapMessage, encodeAsap } from '@vnfpool/wire/asap';

/** Connections as the registrar's core knows them: numbered, with who is at the other end. */
export class Associations {
  readonly #connections = new Map<number, Connection>();
  readonly #submit: (input: RegistrarInput) => boolean;
  readonly #domain: string;
  readonly #logger: Logger;
  #last = 0;

  constructor(options: {
    readonly submit: (input: RegistrarInput) => boolean;
    readonly domain: string;
    readonly logger: Logger;
  }) {
    this.#submit = options.submit;
    this.#domain = options.domain;
    this.#logger = options.logger;
  }

  get count(): number {
    return this.#connections.size;
  }

  open(connection: Connection): void {
    const association = ++this.#last;
    const identity = this.#identityOf(connection);
    this.#connections.set(association, connection);
    const opened = this.#submit({
      type: 'association-opened',
      association,
      identity,
      peer: { transport: 'tcp', addresses: [plainAddress(connection.peer.address)] },
    });
    const logger = this.#logger.child({ association, peer: identity?.name, role: identity?.role });
    logger.debug({ address: connection.peer.address, port: connection.peer.port }, 'association opened');
    connection.onClose(({ code, message }) => {
      this.#connections.delete(association);
      logger.debug({ code, reason: message }, 'association closed');
      // At the bound this would be lost, and with it the end of the association's elements.
      if (opened && !this.#submit({ type: 'association-closed', association })) {
        logger.error('the end of an association was refused by the driver');
      }
    });
    if (!opened) return connection.close('overloaded');
    connection.onFrame((frame) => {
      const incoming = readAsap(frame);
      if (incoming.type === 'malformed') {
        logger.warn({ reason: incoming.reason }, 'malformed message');
        if (!this.#submit({ type: 'malformed', association, report: incoming.report }))
          connection.close('overloaded');
        return;
      }
      const { message, unrecognized } = incoming;
      // Not dropped in silence: the peer notices at once and comes back.
      if (!this.#submit({ type: 'message', association, message, unrecognized }))
        connection.close('overloaded');
    });
  }

  send(association: number, message: AsapMessage): void {
    this.#connections.get(association)?.send(encodeAsap(message));
  }

  close(association: number, reason: string): void {
    this.#logger.warn({ association, reason }, 'association closed by the registrar');
    this.#connections.get(association)?.close(reason);
  }

  #identityOf(connection: Connection): Identity | null {
    const certificate = connection.peer.identity;
    if (certificate === null) return null;
    const { role, name } = parseIdentity(certificate, this.#domain);
    return { role, name, mayRegister: role === 'node' || role === 'element' || role === 'manager' };
  }
}

/** An IPv4 address that arrived at a socket for both families. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
