// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '@vnfpool/transport';
import { TcpTransport } from '@vnfpool/transport/tcp';
import type { Asked } from './accounts.ts';
import { machineMs } from './clock.ts';
import { decodeAnswer, encodeRequest, lengthRule, numbered } from './frames.ts';
import type { Step, Workload } from './workload.ts';

/** Requests of the beginning that may be under way. */
const FILL_WINDOW = 256;
const QUEUE_OCTETS_MAX = 2 ** 26;
const HOST = '127.0.0.1';
const NOTHING = new Uint8Array(0);

/** The clients: ask at the workload's times whether answers come or not, keep cookies, and note what they were told. */
export class Player {
  readonly asked: Asked[] = [];
  readonly #workload: Workload;
  readonly #transport = new TcpTransport({
    rule: lengthRule,
    limits: { sendQueueBytesMax: QUEUE_OCTETS_MAX },
  });
  /** By key, the latest. */
  readonly #cookies = new Map<string, Uint8Array>();
  readonly #awaited = new Map<number, () => void>();
  #holder: Connection | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Requests that are no part of the workload count down from here. */
  #extra = 0xffff_ffff;
  refused = 0;

  constructor(workload: Workload) {
    this.#workload = workload;
  }

  /** @throws TransportError */
  async connect(port: number): Promise<void> {
    this.#holder = await this.#open(port);
  }

  /** What the workload begins with, as fast as it is answered. */
  async fill(): Promise<void> {
    const steps = this.#workload.fill();
    for (let at = 0; at < steps.length; at += FILL_WINDOW)
      await Promise.all(steps.slice(at, at + FILL_WINDOW).map((step) => this.#answered(this.#ask(step))));
  }

  /** Asks until `stop`. */
  play(): void {
    const steps = this.#workload.steps();
    const startMs = machineMs();
    let next = steps.next();
    const tick = (): void => {
      const nowMs = machineMs() - startMs;
      while (next.done !== true && next.value.atMs <= nowMs) {
        this.#ask(next.value);
        next = steps.next();
      }
      this.#timer = setTimeout(tick, 1);
    };
    tick();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** When the holder is gone and all that it had let out was read. */
  heardAll(): Promise<void> {
    return new Promise((resolve) => this.#holder?.onClose(() => resolve()));
  }

  /**
   * Goes to the next holder. @returns when it answered the first client, and when it had all that clients brought; by the clock of
   * {@link machineMs}
   */
  async goOn(port: number): Promise<{ readonly servedMs: number; readonly wholeMs: number }> {
    const connection = await this.#open(port);
    const bring = ([key, cookie]: readonly [string, Uint8Array]): Promise<void> =>
      this.#extraAnswered(connection, 'cookie', key, cookie);
    const [first, ...others] = this.#cookies;
    if (first !== undefined) await bring(first);
    else await this.#extraAnswered(connection, 'read', this.#lastKey, NOTHING);
    const servedMs = machineMs();
    for (let at = 0; at < others.length; at += FILL_WINDOW)
      await Promise.all(others.slice(at, at + FILL_WINDOW).map(bring));
    return { servedMs, wholeMs: machineMs() };
  }

  close(): void {
    this.stop();
    for (const connection of this.#connections) connection.close();
  }

  readonly #connections: Connection[] = [];

  get #lastKey(): string {
    return this.asked.at(-1)?.key ?? 'k';
  }

  async #open(port: number): Promise<Connection> {
    const connection = await this.#transport.connect({ host: HOST, port });
    this.#connections.push(connection);
    connection.onFrame((frame) => this.#hear(frame));
    return connection;
  }

  #ask({ key, op, value }: Step): number {
    const number = this.asked.length + 1;
    const octets = op === 'write' ? numbered(number, value) : value;
    this.asked.push({
      number,
      key,
      op,
      sentMs: machineMs(),
      answeredMs: null,
      appliedMs: null,
      position: null,
    });
    this.#holder?.send(encodeRequest({ number, op, key, value: octets }));
    return number;
  }

  #hear(frame: Uint8Array): void {
    const { number, isRefused, appliedMs, position, cookie } = decodeAnswer(frame);
    const asked = this.asked[number - 1];
    if (asked !== undefined) {
      if (isRefused) this.refused += 1;
      else {
        asked.answeredMs = machineMs();
        asked.appliedMs = appliedMs;
        if (asked.op !== 'read') asked.position = position;
        if (asked.op === 'remove') this.#cookies.delete(asked.key);
        else if (cookie.length > 0) this.#cookies.set(asked.key, cookie.slice());
      }
    }
    this.#awaited.get(number)?.();
    this.#awaited.delete(number);
  }

  #answered(number: number): Promise<void> {
    return new Promise((resolve) => this.#awaited.set(number, resolve));
  }

  #extraAnswered(
    connection: Connection,
    op: 'cookie' | 'read',
    key: string,
    value: Uint8Array,
  ): Promise<void> {
    const number = this.#extra--;
    connection.send(encodeRequest({ number, op, key, value }));
    return this.#answered(number);
  }
}
