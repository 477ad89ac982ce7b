// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, test, vi } from 'vitest';
import { main } from '../src/sim/index.ts';

describe('npm run sim', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('runs a range and says what it ran', async () => {
    const log = vi.spyOn(console, 'log').mockReturnValue();
    expect(await main(['--seeds', '3', '--from', '5'], new AbortController().signal)).toBe(0);
    expect(log.mock.lastCall?.[0]).toMatch(
      /^world lease: seeds 5 to 7 without a violation, [\d.]+ ms a seed$/,
    );
  });

  test('stopped, it says where to go on', async () => {
    const log = vi.spyOn(console, 'log').mockReturnValue();
    expect(await main(['--seeds', '9', '--from', '5'], AbortSignal.abort())).toBe(130);
    expect(log.mock.lastCall?.[0]).toBe('go on: npm run sim -- --world lease --from 6 --seeds 8');
  });

  test('refuses what is no range', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    expect(await main(['--seeds', '0'], AbortSignal.abort())).toBe(2);
    expect(await main(['--world', 'none'], AbortSignal.abort())).toBe(2);
  });
});
