// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  createNamespace,
  createPrivateNetwork,
  inNamespace,
  limitsRefusal,
  type NetworkNamespace,
  type PrivateNetworkPlan,
  removeLeftLinks,
} from '@vnfpool/platform/namespaces';
import {
  createBridge,
  listAddresses,
  listLinks,
  NETLINK_ROUTE,
  NetlinkSocket,
  setLinkAlias,
} from '@vnfpool/platform/netlink';
import { describe, expect, onTestFinished, test } from 'vitest';
import { labMissing } from '../support/lab.ts';

const label = randomBytes(4).toString('hex');

/** Some work with a socket of the namespace; null: of ours. */
function at<Result>(namespace: NetworkNamespace | null, work: (socket: NetlinkSocket) => Result): Result {
  const run = (): Result => {
    const socket = new NetlinkSocket(NETLINK_ROUTE);
    try {
      return work(socket);
    } finally {
      socket.close();
    }
  };
  return namespace === null ? run() : inNamespace(namespace.fd, run);
}
const links = (namespace: NetworkNamespace | null) => at(namespace, listLinks);

async function make(plan: PrivateNetworkPlan, name = 'nat') {
  const network = await createPrivateNetwork(label, name, plan);
  onTestFinished(() => network.close());
  return network;
}

describe.skipIf(labMissing !== '')(`networks of functions ${labMissing}`, () => {
  const peer = `p${label}`;
  const lan = { name: 'lan', peer, addresses: ['198.18.7.2/30'], peerAddresses: ['198.18.7.1/30'] };

  test('it has its links, addresses and settings, and nothing is left at its end', async () => {
    const network = await make({
      interfaces: [{ ...lan, gateway: '198.18.7.1' }],
      sysctls: { 'net.ipv4.ip_forward': '1' },
      rules: 'table ip filter { chain in { type filter hook input priority 0; }\n}',
      routes: [{ to: '198.18.8.0/24', via: '198.18.7.1' }],
    });
    const { namespace } = network;
    expect(links(namespace).find(({ name }) => name === 'lan')).toMatchObject({ isUp: true });
    expect(at(namespace, listAddresses)).toContainEqual(expect.objectContaining({ address: '198.18.7.2' }));
    const inside = (file: string) => inNamespace(namespace.fd, () => readFileSync(file, 'utf8'));
    expect(inside('/proc/sys/net/ipv4/ip_forward').trim()).toBe('1');
    // Destination and gateway as the kernel prints them: octets from the right.
    expect(inside('/proc/thread-self/net/route')).toContain('lan\t000812C6\t010712C6');
    expect(inside('/proc/thread-self/net/route')).toContain('lan\t00000000\t010712C6');
    expect(links(null).find(({ name }) => name === peer)).toMatchObject({ isUp: true });
    network.close();
    expect(links(null).some(({ name }) => name === peer)).toBe(false);
  });

  test('IPv6: addresses serve at once, and its routes are there', async () => {
    const { namespace } = await make({
      interfaces: [
        {
          name: 'lan',
          peer,
          addresses: ['2001:db8:71::2/64', '198.18.7.2/30'],
          peerAddresses: ['2001:db8:71::1/64'],
          gateway6: '2001:db8:71::1',
        },
      ],
      routes: [{ to: '2001:db8:72::/48', via: '2001:db8:71::9' }],
    });
    const routes = inNamespace(namespace.fd, () => readFileSync('/proc/thread-self/net/ipv6_route', 'utf8'));
    const hex = (start: string, end = '') => start + '0'.repeat(32 - start.length - end.length) + end;
    // Destination, length, source, length, next router.
    const none = `${hex('')} 00`;
    expect(routes).toContain(`${hex('')} 00 ${none} ${hex('20010db80071', '1')}`);
    expect(routes).toContain(`${hex('20010db80072')} 30 ${none} ${hex('20010db80071', '9')}`);
    // Nobody listens, and the kernel inside says so.
    const { stderr } = spawnSync('bash', ['-c', 'exec 3<>/dev/tcp/2001:db8:71::2/9'], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    expect(stderr).toContain('Connection refused');
  });

  const refusal = limitsRefusal();
  test.skipIf(refusal !== null)(
    `a limit of bandwidth holds in both directions, and what passed is counted${refusal === null ? '' : ` [${refusal}]`}`,
    async () => {
      const datagrams = 1_000;
      const network = await make({ interfaces: [lan], bandwidthBps: 800_000 });
      const flood = (to: string) => {
        const script = `
          const socket = require('dgram').createSocket('udp4');
          let left = ${datagrams};
          for (let i = left; i > 0; i--) socket.send(Buffer.alloc(1000), 9, '${to}', () => --left || socket.close());`;
        expect(spawnSync(process.execPath, ['-e', script], { timeout: 20_000 }).status).toBe(0);
      };
      const tables = () => spawnSync('nft', ['list', 'ruleset', 'netdev'], { encoding: 'utf8' }).stdout;
      /** Datagrams that were dropped of those sent, and of those received. */
      const dropped = () => {
        const ours =
          tables()
            .split(/^table /m)
            .find((text) => text.includes(label)) ?? '';
        return [...ours.matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
      };
      expect(dropped()).toEqual([0, 0]);
      flood('198.18.7.2');
      const [, received = 0] = dropped();
      // 131,072 octets at once, then 100,000 a second: the processor is faster.
      expect(received).toBeGreaterThan(datagrams / 3);
      expect(network.traffic()?.receivedBytes).toBeGreaterThan(50_000);
      expect(network.traffic()?.receivedBytes).toBeLessThan(((datagrams - received) * 1_042 * 12) / 10);
      inNamespace(network.namespace.fd, () => flood('198.18.7.1'));
      expect(dropped()[0]).toBeGreaterThan(datagrams / 3);
      expect(network.traffic()?.sentBytes).toBeGreaterThan(50_000);
      network.close();
      await expect.poll(tables, { timeout: 10_000 }).not.toContain(label);
    },
  );

  test.each<[string, Partial<PrivateNetworkPlan>, RegExp]>([
    [
      'a bridge that is not there',
      { interfaces: [{ name: 'x', bridge: 'no-such', addresses: [] }] },
      /^bridge no-such: /,
    ],
    ['rules that nft does not take', { rules: 'table ip nat { chain }' }, /^rules: line 1:.*syntax error/],
    [
      'a setting that is not there',
      { sysctls: { 'net.ipv4.no_such': '1' } },
      /^sysctl net\.ipv4\.no_such: ENOENT/,
    ],
    ['a value that the kernel refuses', { sysctls: { 'net.ipv4.ip_forward': 'maybe' } }, /^sysctl .*EINVAL/],
    [
      'a route that leads nowhere',
      { routes: [{ to: '10.0.0.0/8', via: '203.0.113.1' }] },
      /^route to 10\.0\.0\.0\/8: /,
    ],
  ])('%s: told with its place, and nothing is left', async (_what, more, message) => {
    await expect(createPrivateNetwork(label, 'nat', { interfaces: [lan], ...more })).rejects.toThrow(message);
    expect(links(null).some(({ name, alias }) => name === peer || alias.endsWith(label))).toBe(false);
  });

  test('the name of a link that the host has is refused, and that link stays', async () => {
    await make({ interfaces: [lan] });
    const again = createPrivateNetwork(label, 'other', { interfaces: [lan] });
    await expect(again).rejects.toThrow(`interface lan (host's end ${peer}): `);
    expect(links(null).some(({ name }) => name === peer)).toBe(true);
  });

  test('what an owner left is removed by its note; links of others stay', async () => {
    const host = createNamespace();
    onTestFinished(() => host.close());
    at(host, (socket) => {
      for (const [name, alias] of [
        ['left', `vnfpool function of ${label}`],
        ['other', `vnfpool function of ${label}x`],
        ['plain', ''],
      ] as const) {
        createBridge(socket, name);
        const made = listLinks(socket).find((link) => link.name === name);
        if (alias !== '') setLinkAlias(socket, made?.index ?? 0, alias);
      }
    });
    expect(inNamespace(host.fd, () => removeLeftLinks(label))).toEqual(['left']);
    const names = links(host).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['other', 'plain']));
    expect(names).not.toContain('left');
  });
});
