// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { decodeShim, encodeShim, SHIM_PPID, shimFrameLength } from '@vnfpool/wire/session-shim';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** Written by hand from the layout. */
const frames: readonly (readonly [string, number, string, string])[] = [
  ['data', 0, '6869', '00000002 00000000 6869'],
  ['control', SHIM_PPID.asap, '0b00000d', '00000004 0000000b 0b00000d'],
  ['heartbeat', SHIM_PPID.heartbeat, '', '00000000 ffffffff'],
  ['its answer', SHIM_PPID.heartbeatAck, '', '00000000 fffffffe'],
  ['end', SHIM_PPID.end, '', '00000000 fffffffd'],
];

describe.each(frames)('%s', (_name, ppid, payload, hex) => {
  const bytes = fromHex(hex.replaceAll(' ', ''));
  test('is written', () => expect(toHex(encodeShim(ppid, fromHex(payload)))).toBe(toHex(bytes)));
  test('is read', () => expect(decodeShim(bytes)).toEqual({ ppid, payload: fromHex(payload) }));
  test('has its length', () => expect(shimFrameLength(bytes.subarray(0, 8))).toBe(bytes.length));
});

test.each([
  ['shorter than it says', '00000003 00000000 6869'],
  ['longer than it says', '00000001 00000000 6869'],
  ['a heartbeat with something in it', '00000001 ffffffff 00'],
  ['no whole header', '00000000 ffff'],
])('refused: %s', (_name, hex) => {
  expect(() => decodeShim(fromHex(hex.replaceAll(' ', '')))).toThrow(WireError);
});

test('any octets are a frame or a WireError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        const { ppid, payload } = decodeShim(bytes);
        expect(encodeShim(ppid, payload)).toEqual(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
  );
});
