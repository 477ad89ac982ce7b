// SPDX-License-Identifier: Apache-2.0
import {
  runTransferWorld,
  TRANSFER_MUTATIONS,
  type TransferWorldResult,
} from '@vnfpool/testkit/transfer-world';
import { describe, expect, test } from 'vitest';

/** A failure shows its seed and how it came to pass. */
function told(result: TransferWorldResult): string {
  return result.ok ? 'ok' : `${result.violation ?? ''}\n${result.trace.join('\n')}`;
}

describe('the transfer world', () => {
  test('keeps its promises in 1500 seeds, and is not idle', () => {
    const ends = new Map<string, number>();
    let faults = 0;
    for (let seed = 1; seed <= 1500; seed++) {
      const result = runTransferWorld(seed);
      expect(told(result)).toBe('ok');
      faults += result.faults;
      const end = result.end?.outcome === 'aborted' ? result.end.reason : (result.end?.outcome ?? 'died');
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    expect(faults).toBeGreaterThan(1000);
    expect(ends.get('committed')).toBeGreaterThan(400);
    for (const end of ['would-not-converge', 'lost-connection', 'integrity', 'function', 'cancelled', 'died'])
      expect(ends.get(end), end).toBeGreaterThan(0);
  });

  test('counts as many sessions behind MOVE_SESSION as before, wherever they are, in 1500 seeds', () => {
    const ends = new Map<string, number>();
    for (let seed = 1; seed <= 1500; seed++) {
      const result = runTransferWorld(seed, { override: { mode: 'sessions' } });
      expect(told(result)).toBe('ok');
      const end = result.end?.outcome === 'aborted' ? result.end.reason : (result.end?.outcome ?? 'died');
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    expect(ends.get('committed')).toBeGreaterThan(400);
    for (const end of ['lost-connection', 'function', 'cancelled', 'verdict', 'died'])
      expect(ends.get(end), end).toBeGreaterThan(0);
  });

  test('is the same for the same seed', () => {
    expect(runTransferWorld(7)).toEqual(runTransferWorld(7));
    expect(runTransferWorld(7).trace).not.toEqual(runTransferWorld(8).trace);
  });
});

/** The rarest is found in some 5,000 seeds. */
const SEEDS_MAX = 8000;

describe('the transfer world finds a violation for', () => {
  test.each([...TRANSFER_MUTATIONS])('%s', (_, rules) => {
    let violation: string | undefined;
    for (let seed = 1; seed <= SEEDS_MAX && violation === undefined; seed++) {
      const found = runTransferWorld(seed, { rules }).violation;
      // Only broken safety counts: a world that merely comes to rest late proves nothing.
      if (found !== undefined && !/in time|events/.test(found)) violation = found;
    }
    expect(violation).toBeDefined();
  });
});
