// SPDX-License-Identifier: Apache-2.0
import { decodeStateMark, encodeStateMark, type StateMark } from '@vnfpool/wire/shared-state';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const mark: StateMark = {
  epoch: 7,
  node: 2,
  number: 12,
  generation: 1,
  sequence: 345,
  state: 'whole',
  sum: { keys: 10, digest: 0xc0ffee00c0ffeen },
};
const text =
  'v1 epoch=7 node=2 number=12 generation=1 sequence=345 state=whole keys=10 digest=00c0ffee00c0ffee';

test('a mark can be read by whoever looks into the store', () => {
  expect(encodeStateMark(mark)).toBe(text);
  expect(decodeStateMark(text)).toEqual(mark);
  expect(decodeStateMark('v1 epoch=1 node=1 number=1 generation=0 sequence=0 state=midway')).toMatchObject({
    state: 'midway',
    sum: null,
  });
});

test('what was written is read again', () => {
  const amount = fc.maxSafeNat();
  const marks = fc.record({
    epoch: amount,
    node: fc.nat(0xffff_ffff),
    number: amount,
    generation: amount,
    sequence: amount,
    state: fc.constantFrom('whole', 'midway', 'ended'),
    sum: fc.option(fc.record({ keys: amount, digest: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) })),
  });
  fc.assert(
    fc.property(marks, (any) => {
      expect(decodeStateMark(encodeStateMark(any))).toEqual(any);
    }),
  );
});

test.each([
  ['nothing', ''],
  ['another version', text.replace('v1', 'v2')],
  ['a number that is too large', text.replace('sequence=345', 'sequence=9999999999999999')],
  ['a node that is none', text.replace('node=2', 'node=4294967296')],
  ['a number in other words', text.replace('epoch=7', 'epoch=07')],
  ['a digest without keys', text.replace(' keys=10', '')],
  ['more', `${text} `],
])('%s is refused', (_, other) => {
  expect(() => decodeStateMark(other)).toThrow(expect.objectContaining({ code: 'value' }));
});
