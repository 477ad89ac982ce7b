// SPDX-License-Identifier: Apache-2.0
import type { Done, FunctionLink, Order } from './function-link.ts';
import { FunctionStateError, type FunctionStateLimits } from './function-state.ts';
import { Deadline, orAborted } from './waiting.ts';

/** What ends one call. */
export interface Stop {
  readonly signal: AbortSignal;
  readonly expire: (error: unknown) => void;
  readonly deadline: Deadline;
}

/** The connection of a function as it is now, and calls over it, which wait for one. */
export class CurrentLink {
  readonly #limits: FunctionStateLimits;
  readonly #closing = new AbortController();
  readonly #waiting = new Set<() => void>();
  #link: FunctionLink | null = null;

  constructor(limits: FunctionStateLimits) {
    this.#limits = limits;
  }

  get link(): FunctionLink | null {
    return this.#link;
  }

  connected(link: FunctionLink): void {
    this.#link = link;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  disconnected(): void {
    this.#link = null;
  }

  /** Ends what is under way with `closed`. */
  close(): void {
    this.#closing.abort(new FunctionStateError('closed', 'the agent is done with the function'));
  }

  /** An order without octets. */
  async ask(order: Order, signal?: AbortSignal, answerMs: number = this.#limits.answerMs): Promise<Done> {
    const stop = this.stop(signal);
    try {
      const link = await this.wait(stop);
      stop.deadline.arm(answerMs, `the function did not answer ${order.op}`);
      return await link.request(order, stop.signal);
    } finally {
      stop.deadline.disarm();
    }
  }

  /** The connection, once there is one. @throws FunctionStateError `not-connected` */
  async wait(stop: Stop): Promise<FunctionLink> {
    if (this.#link) return this.#link;
    const { answerMs } = this.#limits;
    const timer = setTimeout(
      () =>
        stop.expire(
          new FunctionStateError('not-connected', `the function did not connect in ${answerMs} ms`),
        ),
      answerMs,
    );
    let found: (() => void) | undefined;
    try {
      const connected = new Promise<void>((resolve) => {
        found = resolve;
        this.#waiting.add(resolve);
      });
      await orAborted(connected, stop.signal);
    } finally {
      clearTimeout(timer);
      if (found) this.#waiting.delete(found);
    }
    // It may have come and gone again.
    if (!this.#link) throw new FunctionStateError('ended', 'the connection of the function ended');
    return this.#link;
  }

  stop(signal: AbortSignal | undefined): Stop {
    const own = new AbortController();
    const expire = (error: unknown): void => own.abort(error);
    const signals = [own.signal, this.#closing.signal, ...(signal ? [signal] : [])];
    return { signal: AbortSignal.any(signals), expire, deadline: new Deadline(expire) };
  }
}
