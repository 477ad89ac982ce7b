// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import { crc32, decodeState, encodeState, joinCrc32, type StateMessage } from '@vnfpool/wire/state-channel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VECTORS } from './vectors.ts';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const count = fc.oneof(fc.maxSafeNat(), fc.nat(1000));
const countOrNull = fc.option(count);
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const pair = {
  token: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  source: u32,
  destination: u32,
  functionId: u32,
};
const session = fc.oneof(
  fc.record({ type: fc.constant('sip-uri' as const), uri: fc.string({ minLength: 1, maxLength: 30 }) }),
  fc.record({
    type: fc.constant('contact' as const),
    contact: fc.uint8Array({ minLength: 1, maxLength: 20 }),
  }),
  fc.record({ type: fc.constant('ratio' as const), ratio: fc.nat(1_000_000).map((micro) => micro / 1e6) }),
  fc.record({ type: fc.constant('count' as const), count: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({ type: fc.constant('all' as const), subType: fc.integer({ min: 1, max: 4 }) }),
);

const message: fc.Arbitrary<StateMessage> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    ...pair,
    targetFunctionId: u32,
    mode: fc.constantFrom('move' as const, 'copy' as const),
    selection: fc.constant([]),
  }),
  fc.record({
    type: fc.constant('hello' as const),
    ...pair,
    targetFunctionId: u32,
    mode: fc.constant('sessions' as const),
    selection: fc.array(session, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ type: fc.constant('welcome' as const), windowBytes: u32 }),
  fc.record({ type: fc.constant('refuse' as const), errorNumber: u16, text }),
  fc.record({
    type: fc.constant('begin' as const),
    part: u16,
    kind: fc.constantFrom('snapshot' as const, 'delta' as const, 'last' as const),
    bytesExpected: countOrNull,
  }),
  fc.record({ type: fc.constant('chunk' as const), octets: fc.uint8Array({ minLength: 1, maxLength: 99 }) }),
  fc.record({
    type: fc.constant('mark' as const),
    part: u16,
    bytes: count,
    crc: u32,
    totalBytes: count,
    totalCrc: u32,
    sessions: countOrNull,
  }),
  fc.record({ type: fc.constant('marked' as const), part: u16, totalBytes: count, totalCrc: u32 }),
  fc.record({ type: fc.constant('credit' as const), untilBytes: count }),
  fc.record({ type: fc.constant('commit' as const), totalBytes: count, totalCrc: u32 }),
  fc.record({ type: fc.constant('committed' as const), sessions: countOrNull }),
  fc.record({
    type: fc.constant('cancel' as const),
    reason: fc.constantFrom(
      'cancelled' as const,
      'integrity' as const,
      'function' as const,
      'resources' as const,
    ),
    text,
  }),
  fc.record({ type: fc.constant('ask' as const), ...pair }),
  fc.record({
    type: fc.constant('outcome' as const),
    outcome: fc.constantFrom(
      'undecided' as const,
      'committed' as const,
      'aborted' as const,
      'unknown' as const,
    ),
    sessions: countOrNull,
  }),
  fc.constant({ type: 'alive' as const }),
);

test('what is written is read again', () => {
  fc.assert(
    fc.property(message, (given) => {
      expect(decodeState(encodeState(given))).toEqual(given);
    }),
    { numRuns: 1000 },
  );
});

/** Octets with a length that fits, so that more of them is read. */
function framed(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  return frame;
}

const mutated = fc
  .record({
    bytes: fc.constantFrom(...VECTORS.map(([, given]) => encodeState(given))),
    at: fc.nat(60),
    octet: fc.nat(255),
    cut: fc.nat(4),
  })
  .map(({ bytes, at, octet, cut }) => {
    const body = bytes.slice(4, Math.max(4, bytes.length - cut));
    if (at < body.length) body[at] = octet;
    return framed(body);
  });

test('any octets are a message that is written the same again, or a WireError', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.uint8Array({ maxLength: 80 }).map(framed),
    mutated,
  );
  fc.assert(
    fc.property(octets, (bytes) => {
      let decoded: StateMessage;
      try {
        decoded = decodeState(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        return;
      }
      // Decimals have several spellings, so octets may differ; what they say may not.
      expect(decodeState(encodeState(decoded))).toEqual(decoded);
    }),
    { numRuns: 3000 },
  );
});

test('CRC-32 agrees with its definition bit by bit, however it is cut', () => {
  const slow = (octets: Uint8Array): number => {
    let rest = 0xffffffff;
    for (const octet of octets) {
      rest ^= octet;
      for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
    }
    return ~rest >>> 0;
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (octets, at) => {
      expect(crc32(octets)).toBe(slow(octets));
      expect(crc32(octets.subarray(at), crc32(octets.subarray(0, at)))).toBe(slow(octets));
      const [first, second] = [octets.subarray(0, at), octets.subarray(at)];
      expect(joinCrc32(crc32(first), crc32(second), second.length)).toBe(slow(octets));
    }),
  );
});
