// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createNamespace, createNetwork, inNamespace, openOwnNamespace } from '../../src/namespaces/index.ts';
import {
  addAddress,
  createVeth,
  deleteAddress,
  findLink,
  listAddresses,
  listLinks,
  moveLink,
  NETLINK_ROUTE,
  NetlinkSocket,
  parseIpv4Prefix,
  renameLink,
  setDefaultRoute,
  setLinkUp,
} from '../../src/netlink/index.ts';
import { labMissing, openUdp, until } from '../support/lab.ts';

const own = (): string => readlinkSync('/proc/thread-self/ns/net');
const namespacesHeld = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('net:');
    } catch {
      return false;
    }
  }).length;

describe.skipIf(labMissing !== '')(`network namespaces ${labMissing}`, () => {
  test('a namespace is made beside ours, with loopback only and up', () => {
    const before = own();
    const made = createNamespace();
    expect(own()).toBe(before);
    expect(made.identity).toMatch(/^net:\[\d+\]$/);
    expect(made.identity).not.toBe(before);
    const links = inNamespace(made.fd, () => {
      expect(own()).toBe(made.identity);
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      const found = listLinks(socket);
      socket.close();
      return found;
    });
    // A kernel with tunnel modules may put its fallback devices there, down.
    expect(links.filter((link) => link.isUp).map((link) => link.name)).toEqual(['lo']);
    expect(own()).toBe(before);
    made.close();
  });

  test('the thread comes back when the work throws', () => {
    const before = own();
    const made = createNamespace();
    expect(() =>
      inNamespace(made.fd, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(own()).toBe(before);
    made.close();
  });

  test('children and settings belong to the namespace', async () => {
    const made = createNamespace();
    const script = 'readlink /proc/self/ns/net';
    const sync = inNamespace(made.fd, () => spawnSync('sh', ['-c', script], { encoding: 'utf8' }));
    expect(sync.stdout.trim()).toBe(made.identity);
    const child = inNamespace(made.fd, () => spawn('sh', ['-c', script]));
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(output.trim()).toBe(made.identity);

    const path = '/proc/sys/net/ipv4/ip_default_ttl';
    const ours = readFileSync(path, 'utf8');
    inNamespace(made.fd, () => writeFileSync(path, '33\n'));
    expect(inNamespace(made.fd, () => readFileSync(path, 'utf8')).trim()).toBe('33');
    expect(readFileSync(path, 'utf8')).toBe(ours);
    made.close();
  });

  test('nothing is left behind', async () => {
    const names = (): string[] => {
      try {
        return readdirSync('/run/netns');
      } catch {
        return [];
      }
    };
    const namesBefore = names();
    const heldBefore = namespacesHeld();
    const home = createNamespace();
    const network = inNamespace(home.fd, () =>
      createNetwork({ bridge: 'br0', hosts: [{ name: 'a', address: '10.0.0.1/24' }] }),
    );
    const [host] = network.hosts;
    expect(namespacesHeld()).toBeGreaterThan(heldBefore);
    network.close();
    home.close();
    expect(host).toBeDefined();
    expect(namespacesHeld()).toBe(heldBefore);
    expect(names()).toEqual(namesBefore);
  });

  test('a network joins its hosts; cut and heal', async () => {
    const home = createNamespace();
    const network = inNamespace(home.fd, () =>
      createNetwork({
        bridge: 'br0',
        bridgeAddress: '10.0.0.254/24',
        hosts: [
          { name: 'a', address: '10.0.0.1/24' },
          { name: 'b', address: '10.0.0.2/24' },
        ],
      }),
    );
    const a = openUdp(network.host('a'), '10.0.0.1', 5000);
    const b = openUdp(network.host('b'), '10.0.0.2', 5000);
    const gate = openUdp({ ...network.host('a'), namespace: home }, '10.0.0.254', 5000);
    a.send('hello', '10.0.0.2', 5000);
    a.send('gate', '10.0.0.254', 5000);
    await until('the first word', () => b.poll().includes('hello') && gate.poll().includes('gate'));

    network.cut('a');
    const hasCarrier = (): boolean =>
      inNamespace(network.host('a').namespace.fd, () => {
        const socket = new NetlinkSocket(NETLINK_ROUTE);
        const link = findLink(socket, 'eth0');
        socket.close();
        expect(link.isUp).toBe(true);
        return link.isOperational;
      });
    await until('the host to lose its carrier', () => !hasCarrier());
    b.send('lost', '10.0.0.1', 5000);
    b.send('kept', '10.0.0.254', 5000);
    await until('the gate hears', () => gate.poll().includes('kept'));
    expect(a.poll()).not.toContain('lost');

    network.heal('a');
    await until('the link works again', () => {
      b.send('again', '10.0.0.1', 5000);
      return a.poll().includes('again');
    });
    for (const socket of [a, b, gate]) socket.close();
    expect(() => network.host('x')).toThrow(/no host/);
    expect(() => network.cut('x')).toThrow(/no host/);
    network.close();
    home.close();
  });

  test('a network that cannot be built is taken away', () => {
    const home = createNamespace();
    const heldBefore = namespacesHeld();
    const links = inNamespace(home.fd, () => {
      const plan = { bridge: 'br0', hosts: [{ name: 'a', address: '10.0.0.1/24' }] };
      expect(() => createNetwork({ ...plan, hosts: [...plan.hosts, { name: 'b', address: 'x' }] })).toThrow(
        /IPv4/,
      );
      expect(() => createNetwork({ ...plan, hosts: [...plan.hosts, ...plan.hosts] })).toThrow(
        /different names/,
      );
      const first = createNetwork(plan);
      expect(() => createNetwork(plan)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
      first.close();
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      const found = listLinks(socket);
      socket.close();
      return found;
    });
    expect(links.some((link) => link.name.startsWith('br0'))).toBe(false);
    expect(namespacesHeld()).toBe(heldBefore);
    home.close();
  });

  test('links move, are renamed, carry addresses and a default route', () => {
    const home = createNamespace();
    const other = createNamespace();
    inNamespace(home.fd, () => {
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      createVeth(socket, { name: 'x0' }, { name: 'x1' });
      moveLink(socket, findLink(socket, 'x1').index, other.fd);
      expect(() => findLink(socket, 'x1')).toThrow(expect.objectContaining({ code: 'ENODEV' }));
      const { index } = findLink(socket, 'x0');
      renameLink(socket, index, 'y0');
      expect(findLink(socket, 'y0').index).toBe(index);
      setLinkUp(socket, index, true);
      addAddress(socket, index, parseIpv4Prefix('10.1.0.1/24'));
      addAddress(socket, index, parseIpv4Prefix('10.1.0.9/32'), true);
      expect(() => addAddress(socket, index, parseIpv4Prefix('10.1.0.9/32'))).toThrow(/EEXIST/);
      const onLink = listAddresses(socket).filter((address) => address.linkIndex === index);
      expect(onLink).toEqual([
        { linkIndex: index, address: '10.1.0.1', prefix: 24, isDeprecated: false, isSecondary: false },
        { linkIndex: index, address: '10.1.0.9', prefix: 32, isDeprecated: true, isSecondary: false },
      ]);
      deleteAddress(socket, index, parseIpv4Prefix('10.1.0.9/32'));
      expect(() => deleteAddress(socket, index, parseIpv4Prefix('10.1.0.9/32'))).toThrow(/EADDRNOTAVAIL/);
      expect(() => setDefaultRoute(socket, index, '10.2.0.1')).toThrow(/ENETUNREACH/);
      inNamespace(other.fd, () => {
        const inside = new NetlinkSocket(NETLINK_ROUTE);
        setLinkUp(inside, findLink(inside, 'x1').index, true);
        inside.close();
      });
      setDefaultRoute(socket, index, '10.1.0.254');
      expect(readFileSync('/proc/thread-self/net/route', 'utf8')).toMatch(/y0\t00000000\tFE00010A/);
      socket.close();
    });
    home.close();
    other.close();
  });

  test('our own namespace can be named', () => {
    const here = openOwnNamespace();
    expect(here.identity).toBe(own());
    here.close();
    here.close();
  });
});
