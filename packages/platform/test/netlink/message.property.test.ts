// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PlatformError } from '../../src/errors.ts';
import { attribute, join, message, parseAttributeList, parseMessages } from '../../src/netlink/message.ts';

const payload = fc.uint8Array({ maxLength: 40 });
const part = fc.record({ type: fc.nat(0x3fff), payload });

test('any bytes parse, or are refused by a PlatformError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      parseAttributeList(bytes);
      try {
        for (const found of parseMessages(bytes)) parseAttributeList(found.body);
      } catch (error) {
        expect(error).toBeInstanceOf(PlatformError);
      }
    }),
  );
});

test('what was built parses to itself', () => {
  const messages = fc.array(
    fc.record({ type: fc.nat(0xffff), flags: fc.nat(0xffff), sequence: fc.nat(), parts: fc.array(part) }),
  );
  fc.assert(
    fc.property(messages, (list) => {
      const datagram = join(
        list.map(({ type, flags, sequence, parts }) =>
          message(
            type,
            flags,
            sequence,
            parts.map((each) => attribute(each.type, each.payload)),
          ),
        ),
      );
      const parsed = parseMessages(datagram);
      expect(parsed).toHaveLength(list.length);
      for (const [place, found] of parsed.entries()) {
        const want = list[place];
        expect([found.type, found.flags, found.sequence]).toEqual([want?.type, want?.flags, want?.sequence]);
        expect(parseAttributeList(found.body).map(([type, bytes]) => [type, [...bytes]])).toEqual(
          want?.parts.map((each) => [each.type, [...each.payload]]),
        );
      }
    }),
  );
});
