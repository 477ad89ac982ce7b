// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { FakeClocks } from '../../src/fakes/index.ts';
import { isCovering, leaseElement } from '../../src/fence/lease-element.ts';

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

describe('the element of a lease', () => {
  test('holds the address, the interval in network order and the timeout', () => {
    const clocks = new FakeClocks(1000, 1_000_000_000_000);
    const element = leaseElement('10.9.0.100', 1300.5, clocks, 4);
    // 10^18 ns = 0x0de0b6b3a7640000; 300.5 ms later 0x0de0b6b3b94d4420; both cut to a multiple of 0x100000, less one at the end.
    expect(hex(element?.key)).toBe('0a0900640de0b6b3a7600000');
    expect(hex(element?.keyEnd)).toBe('0a0900640de0b6b3b93fffff');
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
    expect(leaseElement('10.0.0.1', 500 + leftMs, new FakeClocks(500), jiffyMs) !== undefined).toBe(isOpen);
  });

  test('covers its address within its interval only', () => {
    const clocks = new FakeClocks(0, 1_000_000);
    const element = leaseElement('10.0.0.1', 100, clocks, 4);
    if (element === undefined) throw new Error('no element');
    expect(isCovering(element, '10.0.0.1', 1_000_000)).toBe(true);
    // The grain is 1.05 ms: it ends between 1.05 ms before the lease's end and that.
    expect(isCovering(element, '10.0.0.1', 1_000_098.9)).toBe(true);
    expect(isCovering(element, '10.0.0.1', 1_000_100)).toBe(false);
    expect(isCovering(element, '10.0.0.1', 999_998.9)).toBe(false);
    expect(isCovering(element, '10.0.0.2', 1_000_050)).toBe(false);
  });
});
