// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { advertisementFrame } from '../../src/addresses/neighbour-advertisement.ts';

const address = Uint8Array.from(Buffer.from('20010db8000000000000000000000002', 'hex'));
const hardware = Uint8Array.of(2, 0, 0, 0, 77, 2);

test('octet by octet, of a router and of a host', () => {
  const frame = Buffer.from(advertisementFrame(address, hardware, true)).toString('hex');
  expect(frame).toBe(
    '333300000001' + // all nodes of the link
      '020000004d02' +
      '86dd' +
      '60000000' + // version 6
      '0020' + // 32 octets follow
      '3aff' + // ICMPv6, not from beyond this link
      '20010db8000000000000000000000002' +
      'ff020000000000000000000000000001' +
      `8800${sumOf(frame)}` +
      'a0000000' + // router, override; nobody asked
      '20010db8000000000000000000000002' +
      '0201020000004d02',
  );
  expect(Buffer.from(advertisementFrame(address, hardware, false)).toString('hex', 58, 62)).toBe('20000000');
});

/** The checksum that a receiver computes: of what the frame says, with nothing where the sum stands. */
function sumOf(frame: string): string {
  const octets = Buffer.from(frame, 'hex');
  octets.writeUInt16BE(0, 56);
  const summed = Buffer.concat([octets.subarray(22), Buffer.from('000000200000003a', 'hex')]);
  let sum = 0;
  for (let at = 0; at < summed.length; at += 2) sum += summed.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return (0xffff - sum).toString(16).padStart(4, '0');
}
