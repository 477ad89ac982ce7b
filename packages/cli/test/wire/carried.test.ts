// SPDX-License-Identifier: Apache-2.0
import { toHex } from '@vnfpool/wire/bytes';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Carried, carriedBy, isLinkKnown } from '../../src/wire/carried.ts';
import { ethernet, fragment6, ipv4, ipv6, linuxSll, linuxSll2, PFSYNC, pflog } from './captures.ts';

const message = Uint8Array.of(6, 0, 0, 4);
const [RAW, ETHERNET] = [101, 1];

function carried(linkType: number, octets: Uint8Array, keptBytes = octets.length): Carried | null {
  return carriedBy({ linkType, octets: octets.subarray(0, keptBytes), length: octets.length }, PFSYNC);
}

function octetsOf(found: Carried | null): string | null {
  return found !== null && 'octets' in found ? toHex(found.octets) : JSON.stringify(found);
}

const [v4, v6] = [ipv4(PFSYNC, message), ipv6(PFSYNC, message)];

test.each<[string, number, Uint8Array]>([
  ['RAW, IPv4', RAW, v4],
  ['RAW, IPv6', RAW, v6],
  ['RAW as BSDs number it', 12, v4],
  ['RAW as OpenBSD numbers it', 14, v6],
  ['IPV4', 228, v4],
  ['IPV6', 229, v6],
  ['Ethernet, filled up', ETHERNET, ethernet(0x0800, v4)],
  ['Ethernet, IPv6', ETHERNET, ethernet(0x86dd, v6)],
  ['a virtual network', ETHERNET, ethernet(0x0800, v4, 0x8100)],
  ['a virtual network in another one', ETHERNET, ethernet(0x86dd, v6, 0x88a8, 0x8100)],
  ['LINUX_SLL, IPv4', 113, linuxSll(0x0800, v4)],
  ['LINUX_SLL, IPv6', 113, linuxSll(0x86dd, v6)],
  ['LINUX_SLL2, IPv4', 276, linuxSll2(0x0800, v4)],
  ['LINUX_SLL2, IPv6', 276, linuxSll2(0x86dd, v6)],
  ['PFLOG as it was', 117, pflog(45, v4)],
  ['PFLOG of NetBSD', 117, pflog(61, v6)],
  ['PFLOG of FreeBSD', 117, pflog(69, v4)],
  ['PFLOG of OpenBSD', 117, pflog(100, v6)],
  ['PFSYNC', 246, message],
  ['PFSYNC as OpenBSD numbers it', 18, message],
  ['options of IPv4', RAW, ipv4(PFSYNC, message, { options: Uint8Array.of(1, 1, 1, 0) })],
  [
    'options of IPv6',
    RAW,
    ipv6(
      0,
      Buffer.concat([
        Uint8Array.of(60, 0, 1, 4, 0, 0, 0, 0),
        Uint8Array.of(PFSYNC, 1),
        new Uint8Array(14),
        message,
      ]),
    ),
  ],
  ['a fragment of IPv6 that is the whole', RAW, fragment6(PFSYNC, 0, message)],
])('%s', (_name, linkType, packet) => {
  expect(isLinkKnown(linkType)).toBe(true);
  expect(octetsOf(carried(linkType, packet))).toBe(toHex(message));
});

test.each<[string, number, Uint8Array]>([
  ['TCP', RAW, ipv4(6, message)],
  ['TCP over IPv6', RAW, ipv6(6, message)],
  ['TCP without a length, to be cut up by the card', RAW, ipv4(6, message).with(2, 0).with(3, 0)],
  ['ARP', ETHERNET, ethernet(0x0806, new Uint8Array(28))],
  ['three virtual networks', ETHERNET, ethernet(0x0800, v4, 0x88a8, 0x8100, 0x8100)],
  ['a fragment of something else', RAW, ipv4(17, message, { fragment: 0x2000 })],
  ['a fragment of something else over IPv6', RAW, fragment6(17, 1, message)],
  ['an unknown link', 147, v4],
])('passed over: %s', (_name, linkType, packet) => {
  expect(carried(linkType, packet)).toBeNull();
});

test('another protocol behind a link of pfsync is passed over', () => {
  expect(carriedBy({ linkType: 246, octets: message, length: 4 }, 132)).toBeNull();
});

describe('faults', () => {
  test.each<[string, number, Uint8Array, string, string]>([
    ['the first fragment', RAW, ipv4(PFSYNC, message, { fragment: 0x2000 }), 'unknown', 'from octet 0 on'],
    ['a later fragment', RAW, ipv4(PFSYNC, message, { fragment: 0x00b9 }), 'unknown', 'from octet 1480 on'],
    ['the first one of IPv6', RAW, fragment6(PFSYNC, 1, message), 'unknown', 'from octet 0 on'],
    ['a later one of IPv6', RAW, fragment6(PFSYNC, 0x05a8, message), 'unknown', 'from octet 1448 on'],
    [
      'the first one, of options',
      RAW,
      fragment6(60, 1, Buffer.concat([Uint8Array.of(PFSYNC, 0, 1, 4, 0, 0, 0, 0), message])),
      'unknown',
      'from octet 0 on',
    ],
    ['IP version 5', RAW, v4.with(0, 0x55), 'unknown', 'IP version 5'],
    ['IPv6 that says to be IPv4', ETHERNET, ethernet(0x0800, v6), 'unknown', 'IP version 6'],
    ['a header of 4 words', RAW, v4.with(0, 0x44), 'length', 'an IPv4 header of 16 octets, 24 in all'],
    ['a length below its header', RAW, v4.with(3, 19), 'length', 'of 20 octets, 19 in all'],
    ['a length beyond the packet', RAW, v4.with(3, 25), 'short', 'tells of more than the 24 octets'],
    ['a length of IPv6 beyond the packet', RAW, v6.with(5, 5), 'short', 'tells of more than the 44 octets'],
    [
      'extensions beyond the packet',
      RAW,
      ipv6(60, Uint8Array.of(PFSYNC, 1, 0, 0, 0, 0, 0, 0)),
      'length',
      'beyond its packet',
    ],
    [
      'nine extensions',
      RAW,
      ipv6(60, Buffer.concat(Array.from({ length: 9 }, () => Uint8Array.of(60, 0, 0, 0, 0, 0, 0, 0)))),
      'limit',
      'more than 8',
    ],
    ['a frame of 13 octets', ETHERNET, new Uint8Array(13), 'short', 'no packet of IP'],
    ['a header of PFLOG of 44 octets', 117, pflog(44, v4), 'length', 'PFLOG of 44 octets'],
  ])('%s', (_name, linkType, packet, code, fault) => {
    expect(carried(linkType, packet)).toEqual({ code, fault: expect.stringContaining(fault) as string });
  });

  test('cut off by the capture, wherever that is', () => {
    const packet = ethernet(0x86dd, ipv6(PFSYNC, new Uint8Array(100)));
    for (let kept = 0; kept < packet.length; kept += 1) {
      expect(carried(ETHERNET, packet, kept)).toEqual({
        code: 'short',
        fault: `cut off by the capture: ${kept} of ${packet.length} octets were kept`,
      });
    }
    expect(carried(246, message, 3)).toMatchObject({ code: 'short' });
    // What is cut off is what filled up the frame.
    expect(octetsOf(carried(ETHERNET, ethernet(0x0800, v4), 38))).toBe(toHex(message));
  });
});

test('whatever a packet is, it is told, passed over or a fault', () => {
  const packet = fc.oneof(
    fc.uint8Array({ maxLength: 90 }),
    fc
      .tuple(fc.constantFrom(v4, v6, fragment6(60, 1, message)), fc.nat(43), fc.nat(255))
      .map(([octets, at, octet]) => (at < octets.length ? octets.with(at, octet) : octets)),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(1, 14, 18, 101, 113, 117, 228, 246, 276),
      packet,
      fc.nat(20),
      (linkType, octets, more) => {
        const found = carriedBy({ linkType, octets, length: octets.length + more }, PFSYNC);
        if (found !== null && 'octets' in found)
          expect(found.octets.length).toBeLessThanOrEqual(octets.length);
        else if (found !== null) expect(found.fault).not.toBe('');
      },
    ),
    { numRuns: 2000 },
  );
});
