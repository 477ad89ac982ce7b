// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net';
import type { MobilityNodeInput, MobilityNodeOutput } from '@vnfpool/core/mobility';
import { IdentityError, parseIdentity } from '@vnfpool/runtime/certificates';
import type { Logger } from '@vnfpool/runtime/logging';
import { type ManagerCandidate, type ManagerSearch, managerKey } from '@vnfpool/runtime/manager-discovery';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { type TlsCredentials, TlsTransport } from '@vnfpool/transport/tls';
import { encodeMobility } from '@vnfpool/wire/mobility';
import { mobilityRule, readFrame } from '../mobility-frames.ts';

interface LinkOptions {
  /** Where managers may be. */
  readonly search: ManagerSearch;
  /** Connections come from this address, as it is then, where the manager's is of the same family. */
  readonly localAddress?: () => string;
  readonly give: (input: MobilityNodeInput) => void;
  readonly logger: Logger;
}

/** As a node of set `domain`, by its newest credentials; or over whatever transport there is to somebody's manager. */
export type ManagerLinkOptions = LinkOptions &
  (
    | {
        readonly credentials: () => TlsCredentials;
        readonly domain: string;
        /** By Multipath TCP where the manager has it. */
        readonly multipath: boolean;
      }
    | { readonly transport: StreamTransport }
  );

const CONNECT_MS = 5_000;

/**
 * The node's connection to its manager: opened, read, written and closed as the mobility endpoint says. Each attempt
 * goes through all places where managers may be, until one accepts a connection.
 */
export class ManagerLink {
  readonly #options: ManagerLinkOptions;
  readonly #connections = new Map<number, Connection>();
  readonly #ending = new AbortController();
  #last: { readonly id: number; readonly at: ManagerCandidate | null } = { id: 0, at: null };
  /** The connection whose other end became our manager. */
  #managed = 0;

  constructor(options: ManagerLinkOptions) {
    this.#options = options;
  }

  async connect(): Promise<void> {
    const { search, give } = this.#options;
    const reasons: string[] = [];
    const transport = this.#transport();
    for await (const at of search.attempt(this.#ending.signal)) {
      const opened = await this.#open(transport, at);
      // What opened too late is closed, and nobody waits for an answer any more.
      if (this.#ending.signal.aborted) {
        if (typeof opened !== 'string') opened.close('the agent stops');
        return;
      }
      if (typeof opened !== 'string') return this.#adopt(at, opened);
      reasons.push(`${managerKey(at)}: ${opened}`);
    }
    if (this.#ending.signal.aborted) return;
    give({
      type: 'connect-failed',
      reason: reasons.length === 0 ? 'nothing tells of a manager' : reasons.join('; '),
    });
  }

  /** The other end of the newest connection is our manager now; where that is. */
  managed(): ManagerCandidate | null {
    this.#managed = this.#last.id;
    this.#options.search.found();
    return this.#last.at;
  }

  send({ connection, message }: MobilityNodeOutput & { type: 'send' }): void {
    this.#connections.get(connection)?.send(encodeMobility(message));
  }

  close({ connection, reason }: MobilityNodeOutput & { type: 'close' }): void {
    this.#connections.get(connection)?.close(reason);
  }

  /** This host has the address no more: nothing comes over connections from there. */
  addressGone(address: string): void {
    for (const connection of this.#connections.values())
      if (connection.local.addresses.every((each) => each === address))
        connection.close(`our address ${address} is gone`);
  }

  closeAll(): void {
    this.#ending.abort();
    for (const connection of this.#connections.values()) connection.close('the agent stops');
  }

  #transport(): StreamTransport {
    if ('transport' in this.#options) return this.#options.transport;
    const { credentials, domain, multipath } = this.#options;
    return new TlsTransport({
      rule: mobilityRule,
      multipath,
      credentials: credentials(),
      judgePeer: (names) => managerFault(names, domain),
    });
  }

  /** A text: why there is no connection. */
  async #open(
    transport: StreamTransport,
    { host, port, source }: ManagerCandidate,
  ): Promise<Connection | string> {
    const { logger } = this.#options;
    const localAddress = this.#options.localAddress?.();
    try {
      return await transport.connect({
        host,
        port,
        ...(localAddress === undefined || isIP(localAddress) !== isIP(host) ? {} : { localAddress }),
        signal: AbortSignal.any([this.#ending.signal, AbortSignal.timeout(CONNECT_MS)]),
      });
    } catch (error) {
      const reason = (error as Error).message;
      if (!this.#ending.signal.aborted)
        logger.warn({ address: host, port, source, reason }, 'cannot reach the manager');
      return reason;
    }
  }

  #adopt(at: ManagerCandidate, connection: Connection): void {
    const { give, logger, search } = this.#options;
    const id = this.#last.id + 1;
    this.#last = { id, at };
    const { host: address, port, source } = at;
    const { multipath } = connection;
    logger.info({ address, port, source, multipath }, 'connected to a manager');
    this.#connections.set(id, connection);
    connection.onFault?.(({ message }) => give({ type: 'unframeable', connection: id, reason: message }));
    connection.onClose(({ code, message }) => {
      this.#connections.delete(id);
      if (this.#managed !== id) search.passOver(at);
      logger.info({ code, reason: message }, 'connection to the manager is over');
      give({ type: 'disconnected', connection: id });
    });
    give({ type: 'connected', connection: id });
    connection.onFrame((frame) => give(readFrame(id, frame)));
  }
}

/** Null: the certificate, whose chain is good, is of a manager of the set. */
function managerFault(names: Parameters<typeof parseIdentity>[0], domain: string): string | null {
  try {
    const { role } = parseIdentity(names, domain);
    return role === 'manager' ? null : `a ${role} is no manager`;
  } catch (error) {
    if (error instanceof IdentityError) return error.message;
    throw error;
  }
}
