// SPDX-License-Identifier: Apache-2.0
import { asapRule, readAsap } from '@vnfpool/runtime/asap';
import { FrameError, Framer } from '@vnfpool/transport/framing';
import { expect, test } from 'vitest';

/** Vectors A6, with its octet of padding, and A4. */
const resolution = Buffer.from('0500000b0009000777656200', 'hex');
const deregistration = Buffer.from('020000180009000c4563686f506f6f6c000e000812345678', 'hex');

test('frames are cut at the length rounded up to four', () => {
  const framer = new Framer(asapRule);
  framer.feed(Buffer.concat([resolution, deregistration]));
  const first = framer.next();
  expect(first).toHaveLength(12);
  expect(framer.next()).toHaveLength(24);
  expect(framer.next()).toBeNull();
  expect(readAsap(first ?? new Uint8Array())).toMatchObject({
    type: 'message',
    message: { type: 'handle-resolution' },
  });
});

test('a length below four ends the stream', () => {
  const framer = new Framer(asapRule);
  framer.feed(Uint8Array.of(5, 0, 0, 3));
  expect(() => framer.next()).toThrow(FrameError);
});

test('a message keeps nothing of the frame, save a handle resolution, which nobody keeps', () => {
  const poolHandleOf = (octets: Uint8Array): string => {
    const frame = new Uint8Array(octets);
    const incoming = readAsap(frame);
    frame.fill(0);
    if (incoming.type !== 'message' || !('poolHandle' in incoming.message)) throw new Error('not decoded');
    return Buffer.from(incoming.message.poolHandle).toString();
  };
  expect(poolHandleOf(deregistration)).toBe('EchoPool');
  expect(poolHandleOf(resolution)).toBe('\0\0\0');
});

test('what cannot be decoded is told, with what its sender should hear', () => {
  const cut = new Uint8Array(resolution.subarray(0, 8));
  cut[3] = 8;
  expect(readAsap(cut)).toMatchObject({ type: 'malformed', report: { code: 3 } });
  // Unknown message, high bits 00: silently discarded.
  expect(readAsap(Uint8Array.of(0x3f, 0, 0, 4))).toMatchObject({ type: 'malformed', report: null });
  expect(readAsap(Uint8Array.of(0x7f, 0, 0, 4))).toMatchObject({ type: 'malformed', report: { code: 2 } });
});
