// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { fromHex } from '@vnfpool/wire/bytes';
import { encodeReplica, type ReplicaMessage } from '@vnfpool/wire/replication';
import { onTestFinished } from 'vitest';
import { FakeFunction } from '../function-state/fake-function.ts';

/** The function's end of one connection for shared state, octet by octet. */
export class RawSharer {
  readonly id: number;
  readonly request: Readonly<Record<string, unknown>>;
  readonly data: Socket;
  #octets: Buffer = Buffer.alloc(0);
  #isEnded = false;
  #wake: (() => void) | undefined;

  private constructor(request: Readonly<Record<string, unknown>>) {
    this.id = Number(request['id']);
    this.request = request;
    this.data = connect(String(request['data']));
    this.data.on('error', () => undefined);
    this.data.on('data', (chunk: Buffer) => {
      this.#octets = Buffer.concat([this.#octets, chunk]);
      this.#wake?.();
    });
    this.data.once('close', () => {
      this.#isEnded = true;
      this.#wake?.();
    });
    onTestFinished(() => void this.data.destroy());
  }

  /** Waits for the request and connects. */
  static async of(fake: FakeFunction): Promise<RawSharer> {
    const request = await fake.next('share');
    if (request === null) throw new Error('the agent closed the connection');
    return new RawSharer(request);
  }

  /** The next octets that the agent sends, in hexadecimal; less at its end. */
  async hex(count: number): Promise<string> {
    while (this.#octets.length < count && !this.#isEnded)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const taken = this.#octets.subarray(0, count);
    this.#octets = this.#octets.subarray(taken.length);
    return taken.toString('hex');
  }

  writeHex(hex: string): void {
    this.data.write(fromHex(hex.replaceAll(' ', '')));
  }

  say(...messages: ReplicaMessage[]): void {
    for (const message of messages) this.data.write(encodeReplica(message));
  }

  /** One update. */
  set(sequence: number, key: string, value: string): void {
    const update = { sequence, key, value: new Uint8Array(Buffer.from(value, 'latin1')) };
    this.say({ type: 'updates', updates: [update], mark: null });
  }

  confirm(sequence: number): void {
    this.say({ type: 'ack', sequence, bytes: 0, clockUs: 0 });
  }
}

/** A function that shares its state and was welcomed. */
export async function welcomed(path: string, more: { readonly secrets?: true } = {}): Promise<FakeFunction> {
  const fake = new FakeFunction(path);
  fake.say({ op: 'hello', v: 1, shares: true, ...more });
  await fake.next('welcome');
  return fake;
}
