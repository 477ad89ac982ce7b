// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '@vnfpool/runtime/authority';
import {
  checkCredentials,
  createPrivateKeyPem,
  createRequestPem,
  fingerprintOf,
  parseIdentity,
  renewAtMs,
} from '@vnfpool/runtime/certificates';
import { certificateIdentity } from '@vnfpool/transport/tls';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';

const nowMs = Date.UTC(2026, 10, 21);
const hourMs = 3_600_000;

test('issues a leaf that says who it is, for a day', async () => {
  const { authority } = await Authority.create('edge', nowMs);
  const key = createPrivateKeyPem();
  const certificate = await authority.issue(
    createRequestPem(key, 'ignored'),
    {
      identity: { role: 'node', id: 7, name: 'rack-a' },
      addresses: ['10.0.0.7', '::1'],
      dnsNames: ['a.example'],
    },
    nowMs,
  );
  const leaf = new X509Certificate(certificate);
  expect(leaf.subjectAltName).toBe(
    'URI:spiffe://edge/node/7, IP Address:10.0.0.7, IP Address:0:0:0:0:0:0:0:1, DNS:a.example',
  );
  expect(parseIdentity(certificateIdentity(leaf), 'edge')).toEqual({
    domain: 'edge',
    role: 'node',
    id: 7,
    name: 'rack-a',
  });
  expect(Date.parse(leaf.validTo)).toBe(nowMs + 24 * hourMs);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkIP('10.0.0.7')).toBe('10.0.0.7');
  const credentials = { key, certificate, ca: authority.certificatePem };
  expect(checkCredentials(credentials, nowMs).name).toBe('rack-a');
  expect(renewAtMs(certificate)).toBeLessThan(nowMs + 17 * hourMs);
  expect(renewAtMs(certificate)).toBeGreaterThan(nowMs + 15 * hourMs);

  expect(() => checkCredentials(credentials, nowMs + 24 * hourMs)).toThrow(/was valid until/);
  expect(() => checkCredentials({ ...credentials, key: createPrivateKeyPem() }, nowMs)).toThrow(
    /not for the key/,
  );
  const { authority: other } = await Authority.create('edge', nowMs);
  expect(() => checkCredentials({ ...credentials, ca: other.certificatePem }, nowMs)).toThrow(
    /not of the authority/,
  );
  expect(() => checkCredentials({ ...credentials, certificate: 'x' }, nowMs)).toThrow(
    expect.objectContaining({ code: 'unreadable' }),
  );
});

test('is kept in its folder, readable by its owner only, for ten years', async () => {
  const folder = join(temporaryFolder(), 'authority');
  const first = await Authority.open(folder, 'edge', nowMs);
  const again = await Authority.open(folder, 'edge', nowMs + hourMs);
  expect(again.fingerprint).toBe(first.fingerprint);
  expect(fingerprintOf(first.certificatePem)).toBe(first.fingerprint);
  for (const name of ['ca.pem', 'ca.key']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  const certificate = new X509Certificate(first.certificatePem);
  expect(certificate.ca).toBe(true);
  expect(Date.parse(certificate.validTo)).toBe(nowMs + 3653 * 24 * hourMs);

  const leaf = await again.issue(
    createRequestPem(createPrivateKeyPem(), 'u'),
    { identity: { role: 'user', name: 'u' } },
    nowMs,
  );
  expect(new X509Certificate(leaf).verify(certificate.publicKey)).toBe(true);

  await expect(Authority.open(folder, 'core', nowMs)).rejects.toMatchObject({ code: 'state' });
  rmSync(join(folder, 'ca.key'));
  await expect(Authority.open(folder, 'edge', nowMs)).rejects.toMatchObject({ code: 'state' });
});

test.each([
  ['no request', () => 'hello', {}],
  [
    'a request whose signature is broken',
    () => {
      const pem = createRequestPem(createPrivateKeyPem(), 'x');
      const lines = pem.split('\n');
      const octets = Buffer.from(lines.slice(1, -2).join(''), 'base64');
      // The common name, which the signature covers.
      octets[octets.indexOf('x')] = 0x79;
      return `${lines[0]}\n${octets.toString('base64')}\n${lines.at(-2)}\n`;
    },
    {},
  ],
  [
    'an address that is none',
    () => createRequestPem(createPrivateKeyPem(), 'x'),
    { addresses: ['10.0.0.300'] },
  ],
  ['a host name that is none', () => createRequestPem(createPrivateKeyPem(), 'x'), { dnsNames: ['a b'] }],
])('refuses %s', async (_, request, extra) => {
  const { authority } = await Authority.create('edge', nowMs);
  await expect(
    authority.issue(request(), { identity: { role: 'user', name: 'u' }, ...extra }, nowMs),
  ).rejects.toMatchObject({ name: 'AuthorityError', code: 'request' });
});
