// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprint } from '../../src/planner/fingerprint.ts';

/* Fingerprints are kept, and compared with those of other versions. */

/** FNV-1a of 64 bits over UTF-16 code units, by its definition. */
function defined(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index++)
    hash = ((hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, '0');
}

test('it is FNV-1a of the value as JSON, with sorted keys', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      expect(fingerprint(text)).toBe(defined(JSON.stringify(text)));
    }),
  );
  expect(fingerprint({ b: [1, null, { d: 'é', c: true }], a: '' })).toBe(
    defined('{"a":"","b":[1,null,{"c":true,"d":"é"}]}'),
  );
});

test('neither the order of keys nor members that are undefined make a difference; anything else does', () => {
  expect(fingerprint({ a: 1, b: undefined, c: { d: 2, e: 3 } })).toBe(
    fingerprint({ c: { e: 3, d: 2 }, a: 1 }),
  );
  const values = [null, 0, '0', [], {}, [0], { a: 0 }, { a: null }, [[0]], [0, 0], '', false];
  expect(new Set(values.map(fingerprint)).size).toBe(values.length);
});
