// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/client';
import { pause } from '@vnfpool/runtime/lifecycle';
import type { Logger } from '@vnfpool/runtime/logging';

/** Before a registration that was rejected is tried again. */
const RETRY_MS = 5_000;
/** Leaving takes no longer than this: the registrar finds out by itself. */
const LEAVE_MS = 5_000;

/** Keeps an element in its pool while that is wanted: one step at a time, always towards the latest wish. */
export class PoolMembership {
  readonly #element: Pick<PoolElement, 'register' | 'deregister'>;
  readonly #logger: Logger;
  #wanted = false;
  #member = false;
  #moving: Promise<void> | null = null;
  #attempt = new AbortController();

  constructor(element: Pick<PoolElement, 'register' | 'deregister'>, logger: Logger) {
    this.#element = element;
    this.#logger = logger;
  }

  /** Settles when the element is where it is wanted, or the wish has changed again. */
  want(wanted: boolean): Promise<void> {
    if (this.#wanted !== wanted) {
      this.#wanted = wanted;
      // A registration that nobody answers would hold up leaving.
      if (!wanted) this.#attempt.abort();
    }
    this.#moving ??= this.#move().finally(() => {
      this.#moving = null;
    });
    return this.#moving;
  }

  async #move(): Promise<void> {
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
    try {
      await this.#element.register({ signal, timeoutMs: 2 ** 31 - 1 });
    } catch (error) {
      if (signal.aborted) return;
      this.#logger.warn({ reason: (error as Error).message }, 'not taken into the pool');
      this.#member = false;
      await pause(RETRY_MS, signal).catch(() => undefined);
    }
  }

  async #leave(): Promise<void> {
    await this.#element.deregister({ timeoutMs: LEAVE_MS }).catch((error: unknown) => {
      this.#logger.warn({ reason: (error as Error).message }, 'leaving was not confirmed');
    });
    this.#member = false;
  }
}
