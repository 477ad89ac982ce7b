// SPDX-License-Identifier: Apache-2.0
import {
  ReplicationStandby,
  type StandbyInit,
  type StandbyInput,
  type StandbyOutput,
  type TakenOver,
} from '@vnfpool/core/replication';
import type { Connection, ConnectionEnd, StreamTransport } from '@vnfpool/transport';
import {
  encodeReplica,
  type ReplicaMessage,
  type ReplicaOpen,
  type ReplicaPosition,
} from '@vnfpool/wire/replication';
import { type Clock, CoreDriver, type DriverFault, systemClock } from '../driver/index.ts';
import { CopyServer } from './copy-server.ts';

export interface StateCopyOptions extends StandbyInit {
  readonly clock?: Clock;
  readonly onNotice?: (notice: CopyNotice) => void;
  /** Why this connection is not that of the slot's holder; default: whoever opens it may be. */
  readonly judge?: (connection: Connection, open: ReplicaOpen) => CopyRefusal | undefined;
  /** A programmer's error: nothing more is taken. */
  readonly onFault?: (fault: DriverFault) => void;
}

export type CopyRefusal = Omit<Extract<ReplicaMessage, { readonly type: 'refuse' }>, 'type'>;

export interface ListeningOptions extends StateCopyOptions {
  /** Of the frames of `replicationRule`. */
  readonly transport: StreamTransport;
  readonly host: string;
  /** 0: the host chooses. */
  readonly port: number;
  /** Whether a holder may come by this connection; default: all that the transport lets in. */
  readonly admits?: (connection: Connection) => boolean;
}

export type CopyNotice = Exclude<StandbyOutput, { type: 'send' | 'drop' }>;

/** A standby's copy of the state of a slot: it waits for the holder, and takes over when it is told to. */
export class StateCopy {
  readonly slot: string;
  readonly #core: ReplicationStandby;
  readonly #driver: CoreDriver<StandbyInput, StandbyOutput>;
  /** That it has for itself. */
  #server: CopyServer | undefined;
  readonly #options: StateCopyOptions;
  /** Of the holder, with what it opened. */
  #holder: { readonly connection: Connection; readonly open: ReplicaOpen } | undefined;

  constructor(options: StateCopyOptions) {
    const clock = options.clock ?? systemClock();
    this.#options = options;
    this.slot = options.slot;
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
        reached: (notice) => options.onNotice?.(notice),
        ended: (notice) => options.onNotice?.(notice),
        event: (notice) => options.onNotice?.(notice),
      },
      onFault: (fault) => options.onFault?.(fault),
    });
  }

  /** The only one at its address. @throws TransportError */
  static async listen(options: ListeningOptions): Promise<StateCopy> {
    const { transport, host, port, admits, onNotice } = options;
    const server = await CopyServer.listen({
      transport,
      host,
      port,
      ...(admits && { admits }),
      onRefused: (message) => onNotice?.({ type: 'event', severity: 'warning', message }),
    });
    const copy = new StateCopy(options);
    copy.#server = server;
    server.add(copy);
    return copy;
  }

  /** Where it listens, if it does so by itself. */
  get address(): ConnectionEnd {
    return (this.#server as CopyServer).address;
  }

  /** Of the last state that was whole. */
  get position(): ReplicaPosition {
    return this.#core.position;
  }

  /** Whether the state is one that the holder's was: who has none must not take over by itself. */
  get isWhole(): boolean {
    return this.#core.isWhole;
  }

  /** Whether a holder is there. */
  get isConnected(): boolean {
    return this.#holder !== undefined;
  }

  /** When a holder said something last, by the copy's clock; 0: none has. */
  get heardMs(): number {
    return this.#core.heardMs;
  }

  /** Pieces of state. */
  get keys(): number {
    return this.#core.store.keys;
  }

  get(key: string): Uint8Array | undefined {
    return this.#core.store.get(key);
  }

  /** All that there is; pieces that come meanwhile may be among them. */
  *entries(): Generator<readonly [key: string, value: Uint8Array]> {
    for (const { key, value } of this.#core.store) if (value !== null) yield [key, value];
  }

  /** This node's council member has accepted the epoch: holders of earlier ones are refused. */
  accepted(epoch: number): void {
    this.#driver.submit({ type: 'epoch', epoch });
  }

  /**
   * A connection opens the slot: a later holder takes the place of an earlier one, and a holder that of its former connection; never
   * the other way. @returns whether it is let in; it was told else, and closed
   */
  open(connection: Connection, open: ReplicaOpen): boolean {
    const refusal = this.#options.judge?.(connection, open);
    if (refusal !== undefined) {
      this.#refuse(connection, refusal);
      return false;
    }
    const former = this.#holder;
    if (former !== undefined && open.epoch < former.open.epoch) {
      const { epoch } = former.open;
      refuse(connection, { reason: 'old-epoch', epoch, text: `epoch ${epoch} is served here` });
      return false;
    }
    this.#holder = { connection, open };
    former?.connection.close('another connection has taken its place');
    this.#driver.submit({ type: 'attach' });
    connection.onClose(() => {
      if (this.#holder?.connection !== connection) return;
      this.#holder = undefined;
      this.#driver.submit({ type: 'detach' });
    });
    return true;
  }

  /** What the judge goes by has changed: whoever is connected is judged once more. */
  rejudge(): void {
    const holder = this.#holder;
    if (holder === undefined) return;
    const refusal = this.#options.judge?.(holder.connection, holder.open);
    if (refusal === undefined) return;
    this.#holder = undefined;
    this.#driver.submit({ type: 'detach' });
    this.#refuse(holder.connection, refusal);
  }

  /** What came by a connection that was let in. */
  read(connection: Connection, message: ReplicaMessage): void {
    if (this.#holder?.connection === connection) this.#driver.submit({ type: 'message', message });
  }

  /** Takes nothing more; what it has is what a new holder begins with. */
  async takeOver(): Promise<TakenOver> {
    await this.close();
    return this.#core.takeOver();
  }

  async close(): Promise<void> {
    this.#driver.stop();
    this.#holder?.connection.close();
    this.#holder = undefined;
    await this.#server?.close();
  }

  #refuse(connection: Connection, refusal: CopyRefusal): void {
    const message = `a stream was refused: ${refusal.text}`;
    this.#options.onNotice?.({ type: 'event', severity: 'warning', message });
    refuse(connection, refusal);
  }
}

function refuse(connection: Connection, refusal: CopyRefusal): void {
  connection.send(encodeReplica({ type: 'refuse', ...refusal }));
  connection.close(refusal.text);
}
