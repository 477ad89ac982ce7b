// SPDX-License-Identifier: Apache-2.0
import {
  type ForwardLimits,
  ForwardLinks,
  type ForwardOutput,
  type ForwardPlace,
} from '@vnfpool/core/session-forward';
import type { ForwardedPacket } from '@vnfpool/wire/session-forward';

export const HOME: ForwardPlace = { address: '192.0.2.1', port: 1 };
export const HOLDER: ForwardPlace = { address: '192.0.2.2', port: 2 };
export const TRANSFER = '00112233445566ff';

export const packet = (session: number, text = 'hi'): ForwardedPacket => ({
  session,
  side: 'client',
  address: '198.51.100.7',
  port: 7,
  payload: new TextEncoder().encode(text),
});

export type Happening = Exclude<ForwardOutput, { readonly type: 'datagram' }>;

interface OnTheWay {
  readonly from: ForwardPlace;
  readonly output: ForwardOutput & { readonly type: 'datagram' };
}

/** Instances by their places, and datagrams between them, carried only when the test says so. */
export class Network {
  nowMs = 1_000;
  onTheWay: OnTheWay[] = [];
  readonly #links = new Map<string, ForwardLinks>();
  readonly #happened = new Map<string, Happening[]>();

  constructor(places: readonly ForwardPlace[], limits: Partial<ForwardLimits> = {}) {
    for (const place of places) this.#links.set(key(place), new ForwardLinks(limits));
  }

  at(place: ForwardPlace): ForwardLinks {
    const links = this.#links.get(key(place));
    if (!links) throw new Error(`nobody is at ${key(place)}`);
    return links;
  }

  /** What an instance has to do. */
  take(place: ForwardPlace, outputs: readonly ForwardOutput[]): void {
    for (const output of outputs) {
      if (output.type === 'datagram') this.onTheWay.push({ from: place, output });
      else this.#happened.set(key(place), [...(this.#happened.get(key(place)) ?? []), output]);
    }
  }

  happened(place: ForwardPlace): readonly Happening[] {
    const all = this.#happened.get(key(place)) ?? [];
    this.#happened.delete(key(place));
    return all;
  }

  /** Delivers the first datagram; false: there is none. */
  step(): boolean {
    const first = this.onTheWay.shift();
    if (!first) return false;
    const { to, datagram } = first.output;
    const links = this.#links.get(key(to));
    if (links) this.take(to, links.handle(datagram, first.from, this.nowMs));
    return true;
  }

  carry(): void {
    for (let left = 10_000; left > 0 && this.step(); left -= 1);
  }

  /** Lets time pass, timers run and datagrams arrive. */
  pass(ms: number): void {
    const end = this.nowMs + ms;
    for (let left = 1_000; left > 0; left -= 1) {
      const next = Math.min(...[...this.#links.values()].map((links) => links.nextDeadline() ?? Infinity));
      if (next > end) break;
      this.nowMs = Math.max(this.nowMs, next);
      for (const [at, links] of this.#links) this.take(placeOf(at), links.expire(this.nowMs));
      this.carry();
    }
    this.nowMs = end;
  }

  /** An instance is no more. */
  remove(place: ForwardPlace): void {
    this.#links.delete(key(place));
  }
}

const key = ({ address, port }: ForwardPlace): string => `${address} ${port}`;
function placeOf(text: string): ForwardPlace {
  const [address = '', port = ''] = text.split(' ');
  return { address, port: Number(port) };
}
