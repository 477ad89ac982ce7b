// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8, fromHex, toHex, WireError, type WireErrorCode } from '@vnfpool/wire/bytes';
import {
  crc32,
  decodeState,
  encodeState,
  STATE_CHUNK_BYTES_MAX,
  STATE_FRAME_BYTES_MAX,
  stateFrameBytes,
} from '@vnfpool/wire/state-channel';
import { describe, expect, test } from 'vitest';
import { VECTORS } from './vectors.ts';

const bytesOf = (hex: string): Uint8Array => fromHex(hex.replaceAll(' ', ''));

describe.each(VECTORS)('%s', (_name, message, hex) => {
  const bytes = bytesOf(hex);
  test('is written', () => expect(toHex(encodeState(message))).toBe(toHex(bytes)));
  test('is read', () => expect(decodeState(bytes)).toEqual(message));
  test('has its length', () => expect(stateFrameBytes(bytes.subarray(0, 4))).toBe(bytes.length));
  test('is refused when it is cut', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => decodeState(bytes.subarray(0, length))).toThrow(WireError);
    }
  });
  test('is refused, or is another message, when its body is cut and its length says so', () => {
    for (let length = 5; length < bytes.length; length += 1) {
      const cut = bytes.slice(0, length);
      new DataView(cut.buffer).setUint32(0, length - 4);
      try {
        expect(decodeState(cut)).not.toEqual(message);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }
  });
});

const pairHex = '00112233445566778899aabbccddeeff 0000000a 0000000b 00000065';

test.each<readonly [string, string, WireErrorCode]>([
  ['no type', '00000000', 'length'],
  ['a length beyond the longest frame', '00040002 05', 'limit'],
  ['a type that nobody knows', '00000001 0f', 'unknown'],
  ['type 0', '00000001 00', 'unknown'],
  ['an empty chunk', '00000001 05', 'missing'],
  ['octets behind the end', '00000002 0e 00', 'trailing'],
  ['another protocol', `00000020 0c 5654 01 ${pairHex}`, 'unknown'],
  ['another version', `00000020 0c 5653 02 ${pairHex}`, 'unknown'],
  ['a mode that nobody knows', `00000025 01 5653 01 ${pairHex} 00000065 04`, 'value'],
  ['a MOVE with a selection', `0000002c 01 5653 01 ${pairHex} 00000065 01 08 03 0003 302e33`, 'value'],
  ['a MOVE_SESSION without one', `00000025 01 5653 01 ${pairHex} 00000065 03`, 'value'],
  [
    'a selection by something else',
    `0000002c 01 5653 01 ${pairHex} 00000065 03 07 03 0003 302e33`,
    'unknown',
  ],
  [
    'a selection that runs past the end',
    `0000002c 01 5653 01 ${pairHex} 00000065 03 08 03 0004 302e33`,
    'short',
  ],
  ['a kind of part 0', '0000000c 04 0000 00 ffffffffffffffff', 'value'],
  ['a count above 2^53 - 1', '00000009 08 0020000000000000', 'value'],
  ['a total that is not told', '00000009 08 ffffffffffffffff', 'missing'],
  ['a reason that nobody knows', '00000004 0b 08 6e6f', 'value'],
  ['text that is not UTF-8', '00000004 0b 01 c328', 'utf8'],
  ['outcome 5', '0000000a 0d 05 0000000000000000', 'value'],
])('refused: %s', (_name, hex, code) => {
  expect(() => decodeState(bytesOf(hex))).toThrow(expect.objectContaining({ code }));
});

test('a text of 1,025 octets is neither written nor read', () => {
  const text = 'x'.repeat(1025);
  expect(() => encodeState({ type: 'cancel', reason: 'cancelled', text })).toThrow(WireError);
  const frame = Uint8Array.of(0, 0, 4, 3, 0x0b, 1, ...encodeUtf8(text));
  expect(() => decodeState(frame)).toThrow(expect.objectContaining({ code: 'limit' }));
});

test('257 selections are neither written nor read', () => {
  const [, hello, hex] = VECTORS[2] ?? [];
  if (hello?.type !== 'hello') throw new Error('the third vector is a hello');
  const selection = Array.from({ length: 257 }, () => ({ type: 'all' as const, subType: 3 }));
  expect(() => encodeState({ ...hello, selection })).toThrow(WireError);
  const head = bytesOf(hex ?? '').slice(0, 41);
  const frame = new Uint8Array(41 + 257 * 4);
  frame.set(head);
  for (let at = 41; at < frame.length; at += 4) frame.set([8, 3, 0, 0], at);
  new DataView(frame.buffer).setUint32(0, frame.length - 4);
  expect(() => decodeState(frame)).toThrow(expect.objectContaining({ code: 'limit' }));
});

test('the largest chunk fits, one octet more does not', () => {
  const octets = new Uint8Array(STATE_CHUNK_BYTES_MAX).fill(7);
  const frame = encodeState({ type: 'chunk', octets });
  expect(frame.length).toBe(STATE_FRAME_BYTES_MAX);
  expect(decodeState(frame)).toEqual({ type: 'chunk', octets });
  expect(() => encodeState({ type: 'chunk', octets: new Uint8Array(STATE_CHUNK_BYTES_MAX + 1) })).toThrow(
    expect.objectContaining({ code: 'limit' }),
  );
});

test('a chunk shares memory with its frame, a token does not', () => {
  const chunk = encodeState({ type: 'chunk', octets: Uint8Array.of(1, 2, 3) });
  const decoded = decodeState(chunk);
  expect(decoded.type === 'chunk' && decoded.octets.buffer === chunk.buffer).toBe(true);
  const frame = bytesOf(VECTORS[0]?.[2] ?? '');
  const hello = decodeState(frame);
  frame.fill(0);
  expect(hello.type === 'hello' && toHex(hello.token)).toBe('00112233445566778899aabbccddeeff');
});

/** Of the usual check value, and by zlib. */
test.each([
  ['nothing', '', 0],
  ['123456789', toHex(encodeUtf8('123456789')), 0xcbf43926],
  ['32 octets of zeros', '00'.repeat(32), 0x190a55ad],
  ['32 octets of ones', 'ff'.repeat(32), 0xff6cab0b],
  ['0 to 31', Array.from({ length: 32 }, (_, at) => at.toString(16).padStart(2, '0')).join(''), 0x91267e8a],
])('CRC-32 of %s', (_name, hex, expected) => {
  const octets = fromHex(hex);
  expect(crc32(octets)).toBe(expected);
  const half = octets.length >> 1;
  expect(crc32(octets.subarray(half), crc32(octets.subarray(0, half)))).toBe(expected);
});
