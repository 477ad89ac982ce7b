// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hardwareBytes } from '../../src/addresses/claim.ts';
import { createVirtualAddresses, type LinuxVirtualAddresses } from '../../src/addresses/index.ts';
import { probeFrame } from '../../src/addresses/solicitation.ts';
import type { AddressClaim, AddressPlace } from '../../src/index.ts';
import { labMissing } from '../support/lab.ts';
import { createSegments, eventually, type Machine, openStranger, type Segments } from '../support/segment.ts';

const missing =
  labMissing ||
  (spawnSync('ip', ['-V']).error === undefined ? '' : 'machines are set up by ip: not installed');
const VIP = '10.9.0.100';
const VIP6 = '2001:db8:9::100';
const STRANGER = '02:00:00:00:99:01';
const at = (address: string, link: string | null = null): AddressPlace => ({ address, link, own: null });

describe.skipIf(missing !== '')(`addresses that others want too ${missing}`, () => {
  const closers: (() => void)[] = [];
  let segments: Segments;
  let a: Machine;
  let addresses: LinuxVirtualAddresses;
  let told: string[];
  let claims: AddressClaim[];

  const open = (machine: Machine): LinuxVirtualAddresses => {
    const opened = machine.run(() =>
      createVirtualAddresses({
        interface: 'eth0',
        listener: {
          claimed: (claim) => void claims.push(claim),
          placed: (address, why) => void told.push(`${address} ${why ?? 'is there again'}`),
          linkPlaced: (link, why) => void told.push(`${link}: ${why ?? 'is there again'}`),
          vanished: (address) => void told.push(`${address} vanished`),
          failed: (error) => void told.push(error.message),
        },
      }),
    );
    closers.push(() => opened.close());
    return opened;
  };
  const probe = (...places: readonly AddressPlace[]): Promise<readonly AddressClaim[]> =>
    new Promise((resolve) => {
      a.run(() => addresses.probe(places, resolve));
    });

  beforeEach(() => {
    told = [];
    claims = [];
    segments = createSegments(['a', 'b', 'c'], 2);
    closers.push(() => segments.close());
    a = segments.machine('a');
    addresses = open(a);
  });
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });

  test('neighbours learn where they are, of both families, on whichever link', async () => {
    const b = segments.machine('b');
    const places = [at(VIP), at(VIP6), at('10.9.1.100', 'eth1'), at('2001:db8:a::100', 'eth1')];
    for (const { address, link } of places) {
      const dev = link ?? 'eth0';
      b.ip('neigh', 'replace', address, 'lladdr', STRANGER, 'dev', dev, 'nud', 'reachable');
    }
    a.run(() => {
      for (const place of places) {
        addresses.raise(place);
        addresses.announce(place, 1);
      }
    });
    const known = (): (string | undefined)[] => places.map(({ address }) => b.neighbour(address));
    const [first, second] = [a.hardware('eth0'), a.hardware('eth1')];
    await eventually('b to learn', () => known().join() === [first, first, second, second].join());
    expect(a.ip('addr', 'show', 'dev', 'eth1')).toContain('inet 10.9.1.100/32 scope global deprecated');
  });

  test('an advertisement says router exactly where the link forwards', async () => {
    const listening = openStranger(segments.machine('b'), 'eth0', STRANGER);
    closers.push(() => listening.close());
    const flags = async (): Promise<number> => {
      a.run(() => addresses.announce(at(VIP6), 1));
      const frame = await eventually('an advertisement', () =>
        listening.frames().find((each) => each[12] === 0x86 && each[54] === 136),
      );
      return frame[58] ?? 0;
    };
    a.run(() => addresses.raise(at(VIP6)));
    expect(await flags()).toBe(0x20);
    a.run(() => spawnSync('sysctl', ['-qw', 'net.ipv6.conf.eth0.forwarding=1']));
    expect(await flags()).toBe(0xa0);
  });

  test('a free address is free; one that a host has is not, of both families; a probe teaches nobody', async () => {
    const b = segments.machine('b');
    expect(await probe(at(VIP), at(VIP6))).toEqual([]);
    b.ip('addr', 'add', `${VIP}/24`, 'dev', 'eth0');
    b.ip('addr', 'add', `${VIP6}/64`, 'dev', 'eth0', 'nodad');
    const link = 'eth0';
    const hardwareAddress = b.hardware('eth0');
    const found = await probe(at(VIP), at(VIP6), at('10.9.0.101'));
    expect(found.toSorted((x, y) => (x.address < y.address ? -1 : 1))).toEqual([
      { address: VIP, hardwareAddress, link },
      { address: VIP6, hardwareAddress, link },
    ]);
    expect(b.neighbour(VIP)).toBeUndefined();
    // One on a link that is not there cannot be asked for.
    expect(await probe(at('10.9.7.1', 'eth7'))).toEqual([]);
    expect(await probe(at('10.9.1.2', 'eth1'))).toMatchObject([{ address: '10.9.1.2', link: 'eth1' }]);
  });

  test('somebody who asks for the same address at the same time counts, and who asks for it to use it does not', async () => {
    const stranger = openStranger(segments.machine('b'), 'eth0', STRANGER);
    closers.push(() => stranger.close());
    const answer = probe(at(VIP), at(VIP6), at('10.9.0.2'));
    for (const address of [VIP, VIP6]) stranger.probe(probeFrame(address, hardwareBytes(STRANGER)));
    expect(
      (await answer).map(({ address, hardwareAddress }) => `${address} ${hardwareAddress}`).toSorted(),
    ).toEqual(
      [
        `${VIP} ${STRANGER}`,
        // b has it.
        `10.9.0.2 ${segments.machine('b').hardware('eth0')}`,
        `${VIP6} ${STRANGER}`,
      ].toSorted(),
    );
    const c = segments.machine('c');
    const asked = probe(at(VIP));
    c.speakTo(VIP);
    expect(await asked).toEqual([]);
  });

  test('foreign claims are heard with hardware address and link, ours and those of the set are not', async () => {
    const strangers = ['eth0', 'eth1'].map((link, n) => {
      const stranger = openStranger(segments.machine('b'), link, `02:00:00:00:99:0${n}`);
      closers.push(() => stranger.close());
      return stranger;
    });
    a.run(() => {
      for (const place of [at(VIP), at(VIP6), at('10.9.1.100', 'eth1')]) addresses.raise(place);
    });
    await probe();
    a.run(() => addresses.announce(at(VIP), 2));
    strangers[0]?.claim('10.9.0.77');
    strangers[0]?.claim(VIP);
    strangers[0]?.claim(VIP6);
    strangers[1]?.claim('10.9.1.100');
    // On a link where it is not raised it is nothing to us.
    strangers[1]?.claim(VIP);
    await eventually('three claims', () => claims.length === 3);
    expect(
      claims.map(({ address, hardwareAddress, link }) => `${address} ${hardwareAddress} ${link}`).toSorted(),
    ).toEqual(
      [
        `${VIP} 02:00:00:00:99:00 eth0`,
        `10.9.1.100 02:00:00:00:99:01 eth1`,
        `${VIP6} 02:00:00:00:99:00 eth0`,
      ].toSorted(),
    );

    // A node of the set that has just held it.
    const c = segments.machine('c');
    a.speakTo('10.9.0.3');
    await eventually('a to know c', () => a.neighbour('10.9.0.3') === c.hardware('eth0'));
    addresses.usePeers(['10.9.0.3']);
    const former = openStranger(c, 'eth0', c.hardware('eth0'));
    closers.push(() => former.close());
    former.claim(VIP);
    await probe();
    const another = openStranger(segments.machine('b'), 'eth0', '02:00:00:00:99:07');
    closers.push(() => another.close());
    another.claim(VIP);
    await eventually('the claim behind it', () => claims.length === 4);
    expect(claims[3]?.hardwareAddress).toBe('02:00:00:00:99:07');

    // What is not raised any more is nobody's business.
    a.run(() => addresses.withdraw(VIP));
    await probe();
    another.claim(VIP);
    another.claim(VIP6);
    await eventually('the other address', () => claims.length === 5);
    expect(claims[4]?.address).toBe(VIP6);
  });

  test('a flood is bounded: what is not about us does not reach us, what is waits in a short queue', async () => {
    const stranger = openStranger(segments.machine('b'), 'eth0', STRANGER);
    closers.push(() => stranger.close());
    a.run(() => addresses.raise(at(VIP)));
    await probe();
    for (let n = 0; n < 5_000; n++)
      stranger.claim(`10.9.${n >> 8}.${n & 255}` === VIP ? '10.9.0.1' : `10.10.${n >> 8}.${n & 255}`);
    expect(claims).toEqual([]);
    const began = performance.now();
    for (let n = 0; n < 5_000; n++) stranger.claim(VIP);
    await eventually('the queue', () => claims.length > 0);
    await probe();
    // The same is told once a second.
    expect(claims.length).toBeLessThanOrEqual(1 + (performance.now() - began) / 1_000);
  });

  test('an address that somebody removes is told, and one that we withdraw is not', async () => {
    a.run(() => {
      for (const place of [at(VIP), at(VIP6), at('10.9.0.101')]) addresses.raise(place);
      addresses.withdraw('10.9.0.101');
    });
    a.ip('addr', 'del', `${VIP}/32`, 'dev', 'eth0');
    a.ip('addr', 'del', `${VIP6}/128`, 'dev', 'eth0');
    await eventually('both', () => told.length === 2);
    expect(told).toEqual([`${VIP} vanished`, `${VIP6} vanished`]);
    a.run(() => addresses.raise(at(VIP)));
    expect(a.ip('-4', 'addr', 'show', 'dev', 'eth0')).toContain(`${VIP}/32`);
  });

  test('a link that goes is told, and that it is there again; then it serves as before', async () => {
    const place = at('10.9.1.100', 'eth1');
    a.run(() => {
      addresses.follow([at(VIP), place]);
      addresses.raise(place);
    });
    expect(told).toEqual([]);
    a.ip('link', 'set', 'eth1', 'name', 'away0');
    await eventually('it goes', () => told.length === 1);
    expect(() => a.run(() => addresses.raise(place))).toThrow(/ENODEV/);
    a.ip('link', 'del', 'away0');
    await eventually('the address goes with it', () => told.length === 2);
    expect(told).toEqual(['10.9.1.100 there is no link eth1', '10.9.1.100 vanished']);
    a.ip('link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'peer1');
    for (const link of ['eth1', 'peer1']) a.ip('link', 'set', link, 'up');
    await eventually('it comes', () => told.includes('10.9.1.100 is there again'));
    a.run(() => addresses.raise(place));
    expect(a.ip('addr', 'show', 'dev', 'eth1')).toContain('10.9.1.100/32');
  });

  test('a link besides that of the node that loses its carrier is told, and that it has it again', async () => {
    a.run(() => addresses.follow([at(VIP), at('10.9.1.100', 'eth1')]));
    a.ip('link', 'set', 'eth1', 'down');
    a.ip('link', 'set', 'eth0', 'down');
    await eventually('it goes', () => told.length === 1);
    // Who hears of the places anew is told it anew.
    a.run(() => addresses.follow([at('10.9.1.100', 'eth1')]));
    a.ip('link', 'set', 'eth1', 'up');
    await eventually('it comes', () => told.length === 3);
    const lost = '10.9.1.100 link eth1 has no carrier';
    expect(told).toEqual([lost, lost, '10.9.1.100 is there again']);
  });

  test('a link that carries no address is told as one that does, when it goes, comes or has no carrier, and is left as it is', async () => {
    a.run(() => addresses.follow([at(VIP)], ['eth1', 'out0']));
    await eventually('what is missing', () => told.length === 1);
    a.ip('link', 'add', 'out0', 'type', 'veth', 'peer', 'name', 'peer0');
    await eventually('it is there, and its other end is down', () => told.length >= 2);
    a.ip('link', 'set', 'out0', 'up');
    a.ip('link', 'set', 'peer0', 'up');
    await eventually('it has a carrier', () => told.at(-1) === 'out0: is there again');
    // The link is up as before; only its other end went.
    a.ip('link', 'set', 'peer0', 'down');
    await eventually('it has none', () => told.length === 4);
    expect(told).toEqual([
      'out0: there is no link out0',
      'out0: link out0 has no carrier',
      'out0: is there again',
      'out0: link out0 has no carrier',
    ]);
    // Who hears of the links anew is told anew, also what is over by then.
    a.ip('link', 'set', 'eth1', 'down');
    await eventually('the other one goes', () => told.length === 5);
    a.run(() => addresses.follow([], ['out0', 'eth1']));
    expect(told.slice(4)).toEqual([
      'eth1: link eth1 has no carrier',
      'out0: link out0 has no carrier',
      'eth1: link eth1 has no carrier',
    ]);
    a.ip('link', 'del', 'out0');
    await eventually('it goes', () => told.length === 8);
    a.run(() => addresses.follow([at('10.9.1.100', 'eth1')]));
    a.ip('link', 'set', 'eth1', 'up');
    await eventually('it comes', () => told.length === 10);
    expect(told.slice(7)).toEqual([
      'out0: there is no link out0',
      '10.9.1.100 link eth1 has no carrier',
      '10.9.1.100 is there again',
    ]);
  });

  test('of the link of the node only that it goes is told; whether it has a carrier is looked at elsewhere', async () => {
    const settings = (): string[] =>
      ['arp_ignore', 'arp_announce'].map((name) =>
        a.run(() => readFileSync(`/proc/sys/net/ipv4/conf/eth1/${name}`, 'utf8')),
      );
    const before = settings();
    a.run(() => addresses.follow([], ['eth0', 'eth1']));
    expect(settings()).toEqual(before);
    a.run(() => addresses.follow([at('10.9.1.100', 'eth1')], ['eth0']));
    expect(settings()).toEqual(['1\n', '2\n']);
    a.run(() => addresses.follow([], ['eth0', 'eth1']));
    a.ip('link', 'set', 'eth0', 'down');
    a.ip('link', 'set', 'eth1', 'down');
    await eventually('one goes', () => told.length === 1);
    a.ip('link', 'del', 'eth0');
    await eventually('the other goes', () => told.length === 2);
    expect(told).toEqual(['eth1: link eth1 has no carrier', 'eth0: there is no link eth0']);
  });
});
