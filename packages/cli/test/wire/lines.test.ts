// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Line, readLines } from '../../src/wire/lines.ts';

async function linesOf(pieces: readonly Uint8Array[], bytesMax: number): Promise<Line[]> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  const lines: Line[] = [];
  for await (const line of readLines(source(), bytesMax)) lines.push(line);
  return lines;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('the last line may end without a newline', async () => {
  expect(await linesOf([bytes('a\n\nb')], 9)).toEqual([
    { number: 1, text: 'a' },
    { number: 2, text: '' },
    { number: 3, text: 'b' },
  ]);
});

test('a line that is too long is a fault, the next one is not', async () => {
  expect(await linesOf([bytes('abcd\nef'), bytes('g\n'), bytes('hijk'), bytes('l\n')], 3)).toEqual([
    { number: 1, code: 'limit', fault: 'a line of 4 octets, at most 3' },
    { number: 2, text: 'efg' },
    { number: 3, code: 'limit', fault: 'a line of 5 octets, at most 3' },
  ]);
});

test('a line that is not UTF-8 is a fault', async () => {
  expect(await linesOf([Uint8Array.of(0xff, 0x0a, 0x41, 0x0a)], 9)).toEqual([
    { number: 1, code: 'utf8', fault: 'not UTF-8' },
    { number: 2, text: 'A' },
  ]);
});

test('whatever the pieces, the lines are the same', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', 'é', '𝄞'), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.array(fc.nat(60)),
      fc.integer({ min: 1, max: 20 }),
      async (written, cuts, max) => {
        const all = bytes(written);
        const places = [0, ...cuts.filter((at) => at < all.length).toSorted((a, b) => a - b), all.length];
        const pieces = places.slice(1).map((to, i) => all.subarray(places[i], to));
        expect(await linesOf(pieces, max)).toEqual(await linesOf([all], max));
      },
    ),
  );
});
