// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, encodeUtf8, fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  BlockReader,
  blockHeader,
  FUNCTION_BLOCK_BYTES_MAX,
  LineSplitter,
  parseAgentMessage,
  parseFunctionMessage,
} from '@vnfpool/wire/function-socket';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** Cuts octets at the places given, in turn; every piece is memory of its own, and is overwritten when it was taken. */
function* pieces(octets: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < octets.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    const piece = octets.slice(at, at + size);
    yield piece;
    piece.fill(0);
    at += size;
  }
}
const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });

test('lines are the same however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '{', ' ') })), sizes, (lines, cuts) => {
      const splitter = new LineSplitter(200);
      const got: string[] = [];
      for (const piece of pieces(encodeUtf8(lines.map((line) => `${line}\n`).join('')), cuts))
        for (const line of splitter.push(piece)) got.push(decodeUtf8(line));
      expect(got).toEqual(lines);
      expect(splitter.pending).toBe(0);
    }),
  );
});

test('a line of the greatest length passes, one octet more is refused, with or without its end', () => {
  const count = (text: string) => [...new LineSplitter(8).push(encodeUtf8(text))].length;
  expect(count('1234567\n')).toBe(1);
  expect(() => count('12345678\n')).toThrow(WireError);
  expect(() => count('12345678')).toThrow(WireError);
  const slow = new LineSplitter(8);
  expect(() => {
    for (let octet = 0; octet < 8; octet += 1) for (const _ of slow.push(Uint8Array.of(65)));
  }).toThrow(WireError);
});

test('octets of blocks are the same however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 })), sizes, (blocks, cuts) => {
      const stream = fromHex(
        [...blocks.flatMap((block) => [blockHeader(block.length), block]), blockHeader(0)]
          .map(toHex)
          .join(''),
      );
      const reader = new BlockReader();
      let got = '';
      for (const piece of pieces(stream, cuts)) {
        expect(reader.ended).toBe(false);
        for (const part of reader.push(piece)) got += toHex(part);
      }
      expect(got).toBe(blocks.map(toHex).join(''));
      expect(reader.ended).toBe(true);
    }),
  );
});

test('a block by hand; one that is too long, and octets behind the end, are refused', () => {
  expect(toHex(blockHeader(0x0102))).toBe('00000102');
  const read = (hex: string) => [...new BlockReader().push(fromHex(hex))].map(toHex);
  expect(read('00000002' + '0a0b' + '00000001' + '0c' + '00000000')).toEqual(['0a0b', '0c']);
  expect(() => read('00100001')).toThrow(WireError);
  expect(() => read('ffffffff')).toThrow(WireError);
  expect(() => read('0000000000')).toThrow(WireError);
  expect(() => blockHeader(FUNCTION_BLOCK_BYTES_MAX + 1)).toThrow(WireError);
});

test('any octets are a message or a WireError', () => {
  const wild = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.json({ maxDepth: 3 }).map(encodeUtf8),
    fc
      .record(
        {
          op: fc.constantFrom('hello', 'changes', 'role', 'export', 'share', 'welcome', 'cancel'),
          id: fc.anything(),
          v: fc.anything(),
          ok: fc.boolean(),
          kind: fc.anything(),
          data: fc.anything(),
        },
        { requiredKeys: [] },
      )
      .map((value) =>
        encodeUtf8(JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? 0 : inner))),
      ),
  );
  fc.assert(
    fc.property(wild, (octets) => {
      for (const parse of [parseAgentMessage, parseFunctionMessage]) {
        try {
          parse(octets);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }
    }),
  );
});
