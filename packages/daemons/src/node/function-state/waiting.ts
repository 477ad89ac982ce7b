// SPDX-License-Identifier: Apache-2.0
import { abortError, FunctionStateError } from './function-state.ts';

/** A promise of somebody else, or the error of the signal when that comes first. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(abortError(signal));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    // Handled in any case: it may fail after the signal.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** A deadline that is armed while the other side has the turn. */
export class Deadline {
  readonly #expire: (error: FunctionStateError) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(expire: (error: FunctionStateError) => void) {
    this.#expire = expire;
  }

  arm(ms: number, what: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#expire(new FunctionStateError('not-answered', `${what} within ${ms} ms`)),
      ms,
    );
  }

  disarm(): void {
    clearTimeout(this.#timer);
  }
}

/** Items of somebody else's iterable, given up at the signal even when the next one never comes. */
export async function* untilAborted<Item>(
  items: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item, void> {
  const iterator = items[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await orAborted(iterator.next(), signal);
      if (done === true) {
        finished = true;
        return;
      }
      yield value;
    }
  } finally {
    // Not waited for: one that is stuck in `next` would hold us, too.
    if (!finished) iterator.return?.().catch(() => undefined);
  }
}
