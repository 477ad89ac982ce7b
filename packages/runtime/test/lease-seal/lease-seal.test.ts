// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivateKeyPem } from '@vnfpool/runtime/certificates';
import {
  createLeaseKey,
  deriveLeaseKeys,
  LeaseSeal,
  openLeaseKey,
  sealBytes,
} from '@vnfpool/runtime/lease-seal';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';

const a = createLeaseKey();
const b = createLeaseKey();
const seal = (own: typeof a, peer: string, set: string, ownNode: number, peerNode: number) =>
  new LeaseSeal(deriveLeaseKeys(own, peer, { set, ownNode, peerNode }));
const atA = seal(a, b.publicKey, 'edge', 1, 2);
const atB = seal(b, a.publicKey, 'edge', 2, 1);
const datagram = Uint8Array.from({ length: 60 }, (_, index) => index);

test('what one seals the other opens', () => {
  const sealed = atA.seal(datagram);
  expect(sealed).toHaveLength(60 + sealBytes);
  expect(atB.open(sealed)).toEqual(datagram);
  expect(atA.open(atB.seal(datagram))).toEqual(datagram);
  expect(atB.open(atA.seal(new Uint8Array(0)))).toHaveLength(0);
});

describe('does not open', () => {
  const sealed = atA.seal(datagram);
  test('with any bit turned', () => {
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const turned = sealed.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(atB.open(turned)).toBeNull();
    }
  });
  test('cut to any length', () => {
    for (let length = 0; length < sealed.length; length += 1)
      expect(atB.open(sealed.subarray(0, length))).toBeNull();
  });
  test('thrown back at its sender', () => expect(atA.open(sealed)).toBeNull());
  test('for another set', () => expect(seal(b, a.publicKey, 'core', 2, 1).open(sealed)).toBeNull());
  test('under another node id', () => expect(seal(b, a.publicKey, 'edge', 3, 1).open(sealed)).toBeNull());
  test('by a third', () => expect(seal(createLeaseKey(), a.publicKey, 'edge', 2, 1).open(sealed)).toBeNull());
});

test('the tag is the front of an HMAC-SHA256', () => {
  const { sendKey } = deriveLeaseKeys(a, b.publicKey, { set: 'edge', ownNode: 1, peerNode: 2 });
  const expected = createHmac('sha256', sendKey).update(datagram).digest().subarray(0, 16);
  expect(Buffer.from(atA.seal(datagram).subarray(60))).toEqual(expected);
});

test.each([
  ['nothing', ''],
  ['31 octets', Buffer.alloc(31, 7).toString('base64url')],
  ['a point of small order', Buffer.alloc(32, 0).toString('base64url')],
])('refuses a public key of %s', (_, key) => {
  expect(() => deriveLeaseKeys(a, key, { set: 'edge', ownNode: 1, peerNode: 2 })).toThrow(
    expect.objectContaining({ name: 'LeaseKeyError' }),
  );
});

test('a key file is made once, for its owner only', () => {
  const path = join(temporaryFolder(), 'state', 'lease.pem');
  const first = openLeaseKey(path);
  expect(openLeaseKey(path).publicKey).toBe(first.publicKey);
  expect(Buffer.from(first.publicKey, 'base64url')).toHaveLength(32);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, createPrivateKeyPem());
  expect(() => openLeaseKey(path)).toThrow(/not x25519/);
});
