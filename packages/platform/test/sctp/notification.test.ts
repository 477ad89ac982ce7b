// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readNotification } from '../../src/sctp/notification.ts';
import { packAddresses } from '../../src/sctp/socket-address.ts';

/** type, flags, length as linux/sctp.h lays them out; then the rest. */
function notification(type: number, bytes: number, fill: (view: DataView) => void = () => {}): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint16(0, type, true);
  view.setUint32(4, bytes, true);
  fill(view);
  return new Uint8Array(view.buffer);
}

test.each([
  [0, 'up'],
  [1, 'lost'],
  [2, 'restarted'],
  [3, 'shut-down'],
  [4, 'not-established'],
])('association change %i is %s', (state, change) => {
  const bytes = notification(0x8001, 20, (view) => {
    view.setUint16(8, state, true);
    view.setUint16(10, 5, true);
  });
  expect(readNotification(bytes)).toEqual({ type: 'association', change, error: 5 });
});

test('a path that is lost', () => {
  const bytes = notification(0x8002, 148, (view) => view.setInt32(136, 1, true));
  bytes.set(packAddresses(['10.0.1.2'], 3863), 8);
  expect(readNotification(bytes)).toEqual({ type: 'path', address: '10.0.1.2', state: 'unreachable' });
});

test('the others', () => {
  expect(readNotification(notification(0x8003, 64)).type).toBe('send-failed');
  expect(readNotification(notification(0x8005, 12)).type).toBe('shutdown');
  expect(readNotification(notification(0x8006, 24)).type).toBe('partial-delivery-aborted');
  expect(readNotification(notification(0x8009, 12))).toEqual({ type: 'other', code: 0x8009 });
});

test('any octets are some notification', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 0x8000, max: 0x800f }),
      (bytes, type) => {
        if (bytes.length >= 2) new DataView(bytes.buffer, bytes.byteOffset).setUint16(0, type, true);
        expect(readNotification(bytes).type).toBeTypeOf('string');
      },
    ),
  );
});
