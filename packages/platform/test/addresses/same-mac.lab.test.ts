// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVirtualAddresses, type LinuxVirtualAddresses } from '../../src/addresses/index.ts';
import type { AddressClaim, AddressPlace } from '../../src/index.ts';
import { labMissing } from '../support/lab.ts';
import { createSegments, eventually, type Machine, openStranger, type Segments } from '../support/segment.ts';

const missing =
  labMissing ||
  (spawnSync('bridge', ['-V']).error === undefined ? '' : 'the switch is shown by bridge: not installed');
const VIP = '10.9.0.100';
const VIP6 = '2001:db8:9::100';
const HARDWARE = '02:5a:00:00:00:01';
const own = { name: 'vn0123456789ab', hardwareAddress: HARDWARE };
const PLACES: readonly AddressPlace[] = [
  { address: VIP, link: null, own: { ...own, prefix: 24 } },
  { address: VIP6, link: null, own: { ...own, prefix: 64 } },
];

describe.skipIf(missing !== '')(`a hardware address that goes with the slot ${missing}`, () => {
  const closers: (() => void)[] = [];
  let segments: Segments;
  let claims: AddressClaim[];
  let nodes: Map<Machine, LinuxVirtualAddresses>;
  const machine = (name: string): Machine => segments.machine(name);
  const hold = (name: string): void => {
    const node = machine(name);
    node.run(() => {
      for (const place of PLACES) nodes.get(node)?.raise(place);
      for (const place of PLACES) nodes.get(node)?.announce(place, 1);
    });
  };
  const leave = (name: string): void => {
    const node = machine(name);
    node.run(() => {
      for (const { address } of PLACES) nodes.get(node)?.withdraw(address);
    });
  };
  /** Which of the nodes hears a datagram that the client sends to the address. */
  const answers = async (address: string): Promise<string> => {
    const taps = ['a', 'b'].map((name) => {
      const tap = openStranger(machine(name), own.name, HARDWARE);
      return { name, tap };
    });
    machine('client').speakTo(address);
    const heard = await eventually(`somebody hears of ${address}`, () =>
      taps.find(({ tap }) => tap.frames().some((frame) => isDatagramTo(frame, address))),
    );
    for (const { tap } of taps) tap.close();
    return heard.name;
  };

  beforeEach(() => {
    claims = [];
    segments = createSegments(['a', 'b', 'client']);
    closers.push(() => segments.close());
    nodes = new Map();
    for (const node of [machine('a'), machine('b')]) {
      const addresses = node.run(() => {
        const listener = {
          claimed: (claim: AddressClaim) => void claims.push(claim),
          placed: () => {},
          linkPlaced: () => {},
          vanished: () => {},
          failed: () => {},
        };
        const opened = createVirtualAddresses({ interface: 'eth0', listener });
        opened.follow(PLACES);
        return opened;
      });
      closers.push(() => addresses.close());
      nodes.set(node, addresses);
    }
  });
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });

  test('traffic moves with it, and neighbours need to learn nothing', async () => {
    hold('a');
    expect([await answers(VIP), await answers(VIP6)]).toEqual(['a', 'a']);
    const client = machine('client');
    expect([VIP, VIP6].map((address) => client.neighbour(address))).toEqual([HARDWARE, HARDWARE]);
    expect(segments.port('br0', HARDWARE)).toBe('a0');
    // The client asks nobody from here on, and believes nobody.
    for (const address of [VIP, VIP6])
      client.ip('neigh', 'replace', address, 'lladdr', HARDWARE, 'dev', 'eth0', 'nud', 'permanent');
    leave('a');
    hold('b');
    await eventually('the switch to learn', () => segments.port('br0', HARDWARE) === 'b0');
    expect([await answers(VIP), await answers(VIP6)]).toEqual(['b', 'b']);
    expect(claims).toEqual([]);
  });

  test('whoever does not hold it is mute and deaf under it, also when it is prepared', async () => {
    const listening = openStranger(machine('client'), 'eth0', '02:00:00:00:99:01');
    closers.push(() => listening.close());
    const b = machine('b');
    b.run(() => {
      for (const place of PLACES) nodes.get(b)?.raise(place, true);
    });
    expect(b.ip('-o', 'addr', 'show', 'dev', own.name)).toContain(VIP);
    // A link that is up says things by itself (reports of multicast groups), from which a switch would learn.
    const senders = listening.frames().map((frame) => Buffer.from(frame.subarray(6, 12)).toString('hex'));
    expect(senders).not.toContain(HARDWARE.replaceAll(':', ''));
    hold('a');
    expect(await answers(VIP)).toBe('a');
    expect(segments.port('br0', HARDWARE)).toBe('a0');
    leave('a');
    b.run(() => {
      for (const place of PLACES) nodes.get(b)?.raise(place);
    });
    expect(b.ip('-o', 'addr', 'show', 'dev', own.name)).toContain(VIP6);
    expect(await answers(VIP6)).toBe('b');
  });

  test('what is sent from it leaves with it, to neighbours and by way of the gateway of the node', async () => {
    const a = machine('a');
    a.ip('route', 'add', 'default', 'via', '10.9.0.3');
    a.ip('-6', 'route', 'add', 'default', 'via', '2001:db8:9::3');
    const listening = openStranger(machine('client'), 'eth0', '02:00:00:00:99:01');
    closers.push(() => listening.close());
    hold('a');
    await eventually('the routes', () => a.ip('rule').includes(VIP) && a.ip('-6', 'rule').includes(VIP6));
    const seen = new Set<string>();
    for (const [from, to] of [
      [VIP, '10.9.0.3'],
      [VIP, '198.51.100.7'],
      [VIP6, '2001:db8:9::3'],
      [VIP6, '2001:db8:77::7'],
      ['10.9.0.1', '10.9.0.3'],
    ] as const)
      a.speakTo(to, from);
    await eventually('all datagrams', () => {
      for (const frame of listening.frames())
        if (isDatagram(frame)) seen.add(Buffer.from(frame.subarray(6, 12)).toString('hex') + port(frame));
      return seen.size === 5;
    });
    const hardware = HARDWARE.replaceAll(':', '');
    expect([...seen].filter((each) => each.startsWith(hardware))).toHaveLength(4);
    leave('a');
    await eventually('the rules go', () => !a.ip('rule').includes(VIP) && !a.ip('-6', 'rule').includes(VIP6));
  });

  test('a link that an earlier process left up is down where the slot is not held', async () => {
    const a = machine('a');
    hold('a');
    // As after a kill: another process finds what this one has left.
    const next = a.run(() => createVirtualAddresses({ interface: 'eth0' }));
    closers.push(() => next.close());
    const isUp = (): boolean => a.ip('-o', 'link', 'show', own.name).includes(',UP');
    expect(isUp()).toBe(true);
    a.run(() => {
      for (const { address } of PLACES) next.withdraw(address);
      next.follow(PLACES);
    });
    expect(isUp()).toBe(false);
    hold('b');
    expect(await answers(VIP)).toBe('b');
    a.run(() => {
      for (const place of PLACES) next.raise(place);
      next.follow(PLACES);
    });
    expect(isUp()).toBe(true);
  });

  test('a link that goes on for another process stays up, and is set down when the slot is left', () => {
    const a = machine('a');
    hold('a');
    const next = a.run(() => createVirtualAddresses({ interface: 'eth0' }));
    closers.push(() => next.close());
    a.run(() => {
      next.follow(PLACES);
      for (const place of PLACES) next.raise(place);
    });
    const isUp = (): boolean => a.ip('-o', 'link', 'show', own.name).includes(',UP');
    expect(isUp()).toBe(true);
    a.run(() => {
      for (const { address } of PLACES) next.withdraw(address);
    });
    expect(isUp()).toBe(false);
  });

  test('a virtual router of others with the same VRID is a stranger to who asks for its addresses', async () => {
    const own4 = { name: 'vn0123456789ef', hardwareAddress: '00:00:5e:00:01:07', prefix: 24 };
    const own6 = { name: 'vn0123456789f0', hardwareAddress: '00:00:5e:00:02:07', prefix: 64 };
    const places: readonly AddressPlace[] = [
      { address: VIP, link: null, own: own4 },
      { address: VIP6, link: null, own: own6 },
    ];
    const [a, b, client] = [machine('a'), machine('b'), machine('client')];
    const probe = (): Promise<readonly AddressClaim[]> =>
      new Promise((resolve) => {
        a.run(() => nodes.get(a)?.probe(places, resolve));
      });
    a.run(() => nodes.get(a)?.follow(places));
    // Whoever is to follow a holder says nothing.
    b.run(() => {
      nodes.get(b)?.follow(places);
      for (const place of places) nodes.get(b)?.raise(place, true);
    });
    expect(await probe()).toEqual([]);
    // Each of its links answers for its own address only.
    client.run(() => spawnSync('sysctl', ['-qw', 'net.ipv4.conf.all.arp_ignore=1']));
    for (const [n, { hardwareAddress }] of [own4, own6].entries()) {
      const name = `vrrp${n}`;
      client.ip('link', 'add', name, 'link', 'eth0', 'address', hardwareAddress, 'type', 'macvlan');
      client.ip('link', 'set', name, 'up');
      client.ip('addr', 'add', n === 0 ? `${VIP}/32` : `${VIP6}/128`, 'dev', name, 'nodad');
    }
    expect((await probe()).toSorted((x, y) => (x.address < y.address ? -1 : 1))).toEqual([
      { address: VIP, hardwareAddress: own4.hardwareAddress, link: 'eth0' },
      { address: VIP6, hardwareAddress: own6.hardwareAddress, link: 'eth0' },
    ]);
  });

  test('a link that an earlier process left is removed, those of others are not', () => {
    const a = machine('a');
    a.ip('link', 'add', 'link', 'eth0', 'name', 'vnfedcba987654', 'type', 'macvlan');
    a.ip('link', 'set', 'vnfedcba987654', 'alias', 'vnfpool slot');
    a.ip('link', 'add', 'link', 'eth0', 'name', 'vn0123456789cd', 'type', 'macvlan');
    a.run(() => nodes.get(a)?.follow(PLACES));
    const links = a.ip('-o', 'link');
    expect(links).not.toContain('vnfedcba987654');
    expect(links).toContain('vn0123456789cd');
    a.run(() => nodes.get(a)?.follow([]));
    expect(a.ip('-o', 'link')).not.toContain(own.name);
  });
});

function isDatagram(frame: Uint8Array): boolean {
  return frame[12] === 0x86 ? frame[20] === 17 : frame[12] === 8 && frame[13] === 0 && frame[23] === 17;
}

/** From which it was sent: another one for every datagram. */
function port(frame: Uint8Array): number {
  const at = frame[12] === 0x86 ? 54 : 34;
  return ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
}

/** UDP over IPv4 or IPv6, to this address. */
function isDatagramTo(frame: Uint8Array, address: string): boolean {
  const hex = Buffer.from(frame).toString('hex');
  return address.includes(':')
    ? hex.slice(24, 28) === '86dd' && frame[20] === 17 && hex.slice(76, 108).endsWith('0100')
    : hex.slice(24, 28) === '0800' && frame[23] === 17 && hex.slice(60, 68) === '0a090064';
}
