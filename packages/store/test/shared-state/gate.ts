// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import {
  connect,
  createServer,
  type ListenOptions,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net';

/** A way to a server that can be stopped, and broken, in the middle of a call. */
export class Gate {
  readonly #server: Server;
  readonly #target: NetConnectOpts;
  readonly #ways = new Set<Socket>();
  /** What waits, for whom. */
  #held: (() => void)[] = [];
  #isHolding = false;
  #losesAnswer = false;
  #wake: (() => void)[] = [];

  constructor(target: NetConnectOpts) {
    this.#target = target;
    this.#server = createServer((near) => this.#join(near));
  }

  async listen(at: ListenOptions): Promise<void> {
    this.#server.listen(at);
    await once(this.#server, 'listening');
  }

  get port(): number {
    const at = this.#server.address();
    return typeof at === 'object' && at !== null ? at.port : 0;
  }

  hold(): void {
    this.#isHolding = true;
  }

  release(): void {
    this.#isHolding = false;
    for (const send of this.#held.splice(0)) send();
  }

  cut(): void {
    this.#isHolding = false;
    this.#held = [];
    for (const way of this.#ways) way.destroy();
  }

  loseAnswer(): void {
    this.#losesAnswer = true;
  }

  async waits(): Promise<void> {
    while (this.#held.length === 0) await new Promise<void>((wake) => this.#wake.push(wake));
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    const far = connect(this.#target);
    const ends = [near, far] as const;
    for (const end of ends) {
      this.#ways.add(end);
      end.on('error', () => undefined);
      end.on('close', () => {
        this.#ways.delete(end);
        for (const each of ends) each.destroy();
      });
    }
    near.on('data', (octets) => {
      if (!this.#isHolding) {
        far.write(octets);
        return;
      }
      this.#held.push(() => far.write(octets));
      for (const wake of this.#wake.splice(0)) wake();
    });
    far.on('data', (octets) => {
      if (!this.#losesAnswer) {
        near.write(octets);
        return;
      }
      this.#losesAnswer = false;
      near.destroy();
    });
  }
}
