// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { createLeaseKey } from '@vnfpool/runtime/lease-seal';
import { expect, test } from 'vitest';

test('the public part is the 32 octets of RFC 7748', () => {
  const { privateKey, publicKey } = createLeaseKey();
  expect(publicKey).toBe(createPublicKey(privateKey).export({ format: 'jwk' }).x);
});

/** Keys until one export of a JWK met the collection of what had made its key, on Node 20: some hundreds. */
const KEYS = 20_000;

test('keys can be made and told while memory is collected: a process that makes many comes to its end', () => {
  const script = `
    import { createLeaseKey } from ${JSON.stringify(built('lease-seal'))};
    import { createSealKey } from ${JSON.stringify(built('state-seal'))};
    for (let made = 0; made < ${KEYS}; made++) { createLeaseKey(); createSealKey(); }
  `;
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--max-semi-space-size=1', '--input-type=module', '--eval', script],
    { timeout: 60_000, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
}, 90_000);

/** As users have it. */
function built(entry: string): string {
  return new URL(`../../dist/${entry}/index.js`, import.meta.url).href;
}
