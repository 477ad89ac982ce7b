// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/client';
import { pause } from '@vnfpool/runtime/lifecycle';
import type { Logger } from '@vnfpool/runtime/logging';

/** Before a registration that was rejected is tried again. */
const RETRY_MS = 5_000;
/** Leaving takes no longer than this: the registrar finds out by itself. With the end of the program within a shutdown. */
const LEAVE_MS = 3_000;

/** Keeps an element in its pool while that is wanted: one step at a time, always towards the latest wish. */
export class PoolMembership {
  readonly #element: Pick<PoolElement, 'register' | 'deregister'>;
  readonly #logger: Logger;
  readonly #retryMs: number;
  #wanted = false;
  /** It is in the pool, or may be. */
  #member = false;
  #joining = false;
  #moving: Promise<void> | null = null;
  #attempt = new AbortController();

  constructor(
    element: Pick<PoolElement, 'register' | 'deregister'>,
    logger: Logger,
    retryMs: number = RETRY_MS,
  ) {
    this.#element = element;
    this.#logger = logger;
    this.#retryMs = retryMs;
  }

  /** Settles when the element is where it is wanted, or the wish has changed again. */
  want(wanted: boolean): Promise<void> {
    if (this.#wanted !== wanted) {
      this.#wanted = wanted;
      // A registration that nobody answers would hold up leaving.
      if (!wanted) this.#attempt.abort();
    }
    return this.#move();
  }

  /** A registrar did not want to have it any longer, when it was renewed or brought to another: out, and tried again. */
  rejected(reason: string): void {
    if (this.#joining || !this.#member) return;
    this.#member = false;
    this.#logger.warn({ reason }, 'put out of the pool');
    void this.#move(this.#retryMs);
  }

  #move(afterMs = 0): Promise<void> {
    this.#moving ??= this.#steps(afterMs).finally(() => {
      this.#moving = null;
    });
    return this.#moving;
  }

  async #steps(afterMs: number): Promise<void> {
    if (afterMs > 0) await this.#pause(afterMs);
    while (this.#member !== this.#wanted) {
      if (this.#wanted) await this.#join();
      else await this.#leave();
    }
  }

  async #join(): Promise<void> {
    this.#attempt = new AbortController();
    const { signal } = this.#attempt;
    // From now on it may be in the pool, whatever we hear.
    this.#member = true;
    this.#joining = true;
    try {
      await this.#element.register({ signal, timeoutMs: 2 ** 31 - 1 });
    } catch (error) {
      if (signal.aborted) return;
      this.#logger.warn({ reason: (error as Error).message }, 'not taken into the pool');
      this.#member = false;
      await this.#pause(this.#retryMs);
    } finally {
      this.#joining = false;
    }
  }

  async #leave(): Promise<void> {
    await this.#element.deregister({ timeoutMs: LEAVE_MS }).catch((error: unknown) => {
      this.#logger.warn({ reason: (error as Error).message }, 'leaving was not confirmed');
    });
    this.#member = false;
  }

  /** Over at once when the wish changes. */
  async #pause(ms: number): Promise<void> {
    if (this.#attempt.signal.aborted) this.#attempt = new AbortController();
    if (this.#wanted) await pause(ms, this.#attempt.signal).catch(() => undefined);
  }
}
