// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVirtualAddresses, LinkAddress } from '../../src/addresses/index.ts';
import { createNamespace, createNetwork, inNamespace, type Network } from '../../src/namespaces/index.ts';
import { labMissing } from '../support/lab.ts';

const WAIT = { timeout: 10_000, interval: 10 };

describe.skipIf(labMissing !== '')(`the address of a link ${labMissing}`, () => {
  const closers: (() => void)[] = [];
  let network: Network;
  let changes: string[];
  const onA = <Result>(work: () => Result): Result => inNamespace(network.host('a').namespace.fd, work);
  const ip = (...words: readonly string[]): void => {
    const { status, stderr } = onA(() => spawnSync('ip', words, { encoding: 'utf8' }));
    if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`);
  };
  const follow = (): LinkAddress => {
    const address = onA(
      () =>
        new LinkAddress('eth0', {
          changed: (now, former) => void changes.push(`${former} ${now}`),
          failed: (error) => void changes.push(error.message),
        }),
    );
    closers.push(() => address.close());
    return address;
  };

  beforeEach(() => {
    changes = [];
    const home = createNamespace();
    network = inNamespace(home.fd, () =>
      createNetwork({ bridge: 'br0', hosts: [{ name: 'a', address: '10.9.0.1/24' }] }),
    );
    closers.push(
      () => home.close(),
      () => network.close(),
    );
  });
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });

  test('is followed: removed first, added first, renumbered while both are there', async () => {
    const address = follow();
    expect(address.current).toBe('10.9.0.1');
    ip('addr', 'del', '10.9.0.1/24', 'dev', 'eth0');
    ip('addr', 'add', '10.9.0.2/24', 'dev', 'eth0');
    await expect.poll(() => changes, WAIT).toEqual(['10.9.0.1 10.9.0.2']);
    ip('addr', 'add', '10.9.1.3/24', 'dev', 'eth0');
    ip('addr', 'del', '10.9.0.2/24', 'dev', 'eth0');
    await expect.poll(() => changes[1], WAIT).toBe('10.9.0.2 10.9.1.3');
    ip('addr', 'add', '10.9.2.4/24', 'dev', 'eth0');
    ip('addr', 'change', '10.9.1.3/24', 'dev', 'eth0', 'preferred_lft', '0');
    await expect.poll(() => changes[2], WAIT).toBe('10.9.1.3 10.9.2.4');
    expect(address.current).toBe('10.9.2.4');
  });

  test('is not that of a slot, and stays while the link has it', async () => {
    const addresses = onA(() => createVirtualAddresses({ interface: 'eth0' }));
    closers.push(() => addresses.close());
    const at = (address: string) => ({ address, link: null, own: null });
    addresses.raise(at('10.9.0.100'), false);
    const address = follow();
    expect(address.current).toBe('10.9.0.1');
    addresses.raise(at('10.9.0.101'), false);
    ip('addr', 'add', '10.9.0.9/24', 'dev', 'eth0');
    ip('addr', 'del', '10.9.0.1/24', 'dev', 'eth0');
    // Deleting the first of a subnet takes the others along, unless the host promotes them.
    ip('addr', 'replace', '10.9.0.9/24', 'dev', 'eth0');
    await expect.poll(() => address.current, WAIT).toBe('10.9.0.9');
    expect(changes.join()).not.toContain('10.9.0.10');
  });

  test('a link that has none, or is not there', () => {
    ip('addr', 'flush', 'dev', 'eth0');
    expect(() => follow()).toThrow('eth0 has no IPv4 address');
    expect(() => onA(() => new LinkAddress('eth7', { changed: () => {}, failed: () => {} }))).toThrow(/eth7/);
  });
});
