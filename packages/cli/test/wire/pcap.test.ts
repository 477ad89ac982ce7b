// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CapturedPacket, CaptureError, readPcap } from '../../src/wire/pcap.ts';
import { pcapFile } from './captures.ts';

async function packetsOf(pieces: readonly Uint8Array[], bytesMax = 100): Promise<CapturedPacket[]> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  const packets: CapturedPacket[] = [];
  for await (const packet of readPcap(source(), bytesMax)) {
    packets.push('octets' in packet ? { ...packet, octets: Uint8Array.from(packet.octets) } : packet);
  }
  return packets;
}

const records = [
  { octets: Uint8Array.of(1, 2, 3) },
  { octets: new Uint8Array() },
  { octets: Uint8Array.of(4, 5, 6, 7), keptBytes: 2 },
];
const expected = [
  { number: 1, linkType: 101, octets: Uint8Array.of(1, 2, 3), length: 3 },
  { number: 2, linkType: 101, octets: new Uint8Array(), length: 0 },
  { number: 3, linkType: 101, octets: Uint8Array.of(4, 5), length: 4 },
];

test.each([
  { isLittle: true, isNano: false },
  { isLittle: true, isNano: true },
  { isLittle: false, isNano: false },
  { isLittle: false, isNano: true },
])('packets, %o', async (style) => {
  expect(await packetsOf([pcapFile(101, records, style)])).toEqual(expected);
});

test('a length of checksums beside the link type is passed over', async () => {
  expect(await packetsOf([pcapFile(0x2400_0065, records)])).toEqual(expected);
});

test('whatever the pieces, the packets are the same', async () => {
  const file = pcapFile(101, [...records, { octets: new Uint8Array(120) }, { octets: Uint8Array.of(8) }]);
  const whole = await packetsOf([file]);
  expect(whole.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: file.length }), { maxLength: 40 }), async (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), file.length];
      const pieces = places.slice(1).map((to, index) => file.subarray(places[index], to));
      expect(await packetsOf(pieces)).toEqual(whole);
    }),
  );
});

test('a packet that is too long is a fault, the next one is not', async () => {
  const file = pcapFile(1, [{ octets: new Uint8Array(101) }, { octets: new Uint8Array(100) }]);
  expect(await packetsOf([file])).toEqual([
    { number: 1, code: 'limit', fault: 'a packet of 101 octets, at most 100' },
    { number: 2, linkType: 1, octets: new Uint8Array(100), length: 100 },
  ]);
});

describe('a file that ends', () => {
  const file = pcapFile(101, [{ octets: new Uint8Array(4) }, { octets: new Uint8Array(8) }]);

  test.each([
    [1, 'the file ends within it: 7 of 8 octets are there'],
    [8, 'the file ends within it: 0 of 8 octets are there'],
    [9, 'the file ends within the header of its record'],
    [23, 'the file ends within the header of its record'],
  ])('%i octets early', async (missing, fault) => {
    const packets = await packetsOf([file.subarray(0, file.length - missing)]);
    expect(packets.slice(1)).toEqual([{ number: 2, code: 'short', fault }]);
  });

  test('within a packet that is too long', async () => {
    const packets = await packetsOf([file.subarray(0, file.length - 1)], 7);
    expect(packets.slice(1)).toEqual([
      { number: 2, code: 'short', fault: 'the file ends within it: 7 of 8 octets are there' },
    ]);
  });

  test('behind a packet, or without any', async () => {
    expect(await packetsOf([file.subarray(0, file.length - 24)])).toHaveLength(1);
    expect(await packetsOf([file.subarray(0, 24)])).toEqual([]);
  });
});

test.each([
  ['nothing', new Uint8Array(), 'no pcap file: 0 octets, its header alone has 24'],
  ['text', new TextEncoder().encode('0600 0014 0011223344556677'), 'no pcap file: it begins'],
  ['pcapng', Buffer.concat([Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a), new Uint8Array(30)]), 'editcap -F pcap'],
  ['version 3', pcapFile(1, []).with(4, 3), 'a pcap file of version 3, only 2 is known'],
])('no capture: %s', async (_name, file, message) => {
  await expect(packetsOf([file])).rejects.toThrow(CaptureError);
  await expect(packetsOf([file])).rejects.toThrow(message);
});

test('who stops early has the source ended', async () => {
  let isEnded = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield pcapFile(101, records);
      yield new Uint8Array(1);
    } finally {
      isEnded = true;
    }
  }
  for await (const { number } of readPcap(source(), 100)) if (number === 1) break;
  expect(isEnded).toBe(true);
});
