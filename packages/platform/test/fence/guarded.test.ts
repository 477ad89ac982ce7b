// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { guardedOf, keyOf, keyOfText, keyText, SLOTS_MAX, tableOf } from '../../src/fence/guarded.ts';
import type { Guarded } from '../../src/interfaces.ts';

test.each<Guarded>([
  { what: 'address', address: '10.0.0.1' },
  { what: 'address', address: '2001:db8::1' },
  { what: 'link', link: 'vip0' },
  { what: 'forwarding', link: 'a-name.of15char' },
])('$what is the same after a way through the kernel', (guarded) => {
  expect(guardedOf(keyOfText(keyText(keyOf(guarded))))).toEqual(guarded);
});

test.each(['10.0.0.1; drop', '10.0.0', '10.0.0.256', '10.0.0.1/24', 'fe80::1%eth0', ''])(
  'refuses the address %j',
  (address) => {
    expect(() => keyOf({ what: 'address', address })).toThrow(/address/);
  },
);

test.each(['eth0"; flush ruleset', '', 'a b', '../x', '0123456789abcdef'])(
  'refuses the link name %j',
  (link) => {
    expect(() => keyOf({ what: 'link', link })).toThrow(/interface name/);
  },
);

test('one thing belongs to one slot, however it is written', () => {
  const guarded = (address: string): Guarded[] => [{ what: 'address', address }];
  expect(() =>
    tableOf([
      { slot: 'a', guarded: guarded('2001:db8::1') },
      { slot: 'b', guarded: guarded('2001:db8:0::1') },
    ]),
  ).toThrow(/guarded for a and b/);
  expect(
    tableOf([{ slot: 'a', guarded: [...guarded('10.0.0.1'), ...guarded('10.0.0.1')] }]).slotOf.size,
  ).toBe(1);
});

test('has a bound', () => {
  const slots = Array.from({ length: SLOTS_MAX + 1 }, (_, at) => ({ slot: `${at}`, guarded: [] }));
  expect(() => tableOf(slots)).toThrow(/at most/);
  expect(tableOf(slots.slice(1)).slots.size).toBe(SLOTS_MAX);
});
