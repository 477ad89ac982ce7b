// SPDX-License-Identifier: Apache-2.0
import { FrameError, type FrameRule, Framer, unframed } from '@vnfpool/transport/framing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** A length octet that counts itself and one more header octet. */
const rule: FrameRule = { headerBytes: 2, frameBytes: (header) => header[0] ?? 0, frameBytesMax: 200 };

function drain(framer: Framer): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let frame = framer.next(); frame !== null; frame = framer.next()) frames.push(frame.slice());
  return frames;
}

const frame = fc
  .uint8Array({ minLength: 1, maxLength: 198 })
  .map((payload) => Uint8Array.of(payload.length + 1, ...payload))
  .filter((each) => each.length >= 2);

test('any chunking of a stream gives the same frames', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 20 }), fc.infiniteStream(fc.nat(40)), (frames, sizes) => {
      const stream = Uint8Array.from(frames.flatMap((each) => [...each]));
      const framer = new Framer(rule);
      const found: Uint8Array[] = [];
      for (let from = 0; from < stream.length; ) {
        const size = sizes.next().value as number;
        framer.feed(stream.subarray(from, from + size));
        found.push(...drain(framer));
        from += size;
      }
      expect(found).toEqual(frames);
      expect(framer.midFrame).toBe(false);
    }),
  );
});

test('any octets give frames or a FrameError, and no frame beyond the rule', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 30 }), (chunks) => {
      const framer = new Framer(rule);
      try {
        for (const chunk of chunks) {
          framer.feed(chunk);
          for (const each of drain(framer)) {
            expect(each.length).toBe(each[0]);
            expect(each.length).toBeLessThanOrEqual(200);
          }
        }
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
  );
});

test('a frame within one chunk is a view of it, one over two chunks is its own copy', () => {
  const framer = new Framer(rule);
  const chunk = Uint8Array.of(3, 0, 7, 4, 0, 1);
  framer.feed(chunk);
  expect(framer.next()?.buffer).toBe(chunk.buffer);
  expect(framer.next()).toBeNull();
  expect(framer.midFrame).toBe(true);
  framer.feed(Uint8Array.of(2));
  const second = framer.next();
  expect(second).toEqual(Uint8Array.of(4, 0, 1, 2));
  expect(second?.buffer).not.toBe(chunk.buffer);
});

test('without framing everything comes as it was read', () => {
  const framer = new Framer(unframed);
  for (const chunk of [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]) {
    framer.feed(chunk);
    expect(drain(framer)).toEqual([chunk]);
    expect(framer.midFrame).toBe(false);
  }
});
