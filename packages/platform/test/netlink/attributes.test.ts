// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AttributeReader } from '../../src/netlink/attribute-reader.ts';
import {
  attribute,
  be32,
  join,
  message,
  nested,
  parseAttributeList,
  text,
} from '../../src/netlink/message.ts';
import { MessageWriter } from '../../src/netlink/message-writer.ts';

describe('messages written into one datagram', () => {
  test('are those that are built one by one', () => {
    // So small that it grows, and used before.
    const writer = new MessageWriter(4);
    const used = writer.beginMessage(0xffff, 0xffff, 0xffffffff, 0xff);
    writer.bytes(1, new Uint8Array(90).fill(0xff));
    writer.endMessage(used);
    writer.reset();
    for (const sequence of [7, 8]) {
      const start = writer.beginMessage(0x100, 0x605, sequence, 2);
      const outer = writer.begin(1);
      writer.u8(1, 0xab);
      const inner = writer.begin(2);
      writer.text(3, 'ftp');
      writer.end(inner);
      writer.end(outer);
      writer.u16(4, 0x1234);
      writer.u32(5, 0xfffffffe);
      writer.i32(6, -2);
      writer.bytes(7, Uint8Array.of(1, 2, 3, 4, 5));
      writer.bytes(9, new Uint8Array(23).fill(7));
      writer.end(writer.begin(8));
      writer.endMessage(start);
    }
    const one = (sequence: number): Uint8Array =>
      message(0x100, 0x605, sequence, [
        Uint8Array.of(2, 0, 0, 0),
        nested(1, attribute(1, Uint8Array.of(0xab)), nested(2, text(3, 'ftp'))),
        attribute(4, Uint8Array.of(0x12, 0x34)),
        be32(5, 0xfffffffe),
        be32(6, 0xfffffffe),
        attribute(7, Uint8Array.of(1, 2, 3, 4, 5)),
        attribute(9, new Uint8Array(23).fill(7)),
        nested(8),
      ]);
    expect(Buffer.from(writer.datagram).toString('hex')).toBe(
      Buffer.from(join([one(7), one(8)])).toString('hex'),
    );
  });
});

describe('attributes walked in place', () => {
  test('are those of the list, whatever the octets', () => {
    const part = fc.tuple(fc.nat(0x3fff), fc.uint8Array({ maxLength: 12 }));
    const good = fc.array(part).map((list) => join(list.map(([type, payload]) => attribute(type, payload))));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), good), (bytes) => {
        const walked: [number, Uint8Array][] = [];
        const reader = new AttributeReader(bytes);
        while (reader.next()) {
          walked.push([reader.type, reader.bytes()]);
          // Too short a payload reads as 0, and none of it goes beyond the end.
          for (const value of [reader.u8(), reader.u16(), reader.u32(), reader.i32(), reader.u64()]) {
            expect(Number(value)).not.toBeNaN();
          }
        }
        expect(walked).toEqual(parseAttributeList(bytes));
      }),
    );
  });

  test('numbers are in network order, and inner attributes end with the outer one', () => {
    const bytes = join([nested(1, be32(2, 0xfffffffe)), be32(3, 5)]);
    const reader = new AttributeReader(bytes);
    expect(reader.next()).toBe(true);
    const inside = reader.inside();
    expect([inside.next(), inside.type, inside.u32(), inside.i32(), inside.u64(), inside.next()]).toEqual([
      true,
      2,
      0xfffffffe,
      -2,
      0n,
      false,
    ]);
    expect([reader.next(), reader.type, reader.u32(), reader.next()]).toEqual([true, 3, 5, false]);
  });
});
