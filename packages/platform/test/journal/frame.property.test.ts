// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame } from '../../src/journal/frame.ts';

const entries = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 10 });

test('a frame decodes to its entries; cut or bent it decodes to nothing', () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, place, bend) => {
      const frame = Buffer.from(encodeFrame(list));
      expect(decodeFrame(frame, 0)?.entries.map((entry) => [...entry])).toEqual(
        list.map((entry) => [...entry]),
      );
      expect(decodeFrame(frame.subarray(0, place % frame.length), 0)).toBeUndefined();
      const at = place % frame.length;
      frame[at] = (frame[at] ?? 0) ^ bend;
      expect(decodeFrame(frame, 0)).toBeUndefined();
    }),
  );
});

test('any bytes decode or do not, and never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
      decodeFrame(Buffer.from(bytes), at);
    }),
  );
});
