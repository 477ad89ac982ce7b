// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createSealKey,
  openSealKey,
  receiversOf,
  SealError,
  type SealErrorCode,
  type SealKey,
  sealReceiver,
  textOfReceivers,
  ValueOpener,
  ValueSealer,
} from '@vnfpool/runtime/state-seal';
import {
  REPLICA_SECRET_BYTES_MAX,
  REPLICA_VALUE_BYTES_MAX,
  SEAL_RECEIVERS_MAX,
} from '@vnfpool/wire/replication';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';

const SLOT = '00000000000000a1';
const own = createSealKey();
const other = createSealKey();
const to = (...keys: readonly SealKey[]): ReturnType<typeof sealReceiver>[] =>
  keys.map(({ publicKey }) => sealReceiver(publicKey));
const value = new TextEncoder().encode('hunter2');

function codeOf(run: () => unknown): SealErrorCode | 'none' {
  try {
    run();
    return 'none';
  } catch (error) {
    expect(error).toBeInstanceOf(SealError);
    expect((error as Error).message).not.toContain('hunter2');
    return (error as SealError).code;
  }
}

test('whoever it was sealed to opens it, under its slot, epoch and key', () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((octets) => String.fromCharCode(...octets));
  fc.assert(
    fc.property(key, fc.uint8Array({ maxLength: 300 }), fc.nat(2 ** 40), (name, secret, epoch) => {
      const sealed = new ValueSealer(SLOT, epoch, to(own, other)).seal(name, secret);
      for (const each of [own, other])
        expect(new ValueOpener(each).open(SLOT, name, sealed)).toEqual({ value: secret, epoch });
    }),
    { numRuns: 50 },
  );
});

test('one sealer, many values: no two have a nonce or a ciphertext in common', () => {
  const sealer = new ValueSealer(SLOT, 3, to(own));
  const sealed = Array.from({ length: 100 }, () => Buffer.from(sealer.seal('k', value)).toString('hex'));
  expect(new Set(sealed).size).toBe(100);
  const opener = new ValueOpener(own);
  for (const each of sealed) expect(opener.open(SLOT, 'k', Buffer.from(each, 'hex')).value).toEqual(value);
});

test('what is sealed has nothing of the value, and the content key is not beside it', () => {
  const text = Buffer.from(new ValueSealer(SLOT, 3, to(own)).seal('k', value)).toString('latin1');
  expect(text).not.toContain('hunter2');
});

test('the largest secret, with a seal for as many as there may be, is a value of the state', () => {
  const keys = Array.from({ length: SEAL_RECEIVERS_MAX }, createSealKey);
  const sealer = new ValueSealer(SLOT, Number.MAX_SAFE_INTEGER, to(...keys));
  const sealed = sealer.seal('k', new Uint8Array(REPLICA_SECRET_BYTES_MAX));
  expect(sealed.length).toBeLessThanOrEqual(REPLICA_VALUE_BYTES_MAX);
  expect(new ValueOpener(keys.at(-1) as SealKey).open(SLOT, 'k', sealed).value).toHaveLength(
    REPLICA_SECRET_BYTES_MAX,
  );
});

test('its receivers can be told without opening it', () => {
  const sealed = new ValueSealer(SLOT, 3, to(own, other)).seal('k', value);
  expect(receiversOf(sealed)).toBe(textOfReceivers(to(other, own).map(({ id }) => id)));
  expect(receiversOf(sealed)).not.toBe(textOfReceivers(to(own).map(({ id }) => id)));
});

describe('is not opened', () => {
  const sealed = new ValueSealer(SLOT, 3, to(own)).seal('k', value);
  const opener = new ValueOpener(own);

  test('by whom it was not sealed to', () =>
    expect(codeOf(() => new ValueOpener(other).open(SLOT, 'k', sealed))).toBe('not-for-us'));
  test('under another key of the state', () =>
    expect(codeOf(() => opener.open(SLOT, 'K', sealed))).toBe('forged'));
  test('in another slot', () =>
    expect(codeOf(() => opener.open('00000000000000a2', 'k', sealed))).toBe('forged'));
  test('when it is no sealed value', () =>
    expect(codeOf(() => opener.open(SLOT, 'k', value))).toBe('malformed'));
  test('with any bit turned, its epoch and number among them', () => {
    // Also when the content key is known already.
    expect(opener.open(SLOT, 'k', sealed).value).toEqual(value);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const turned = sealed.slice();
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(
        codeOf(() => opener.open(SLOT, 'k', turned)),
        `bit ${bit}`,
      ).not.toBe('none');
    }
  });
  test('cut short', () => {
    for (let length = 0; length < sealed.length; length += 1)
      expect(codeOf(() => opener.open(SLOT, 'k', sealed.subarray(0, length)))).not.toBe('none');
  });
  test('with the content key of another holder put before it', () => {
    const theirs = new ValueSealer(SLOT, 3, to(own)).seal('k', value);
    const head = sealed.length - value.length - 16;
    const mixed = new Uint8Array([...theirs.subarray(0, head), ...sealed.subarray(head)]);
    expect(codeOf(() => opener.open(SLOT, 'k', mixed))).toBe('forged');
  });
});

describe('a key of a node', () => {
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'seal-'));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return made;
  };

  test("is made once, and is its owner's", () => {
    const path = join(folder(), 'seal-key.pem');
    const first = openSealKey(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(openSealKey(path).publicKey).toBe(first.publicKey);
    expect(Buffer.from(first.publicKey, 'base64')).toHaveLength(32);
    expect(readFileSync(path, 'utf8')).toContain('PRIVATE KEY');
  });

  test('that is none is refused', () => {
    expect(codeOf(() => sealReceiver('AAAA'))).toBe('unusable-key');
    expect(codeOf(() => sealReceiver(Buffer.alloc(32).toString('base64')))).toBe('unusable-key');
  });
});
