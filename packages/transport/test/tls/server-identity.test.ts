// SPDX-License-Identifier: Apache-2.0
import { canonicalAddress, serverIdentityFault, subjectAltNames } from '@vnfpool/transport/tls';
import { describe, expect, test } from 'vitest';

const dns = (...dnsNames: string[]) => ({ dnsNames, addresses: [] });
const ip = (...addresses: string[]) => ({ dnsNames: [], addresses });

describe('a certificate names the server (RFC 5355 §3, RFC 9525 §6)', () => {
  test.each([
    ['the same name', 'pr.example.org', dns('pr.example.org')],
    ['one of several', 'pr.example.org', dns('other.example.org', 'pr.example.org')],
    ['whatever the case', 'PR.Example.ORG', dns('pr.eXample.org')],
    ['an absolute name', 'pr.example.org.', dns('pr.example.org')],
    ['an international name against its ASCII form', 'bücher.example', dns('xn--bcher-kva.example')],
    ['an international name in capitals', 'BÜCHER.example', dns('XN--BCHER-KVA.example')],
    ['the ASCII form against itself', 'xn--bcher-kva.example', dns('xn--bcher-kva.example')],
    ['wildcard: exactly one label', 'pr.example.org', dns('*.example.org')],
    ['wildcard: an international label', 'bücher.example.org', dns('*.example.org')],
    ['a name of one label', 'registrar', dns('registrar')],
    ['an underscore', 'pr_1.example.org', dns('pr_1.example.org')],
    ['IPv4 by octets', '192.0.2.1', ip('192.0.2.1')],
    ['IPv6 in another spelling', '2001:db8::1', ip('2001:0db8:0:0:0:0:0:1')],
    ['IPv6 with capitals and a dotted end', '2001:DB8::192.0.2.1', ip('2001:db8::c000:201')],
    ['loopback', '::1', ip('0:0:0:0:0:0:0:1')],
  ])('%s', (_, reference, names) => {
    expect(serverIdentityFault(reference, names)).toBeNull();
  });
});

describe('a certificate does not name the server', () => {
  test.each([
    ['another name', 'pr.example.org', dns('pr.example.com')],
    ['no name at all: the common name is none', 'pr.example.org', dns()],
    ['a part of the name', 'pr.example.org', dns('example.org')],
    ['a longer name', 'example.org', dns('pr.example.org')],
    ['a name that ends alike', 'evilexample.org', dns('example.org')],
    ['wildcard: no label', 'example.org', dns('*.example.org')],
    ['wildcard: two labels', 'a.b.example.org', dns('*.example.org')],
    ['wildcard in part of a label', 'pr1.example.org', dns('pr*.example.org')],
    ['wildcard before a part', 'pr1.example.org', dns('*1.example.org')],
    ['wildcard within an A-label', 'xn--bcher-kva.example.org', dns('xn--*.example.org')],
    ['wildcard not left-most', 'a.pr.example.org', dns('a.*.example.org')],
    ['two wildcards', 'a.b.example.org', dns('*.*.example.org')],
    ['wildcard alone', 'org', dns('*')],
    ['wildcard over a whole domain of the top', 'example.org', dns('*.org')],
    ['wildcard as what we look for', '*.example.org', dns('*.example.org')],
    ['a trailing dot in the certificate', 'pr.example.org', dns('pr.example.org.')],
    ['two trailing dots', 'pr.example.org..', dns('pr.example.org')],
    ['only a dot', '.', dns('.')],
    ['an empty label', 'pr..example.org', dns('pr..example.org')],
    ['nothing', '', dns('')],
    ['an embedded NUL in the certificate', 'pr.example.org', dns('pr.example.org\0.evil.example')],
    ['an embedded NUL in what we look for', 'pr.example.org\0', dns('pr.example.org')],
    ['a space', 'pr.example.org ', dns('pr.example.org')],
    ['an international name in the certificate as it is written', 'bücher.example', dns('bücher.example')],
    ['a letter that looks alike', 'pr.example.org', dns('pr.exаmple.org')],
    ['a label beyond 63 octets', `${'a'.repeat(64)}.org`, dns(`${'a'.repeat(64)}.org`)],
    ['a name beyond 253 octets', `${'a.'.repeat(130)}org`, dns(`${'a.'.repeat(130)}org`)],
    ['another address', '192.0.2.1', ip('192.0.2.2')],
    ['an address as a name', '192.0.2.1', dns('192.0.2.1')],
    ['an address under a wildcard', '192.0.2.1', dns('*.0.2.1')],
    ['an address with a trailing dot', '192.0.2.1.', dns('192.0.2.1')],
    ['an address in another number system', '0x7f.1', dns('0x7f.1')],
    ['an address with leading zeros', '192.0.2.001', ip('192.0.2.1')],
    ['a name as an address', 'pr.example.org', ip('192.0.2.1')],
    ['IPv4 against the same within IPv6: 4 octets are not 16', '192.0.2.1', ip('::ffff:192.0.2.1')],
    ['IPv6 that holds an IPv4 address', '::ffff:192.0.2.1', ip('192.0.2.1')],
    ['IPv6 with a zone', 'fe80::1%eth0', ip('fe80::1')],
    ['IPv6 in brackets', '[2001:db8::1]', ip('2001:db8::1')],
    ['octets that are no address', '10.0.0.1', ip('<invalid>')],
  ])('%s', (_, reference, names) => {
    expect(serverIdentityFault(reference, names)).not.toBeNull();
  });
});

test.each([
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ['fe80::1%1', null],
  ['pr.example.org', null],
])('an address has one spelling: %s', (text, canonical) => {
  expect(canonicalAddress(text)).toBe(canonical);
});

test('a name with a NUL is printed by Node between quotes, and is no other name to us', () => {
  const names = subjectAltNames('DNS:"pr.example.org\\u0000.evil.example", IP Address:<invalid>');
  expect(names.dnsNames).toEqual(['pr.example.org\0.evil.example']);
  expect(serverIdentityFault('pr.example.org', names)).not.toBeNull();
});
