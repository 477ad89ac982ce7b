// SPDX-License-Identifier: Apache-2.0

/** Rejects with `late` when it takes longer; what it does then goes on. */
export async function within<Result>(ms: number, run: Promise<Result>, late: () => Error): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([run, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
