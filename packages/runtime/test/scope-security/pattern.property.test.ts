// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesPattern } from '../../src/scope-security/pattern.ts';

test('a pattern agrees with the regular expression that it stands for', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
  fc.assert(
    fc.property(letters, letters, (pattern, text) => {
      const slow = new RegExp(`^${pattern.replaceAll('*', '[^]*')}$`).test(text);
      expect(matchesPattern(pattern, text)).toBe(slow);
    }),
    { numRuns: 300 },
  );
});
