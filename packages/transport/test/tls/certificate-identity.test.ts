// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import { certificateIdentity } from '@vnfpool/transport/tls';
import { expect, test } from 'vitest';

const certificate = (subjectAltName: string | undefined) =>
  ({
    subjectAltName,
    subject: 'O=x\nCN=a',
    fingerprint256: 'AB:CD',
    validTo: 'Nov 21 00:00:00 2026 GMT',
  }) as X509Certificate;

// The quoting is Node's since it closed CVE-2021-44532.
test.each([
  ['nothing', undefined, []],
  ['one', 'URI:spiffe://a/user/b', ['spiffe://a/user/b']],
  [
    'among others',
    'DNS:x, URI:spiffe://a/user/b, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:y:z',
    ['spiffe://a/user/b', 'y:z'],
  ],
  [
    'a DNS name that poses as two',
    'DNS:"x, URI:spiffe://a/manager/m", URI:spiffe://a/user/b',
    ['spiffe://a/user/b'],
  ],
  ['a quoted one', 'URI:"spiffe://a/user/b, URI:c"', ['spiffe://a/user/b, URI:c']],
  ['a form we do not know', 'URI:spiffe://a/user/b, DNS:x"y"', []],
])('URIs of a subjectAltName: %s', (_, text, uris) => {
  expect(certificateIdentity(certificate(text))).toMatchObject({
    commonName: 'a',
    fingerprint: 'abcd',
    uris,
  });
});
