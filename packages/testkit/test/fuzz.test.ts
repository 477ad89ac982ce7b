// SPDX-License-Identifier: Apache-2.0

import { type FuzzTarget, fuzz, TARGETS } from '@vnfpool/testkit/fuzz';
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { WIRE_PROTOCOLS } from '@vnfpool/wire/json';
import { describe, expect, test } from 'vitest';
import { MESSAGES } from '../../wire/test/json/vectors.ts';
import { weightMax, weightOf } from '../src/fuzz/weight.ts';
import { SeededRandom } from '../src/lease-world/seeded-random.ts';

describe.each(Object.entries(TARGETS))('%s', (name, target) => {
  test('every message of the corpus is one', () => {
    for (const bytes of target.corpus)
      expect(target.check(bytes, new SeededRandom(1)), toHex(bytes)).toBe(true);
  });

  test('a few thousand inputs: a message or a typed error', async () => {
    const { done, accepted, finding } = await fuzz(target, { from: 1, inputs: 3000 });
    expect(finding, name).toBeUndefined();
    expect(done).toBe(3000);
    // Neither is everything refused, nor everything taken.
    expect(accepted).toBeGreaterThan(10);
    expect(accepted).toBeLessThan(2900);
  }, 60_000);
});

test.each(WIRE_PROTOCOLS)('%s, from every captured message', async (protocol) => {
  const corpus = MESSAGES[protocol].map(({ hex }) => fromHex(hex));
  const target = TARGETS[protocol];
  if (target === undefined) throw new Error(`no target ${protocol}`);
  const { done, finding } = await fuzz(target, { from: 1, inputs: 2000, corpus });
  expect([done, finding]).toEqual([2000, undefined]);
});

test('a value that is much more than its octets is found', () => {
  const causes = Array.from({ length: 1000 }, () => ({ code: 0, info: new Uint8Array(0) }));
  expect(weightOf(causes)).toBeLessThan(weightMax(4000));
  expect(weightOf(causes)).toBeGreaterThan(weightMax(200));
  expect(weightOf({ claimed: new Uint8Array(65_535) })).toBeGreaterThan(weightMax(4));
});

describe('what a run tells', () => {
  const corpus = [Uint8Array.of(1, 2, 3, 4)];
  const target: FuzzTarget = {
    corpus,
    check: (bytes) => {
      if (bytes[0] === 9) throw new TypeError('nine');
      if (bytes[0] !== 1) throw new WireError('value', 0, 'not one');
      return true;
    },
  };

  test('a finding with its seed and its octets, and the same again from that seed', async () => {
    const { done, finding } = await fuzz(target, { from: 1, inputs: 5000 });
    expect(finding?.error).toBeInstanceOf(Error);
    expect(finding?.seed).toBe(done);
    const again = await fuzz(target, { from: finding?.seed ?? 0, inputs: 1 });
    expect(again).toMatchObject({ done: 1, finding: { hex: finding?.hex } });
    expect(corpus).toEqual([Uint8Array.of(1, 2, 3, 4)]);
  });

  test('how far it came when it is ended', async () => {
    const pause = (done: number): Promise<boolean> => Promise.resolve(done >= 512);
    expect(await fuzz({ ...target, check: () => true }, { from: 1, inputs: 5000, pause })).toEqual({
      done: 512,
      accepted: 512,
    });
  });
});
