// SPDX-License-Identifier: Apache-2.0

import { crc32 } from 'node:zlib';
import {
  aborted,
  answerStranger,
  type DestinationInput,
  type DestinationOptions,
  type DestinationOutput,
  type DestinationRecord,
  type SourceInput,
  type SourceOptions,
  type SourceOutput,
  TransferDestination,
  type TransferEnd,
  type TransferOrder,
  type TransferReport,
  TransferSource,
  type Verdict,
} from '@vnfpool/core/state-transfer';
import { type Clock, CoreDriver, type DriverFault } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import type { Connection, Listener, StreamTransport } from '@vnfpool/transport/stream';
import type { SessionForward } from '@vnfpool/wire/function-socket';
import type { StateMessage } from '@vnfpool/wire/state-channel';
import type { MovedState } from '../function-state/index.ts';
import { Channels } from './channels.ts';
import { FunctionDestination } from './function-destination.ts';
import { FunctionSource } from './function-source.ts';
import { type StateAddress, type TransferRecord, TransferRecords, transferName } from './transfer-records.ts';

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

/** What a destination knows of a transfer before its source has come. */
export type ExpectedTransfer = Omit<TransferOrder, 'mode' | 'functionId'>;

/** What becomes of a transfer. */
export interface TransferListener {
  readonly onEnded: (end: TransferEnd) => void;
  /** The outcome is not known here: the manager is to be asked, and answers by `verdict`. */
  readonly onInquire: () => void;
}

export interface SendOptions extends TransferListener, Omit<SourceOptions, 'order' | 'rules'> {
  /** Where the destination's state channel is. */
  readonly to: StateAddress;
  readonly state: MovedState;
  /** Its state is owned elsewhere: the function ends, or forgets the selected sessions and forwards their packets. */
  readonly finish: (mode: 'move' | 'sessions', forward: SessionForward | null) => Promise<void>;
}

export interface ReceiveOptions extends TransferListener, Omit<DestinationOptions, 'order' | 'rules'> {
  readonly state: MovedState;
  /** It is to take sessions, beside those that it has; else everything. */
  readonly ofSessions?: boolean;
  /** After a restart of the agent: the function that took the state is still there. */
  readonly functionLives?: boolean;
  /** The function owns the sessions from now on; may be asked again after a restart. A rejection ends the transfer. */
  readonly activate: () => Promise<void>;
}

/** A transfer that goes on, or has ended and is remembered. */
export interface Transfer {
  /** Tells it apart from others, and does not tell its token. */
  readonly name: string;
  report(): TransferReport;
  cancel(): void;
  verdict(verdict: Verdict): void;
}

interface Receiving extends Transfer {
  open(connection: number, peer: number | null, message: StateMessage): boolean;
  gone(): void;
  stop(): void;
}

interface Sending extends Transfer {
  stop(): void;
}

/** Transfers of each direction at once; more are refused. */
const TRANSFERS_MAX = 64;
/** Accepted connections at once. */
const CONNECTIONS_MAX = 128;
const CONNECT_MS = 5_000;
const NOTHING_YET: TransferReport = {
  phase: 'prepared',
  bytes: 0,
  bytesTotal: null,
  bytesPerSecond: 0,
  changePerSecond: 0,
  expectedPauseMs: null,
  expectedEndMs: null,
};

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
  readonly #receiving = new Map<string, Receiving>();
  readonly #sending = new Map<string, Sending>();
  readonly #ending = new AbortController();
  #listener: Listener | null = null;

  private constructor(options: StateMoverOptions) {
    this.#options = options;
    this.#records = new TransferRecords(options.folder);
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
    const { to, state, finish, onEnded, onInquire, ...rest } = options;
    const record = this.#records.find(order.token);
    const core = new TransferSource(
      { order, checksum: crc32, ...rest },
      record?.end === 'source' ? record : null,
    );
    const submit = (input: SourceInput): void => void driver.submit(input);
    const hands = new FunctionSource(state, submit);
    let hasEnded = false;
    let channel = 0;
    const over = (): void => {
      hands.stop();
      driver.stop();
      this.#sending.delete(name);
    };
    const driver = new CoreDriver<SourceInput, SourceOutput>({
      core,
      clock: this.#options.clock,
      onFault: this.#options.onFault,
      effects: {
        connect: () => this.#connect(order.destination, to, submit),
        send: ({ connection, message }) => {
          channel = connection;
          this.#channels.send(connection, message);
        },
        close: ({ connection, reason }) => this.#channels.close(connection, reason),
        export: (output) => hands.export(output),
        // The next chunk takes the memory of the one before.
        pull: ({ part }) => this.#channels.onDrained(channel, () => hands.pull(part)),
        quiesce: () => hands.quiesce(),
        resume: () => this.#orTold('the function does not resume', () => hands.resume()),
        finish: ({ mode, forward = null }) => {
          hands.stop();
          const finished = finish(mode, forward).then(
            () => submit({ type: 'finished' }),
            // It is written down: whoever comes back to it tries again.
            (error: Error) => this.#warn('what was moved away does not end', error),
          );
          // A function that goes on has forgotten them before it is told that it may be in the next transfer.
          return mode === 'sessions' ? finished : undefined;
        },
        persist: ({ record: next }) => {
          this.#persist(order.token, next && { end: 'source', to, ...next });
          if (next === null && hasEnded) over();
        },
        inquire: onInquire,
        ended: (end) => {
          hasEnded = true;
          onEnded(end);
          // Of the others it is kept on disk that the source has to end.
          if (end.outcome === 'aborted' || order.mode === 'copy') over();
        },
      },
    });
    const transfer: Sending = {
      name,
      report: () => core.report(this.#options.clock.nowMs()),
      cancel: () => submit({ type: 'cancel' }),
      verdict: (verdict) => submit({ type: 'verdict', verdict }),
      stop: over,
    };
    this.#sending.set(name, transfer);
    submit({ type: 'start' });
    return transfer;
  }

  /**
   * Waits for the state of a function from another node. What kind of transfer it is, and of which function there, the
   * source says with the token.
   * @throws TransferRefusedError
   */
  receive(expected: ExpectedTransfer, options: ReceiveOptions): Transfer & { gone(): void } {
    const name = transferName(expected.token);
    this.#admit(this.#receiving, name);
    const { clock } = this.#options;
    const record = this.#records.find(expected.token);
    let begun: Receiving | null = null;
    const { ofSessions = false } = options;
    const giveUp = (reason: 'cancelled' | 'timeout' | 'function', text: string): void => {
      stop();
      // It goes on, and expects nothing any more.
      if (ofSessions) void this.#orTold('the function does not discard', () => options.state.discard());
      options.onEnded(aborted(reason, text));
    };
    const untilMs = Math.max(options.tokenUntilMs, clock.nowMs());
    const forget = clock.at(untilMs, () => giveUp('timeout', 'nobody came with the token in time'));
    const begin = (order: TransferOrder): Receiving => {
      forget();
      const restored = record?.end === 'destination' ? record : null;
      begun = this.#begin(name, order, options, restored);
      return begun;
    };
    const stop = (): void => {
      forget();
      this.#receiving.delete(name);
      begun?.stop();
    };
    const transfer: Receiving = {
      name,
      report: () => begun?.report() ?? NOTHING_YET,
      cancel: () => (begun ? begun.cancel() : giveUp('cancelled', 'cancelled by the manager')),
      verdict: (verdict) => begun?.verdict(verdict),
      gone: () => (begun ? begun.gone() : giveUp('function', 'the function has ended')),
      open: (connection, peer, message) => {
        if (message.type !== 'hello' && message.type !== 'ask') return false;
        if (begun) return begun.open(connection, peer, message);
        if (message.type === 'ask' || (peer !== null && peer !== expected.source)) return false;
        const { mode, functionId } = message;
        // All of a state would take the place of what the function has.
        if ((mode === 'sessions') !== ofSessions) return false;
        return begin({ ...expected, mode, functionId }).open(connection, peer, message);
      },
      stop,
    };
    this.#receiving.set(name, transfer);
    if (record?.end === 'destination') begin(record);
    return transfer;
  }

  #begin(
    name: string,
    order: TransferOrder,
    { state, activate, functionLives, onEnded, onInquire, ...rest }: ReceiveOptions,
    restored: DestinationRecord | null,
  ): Receiving {
    const core = new TransferDestination({ order, checksum: crc32, ...rest }, restored, functionLives);
    const submit = (input: DestinationInput): void => void driver.submit(input);
    const hands = new FunctionDestination(state, submit);
    const over = (): void => {
      hands.stop();
      driver.stop();
      this.#receiving.delete(name);
    };
    const driver = new CoreDriver<DestinationInput, DestinationOutput>({
      core,
      clock: this.#options.clock,
      onFault: this.#options.onFault,
      effects: {
        send: ({ connection, message }) => this.#channels.send(connection, message),
        close: ({ connection, reason }) => this.#channels.close(connection, reason),
        import: (output) => hands.begin(output),
        'import-chunk': (output) => hands.chunk(output),
        'import-end': ({ part }) => hands.end(part),
        activate: () => {
          activate().then(
            () => submit({ type: 'activated' }),
            (error: Error) => submit({ type: 'failed', reason: error.message }),
          );
        },
        discard: async () => {
          await this.#orTold('the function does not discard', () => hands.discard());
          submit({ type: 'discarded' });
        },
        persist: ({ record: next }) => this.#persist(order.token, next && { end: 'destination', ...next }),
        inquire: onInquire,
        ended: (end) => onEnded(end),
        forgotten: over,
      },
    });
    submit({ type: 'start' });
    return {
      name,
      report: () => core.report(this.#options.clock.nowMs()),
      cancel: () => submit({ type: 'cancel' }),
      verdict: (verdict) => submit({ type: 'verdict', verdict }),
      gone: () => submit({ type: 'gone' }),
      open: (connection, peer, message) => {
        if (message.type !== 'hello' && message.type !== 'ask') return false;
        submit({ type: 'opened', connection, peer, message });
        this.#channels.redirect(connection, submit);
        return true;
      },
      stop: over,
    };
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

  #persist(token: Uint8Array, record: TransferRecord | null): void {
    if (record === null) this.#records.remove(token);
    else this.#records.write(record);
  }

  async #orTold(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#warn(what, error as Error);
    }
  }

  #warn(what: string, error: Error): void {
    this.#options.logger.warn({ reason: error.message }, what);
  }

  /** Ends all transfers where they are; what was written down stays. */
  async close(): Promise<void> {
    this.#ending.abort(new Error('the agent stops'));
    for (const transfer of [...this.#sending.values(), ...this.#receiving.values()]) transfer.stop();
    this.#channels.closeAll('the agent stops');
    await this.#listener?.close();
  }
}
