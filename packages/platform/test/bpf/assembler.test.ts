// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Assembler } from '../../src/bpf/index.ts';

const hex = (bytes: Uint8Array): string[] =>
  Array.from({ length: bytes.length / 8 }, (_, at) =>
    Buffer.from(bytes.subarray(at * 8, at * 8 + 8)).toString('hex'),
  );

test('instructions are encoded as RFC 9669 has them', () => {
  const code = new Assembler()
    .move(6, 1)
    .set(0, -1)
    .add(2, -24)
    .setMap(1, 7)
    .load(4, 1, 6, 40)
    .load(8, 7, 0, 0)
    .load(2, 9, 10, -36)
    .load(1, 1, 10, -36)
    .store(4, 10, -20, 1)
    .storeValue(4, 10, -24, 6)
    .call(125)
    .exit()
    .assemble();
  expect(hex(code)).toEqual([
    'bf16000000000000',
    'b7000000ffffffff',
    '07020000e8ffffff',
    '1811000007000000',
    '0000000000000000',
    '6161280000000000',
    '7907000000000000',
    '69a9dcff00000000',
    '71a1dcff00000000',
    '631aecff00000000',
    '620ae8ff06000000',
    '850000007d000000',
    '9500000000000000',
  ]);
});

test('jumps count the instructions between', () => {
  const code = new Assembler()
    .jumpIf(0, '==', 0, 'end')
    .jumpIfRegister(0, '>=', 7, 'end')
    .jumpIf(9, '!=', 8, 'end')
    .jump('end')
    .set(0, 2)
    .label('end')
    .exit()
    .assemble();
  expect(hex(code).slice(0, 4)).toEqual([
    '1500040000000000',
    '3d70030000000000',
    '5509020008000000',
    '0500010000000000',
  ]);
});

test('a jump must go forward to a label', () => {
  expect(() => new Assembler().jump('nowhere').exit().assemble()).toThrow(/no label nowhere/);
  expect(() => new Assembler().label('back').exit().jump('back').assemble()).toThrow(/ahead/);
});
