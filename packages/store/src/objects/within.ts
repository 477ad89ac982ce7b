// SPDX-License-Identifier: Apache-2.0
import { ObjectStoreError } from './object-store.ts';

/** Rejects when it takes longer; what it does then goes on. */
export async function within<Result>(ms: number, run: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new ObjectStoreError('unavailable', `the store did not answer in ${ms} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([run, late]);
  } finally {
    clearTimeout(timer);
  }
}
