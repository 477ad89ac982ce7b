// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { describe, expect, test } from 'vitest';

describe('ByteReader', () => {
  test('gives octets of which a slice is a copy, also from a buffer of Node', () => {
    const buffer = Buffer.from([1, 2, 3]);
    const copy = new ByteReader(buffer).bytes(2).slice();
    buffer[0] = 9;
    expect(copy).toEqual(Uint8Array.of(1, 2));
    expect(copy.buffer.byteLength).toBe(2);
  });

  test('reads network order and moves on', () => {
    const reader = new ByteReader(fromHex('01 0203 04050607 fffffffe 08090a0b0c0d0e0f 6869 aabb'));
    expect(reader.u8()).toBe(1);
    expect(reader.u16()).toBe(0x0203);
    expect(reader.u32()).toBe(0x04050607);
    expect(reader.i32()).toBe(-2);
    expect(reader.u64()).toBe(0x08090a0b0c0d0e0fn);
    expect(reader.utf8(2)).toBe('hi');
    expect(reader.remaining).toBe(2);
    expect(toHex(reader.rest())).toBe('aabb');
    reader.expectEnd();
  });

  test('a sub-reader cannot read beyond its part and tells the outer offset', () => {
    const reader = new ByteReader(fromHex('00112233'));
    reader.skip(1);
    const part = reader.sub(2);
    expect(reader.u8()).toBe(0x33);
    expect(part.u8()).toBe(0x11);
    expect(part.offset).toBe(2);
    expect(() => part.u16()).toThrow(expect.objectContaining({ code: 'short', offset: 2 }));
    expect(() => part.expectEnd()).toThrow(expect.objectContaining({ code: 'trailing', offset: 2 }));
  });

  test.each(['u8', 'u16', 'u32', 'i32', 'u64'] as const)('%s throws at the end and does not move', (name) => {
    const reader = new ByteReader(new Uint8Array(0), 7);
    expect(() => reader[name]()).toThrow(WireError);
    expect(reader.offset).toBe(7);
  });
});

describe('ByteWriter', () => {
  test('writes what the reader reads, grows, pads and patches', () => {
    const writer = new ByteWriter();
    writer
      .u8(1)
      .u16(0)
      .u32(0xffffffff)
      .i32(-1)
      .u64(5n)
      .utf8('é')
      .bytes(new Uint8Array(300))
      .pad(4)
      .patchU16(1, 9);
    const reader = new ByteReader(writer.finish());
    expect([reader.u8(), reader.u16(), reader.u32(), reader.i32(), reader.u64(), reader.utf8(2)]).toEqual([
      1,
      9,
      0xffffffff,
      -1,
      5n,
      'é',
    ]);
    expect(writer.length % 4).toBe(0);
  });

  test.each(['u8', 'u16', 'u32', 'i32'] as const)('%s may be the write that makes it grow', (name) => {
    const writer = new ByteWriter().zeros(128)[name](1);
    expect(writer.finish().at(-1)).toBe(1);
  });

  test('u64 may be the write that makes it grow', () => {
    expect(new ByteWriter().zeros(128).u64(1n).finish().at(-1)).toBe(1);
  });

  test('refuses values out of range, patches of unwritten octets and growth beyond the limit', () => {
    expect(() => new ByteWriter().u8(256)).toThrow(expect.objectContaining({ code: 'value' }));
    expect(() => new ByteWriter().u16(-1)).toThrow(WireError);
    expect(() => new ByteWriter().u32(1.5)).toThrow(WireError);
    expect(() => new ByteWriter().u64(1n << 64n)).toThrow(WireError);
    expect(() => new ByteWriter().patchU16(0, 1)).toThrow(WireError);
    expect(() => new ByteWriter(3).u32(1)).toThrow(expect.objectContaining({ code: 'limit' }));
  });
});
