// SPDX-License-Identifier: Apache-2.0
import {
  ids,
  number,
  type PlainMessage,
  type PlainOption,
  readPlain,
  text,
  writePlain,
} from './plain-codec.ts';

/** A manager of one node that knows the draft and nothing of ours. */
export class PlainManager {
  /** Given to a node that asks for an identifier. */
  readonly nodeId: number;
  readonly acks: PlainMessage[] = [];
  /** What the node told unasked, oldest first. */
  readonly told: PlainMessage[] = [];
  send: (octets: Uint8Array) => void = () => {};
  #sequence = 0;

  constructor(nodeId: number) {
    this.nodeId = nodeId;
  }

  keepAlive(...wanted: PlainOption[]): void {
    this.#ask(2, 0, wanted);
  }

  get(functionId: number, ...subTypes: number[]): void {
    const wanted = subTypes.map((sub) => ({ type: functionId === 0 ? 6 : 7, sub, value: new Uint8Array() }));
    this.#ask(3, 1, [number(5, functionId), ...wanted]);
  }

  add(functionId: number, name: string): void {
    this.#ask(3, 2, [number(5, functionId), text(7, 1, name)]);
  }

  delete(functionId: number): void {
    this.#ask(3, 3, [number(5, functionId)]);
  }

  move(functionId: number, destination: number, address: readonly number[], port: number): void {
    this.#ask(3, 4, [
      number(4, destination),
      { type: 1, sub: 0, value: Uint8Array.from(address) },
      { type: 3, sub: 0, value: Uint8Array.of(port >> 8, port & 255) },
      number(5, functionId),
    ]);
  }

  forceToLeave(): void {
    this.#ask(5, 0, []);
  }

  take(octets: Uint8Array): void {
    const message = readPlain(octets);
    if (message.type === 6) {
      this.acks.push(message);
      return;
    }
    this.told.push(message);
    const own = ids(message, 4)[0] === 0 ? this.nodeId : (ids(message, 4)[0] ?? 0);
    const code = own === this.nodeId ? 0 : 130;
    this.send(writePlain({ type: 6, sub: 0, code, sequence: message.sequence, options: [number(4, own)] }));
  }

  #ask(type: number, sub: number, options: PlainOption[]): void {
    this.#sequence++;
    const message = { type, sub, code: 0, sequence: this.#sequence };
    this.send(writePlain({ ...message, options: [number(4, this.nodeId), ...options] }));
  }
}
