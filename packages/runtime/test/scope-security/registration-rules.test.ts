// SPDX-License-Identifier: Apache-2.0
import type { Identity } from '@vnfpool/core/registrar';
import type { RegistrationRule } from '@vnfpool/runtime/scope-security';
import type { PoolElement, Transport } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { registrationRules, type ScopeIdentity } from '../../src/scope-security/registration-rules.ts';

const octets = (text: string) => new TextEncoder().encode(text);
const at = (...addresses: string[]): Transport => ({ type: 'sctp', port: 80, use: 'data', addresses });
const element = (userTransport: Transport): PoolElement => ({
  id: 1,
  homeRegistrar: 0,
  registrationLife: 60,
  userTransport,
  policy: { type: 'round-robin' },
});
const calc = (...addresses: string[]): ScopeIdentity => ({ role: 'element', name: 'calc-1', addresses });
const allows = (
  rules: readonly RegistrationRule[],
  identity: Identity,
  pool: Uint8Array,
  transport: Transport = at('10.0.0.1'),
) => registrationRules(rules)(identity, pool, element(transport));

describe('who may register', () => {
  const rule = { who: 'element/calc-*', pools: ['calc', 'sum-*', '0x00ff'], addresses: ['10.0.0.0/24'] };
  test.each([
    ['a pool by name', calc(), octets('calc'), true],
    ['a pool by pattern', calc(), octets('sum-3'), true],
    ['a pool by octets', calc(), Uint8Array.of(0, 0xff), true],
    ['another pool', calc(), octets('web'), false],
    ['a pool with more at its end', calc(), octets('calc2'), false],
    ['a pool of other octets', calc(), Uint8Array.of(0, 0xfe), false],
    ['a pool that is no text', calc(), Uint8Array.of(0x63, 0xff), false],
    ['another name', { role: 'element', name: 'web-1' }, octets('calc'), false],
    ['another role of the same name', { role: 'user', name: 'calc-1' }, octets('calc'), false],
    ['a name that poses as a role', { role: 'user', name: 'element/calc-1' }, octets('calc'), false],
  ] as const)('%s: %s', (_, identity, pool, expected) => {
    expect(allows([rule], identity, pool)).toBe(expected);
  });

  test('without rules nobody', () => {
    expect(allows([], calc('10.0.0.1'), octets('calc'))).toBe(false);
  });

  test('any rule is enough, and none is put together from two', () => {
    const two = [
      { who: 'element/calc-1', pools: ['web'], addresses: ['*'] },
      { who: 'element/web-1', pools: ['calc'], addresses: ['*'] },
      { who: '*/calc-*', pools: ['sum'], addresses: ['*'] },
    ];
    expect(allows(two, calc(), octets('sum'))).toBe(true);
    expect(allows(two, calc(), octets('calc'))).toBe(false);
  });
});

describe('with which addresses', () => {
  const rule = (addresses?: string[]): RegistrationRule => ({
    who: 'element/*',
    pools: ['*'],
    ...(addresses === undefined ? {} : { addresses }),
  });
  const opaque: Transport = { type: 'opaque', data: octets('anything') };
  test.each([
    ['its own, where nothing is said', undefined, at('10.0.0.1'), true],
    ['one of its own and another', undefined, at('10.0.0.1', '10.0.0.9'), false],
    ['another', undefined, at('10.0.0.9'), false],
    ['all in the ranges', ['10.0.0.0/30', '10.1.0.1'], at('10.0.0.1', '10.1.0.1'), true],
    ['one beyond the ranges', ['10.0.0.0/30', '10.1.0.1'], at('10.0.0.1', '10.1.0.2'), false],
    ['any', ['*'], at('192.0.2.1'), true],
    ['an opaque transport, which may hide any', ['10.0.0.0/8'], opaque, false],
    ['an opaque transport of who may have any', ['*'], opaque, true],
    ['an opaque transport, own addresses', undefined, opaque, false],
  ])('%s', (_, addresses, transport, expected) => {
    expect(allows([rule(addresses)], calc('10.0.0.1'), octets('x'), transport)).toBe(expected);
  });

  test('an identity that came without addresses has none of its own', () => {
    expect(allows([rule()], { role: 'element', name: 'e' }, octets('x'))).toBe(false);
  });
});

test.each([
  ['no role', { who: 'calc', pools: ['*'] }],
  ['a role that is none', { who: 'boss/calc', pools: ['*'] }],
  ['half an octet', { who: 'element/*', pools: ['0xabc'] }],
  ['no address', { who: 'element/*', pools: ['*'], addresses: ['web'] }],
])('a rule that cannot be meant: %s', (_, rule) => {
  expect(() => registrationRules([rule])).toThrow(expect.objectContaining({ name: 'ScopeSecurityError' }));
});

test('rules have a bound', () => {
  const rule = { who: 'element/*', pools: ['*'] };
  expect(() => registrationRules(Array.from({ length: 1025 }, () => rule))).toThrow(/at most 1024/);
});
