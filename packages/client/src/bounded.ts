// SPDX-License-Identifier: Apache-2.0
import { type CallOptions, defaultTimeoutMs } from './client-options.ts';
import { PoolError } from './pool-error.ts';

/**
 * A promise that somebody else settles, bounded by the caller's signal and time.
 * @param begin Gets the two ends; what it returns is called once it is settled, whichever way.
 */
export function bounded<T>(
  what: string,
  options: CallOptions,
  begin: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void,
): Promise<T> {
  const { signal, timeoutMs = defaultTimeoutMs } = options;
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(new PoolError('aborted', `${what}: aborted`, signal.reason));
      return;
    }
    let end: (() => void) | null = null;
    let settled = false;
    const settle = (): void => {
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      end?.();
    };
    const fail = (error: Error): void => {
      settle();
      reject(error);
    };
    const onAbort = (): void => fail(new PoolError('aborted', `${what}: aborted`, signal?.reason));
    const timer = setTimeout(
      () => fail(new PoolError('timeout', `${what}: not done within ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    end = begin((value) => {
      settle();
      resolve(value);
    }, fail);
    // `begin` may have settled before it returned.
    if (settled) end();
  });
}
