// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overflowOf, parseQueued, readFirstPacket } from '../../src/packet-queue/index.ts';

/* What first packets say, from their octets. */

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const V4 = (protocol: string): string => `45000030 00004000 40${protocol}0000 c0000201 c0000250`;
const V6 = (next: string): string =>
  `60000000 0028${next}40 fd010000000000000000000000000002 fd020000000000000000000000000080`;
/** Ports 20000 and 443; SYN; a segment size, selective ACK, a timestamp, padding and a scale of 7. */
const SYN = '4e2001bb 00000001 00000000 a002ffff 00000000 020405b4 0402080a 00000001 00000000 01030307';
const ports = { kind: 'ports', source: 20_000, destination: 443 };

describe('a first packet', () => {
  test('of TCP tells its ports, and what its options ask for', () => {
    const packet = readFirstPacket(bytes(`${V4('06')} ${SYN}`));
    expect(packet?.tuple).toEqual({
      source: Uint8Array.of(192, 0, 2, 1),
      destination: Uint8Array.of(192, 0, 2, 80),
      protocol: 6,
      layer4: ports,
    });
    expect(packet?.head).toEqual(bytes('4e2001bb 00000001'));
    expect(packet?.tcp).toEqual({
      state: 1,
      originalScale: 7,
      replyScale: 0,
      originalFlags: 3,
      replyFlags: 0,
    });
  });

  test.each<[string, string, number]>([
    ['a scale beyond 14 is 14', '030309 00'.replace('09', 'ff'), 14],
    ['an option of no length ends them', '03000e00', 0],
    ['an option that is longer than all ends them', '03060e00', 0],
    ['the end of options is heeded', '0003030e', 0],
  ])('of TCP with odd options: %s', (_, options, scale) => {
    const header = '4e2001bb 00000001 00000000 6002ffff 00000000';
    expect(readFirstPacket(bytes(`${V4('06')} ${header} ${options}`))?.tcp?.originalScale).toBe(scale);
  });

  test('of TCP amid a connection says nothing of its state', () => {
    const header = '4e2001bb 00000001 00000000 5010ffff 00000000';
    expect(readFirstPacket(bytes(`${V4('06')} ${header}`))).toMatchObject({ tcp: null });
  });

  test.each<[string, string, object]>([
    ['UDP', `${V4('11')} 4e2001bb 00080000`, { protocol: 17, layer4: ports }],
    ['an echo', `${V4('01')} 0800f7ff 00050001`, { layer4: { kind: 'icmp', type: 8, code: 0, id: 5 } }],
    ['SCTP behind options', `46${V4('84').slice(2)} 01010100 4e2001bb 00000000`, { layer4: ports }],
    ['UDP by IPv6', `${V6('11')} 4e2001bb 00080000`, { protocol: 17, layer4: ports }],
    [
      'UDP behind extensions',
      `${V6('00')} 3c00000000000000 1100000000000000 4e2001bb 00080000`,
      { layer4: ports },
    ],
    [
      'an echo by IPv6',
      `${V6('3a')} 80000000 00070001`,
      { layer4: { kind: 'icmp', type: 128, code: 0, id: 7 } },
    ],
  ])('of %s', (_, hex, tuple) => {
    expect(readFirstPacket(bytes(hex))?.tuple).toMatchObject(tuple);
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['no IP', '55000030'],
    ['a header that is cut off', V4('11').slice(0, 30)],
    ['a header that is too short for itself', `44${V4('11').slice(2)} 4e2001bb 00080000`],
    ['a protocol without ports', `${V4('2f')} 0000000000000000`],
    ['layer 4 that is cut off', `${V4('11')} 4e2001bb 0008`],
    ['extensions without an end', `${V6('00')} ${'0000000000000000'.repeat(9)}`],
  ])('is none: %s', (_, hex) => {
    expect(readFirstPacket(bytes(hex))).toBeUndefined();
  });
});

test('any octets are read or not, and nothing is read beyond them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      const packet = readFirstPacket(octets);
      if (packet !== undefined) expect(packet.head).toHaveLength(8);
      const queued = parseQueued(octets);
      if (queued !== undefined) expect(queued.bytes.length).toBeLessThan(octets.length);
    }),
  );
});

test('what the kernel drops as too much waits is read from its table', () => {
  const text =
    '    3   100     0 2 65531     9     9        1  1\n30001  4711     2 2   160     5     2       10  1\n';
  expect(overflowOf(text, 30_001)).toBe(7);
  expect(overflowOf(text, 30_002)).toBeNull();
});
