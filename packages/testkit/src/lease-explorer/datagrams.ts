// SPDX-License-Identifier: Apache-2.0
import type { LeaseHeader, LeaseMessage } from '@vnfpool/wire/lease';
import { DATAGRAMS_MAX } from './steps.ts';

export interface Datagram {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly header: LeaseHeader;
  readonly messages: readonly LeaseMessage[];
  /** Equal for the first sending and its repetitions. */
  readonly content: string;
}

/** Every datagram that was sent on any path, once. */
export class Datagrams {
  readonly #byKey = new Map<string, Datagram>();
  readonly #all: Datagram[] = [];

  of(id: number): Datagram {
    const datagram = this.#all[id];
    if (datagram === undefined) throw new RangeError(`no datagram ${id}`);
    return datagram;
  }

  add(header: LeaseHeader, messages: readonly LeaseMessage[]): Datagram {
    const { sender: from, receiver: to, incarnation, clockUs } = header;
    const content = `${from}.${incarnation}>${to} ${text(messages)}`;
    const key = `${content} ${clockUs}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#all.length >= DATAGRAMS_MAX) throw new RangeError(`more than ${DATAGRAMS_MAX} datagrams`);
    const datagram = { id: this.#all.length, from, to, header, messages, content };
    this.#byKey.set(key, datagram);
    this.#all.push(datagram);
    return datagram;
  }
}

function text(messages: readonly LeaseMessage[]): string {
  return JSON.stringify(messages, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}
