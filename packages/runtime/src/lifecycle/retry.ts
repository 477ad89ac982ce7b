// SPDX-License-Identifier: Apache-2.0

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** Told after each failure, with the wait before the next attempt. */
  readonly onFailure?: (failure: {
    readonly error: unknown;
    readonly attempt: number;
    readonly waitMs: number;
  }) => void;
  /** True: trying again is of no use; the error is thrown. */
  readonly isFinal?: (error: unknown) => boolean;
  /** First wait; doubles up to `waitMsMax`, each time by a random factor between 0.5 and 1. Default 100. */
  readonly waitMsMin?: number;
  /** Default 10000. */
  readonly waitMsMax?: number;
}

/** Tries until it works. Rejects with the signal's reason when aborted. */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, onFailure, isFinal, waitMsMin = 100, waitMsMax = 10_000 } = options;
  for (let count = 1; ; count += 1) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (isFinal?.(error) === true) throw error;
      const longestMs = Math.min(waitMsMax, waitMsMin * 2 ** Math.min(count - 1, 20));
      const waitMs = longestMs * (0.5 + Math.random() / 2);
      onFailure?.({ error, attempt: count, waitMs });
      await pause(waitMs, signal);
    }
  }
}

/** Waits; rejects with the signal's reason when aborted. */
export function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      },
      Math.min(waitMs, 2 ** 31 - 1),
    );
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
