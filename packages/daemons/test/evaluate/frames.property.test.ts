// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  lengthRule,
  numbered,
  numberOf,
} from '../../src/evaluate/frames.ts';

const octets = fc.uint8Array({ maxLength: 300 });
const number = fc.nat(0xffff_ffff);
const key = octets.map((each) => Buffer.from(each).toString('latin1'));

test('requests and answers come back as they went', () => {
  fc.assert(
    fc.property(
      fc.record({
        number,
        op: fc.constantFrom('write' as const, 'remove' as const, 'read' as const, 'cookie' as const),
        key,
        value: octets,
      }),
      (request) => {
        const frame = encodeRequest(request);
        expect(lengthRule.frameBytes(frame)).toBe(frame.length);
        const back = decodeRequest(frame);
        expect({ ...back, value: [...back.value] }).toEqual({ ...request, value: [...request.value] });
      },
    ),
  );
  fc.assert(
    fc.property(
      fc.record({
        number,
        isRefused: fc.boolean(),
        appliedMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
        position: fc.maxSafeNat(),
        cookie: octets,
      }),
      (answer) => {
        const back = decodeAnswer(encodeAnswer(answer));
        expect({ ...back, cookie: [...back.cookie] }).toEqual({ ...answer, cookie: [...answer.cookie] });
      },
    ),
  );
});

test('a value says which request wrote it', () => {
  fc.assert(
    fc.property(number, octets, (each, value) => {
      expect(numberOf(numbered(each, value))).toBe(each);
    }),
  );
});
