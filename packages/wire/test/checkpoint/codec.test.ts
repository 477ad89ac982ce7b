// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex } from '@vnfpool/wire/bytes';
import { type CheckpointObject, decodeCheckpoint, encodeCheckpoint } from '@vnfpool/wire/checkpoint';
import { describe, expect, test } from 'vitest';

const of = { slot: '00000000000000a1', epoch: 200, node: 2, wallMs: 5 } as const;
const head = (type: string, number: string): string => `564301${type}00000000000000a1c801${number}0000000205`;

const vectors: readonly (readonly [string, CheckpointObject, string])[] = [
  ['a claim', { ...of, type: 'claim', number: 0, base: { epoch: 6, number: 12 } }, `${head('01', '00')}060c`],
  [
    'a piece without a mark',
    {
      ...of,
      type: 'part',
      number: 1,
      first: 1,
      from: 0,
      updates: [{ sequence: 3, key: 'a', value: Uint8Array.of(9) }],
      mark: null,
    },
    `${head('02', '01')}01000003016102` + '09',
  ],
  [
    'the last piece',
    {
      ...of,
      type: 'part',
      number: 3,
      first: 2,
      from: 3,
      updates: [{ sequence: 5, key: 'a', value: null }],
      mark: { sequence: 5, keys: 1, digest: 255n },
    },
    `${head('02', '03')}0203010501` + '00000000000000ff' + '02016100',
  ],
  ['an end', { ...of, type: 'end', number: 4, sequence: 5 }, `${head('03', '04')}05`],
];

describe('objects of checkpoints', () => {
  test.each(vectors)('%s', (_name, object, octets) => {
    expect(toHex(encodeCheckpoint(object))).toBe(octets);
    expect(decodeCheckpoint(fromHex(octets))).toEqual(object);
  });

  test.each([
    ['another magic', '5652', 'unknown'],
    ['another version', '564302', 'unknown'],
    ['another type', '56430104', 'unknown'],
    ['a claim that is not the first', `${head('01', '01')}060c`, 'value'],
    ['an end that is the first', `${head('03', '00')}05`, 'value'],
    ['a base that is later', `${head('01', '00')}c80100`, 'value'],
    ['an object of no epoch', `${head('01', '00')}0001`, 'value'],
    ['a piece before its first', `${head('02', '01')}02000003016102`, 'value'],
    ['neither updates nor a mark', `${head('02', '01')}010000`, 'missing'],
    [
      'a mark before the last update',
      `${head('02', '01')}0100010200` + '00000000000000ff' + '03016100',
      'value',
    ],
    ['octets behind it', `${head('03', '04')}0500`, 'trailing'],
    ['nothing', '', 'short'],
  ])('%s is refused', (_name, octets, code) => {
    expect(() => decodeCheckpoint(fromHex(octets))).toThrow(expect.objectContaining({ code }));
  });
});
