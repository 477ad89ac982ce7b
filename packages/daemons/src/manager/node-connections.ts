// SPDX-License-Identifier: Apache-2.0
import { nodeId } from '@vnfpool/core';
import type { MobilityManagerInput, MobilityManagerOutput } from '@vnfpool/core/mobility';
import { parseIdentity } from '@vnfpool/runtime/certificates';
import type { Logger } from '@vnfpool/runtime/logging';
import type { Connection } from '@vnfpool/transport/stream';
import { encodeMobility } from '@vnfpool/wire/mobility';
import { readFrame } from '../mobility-frames.ts';

/** Connections of nodes, numbered for the mobility endpoint. */
export class NodeConnections {
  readonly #connections = new Map<number, Connection>();
  readonly #give: (input: MobilityManagerInput) => boolean;
  readonly #domain: string;
  readonly #logger: Logger;
  #last = 0;

  constructor(domain: string, give: (input: MobilityManagerInput) => boolean, logger: Logger) {
    this.#domain = domain;
    this.#give = give;
    this.#logger = logger;
  }

  /** The handshake has shown a node of this set. */
  open(connection: Connection): void {
    const certificate = connection.peer.identity;
    const identity = certificate && parseIdentity(certificate, this.#domain);
    if (identity?.role !== 'node' || identity.id === undefined) {
      connection.close('not a node of this set');
      return;
    }
    this.#last += 1;
    const id = this.#last;
    this.#connections.set(id, connection);
    connection.onFault?.(({ message }) => {
      this.#logger.warn({ node: identity.name, reason: message }, 'a node sent what is no message');
      this.#give({ type: 'unframeable', connection: id, reason: message });
    });
    connection.onClose(() => {
      this.#connections.delete(id);
      this.#give({ type: 'disconnected', connection: id });
    });
    const opened = this.#give({
      type: 'connected',
      connection: id,
      identity: { node: nodeId(identity.id), name: identity.name },
    });
    if (!opened) {
      connection.close('overloaded');
      return;
    }
    connection.onFrame((frame) => {
      if (!this.#give(readFrame(id, frame))) connection.close('overloaded');
    });
  }

  send({ connection, message }: MobilityManagerOutput & { type: 'send' }): void {
    this.#connections.get(connection)?.send(encodeMobility(message));
  }

  close({ connection, reason }: MobilityManagerOutput & { type: 'close' }): void {
    this.#connections.get(connection)?.close(reason);
  }
}
