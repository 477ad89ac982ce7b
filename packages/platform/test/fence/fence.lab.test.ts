// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVirtualAddresses, type LinuxVirtualAddresses } from '../../src/addresses/index.ts';
import { createLinuxClocks } from '../../src/clocks/index.ts';
import { createNftFence, type NftFence } from '../../src/fence/index.ts';
import { leaseElement } from '../../src/fence/lease-element.ts';
import { setPlaces } from '../../src/fence/ruleset.ts';
import type { Clocks } from '../../src/interfaces.ts';
import { createNamespace, createNetwork, inNamespace, type Network } from '../../src/namespaces/index.ts';
import { changeSets, NETLINK_NETFILTER, NetlinkSocket, readGeneration } from '../../src/netlink/index.ts';
import { hardwareAddress, labMissing, openArpTap, openUdp, type Udp, until } from '../support/lab.ts';

const VIP = '10.9.0.100';
const A = '10.9.0.1';
const B = '10.9.0.2';
const PORT = 7000;
const LONG_MS = 60_000;

describe.skipIf(labMissing !== '')(`the nftables fence ${labMissing}`, () => {
  const clocks = createLinuxClocks();
  const closers: (() => void)[] = [];
  let network: Network;
  let fence: NftFence;
  let addresses: LinuxVirtualAddresses;
  let peer: Udp;
  let own: Udp;
  let virtual: Udp;

  const keep = <Thing extends { close(): void }>(thing: Thing): Thing => {
    closers.push(() => thing.close());
    return thing;
  };
  const on = <Result>(host: string, work: () => Result): Result =>
    inNamespace(network.host(host).namespace.fd, work);
  const openUntil = (leftMs: number): void => fence.open(VIP, clocks.boottimeMs() + leftMs);

  beforeEach(() => {
    const home = keep(createNamespace());
    network = keep(
      inNamespace(home.fd, () =>
        createNetwork({
          bridge: 'br0',
          hosts: [
            { name: 'a', address: `${A}/24` },
            { name: 'b', address: `${B}/24` },
            { name: 'c', address: '10.9.0.3/24' },
          ],
        }),
      ),
    );
    addresses = keep(on('a', () => createVirtualAddresses({ interface: 'eth0' })));
    fence = on('a', () => createNftFence({ interfaces: ['eth0'], clocks }));
    closers.push(() => fence.dispose());
    fence.guard([VIP]);
    addresses.raise(VIP);
    peer = keep(openUdp(network.host('b'), B, PORT));
    own = keep(openUdp(network.host('a'), A, PORT));
    virtual = keep(openUdp(network.host('a'), VIP, PORT));
  });

  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });

  /** Sends to the virtual address, then to the host's own; both travel one way, so the second one tells of the first. */
  const arrives = async (): Promise<boolean> => {
    const before = virtual.poll().length;
    const marker = `marker ${Math.random()}`;
    peer.send('probe', VIP, PORT);
    peer.send(marker, A, PORT);
    await until('the marker', () => own.poll().includes(marker));
    return virtual.poll().length > before;
  };
  /** With the neighbour entry there, nothing but the fence can hold a probe back. */
  const acquaint = async (): Promise<void> => {
    openUntil(LONG_MS);
    await until('a first probe', () => {
      peer.send('first', VIP, PORT);
      return virtual.poll().length > 0;
    });
    own.poll();
  };
  const refusesOutput = (): boolean => {
    try {
      virtual.send('out', B, PORT);
      return false;
    } catch (error) {
      expect(error).toMatchObject({ code: 'EPERM' });
      return true;
    }
  };

  test('is closed from the start, in and out', async () => {
    expect(fence.isOpen(VIP)).toBe(false);
    expect(refusesOutput()).toBe(true);
    expect(await arrives()).toBe(false);
    expect(fence.guarantee).toContain('both directions');
  });

  test('opens and closes, in and out', async () => {
    await acquaint();
    expect(fence.isOpen(VIP)).toBe(true);
    expect(await arrives()).toBe(true);
    virtual.send('hello', B, PORT);
    await until('the answer', () => peer.poll().includes('hello'));
    fence.close(VIP);
    expect(fence.isOpen(VIP)).toBe(false);
    expect(refusesOutput()).toBe(true);
    expect(await arrives()).toBe(false);
    openUntil(LONG_MS);
    expect(await arrives()).toBe(true);
  });

  test('closes by the kernel alone when nobody renews', async () => {
    await acquaint();
    openUntil(60);
    expect(refusesOutput()).toBe(false);
    await until('the kernel to close', refusesOutput);
    expect(await arrives()).toBe(false);
    expect(fence.isOpen(VIP)).toBe(false);
    openUntil(LONG_MS);
    expect(await arrives()).toBe(true);
  });

  test.each([
    { by: 'the wall clock', wallLeftMs: 60, timeoutMs: LONG_MS },
    { by: 'the timeout', wallLeftMs: LONG_MS, timeoutMs: 60 },
  ])('closes by $by alone', async ({ wallLeftMs, timeoutMs }) => {
    const element = leaseElement(VIP, clocks.boottimeMs() + wallLeftMs, clocks, 1);
    if (element === undefined) throw new Error('too slow');
    const socket = keep(on('a', () => new NetlinkSocket(NETLINK_NETFILTER)));
    const changes = setPlaces('vnfpool', 'lease').map((place) => ({
      change: 'add' as const,
      place,
      element: { ...element, timeoutMs },
    }));
    expect(changeSets(socket, changes)).toBeUndefined();
    expect(refusesOutput()).toBe(false);
    await until('the kernel to close', refusesOutput);
    expect(fence.isOpen(VIP)).toBe(false);
    // The fence finds what it did not write itself.
    openUntil(LONG_MS);
    expect(fence.isOpen(VIP)).toBe(true);
  });

  const spinPast = (endMs: number): void => {
    while (clocks.boottimeMs() <= endMs);
  };
  const withClocks = (late: Clocks): NftFence => {
    fence.dispose();
    fence = on('a', () => createNftFence({ interfaces: ['eth0'], clocks: late }));
    fence.guard([VIP]);
    return fence;
  };

  test('a write that was computed in time and arrives late is closed', async () => {
    let endMs = Infinity;
    const late = {
      wallMs: () => clocks.wallMs(),
      boottimeMs: () => {
        const reading = clocks.boottimeMs();
        if (endMs !== Infinity) spinPast(endMs);
        return reading;
      },
    };
    withClocks(late);
    await acquaint();
    fence.close(VIP);
    endMs = clocks.boottimeMs() + 50;
    fence.open(VIP, endMs);
    expect(refusesOutput()).toBe(true);
    expect(fence.isOpen(VIP)).toBe(false);
    expect(await arrives()).toBe(false);
  });

  test('a pause between the two clocks shortens the interval', () => {
    let endMs = 0;
    withClocks({
      wallMs: () => {
        const reading = clocks.wallMs();
        spinPast(endMs);
        return reading;
      },
      boottimeMs: () => clocks.boottimeMs(),
    });
    endMs = clocks.boottimeMs() + 50;
    fence.open(VIP, endMs);
    expect(refusesOutput()).toBe(true);
  });

  test.each([-3_600_000, 3_600_000])(
    'a wall clock that stepped by %d ms after the reading closes',
    (byMs) => {
      withClocks({ wallMs: () => clocks.wallMs() - byMs, boottimeMs: () => clocks.boottimeMs() });
      openUntil(LONG_MS);
      expect(refusesOutput()).toBe(true);
    },
  );

  test('a remainder below two jiffies closes', () => {
    openUntil(LONG_MS);
    openUntil(1);
    expect(refusesOutput()).toBe(true);
    openUntil(LONG_MS);
    openUntil(-5);
    expect(refusesOutput()).toBe(true);
  });

  test('extending leaves no gap', async () => {
    await acquaint();
    const before = virtual.poll().length;
    for (let turn = 0; turn < 100; turn++) {
      openUntil(LONG_MS);
      peer.send(`turn ${turn}`, VIP, PORT);
    }
    await until('every probe', () => virtual.poll().length === before + 100);
  });

  test('computes anew when the rules changed between computing and writing', () => {
    const socket = keep(on('a', () => new NetlinkSocket(NETLINK_NETFILTER)));
    const other = on('a', () => createNftFence({ interfaces: ['eth0'], clocks, table: 'other' }));
    let meddle = true;
    const generation = readGeneration(socket);
    withClocks({
      wallMs: () => {
        if (meddle) other.guard(['10.9.0.77']);
        meddle = false;
        return clocks.wallMs();
      },
      boottimeMs: () => clocks.boottimeMs(),
    });
    openUntil(LONG_MS);
    expect(fence.recomputed).toBe(1);
    expect(fence.isOpen(VIP)).toBe(true);
    expect(readGeneration(socket)).toBeGreaterThan(generation);
    other.dispose();
  });

  test('several addresses open, extend and close in one transaction', async () => {
    const others = Array.from({ length: 20 }, (_, place) => `10.9.1.${place + 1}`);
    const socket = keep(on('a', () => new NetlinkSocket(NETLINK_NETFILTER)));
    fence.guard([VIP, ...others]);
    const generation = readGeneration(socket);
    const all = (leftMs: number): void =>
      fence.openAll([VIP, ...others].map((address) => ({ address, untilMs: clocks.boottimeMs() + leftMs })));
    all(LONG_MS);
    all(LONG_MS);
    expect(readGeneration(socket)).toBe(generation + 2);
    expect([VIP, ...others].every((address) => fence.isOpen(address))).toBe(true);
    all(50);
    await until('the kernel to close', refusesOutput);
    // Some of the old elements are gone already, or all of them.
    all(LONG_MS);
    expect([VIP, ...others].every((address) => fence.isOpen(address))).toBe(true);
    fence.openAll([
      { address: VIP, untilMs: 0 },
      { address: '10.9.1.1', untilMs: clocks.boottimeMs() + LONG_MS },
    ]);
    expect(refusesOutput()).toBe(true);
    expect(fence.isOpen('10.9.1.1')).toBe(true);
    expect(() => fence.openAll([{ address: '10.9.2.1', untilMs: 0 }])).toThrow(/not under the fence/);
  });

  test('covers loopback', () => {
    const local = keep(openUdp(network.host('a'), '127.0.0.1', PORT + 1));
    expect(() => own.send('x', VIP, PORT)).not.toThrow();
    expect(virtual.poll()).toEqual([]);
    // Sender within the guarded address.
    expect(() => virtual.send('x', VIP, PORT)).toThrow(/EPERM/);
    openUntil(LONG_MS);
    virtual.send('inside', VIP, PORT);
    expect(virtual.poll()).toContain('inside');
    expect(local.poll()).toEqual([]);
  });

  /** Whether the kernel answers for the virtual address; the question for the own address comes second and marks the end. */
  const answersArp = async (): Promise<boolean> => {
    const tap = openArpTap(network.host('b'));
    tap.ask(VIP, B);
    tap.ask(A, B);
    await until('the answer for the own address', () =>
      tap.poll().some((arp) => arp.operation === 2 && arp.sender === A),
    );
    tap.close();
    return tap.seen.some((arp) => arp.operation === 2 && arp.sender === VIP);
  };

  test('keeps the kernel from answering ARP unless open', async () => {
    expect(await answersArp()).toBe(false);
    openUntil(LONG_MS);
    expect(await answersArp()).toBe(true);
    openUntil(40);
    await until('the kernel to close', refusesOutput);
    expect(await answersArp()).toBe(false);
  });

  test('stops announcements of AF_PACKET unless open', async () => {
    const tap = keep(openArpTap(network.host('b')));
    expect(() => addresses.announce(VIP, 1)).toThrow(/ENOBUFS/);
    openUntil(LONG_MS);
    addresses.announce(VIP, 2);
    await until('two announcements', () => tap.poll().length === 2);
    expect(tap.seen[0]).toEqual({
      operation: 1,
      senderHardware: hardwareAddress(network.host('a')),
      sender: VIP,
      target: VIP,
      destination: 'ffffffffffff',
    });
  });

  test('a fenced host reaches the address where it is held, and follows it when it moves', async () => {
    const closed = on('b', () => createNftFence({ interfaces: ['eth0'], clocks }));
    closers.push(() => closed.dispose());
    closed.guard([VIP]);
    await acquaint();
    virtual.send('answer', B, PORT);
    await until('the answer', () => peer.poll().includes('answer'));

    const next = keep(on('c', () => createVirtualAddresses({ interface: 'eth0' })));
    const opened = on('c', () => createNftFence({ interfaces: ['eth0'], clocks }));
    closers.push(() => opened.dispose());
    opened.guard([VIP]);
    fence.close(VIP);
    next.raise(VIP);
    const successor = keep(openUdp(network.host('c'), VIP, PORT));
    opened.open(VIP, clocks.boottimeMs() + LONG_MS);
    next.announce(VIP, 2);
    // Without the announcement the peer's entry would name the old holder for many seconds.
    await until(
      'the neighbour entry to follow',
      () => {
        peer.send('after', VIP, PORT);
        return successor.poll().includes('after');
      },
      500,
    );
  });

  test('addresses come and leave; naming one again keeps its state', () => {
    openUntil(LONG_MS);
    fence.guard([VIP, '10.9.0.101']);
    expect(fence.isOpen(VIP)).toBe(true);
    expect(fence.isOpen('10.9.0.101')).toBe(false);
    fence.guard(['10.9.0.101']);
    expect(fence.isOpen(VIP)).toBe(true);
    expect(refusesOutput()).toBe(false);
    expect(() => fence.open(VIP, 1)).toThrow(/not under the fence/);
    fence.guard([VIP]);
    expect(refusesOutput()).toBe(true);
  });

  test('a successor of a process that ended starts with its addresses closed', () => {
    openUntil(LONG_MS);
    const successor = on('a', () => createNftFence({ interfaces: ['eth0'], clocks }));
    expect(refusesOutput()).toBe(true);
    successor.guard([]);
    expect(refusesOutput()).toBe(false);
    successor.dispose();
  });

  test('without the egress hook says the lesser guarantee, and answers no ARP all the same', async () => {
    fence.dispose();
    fence = on('a', () => createNftFence({ interfaces: ['eth0'], clocks, egress: 'off' }));
    fence.guard([VIP]);
    expect(fence.guarantee).toContain('AF_PACKET');
    expect(refusesOutput()).toBe(true);
    expect(() => addresses.announce(VIP, 1)).not.toThrow();
    expect(await answersArp()).toBe(false);
    openUntil(LONG_MS);
    expect(await answersArp()).toBe(true);
  });

  test('removed tables are an error, not silence', () => {
    openUntil(LONG_MS);
    const thief = on('a', () => createNftFence({ interfaces: ['eth0'], clocks }));
    thief.dispose();
    expect(() => openUntil(LONG_MS)).toThrow(/ENOENT/);
    expect(() => fence.isOpen(VIP)).toThrow(/ENOENT/);
  });
});
