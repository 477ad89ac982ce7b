// SPDX-License-Identifier: Apache-2.0
import { formatToken, parseToken } from '@vnfpool/runtime/join';
import { describe, expect, test } from 'vitest';

const token = {
  address: '10.0.0.1',
  port: 49_878,
  caFingerprint: 'ab'.repeat(32),
  tokenId: '0123456789abcdef',
  secret: 'c2VjcmV0',
};
const encode = (value: unknown) => `vnfpool1.${Buffer.from(JSON.stringify(value)).toString('base64url')}`;

test('a token survives its text', () => {
  expect(parseToken(`  ${formatToken(token)}\n`)).toEqual(token);
});

describe('a token that cannot be read', () => {
  const fields = [token.address, token.port, token.caFingerprint, token.tokenId, token.secret];
  test.each([
    ['another prefix', 'k10abc'],
    ['cut', formatToken(token).slice(0, -20)],
    ['too long', `vnfpool1.${'A'.repeat(3000)}`],
    ['an object', encode({ ...token })],
    ['four fields', encode(fields.slice(0, 4))],
    ['no address', encode(fields.with(0, ''))],
    ['port 0', encode(fields.with(1, 0))],
    ['port as text', encode(fields.with(1, '80'))],
    ['a short fingerprint', encode(fields.with(2, 'abcd'))],
    ['an empty secret', encode(fields.with(4, ''))],
  ])('%s', (_, text) => {
    expect(() => parseToken(text)).toThrow(
      expect.objectContaining({ name: 'JoinError', code: 'token-malformed' }),
    );
  });

  test('does not show up in the message', () => {
    const text = encode(fields.with(1, 0));
    expect(() => parseToken(text)).toThrow(/^((?!c2VjcmV0|vnfpool1\.W).)*$/);
  });
});
