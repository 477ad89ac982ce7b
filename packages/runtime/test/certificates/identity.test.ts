// SPDX-License-Identifier: Apache-2.0
import { type Identity, IdentityError, identityUri, parseIdentity } from '@vnfpool/runtime/certificates';
import { describe, expect, test } from 'vitest';

const good: readonly [string, Identity][] = [
  ['spiffe://edge/manager/m1', { domain: 'edge', role: 'manager', name: 'm1' }],
  ['spiffe://edge.example/registrar/r-1', { domain: 'edge.example', role: 'registrar', name: 'r-1' }],
  ['spiffe://edge/node/17', { domain: 'edge', role: 'node', id: 17, name: 'rack-a' }],
  ['spiffe://edge/user/alice', { domain: 'edge', role: 'user', name: 'alice' }],
  ['spiffe://edge/element/e', { domain: 'edge', role: 'element', name: 'e' }],
];

describe('an identity and its URI', () => {
  test.each(good)('%s', (uri, identity) => {
    expect(identityUri(identity)).toBe(uri);
    const commonName = identity.role === 'node' ? identity.name : 'anything';
    expect(parseIdentity({ commonName, uris: ['https://x', uri] }, identity.domain)).toEqual(identity);
  });
});

describe('is no identity', () => {
  test.each([
    ['no URI', []],
    ['another scheme only', ['https://edge/user/alice']],
    ['two of them', ['spiffe://edge/user/alice', 'spiffe://edge/manager/m1']],
    ['the authority itself', ['spiffe://edge']],
    ['a role we do not know', ['spiffe://edge/root/x']],
    ['a longer path', ['spiffe://edge/user/alice/x']],
    ['an empty name', ['spiffe://edge/user/']],
    ['a name with a space', ['spiffe://edge/user/a b']],
    ['node 0', ['spiffe://edge/node/0']],
    ['a node id beyond 32 bits', ['spiffe://edge/node/4294967296']],
    ['a node id of all ones, which means all', ['spiffe://edge/node/4294967295']],
    ['a node id with leading zeros', ['spiffe://edge/node/017']],
    ['a node id in hexadecimal', ['spiffe://edge/node/0x11']],
    ['another domain', ['spiffe://other/user/alice']],
    ['the domain in capitals', ['spiffe://EDGE/user/alice']],
    ['a query', ['spiffe://edge/user/alice?x=1']],
  ])('%s', (_, uris) => {
    expect(() => parseIdentity({ commonName: 'rack-a', uris }, 'edge')).toThrow(IdentityError);
  });

  test('a node without a name', () => {
    expect(() => parseIdentity({ commonName: null, uris: ['spiffe://edge/node/17'] })).toThrow(IdentityError);
  });
});
