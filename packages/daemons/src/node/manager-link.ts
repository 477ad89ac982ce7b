// SPDX-License-Identifier: Apache-2.0
import type { MobilityNodeInput, MobilityNodeOutput } from '@vnfpool/core/mobility';
import { parseIdentity } from '@vnfpool/runtime/certificates';
import type { Logger } from '@vnfpool/runtime/logging';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { type TlsCredentials, TlsTransport } from '@vnfpool/transport/tls';
import { encodeMobility } from '@vnfpool/wire/mobility';
import { mobilityRule, readFrame } from '../mobility-frames.ts';

interface LinkOptions {
  readonly manager: () => { readonly address: string; readonly port: number };
  readonly localAddress?: string;
  readonly give: (input: MobilityNodeInput) => void;
  readonly logger: Logger;
}

/** As a node of a set, by its newest credentials; or over whatever transport there is to somebody's manager. */
export type ManagerLinkOptions = LinkOptions &
  ({ readonly credentials: () => TlsCredentials } | { readonly transport: StreamTransport });

const CONNECT_MS = 5_000;

/** The node's connection to its manager: opened, read, written and closed as the mobility endpoint says. */
export class ManagerLink {
  readonly #options: ManagerLinkOptions;
  readonly #connections = new Map<number, Connection>();
  #last = 0;

  constructor(options: ManagerLinkOptions) {
    this.#options = options;
  }

  async connect(): Promise<void> {
    const { manager, localAddress, give, logger } = this.#options;
    const transport =
      'transport' in this.#options
        ? this.#options.transport
        : new TlsTransport({
            rule: mobilityRule,
            credentials: this.#options.credentials(),
            judgePeer: mustBeManager,
          });
    const { address, port } = manager();
    try {
      const connection = await transport.connect({
        host: address,
        port,
        ...(localAddress === undefined ? {} : { localAddress }),
        signal: AbortSignal.timeout(CONNECT_MS),
      });
      this.#last += 1;
      this.#adopt(this.#last, connection);
    } catch (error) {
      const reason = (error as Error).message;
      logger.warn({ address, port, reason }, 'cannot reach the manager');
      give({ type: 'connect-failed', reason });
    }
  }

  send({ connection, message }: MobilityNodeOutput & { type: 'send' }): void {
    this.#connections.get(connection)?.send(encodeMobility(message));
  }

  close({ connection, reason }: MobilityNodeOutput & { type: 'close' }): void {
    this.#connections.get(connection)?.close(reason);
  }

  closeAll(): void {
    for (const connection of this.#connections.values()) connection.close('the agent stops');
  }

  #adopt(id: number, connection: Connection): void {
    const { give, logger } = this.#options;
    this.#connections.set(id, connection);
    connection.onClose(({ code, message }) => {
      this.#connections.delete(id);
      if (code === 'frame-malformed' || code === 'frame-too-large') {
        give({ type: 'unframeable', connection: id, reason: message });
      }
      logger.info({ code, reason: message }, 'connection to the manager is over');
      give({ type: 'disconnected', connection: id });
    });
    give({ type: 'connected', connection: id });
    connection.onFrame((frame) => give(readFrame(id, frame)));
  }
}

function mustBeManager(names: Parameters<typeof parseIdentity>[0]): string | null {
  const { role } = parseIdentity(names);
  return role === 'manager' ? null : `a ${role} is no manager`;
}
