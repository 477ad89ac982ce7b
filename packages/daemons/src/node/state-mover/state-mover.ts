// SPDX-License-Identifier: Apache-2.0

import { answerStranger, type SourceInput, type TransferOrder } from '@vnfpool/core/state-transfer';
import type { Clock, DriverFault } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import type { Connection, Listener, StreamTransport } from '@vnfpool/transport/stream';
import { Channels } from './channels.ts';
import { awaitSource } from './receiving.ts';
import { startSending } from './sending.ts';
import type {
  ExpectedTransfer,
  ReceiveOptions,
  Receiving,
  Sending,
  SendOptions,
  Transfer,
  TransferParts,
} from './transfer.ts';
import { type TransferRecord, TransferRecords, transferName } from './transfer-records.ts';

export interface StateMoverOptions {
  /** With `stateRule`; its peers prove which node they are. */
  readonly transport: StreamTransport;
  /** Node ID of the other end by its certificate; null: it has none. */
  readonly peerOf: (connection: Connection) => number | null;
  readonly listen: { readonly host: string; readonly port: number };
  /** Where it is written down what a restarted agent has to know. */
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFault: (fault: DriverFault) => void;
}

/** Transfers of each direction at once; more are refused. */
const TRANSFERS_MAX = 64;
/** Accepted connections at once. */
const CONNECTIONS_MAX = 128;
const CONNECT_MS = 5_000;
/** Too many transfers at once, or one of this token is under way already. */
export class TransferRefusedError extends Error {
  override readonly name: string = 'TransferRefusedError';
}

/**
 * The hands of transfers of state between nodes: their connections, the functions at both ends, and what has to be on
 * disk. What is done when is decided by `TransferSource` and `TransferDestination`.
 */
export class StateMover {
  readonly #options: StateMoverOptions;
  readonly #records: TransferRecords;
  readonly #channels = new Channels();
  readonly #parts: TransferParts;
  readonly #receiving = new Map<string, Receiving>();
  readonly #sending = new Map<string, Sending>();
  readonly #ending = new AbortController();
  #listener: Listener | null = null;

  private constructor(options: StateMoverOptions) {
    this.#options = options;
    this.#records = new TransferRecords(options.folder);
    const { clock, logger, onFault } = options;
    this.#parts = { channels: this.#channels, records: this.#records, clock, logger, onFault };
  }

  /** @throws TransportError when it cannot listen */
  static async open(options: StateMoverOptions): Promise<StateMover> {
    const mover = new StateMover(options);
    const { host, port } = options.listen;
    const listen = (at: number): Promise<Listener> => mover.#listen(host, at);
    // Who was cut off in doubt comes back to the port that it knows.
    const former = port === 0 ? mover.#records.formerPort() : null;
    mover.#listener = await (former === null ? listen(port) : listen(former).catch(() => listen(port)));
    mover.#records.keepPort(mover.port);
    return mover;
  }

  get port(): number {
    return this.#listener?.address.port ?? 0;
  }

  /**
   * Takes state at another address, at the same port where that is free. Connections to the former one end: a transfer
   * that is settled over them goes on by a new one, or is given up, by its own rules.
   * @throws TransportError when it cannot listen there; then it listens nowhere
   */
  async move(host: string): Promise<void> {
    const { port } = this;
    await this.#listener?.close();
    this.#listener = null;
    this.#listener = await this.#listen(host, port).catch(() => this.#listen(host, 0));
    this.#records.keepPort(this.port);
  }

  #listen(host: string, port: number): Promise<Listener> {
    return this.#options.transport.listen({
      host,
      port,
      connectionsMax: CONNECTIONS_MAX,
      onConnection: (connection) => this.#accept(connection),
    });
  }

  /** Transfers whose outcome was not settled when an agent of this folder ended; ordered again they go on. */
  get left(): readonly TransferRecord[] {
    return this.#records.all();
  }

  /** Gives the state of a function to another node. @throws TransferRefusedError */
  send(order: TransferOrder, options: SendOptions): Transfer {
    const name = transferName(order.token);
    this.#admit(this.#sending, name);
    const connect = (submit: (input: SourceInput) => void): void =>
      this.#connect(order.destination, options.to, submit);
    const sending = startSending(this.#parts, order, options, connect, () => this.#sending.delete(name));
    this.#sending.set(name, sending);
    sending.start();
    return sending;
  }

  /**
   * Waits for the state of a function from another node. What kind of transfer it is, and of which function there, the
   * source says with the token.
   * @throws TransferRefusedError
   */
  receive(expected: ExpectedTransfer, options: ReceiveOptions): Transfer & { gone(): void } {
    const name = transferName(expected.token);
    this.#admit(this.#receiving, name);
    const receiving = awaitSource(this.#parts, expected, options, () => this.#receiving.delete(name));
    this.#receiving.set(name, receiving);
    receiving.start();
    return receiving;
  }

  #admit(transfers: ReadonlyMap<string, unknown>, name: string): void {
    if (transfers.has(name)) throw new TransferRefusedError('a transfer of this token is under way');
    if (transfers.size >= TRANSFERS_MAX)
      throw new TransferRefusedError(`${TRANSFERS_MAX} transfers are under way already`);
  }

  /** Somebody came: its first message says for which transfer. */
  #accept(connection: Connection): void {
    const peer = this.#options.peerOf(connection);
    const id = this.#channels.adopt(connection, (heard) => {
      if (heard.type === 'malformed') this.#channels.close(id, heard.reason);
      if (heard.type !== 'message') return;
      const { message } = heard;
      const named = message.type === 'hello' || message.type === 'ask' ? transferName(message.token) : '';
      if (this.#receiving.get(named)?.open(id, peer, message) === true) return;
      this.#options.logger.warn({ peer, type: message.type }, 'a state channel without a transfer');
      this.#channels.send(id, answerStranger(message));
      this.#channels.close(id, 'no such transfer');
    });
  }

  #connect(
    destination: number,
    { address, port }: SendOptions['to'],
    submit: (input: SourceInput) => void,
  ): void {
    const { transport, peerOf } = this.#options;
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(CONNECT_MS)]);
    transport.connect({ host: address, port, signal }).then(
      (connection) => {
        const peer = peerOf(connection);
        if (peer !== null && peer !== destination) {
          connection.close('another node than expected');
          this.#options.logger.warn({ peer, destination, address, port }, 'another node takes state there');
          submit({ type: 'connect-failed', reason: `node ${peer} answers at ${address}:${port}` });
          return;
        }
        submit({ type: 'connected', connection: this.#channels.adopt(connection, submit) });
      },
      (error: Error) => submit({ type: 'connect-failed', reason: error.message }),
    );
  }

  /** Ends all transfers where they are; what was written down stays. */
  async close(): Promise<void> {
    this.#ending.abort(new Error('the agent stops'));
    for (const transfer of [...this.#sending.values(), ...this.#receiving.values()]) transfer.stop();
    this.#channels.closeAll('the agent stops');
    await this.#listener?.close();
  }
}
