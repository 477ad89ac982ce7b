// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { FirstPlace } from '../../src/fence/first-place.ts';

test('the first place is taken back three times in ten minutes, and that it is left then is said once', () => {
  const place = new FirstPlace();
  const looks = [0, 1, 2, 3, 4, 1_199, 1_200, 1_201, 1_202, 1_203, 1_204];
  expect(looks.map((look) => place.overtaken(look))).toEqual([
    'take',
    'take',
    'take',
    'leave',
    'left',
    'left',
    'take',
    'take',
    'take',
    'leave',
    'left',
  ]);
});
