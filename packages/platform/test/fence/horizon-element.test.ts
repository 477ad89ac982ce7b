// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { FakeClocks } from '../../src/fakes/index.ts';
import { horizonElement, isCovering, readClocks } from '../../src/fence/horizon-element.ts';

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

describe('the element of a horizon', () => {
  test('holds any ethertype, the interval in network order and the timeout', () => {
    const element = horizonElement(1300.5, { boottimeMs: 1000, wallMs: 1_000_000_000_000 }, 4);
    // 10^18 ns = 0x0de0b6b3a7640000; 300.5 ms later 0x0de0b6b3b94d4420; both cut to a multiple of 0x100000, less one at the end.
    expect(hex(element?.key)).toBe('000000000de0b6b3a7600000');
    expect(hex(element?.keyEnd)).toBe('ffff00000de0b6b3b93fffff');
    expect(element?.timeoutMs).toBe(300);
  });

  test.each([
    { leftMs: 8, jiffyMs: 4, isOpen: true },
    { leftMs: 7.9, jiffyMs: 4, isOpen: false },
    { leftMs: 19, jiffyMs: 10, isOpen: false },
    { leftMs: 0, jiffyMs: 1, isOpen: false },
    { leftMs: -1, jiffyMs: 1, isOpen: false },
    { leftMs: NaN, jiffyMs: 1, isOpen: false },
  ])('$leftMs ms at a jiffy of $jiffyMs ms: open $isOpen', ({ leftMs, jiffyMs, isOpen }) => {
    const element = horizonElement(500 + leftMs, { boottimeMs: 500, wallMs: 0 }, jiffyMs);
    expect(element !== undefined).toBe(isOpen);
  });

  test('covers its interval only', () => {
    const element = horizonElement(100, { boottimeMs: 0, wallMs: 1_000_000 }, 4);
    if (element === undefined) throw new Error('no element');
    expect(isCovering(element, 1_000_000)).toBe(true);
    // The grain is 1.05 ms: it ends between 1.05 ms before the lease's end and that.
    expect(isCovering(element, 1_000_098.9)).toBe(true);
    expect(isCovering(element, 1_000_100)).toBe(false);
    expect(isCovering(element, 999_998.9)).toBe(false);
  });

  test('the wall clock is read first, so that a pause between the readings shortens it', () => {
    const clocks = new FakeClocks(0, 1_000_000);
    const reading = readClocks({
      wallMs: () => {
        const wallMs = clocks.wallMs();
        clocks.advance(40);
        return wallMs;
      },
      boottimeMs: () => clocks.boottimeMs(),
    });
    expect(horizonElement(100, reading, 4)?.timeoutMs).toBe(60);
  });
});
