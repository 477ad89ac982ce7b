// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openBase, publicKeyOf, sealBase } from '../../src/state-seal/hpke.ts';
import { rawPublicKey } from '../../src/x25519/index.ts';

/* RFC 9180, appendix A.2.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode; the message of sequence number 0. */

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const text = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

const info = hex('4f6465206f6e2061204772656369616e2055726e');
const senderPublic = '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a';
const senderPrivate = 'f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600';
const receiverPublic = '4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a';
const receiverPrivate = '8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb';
const message = '4265617574792069732074727574682c20747275746820626561757479';
const additional = hex('436f756e742d30');
const sealed = '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28';

function privateKey(own: string, known: string): KeyObject {
  const base64url = (each: string): string => Buffer.from(each, 'hex').toString('base64url');
  return createPrivateKey({
    key: { kty: 'OKP', crv: 'X25519', d: base64url(own), x: base64url(known) },
    format: 'jwk',
  });
}

const receiver = privateKey(receiverPrivate, receiverPublic);

test('A.2.1: what is sealed is what the standard says', () => {
  const ephemeral = privateKey(senderPrivate, senderPublic);
  const made = sealBase(publicKeyOf(hex(receiverPublic)), info, additional, hex(message), ephemeral);
  expect(text(made.encapsulated)).toBe(senderPublic);
  expect(text(made.sealed)).toBe(sealed);
});

test('A.2.1: what the standard sealed is opened', () => {
  const opened = openBase(receiver, info, additional, {
    encapsulated: hex(senderPublic),
    sealed: hex(sealed),
  });
  expect(text(opened)).toBe(message);
});

describe('is not opened', () => {
  const as = { encapsulated: hex(senderPublic), sealed: hex(sealed) };
  const turned = (octets: Uint8Array, bit: number): Uint8Array => {
    const copy = octets.slice();
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return copy;
  };

  test('with another info', () =>
    expect(() => openBase(receiver, turned(info, 3), additional, as)).toThrow());
  test('with other data beside it', () =>
    expect(() => openBase(receiver, info, turned(additional, 3), as)).toThrow());
  test('by another key', () =>
    expect(() => openBase(privateKey(senderPrivate, senderPublic), info, additional, as)).toThrow());
  test('with any bit turned', () => {
    for (let bit = 0; bit < as.sealed.length * 8; bit += 1)
      expect(() => openBase(receiver, info, additional, { ...as, sealed: turned(as.sealed, bit) })).toThrow();
    // The highest bit of a key does not count (RFC 7748 §5), and is in what the key is made from.
    for (let bit = 0; bit < 256; bit += 1)
      expect(() =>
        openBase(receiver, info, additional, { ...as, encapsulated: turned(as.encapsulated, bit) }),
      ).toThrow();
  });
  test('cut short', () => {
    for (let length = 0; length < as.sealed.length; length += 1)
      expect(() =>
        openBase(receiver, info, additional, { ...as, sealed: as.sealed.subarray(0, length) }),
      ).toThrow();
  });
});

test('nothing is sealed to a key of small order', () => {
  expect(() => sealBase(publicKeyOf(new Uint8Array(32)), info, additional, hex(message))).toThrow();
});

test('each message has a key of its own', () => {
  const to = publicKeyOf(hex(receiverPublic));
  const [first, second] = [1, 2].map(() => sealBase(to, info, additional, hex(message)));
  expect(text(first?.encapsulated as Uint8Array)).not.toBe(text(second?.encapsulated as Uint8Array));
  expect(rawPublicKey(to)).toEqual(hex(receiverPublic));
});
