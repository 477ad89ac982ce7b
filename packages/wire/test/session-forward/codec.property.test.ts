// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import { formatIp } from '@vnfpool/wire/parameters';
import {
  decodeForward,
  encodeForward,
  type ForwardDatagram,
  type ForwardMessage,
} from '@vnfpool/wire/session-forward';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const u32 = fc.nat(0xffffffff);
const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((octets) => formatIp(octets));
const message: fc.Arbitrary<ForwardMessage> = fc.oneof(
  fc.record({ type: fc.constantFrom('claim' as const, 'welcome' as const, 'over' as const) }),
  fc.record({ type: fc.constantFrom('gone' as const, 'ended' as const), session: u32 }),
  fc.record({
    type: fc.constantFrom('send' as const, 'arrived' as const),
    session: u32,
    side: fc.constantFrom('client' as const, 'backend' as const),
    address,
    port: fc.nat(65_535),
    payload: fc.uint8Array({ maxLength: 200 }),
  }),
);
const datagram: fc.Arbitrary<ForwardDatagram> = fc.record({
  transfer: fc.stringMatching(/^[0-9a-f]{16}$/),
  generation: u32,
  sequence: fc.bigInt(0n, 0xffffffffffffffffn),
  message,
});

test('what was written is read', () => {
  fc.assert(
    fc.property(datagram, (each) => {
      expect(decodeForward(encodeForward(each))).toEqual(each);
    }),
  );
});

test('what is cut short, or changed, is read or refused, and nothing else', () => {
  fc.assert(
    fc.property(datagram, fc.nat(400), fc.nat(400), fc.nat(255), (each, length, at, octet) => {
      const bytes = encodeForward(each).slice(0, length);
      if (at < bytes.length) bytes[at] = octet;
      try {
        decodeForward(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
  );
});
