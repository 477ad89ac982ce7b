// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { announceAllAddresses } from '../../src/addresses/index.ts';
import { createPrivateNetwork, inNamespace } from '../../src/namespaces/index.ts';
import { labMissing } from '../support/lab.ts';

const missing =
  labMissing ||
  (spawnSync('ip', ['-V']).error === undefined ? '' : 'neighbours are shown by ip: not installed');
const label = randomBytes(4).toString('hex');
const HERE = '02:00:00:00:78:02';
const ELSEWHERE = '02:00:00:00:78:99';

const ip = (...words: string[]): string => {
  const { stdout, stderr, status } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
};

test.skipIf(missing !== '')(
  `neighbours learn where all addresses are, of IPv4 and IPv6 ${missing}`,
  async () => {
    const peer = `n${label}`;
    const network = await createPrivateNetwork(label, 'announce', {
      interfaces: [
        {
          name: 'wan',
          peer,
          addresses: ['198.18.78.2/30', '2001:db8:78::2/64'],
          peerAddresses: ['198.18.78.1/30', '2001:db8:78::1/64'],
          hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0x78, 2),
        },
      ],
    });
    onTestFinished(() => network.close());
    await expect.poll(() => network.isPassing(), { timeout: 20_000 }).toBe(true);
    const addresses = ['198.18.78.2', '2001:db8:78::2'];
    for (const address of addresses)
      ip('neigh', 'replace', address, 'lladdr', ELSEWHERE, 'dev', peer, 'nud', 'reachable');
    const known = () =>
      addresses.map((address) => /lladdr (\S+)/.exec(ip('neigh', 'show', address, 'dev', peer))?.[1]);
    expect(known()).toEqual([ELSEWHERE, ELSEWHERE]);
    expect(inNamespace(network.namespace.fd, announceAllAddresses)).toBeGreaterThanOrEqual(2);
    await expect.poll(known, { timeout: 20_000 }).toEqual([HERE, HERE]);
  },
);
