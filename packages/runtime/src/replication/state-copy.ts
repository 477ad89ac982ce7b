// SPDX-License-Identifier: Apache-2.0
import {
  ReplicationStandby,
  type StandbyInit,
  type StandbyInput,
  type StandbyOutput,
  type TakenOver,
} from '@vnfpool/core/replication';
import type { Connection, ConnectionEnd, Listener, StreamTransport } from '@vnfpool/transport';
import { WireError } from '@vnfpool/wire/bytes';
import {
  decodeReplica,
  encodeReplica,
  type ReplicaMessage,
  type ReplicaPosition,
} from '@vnfpool/wire/replication';
import { type Clock, CoreDriver, type DriverFault, systemClock } from '../driver/index.ts';

export interface StateCopyOptions extends StandbyInit {
  /** Of the frames of `replicationRule`. */
  readonly transport: StreamTransport;
  readonly host: string;
  /** 0: the host chooses. */
  readonly port: number;
  /** Whether a holder may come by this connection; default: all that the transport lets in. */
  readonly admits?: (connection: Connection) => boolean;
  readonly clock?: Clock;
  readonly onNotice?: (notice: CopyNotice) => void;
  /** A programmer's error: nothing more is taken. */
  readonly onFault?: (fault: DriverFault) => void;
}

export type CopyNotice = Exclude<StandbyOutput, { type: 'send' | 'drop' }>;

/** Connections of which one may be the holder's. */
const CONNECTIONS_MAX = 16;

/** A standby's copy of the state of a slot: it listens for the holder, and takes over when it is told to. */
export class StateCopy {
  readonly #core: ReplicationStandby;
  readonly #driver: CoreDriver<StandbyInput, StandbyOutput>;
  readonly #options: StateCopyOptions;
  #listener: Listener | undefined;
  /** Of the holder, with the epoch that it opened. */
  #holder: { readonly connection: Connection; readonly epoch: number } | undefined;

  private constructor(options: StateCopyOptions) {
    const clock = options.clock ?? systemClock();
    this.#options = options;
    this.#core = new ReplicationStandby(options, clock.nowMs());
    this.#driver = new CoreDriver<StandbyInput, StandbyOutput>({
      core: this.#core,
      clock,
      effects: {
        send: ({ message }) => {
          this.#holder?.connection.send(encodeReplica(message));
        },
        drop: ({ reason }) => {
          this.#holder?.connection.close(reason);
          this.#holder = undefined;
        },
        state: (notice) => options.onNotice?.(notice),
        ended: (notice) => options.onNotice?.(notice),
        event: (notice) => options.onNotice?.(notice),
      },
      onFault: (fault) => options.onFault?.(fault),
    });
  }

  /** @throws TransportError */
  static async listen(options: StateCopyOptions): Promise<StateCopy> {
    const copy = new StateCopy(options);
    const { transport, host, port } = options;
    copy.#listener = await transport.listen({
      host,
      port,
      connectionsMax: CONNECTIONS_MAX,
      onConnection: (connection) => copy.#accept(connection),
    });
    return copy;
  }

  /** Where it really listens. */
  get address(): ConnectionEnd {
    return (this.#listener as Listener).address;
  }

  /** Of the last state that was whole. */
  get position(): ReplicaPosition {
    return this.#core.position;
  }

  /** Whether the state is one that the holder's was: who has none must not take over by itself. */
  get isWhole(): boolean {
    return this.#core.isWhole;
  }

  get(key: string): Uint8Array | undefined {
    return this.#core.store.get(key);
  }

  /** This node's council member has accepted the epoch: holders of earlier ones are refused. */
  accepted(epoch: number): void {
    this.#driver.submit({ type: 'epoch', epoch });
  }

  /** Listens no more; what it has is what a new holder begins with. */
  async takeOver(): Promise<TakenOver> {
    await this.close();
    return this.#core.takeOver();
  }

  async close(): Promise<void> {
    this.#driver.stop();
    this.#holder = undefined;
    await this.#listener?.close();
  }

  #accept(connection: Connection): void {
    if (this.#options.admits?.(connection) === false) {
      connection.close('not admitted');
      return;
    }
    connection.onFrame((frame) => this.#read(connection, frame));
    connection.onClose(() => {
      if (this.#holder?.connection !== connection) return;
      this.#holder = undefined;
      this.#driver.submit({ type: 'detach' });
    });
  }

  #read(connection: Connection, frame: Uint8Array): void {
    let message: ReplicaMessage;
    try {
      message = decodeReplica(frame);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#options.onNotice?.({ type: 'event', severity: 'warning', message: error.message });
      connection.close(error.message);
      return;
    }
    if (this.#holder?.connection !== connection && !this.#begins(connection, message)) return;
    this.#driver.submit({ type: 'message', message });
  }

  /** A later holder takes the place of an earlier one, and a holder that of its former connection; never the other way. */
  #begins(connection: Connection, message: ReplicaMessage): boolean {
    const former = this.#holder;
    if (message.type !== 'open') {
      connection.close(`${message.type} before open`);
      return false;
    }
    if (former !== undefined && message.epoch < former.epoch) {
      const text = `epoch ${former.epoch} is served here`;
      connection.send(encodeReplica({ type: 'refuse', reason: 'old-epoch', epoch: former.epoch, text }));
      connection.close(text);
      return false;
    }
    this.#holder = { connection, epoch: message.epoch };
    former?.connection.close('another connection has taken its place');
    this.#driver.submit({ type: 'attach' });
    return true;
  }
}
