// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import { replicationRule } from '@vnfpool/runtime/replication';
import type { Connection } from '@vnfpool/transport';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { decodeReplica, encodeReplica, type ReplicaMessage } from '@vnfpool/wire/replication';
import { type FakeNode, SLOT } from './shared-slots.ts';

const transport = new TcpTransport({ rule: replicationRule });

/** A holder that says to a standby what a test wants, when it wants it. */
export class RawHolder {
  readonly #connection: Connection;
  readonly #epoch: number;
  readonly #store = new ReplicaStore();
  readonly #heard: ReplicaMessage[] = [];
  #marks = 0;
  #isClosed = false;
  #waiting: (() => void)[] = [];

  private constructor(connection: Connection, epoch: number) {
    this.#connection = connection;
    this.#epoch = epoch;
    connection.onFrame((frame) => {
      this.#heard.push(decodeReplica(frame));
      this.#wake();
    });
    connection.onClose(() => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  static async open({ server }: FakeNode, epoch: number): Promise<RawHolder> {
    const { port } = server.address;
    const holder = new RawHolder(await transport.connect({ host: '127.0.0.1', port }), epoch);
    const history = [{ epoch, sequence: 0 }];
    holder.#say({ type: 'open', slot: SLOT, epoch, history, everyMs: 100 });
    return holder;
  }

  /** What it was told of these, once it is; undefined: the connection is closed. */
  async next<Type extends ReplicaMessage['type']>(
    ...types: readonly Type[]
  ): Promise<Extract<ReplicaMessage, { type: Type }> | undefined> {
    for (;;) {
      const index = this.#heard.findIndex(({ type }) => types.includes(type as Type));
      if (index >= 0)
        return this.#heard.splice(0, index + 1)[index] as Extract<ReplicaMessage, { type: Type }>;
      if (this.#isClosed) return undefined;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Begins, with these entries and all that were told before; the standby has them. */
  async fill(entries: Readonly<Record<string, string>>): Promise<void> {
    await this.next('at');
    this.#say({ type: 'resume', from: 'whole' });
    await this.tell(entries);
  }

  /** Updates with their mark, or a mark alone; the standby has them. */
  async tell(entries: Readonly<Record<string, string>> = {}): Promise<void> {
    const updates = Object.entries(entries).map(([key, text]) => {
      const value = new TextEncoder().encode(text);
      return { key, value, sequence: this.#store.update(key, value) };
    });
    const { sequence, keys } = this.#store;
    const digest = this.#store.digestAt(this.#epoch);
    this.#marks += 1;
    this.#say({ type: 'updates', updates, mark: { sequence, keys, digest, clockUs: this.#marks } });
    await this.next('ack');
  }

  end(): void {
    this.#say({ type: 'end', sequence: this.#store.sequence });
  }

  close(): void {
    this.#connection.close();
  }

  #say(message: ReplicaMessage): void {
    this.#connection.send(encodeReplica(message));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
