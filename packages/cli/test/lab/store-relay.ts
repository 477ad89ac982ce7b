// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** The way to a store that listens on a local socket: what it answers comes late, or not until it is let go. */
export class StoreRelay {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #lateMs = 0;
  #held: { readonly over: Promise<void>; readonly letGo: () => void } | null = null;
  #taken = 0;
  #openMax = 0;

  /** Listens in the network namespace of the caller, whatever that is later. @param path of the store's socket */
  constructor(port: number, path: string) {
    this.#server = createServer((near) => this.#join(near, connect(path))).listen(port);
  }

  /** Connections since it was there. */
  get taken(): number {
    return this.#taken;
  }

  /** Connections that were open at the same time, at most, since `countAnew`. */
  get openMax(): number {
    return this.#openMax;
  }

  /** How many were taken so far, and are open now. */
  countAnew(): { readonly taken: number; readonly open: number } {
    this.#openMax = this.#open.size;
    return { taken: this.#taken, open: this.#openMax };
  }

  /** Each answer comes so much later, in ms. */
  delay(lateMs: number): void {
    this.#lateMs = lateMs;
  }

  /** Takes what it is sent, and answers nothing. */
  hold(): void {
    let letGo = (): void => {};
    const over = new Promise<void>((resolve) => (letGo = resolve));
    this.#held = { over, letGo };
  }

  /** Answers come at once, those that were kept first. */
  pass(): void {
    this.#lateMs = 0;
    this.#held?.letGo();
    this.#held = null;
  }

  close(): void {
    this.pass();
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
  }

  #join(near: Socket, far: Socket): void {
    this.#taken += 1;
    this.#open.add(near);
    this.#openMax = Math.max(this.#openMax, this.#open.size);
    const end = (): void => {
      this.#open.delete(near);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    near.on('data', (octets) => far.write(octets));
    let last = Promise.resolve();
    far.on('data', (octets) => {
      const passed = Promise.all([last, this.#wait()]);
      last = passed.then(() => void near.write(octets));
    });
  }

  async #wait(): Promise<void> {
    await this.#held?.over;
    if (this.#lateMs > 0) await pause(this.#lateMs);
  }
}
