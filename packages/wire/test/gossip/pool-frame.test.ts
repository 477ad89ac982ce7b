// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { decodePoolGossip, encodePoolGossip, GOSSIP_BYTES_MAX, isPoolGossip } from '@vnfpool/wire/gossip';
import { encodeReplica, REPLICA_FRAME_BYTES_MAX, replicaFrameBytes } from '@vnfpool/wire/replication';
import { describe, expect, test } from 'vitest';

const VECTOR = '00000007' + '09' + '02' + '6b76' + '010203';

test('a message with its pool, octet by octet', () => {
  const carried = { pool: 'kv', message: Uint8Array.of(1, 2, 3) };
  expect(toHex(encodePoolGossip(carried))).toBe(VECTOR);
  const decoded = decodePoolGossip(fromHex(VECTOR));
  expect(decoded.pool).toBe('kv');
  expect([...decoded.message]).toEqual([1, 2, 3]);
});

test('its frames go where those of replication go, and are told apart', () => {
  const longest = encodePoolGossip({ pool: 'ü'.repeat(127), message: new Uint8Array(GOSSIP_BYTES_MAX) });
  expect(replicaFrameBytes(longest.subarray(0, 4))).toBe(longest.length);
  expect(longest.length).toBeLessThan(REPLICA_FRAME_BYTES_MAX);
  expect(isPoolGossip(longest)).toBe(true);
  expect(isPoolGossip(encodeReplica({ type: 'end', sequence: 3 }))).toBe(false);
  expect(decodePoolGossip(longest).pool).toHaveLength(127);
});

describe('refused', () => {
  test.each([
    ['another length', '00000008' + '09026b76010203', 'length'],
    ['another type', '00000007' + '08026b76010203', 'unknown'],
    ['no name', '00000005' + '0900010203', 'limit'],
    ['a name beyond the end', '00000004' + '09ff6b76', 'short'],
    ['a name that is no text', '00000005' + '0902fffe01', 'utf8'],
    ['no message', '00000004' + '09026b76', 'missing'],
  ])('%s', (_, hex, code) => {
    let found: unknown;
    try {
      decodePoolGossip(fromHex(hex));
    } catch (error) {
      found = error;
    }
    expect(found).toBeInstanceOf(WireError);
    expect((found as WireError).code).toBe(code);
  });

  test.each([
    ['', 1],
    ['x'.repeat(256), 1],
    ['kv', 0],
    ['kv', GOSSIP_BYTES_MAX + 1],
  ])('to write a name of %# with a message of %i octets', (pool, octets) => {
    expect(() => encodePoolGossip({ pool, message: new Uint8Array(octets) })).toThrow(WireError);
  });
});
