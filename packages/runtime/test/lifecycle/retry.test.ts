// SPDX-License-Identifier: Apache-2.0
import { retry } from '@vnfpool/runtime/lifecycle';
import { expect, test } from 'vitest';

test('tries until it works, waiting longer each time up to the bound', async () => {
  const waits: number[] = [];
  let left = 5;
  const result = await retry(() => (left-- > 0 ? Promise.reject(new Error('no')) : Promise.resolve('yes')), {
    signal: new AbortController().signal,
    waitMsMin: 1,
    waitMsMax: 4,
    onFailure: ({ waitMs }) => waits.push(waitMs),
  });
  expect(result).toBe('yes');
  expect(waits).toHaveLength(5);
  for (const [index, waitMs] of waits.entries()) {
    const longest = Math.min(4, 2 ** index);
    expect(waitMs).toBeGreaterThanOrEqual(longest / 2);
    expect(waitMs).toBeLessThanOrEqual(longest);
  }
});

test('a final error ends it, and so does the signal', async () => {
  const signal = new AbortController();
  await expect(
    retry(() => Promise.reject(new Error('final')), { signal: signal.signal, isFinal: () => true }),
  ).rejects.toThrow('final');
  const endless = retry(() => Promise.reject(new Error('no')), { signal: signal.signal, waitMsMin: 60_000 });
  signal.abort(new Error('enough'));
  await expect(endless).rejects.toThrow('enough');
});
