// SPDX-License-Identifier: Apache-2.0
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { storeCredentials } from '@vnfpool/runtime/certificates';
import { loadScopeSecurity, scopeGuard } from '@vnfpool/runtime/scope-security';
import { testSet } from '@vnfpool/testkit/certificates';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';

const set = await testSet('edge');
const own = await set.credentials({ role: 'registrar', name: 'r1' });
const key = (digit: string) => `0123456789abcde${digit}`.repeat(4);

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
  return folder;
}
const load = (files: Readonly<Record<string, string>>) =>
  loadScopeSecurity(join(folderWith(files), 'scope.yaml'));

test('open', () => {
  expect(load({ 'scope.yaml': 'kind: open' })).toEqual({ kind: 'open' });
});

test('certificates, with paths relative to the file', () => {
  const security = load({
    'ca.pem': own.ca,
    'own.pem': own.certificate,
    'own.key': own.key,
    'scope.yaml': `
kind: certificates
ca: ca.pem
certificate: own.pem
key: own.key
identities:
  - { dnsName: '*.registrars.example', role: registrar }
rules:
  - { who: element/*, pools: [calc, 'web-*'], addresses: [10.0.0.0/24] }
unsecuredUsers: true
minVersion: TLSv1.2
`,
  });
  expect(security).toEqual({
    kind: 'certificates',
    ca: own.ca,
    own: { certificate: own.certificate, key: own.key },
    identities: [{ dnsName: '*.registrars.example', role: 'registrar' }],
    rules: [{ who: 'element/*', pools: ['calc', 'web-*'], addresses: ['10.0.0.0/24'] }],
    unsecuredUsers: true,
    minVersion: 'TLSv1.2',
  });
  expect(scopeGuard(security, 'registrar').secured).toBe(true);
});

test('shared keys: identities that say who they are, and others by mapping', () => {
  const security = load({
    'keys.psk': `# registrars\nregistrar/r1:${key('1')}\n\n  element/calc-1:${key('2').toUpperCase()}\nold:box:${key('3')}\n`,
    'scope.yaml': `
kind: psk
identity: registrar/r1
keys: keys.psk
identities:
  - { identity: 'old:box', role: element, name: box }
`,
  });
  expect(security).toMatchObject({ kind: 'psk', identity: 'registrar/r1' });
  expect(security.kind === 'psk' && security.keys).toEqual([
    { identity: 'registrar/r1', role: 'registrar', name: 'r1', key: bytes(key('1')) },
    { identity: 'element/calc-1', role: 'element', name: 'calc-1', key: bytes(key('2')) },
    { identity: 'old:box', role: 'element', name: 'box', key: bytes(key('3')) },
  ]);
});

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

test('a set, from the folder of a member', () => {
  const folder = folderWith({ 'scope.yaml': 'kind: set\nfolder: .\n' });
  storeCredentials(folder, own);
  expect(loadScopeSecurity(join(folder, 'scope.yaml'))).toEqual({
    kind: 'set',
    domain: 'edge',
    credentials: own,
  });
});

test('the examples of the documentation can be meant', () => {
  const text = readFileSync(new URL('../../../../docs/security.md', import.meta.url), 'utf8');
  const examples = [...text.matchAll(/^```yaml\n(kind:[^]*?)^```$/gm)].map((match) => match[1] ?? '');
  expect(examples).toHaveLength(2);
  for (const example of examples) {
    const security = load({
      'scope.yaml': example,
      'ca.pem': own.ca,
      'r1.pem': own.certificate,
      'r1-key.pem': own.key,
      'keys.psk': `registrar/r1:${key('1')}\nelement/calc-1:${key('2')}\n`,
    });
    expect(scopeGuard(security, 'registrar').secured).toBe(true);
  }
});

describe('files that others can use are not read', () => {
  const files = {
    'keys.psk': `user/u:${key('1')}\n`,
    'scope.yaml': 'kind: psk\nidentity: user/u\nkeys: keys.psk\n',
  };
  test.each([0o640, 0o604, 0o660, 0o620, 0o644])('mode %o', (mode) => {
    const folder = folderWith(files);
    chmodSync(join(folder, 'keys.psk'), mode);
    expect(() => loadScopeSecurity(join(folder, 'scope.yaml'))).toThrow(
      expect.objectContaining({ code: 'file', message: expect.stringContaining('chmod 600') as unknown }),
    );
  });

  test('the key of a certificate likewise', () => {
    const folder = folderWith({
      'ca.pem': own.ca,
      'own.key': own.key,
      'own.pem': own.certificate,
      'scope.yaml': 'kind: certificates\nca: ca.pem\ncertificate: own.pem\nkey: own.key\n',
    });
    chmodSync(join(folder, 'own.key'), 0o644);
    expect(() => loadScopeSecurity(join(folder, 'scope.yaml'))).toThrow(/own\.key has mode 0644/);
  });
});

describe('what cannot be meant is told, and never a key', () => {
  test.each([
    ['no kind', 'ca: x', /kind/],
    ['an unknown setting', 'kind: open\nrule: []', /rule/],
    ['no YAML', ': :', /scope\.yaml/],
    ['a missing file', 'kind: certificates\nca: none.pem', /none\.pem cannot be read/],
    ['half a pair', 'kind: certificates\nca: scope.yaml\ncertificate: scope.yaml', /go together/],
  ])('%s', (_, yaml, message) => {
    expect(() => load({ 'scope.yaml': yaml })).toThrow(message);
  });

  test.each([
    ['no colon', key('1'), /line 2: not IDENTITY:KEY/],
    ['not hexadecimal', `user/u:pass${key('1')}`, /line 2: not IDENTITY:KEY/],
    ['half an octet', `user/u:${key('1')}a`, /line 2: not IDENTITY:KEY/],
    ['an identity that says nothing', `u:${key('1')}`, /line 2: "u" is not ROLE\/NAME/],
    ['an unknown role', `boss/u:${key('1')}`, /line 2: "boss\/u" is not ROLE\/NAME/],
  ])('keys: %s', (_, line, message) => {
    const files = { 'scope.yaml': 'kind: psk\nidentity: user/u\nkeys: k', k: `#\n${line}\n` };
    expect(() => load(files)).toThrow(message);
    try {
      load(files);
    } catch (error) {
      expect((error as Error).message).not.toContain(key('1').slice(0, 8));
    }
  });
});
