// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, encodeUtf8, fromHex, WireError } from '@vnfpool/wire/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('agrees with the platform encoder on any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const bytes = encodeUtf8(text);
      expect(bytes).toEqual(Uint8Array.from(new TextEncoder().encode(text)));
      expect(decodeUtf8(bytes)).toBe(text);
    }),
  );
});

test('agrees with the platform decoder on any octets', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      let expected: string | undefined;
      try {
        expected = strict.decode(bytes);
      } catch {
        expected = undefined;
      }
      if (expected === undefined) expect(() => decodeUtf8(bytes)).toThrow(WireError);
      else expect(decodeUtf8(bytes)).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['overlong slash', 'c0af'],
  ['surrogate', 'eda080'],
  ['above U+10FFFF', 'f4908080'],
  ['truncated', 'e282'],
  ['stray continuation', '80'],
  ['five octets', 'f888808080'],
])('refuses %s', (_name, hex) => {
  expect(() => decodeUtf8(fromHex(hex), 3)).toThrow(expect.objectContaining({ code: 'utf8' }));
});

test('a lone surrogate cannot be encoded', () => {
  expect(() => encodeUtf8('\ud800')).toThrow(WireError);
});
