// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { decodeSealedValue, encodeSealedHead, type SealedKey } from '@vnfpool/wire/replication';
import { describe, expect, test } from 'vitest';

const key = (octet: number): SealedKey => ({
  receiver: new Uint8Array(8).fill(octet),
  encapsulated: new Uint8Array(32).fill(octet + 1),
  sealed: new Uint8Array(48).fill(octet + 2),
});
/** Written by hand from the layout: version 1, epoch 300, number 5, one receiver. */
const HEAD = `01 ac02 05 01 ${'10'.repeat(8)} ${'11'.repeat(32)} ${'12'.repeat(48)}`.replaceAll(' ', '');
const TAG = '00'.repeat(16);
const decode = (hex: string): unknown => decodeSealedValue(fromHex(hex));

test('a sealed value', () => {
  const head = { epoch: 300, number: 5, keys: [key(0x10)] };
  expect(toHex(encodeSealedHead(head))).toBe(HEAD);
  expect(decode(`${HEAD}ff${TAG}`)).toEqual({ ...head, head: fromHex(HEAD), octets: fromHex(`ff${TAG}`) });
});

describe('refuses', () => {
  test.each([
    ['another version', `02${HEAD.slice(2)}${TAG}`, 'version 2'],
    ['no receiver', `01ac020500${TAG}`, '0 receivers'],
    ['more receivers than there are', `01ac020512${TAG}`, '18 receivers'],
    ['no room for a tag', `${HEAD}${TAG.slice(2)}`, 'are no tag'],
    ['a number longer than it need be', `018000${HEAD.slice(6)}${TAG}`, 'longer than it need be'],
  ])('%s', (_, hex, reason) => expect(() => decode(hex)).toThrow(reason));

  test('whatever is cut short', () => {
    for (let length = 0; length < HEAD.length; length += 2)
      expect(() => decode(HEAD.slice(0, length)), `${length / 2} octets`).toThrow(WireError);
  });

  test('to write what has no place', () => {
    expect(() => encodeSealedHead({ epoch: 1, number: 1, keys: [] })).toThrow('0 receivers');
    const short = { ...key(1), sealed: new Uint8Array(47) };
    expect(() => encodeSealedHead({ epoch: 1, number: 1, keys: [short] })).toThrow('47 octets');
  });
});
