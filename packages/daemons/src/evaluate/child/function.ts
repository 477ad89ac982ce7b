// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '@vnfpool/transport';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { machineMs } from '../clock.ts';
import { decodeRequest, encodeAnswer, lengthRule, type Request } from '../frames.ts';
import type { HolderEnd, StandbyEnd } from '../mechanism.ts';

const NOTHING = new Uint8Array(0);
const QUEUE_OCTETS_MAX = 2 ** 26;

/** A function that keeps a value a key for its clients: it makes the change, has it carried, and answers when that allows it. */
export class EvaluatedFunction {
  readonly state: Map<string, Uint8Array> = new Map();
  port = 0;
  /** Given to clients to keep, so far. */
  cookieOctets = 0;
  readonly #carrier: () => HolderEnd | undefined;
  readonly #opener: () => StandbyEnd | undefined;
  /** Of a key, the last change that is not safe yet: who reads it has to wait as long. */
  readonly #pending = new Map<string, Promise<unknown>>();
  #waiting: (() => void)[] | null = [];

  /** @param carrier What carries changes; of a standby that has taken over nothing, as nobody is left. */
  constructor(carrier: () => HolderEnd | undefined, opener: () => StandbyEnd | undefined) {
    this.#carrier = carrier;
    this.#opener = opener;
  }

  /** @throws TransportError */
  async listen(): Promise<void> {
    const transport = new TcpTransport({ rule: lengthRule, limits: { sendQueueBytesMax: QUEUE_OCTETS_MAX } });
    const { address } = await transport.listen({
      host: '127.0.0.1',
      port: 0,
      onConnection: (connection) =>
        connection.onFrame((frame) => {
          // It may wait, and its memory is read into again.
          const request = decodeRequest(frame.slice());
          if (this.#waiting === null) this.#serve(connection, request);
          else this.#waiting.push(() => this.#serve(connection, request));
        }),
    });
    this.port = address.port;
  }

  /** From now on it answers, also what came before. */
  begin(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const serve of waiting) serve();
  }

  #serve(connection: Connection, { number, op, key, value }: Request): void {
    const appliedMs = machineMs();
    if (op === 'read') {
      const pending = this.#pending.get(key);
      const answer = (): void => this.#answer(connection, number, appliedMs, 0, NOTHING);
      if (pending === undefined) answer();
      else void pending.then(answer, answer);
      return;
    }
    if (op === 'cookie') {
      const opened = this.#opener()?.open?.(key, value);
      if (opened !== undefined) this.state.set(key, opened);
      this.#answer(connection, number, appliedMs, 0, NOTHING);
      return;
    }
    if (op === 'remove') this.state.delete(key);
    else this.state.set(key, value);
    this.#carry(connection, number, appliedMs, key, op === 'remove' ? null : value);
  }

  #carry(
    connection: Connection,
    number: number,
    appliedMs: number,
    key: string,
    value: Uint8Array | null,
  ): void {
    const carrier = this.#carrier();
    const done = (cookie: Uint8Array | undefined, position: number): void =>
      this.#answer(connection, number, appliedMs, position, cookie ?? NOTHING);
    const refused = (): void => {
      connection.send(encodeAnswer({ number, isRefused: true, appliedMs, position: 0, cookie: NOTHING }));
    };
    try {
      const carried = carrier?.carry({ key, value });
      if (!(carried instanceof Promise)) {
        done(carried, carrier?.position ?? 0);
        return;
      }
      this.#pending.set(key, carried);
      const settled = (): void => {
        if (this.#pending.get(key) === carried) this.#pending.delete(key);
      };
      // The count goes on while this waits.
      const position = carrier?.position ?? 0;
      carried.then(
        (cookie) => {
          settled();
          done(cookie, position);
        },
        () => {
          settled();
          refused();
        },
      );
    } catch {
      refused();
    }
  }

  #answer(
    connection: Connection,
    number: number,
    appliedMs: number,
    position: number,
    cookie: Uint8Array,
  ): void {
    this.cookieOctets += cookie.length;
    connection.send(encodeAnswer({ number, isRefused: false, appliedMs, position, cookie }));
  }
}
