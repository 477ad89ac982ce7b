// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { arpFrame } from '../../src/addresses/arp.ts';
import { readSaid, type Said } from '../../src/addresses/claim.ts';
import { advertisementFrame } from '../../src/addresses/neighbour-advertisement.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6, packetAddress } from '../../src/addresses/packet-socket.ts';
import { AF_PACKET, libc, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW } from '../../src/libc/index.ts';
import { createNamespace, inNamespace, type NetworkNamespace } from '../../src/namespaces/index.ts';
import {
  createBridge,
  createVeth,
  findLink,
  ipBytes,
  listNeighbours,
  NETLINK_ROUTE,
  NetlinkSocket,
  setLinkMaster,
  setLinkUp,
} from '../../src/netlink/index.ts';

/** A machine with links to bridges; the kernel's IPv6 has no duplicate address detection there, so that nothing waits. */
export interface Machine {
  readonly name: string;
  run<Result>(work: () => Result): Result;
  /** `ip`, with these words. @throws with its complaint */
  ip(...words: readonly string[]): string;
  /** Hardware address of a link, with colons. */
  hardware(link: string): string;
  /** Sends somebody a datagram that nobody expects, so that its kernel looks for the address. */
  speakTo(address: string, from?: string): void;
  /** What its kernel knows of an address. */
  neighbour(address: string): string | undefined;
}

/** Bridges in a namespace of their own, each with a link of every machine: `eth0` to the first, `eth1` to the second. */
export interface Segments {
  machine(name: string): Machine;
  /** The machine's port at a bridge on which frames to a hardware address leave; undefined: not learnt. */
  port(bridge: string, hardware: string): string | undefined;
  close(): void;
}

/** Hosts are numbered from 1: `10.9.0.1/24` and `2001:db8:9::1/64` at the first bridge, `10.9.1.1/24` at the second. */
export function createSegments(names: readonly string[], bridges = 1): Segments {
  const home = createNamespace();
  const machines = new Map<string, { readonly machine: Machine; readonly namespace: NetworkNamespace }>();
  inNamespace(home.fd, () => {
    const socket = new NetlinkSocket(NETLINK_ROUTE);
    for (let at = 0; at < bridges; at++) {
      createBridge(socket, `br${at}`);
      setLinkUp(socket, findLink(socket, `br${at}`).index, true);
    }
    for (const [place, name] of names.entries()) {
      const namespace = createNamespace();
      machines.set(name, { namespace, machine: machineIn(name, namespace) });
      for (let at = 0; at < bridges; at++) {
        const port = `${name}${at}`;
        createVeth(socket, { name: port }, { name: `eth${at}`, namespaceFd: namespace.fd });
        const { index } = findLink(socket, port);
        setLinkMaster(socket, index, findLink(socket, `br${at}`).index);
        setLinkUp(socket, index, true);
      }
      machines.get(name)?.machine.run(() => {
        ip('link', 'set', 'lo', 'up');
        for (let at = 0; at < bridges; at++) {
          ip('link', 'set', `eth${at}`, 'addrgenmode', 'none', 'up');
          ip('addr', 'add', `10.9.${at}.${place + 1}/24`, 'dev', `eth${at}`);
          ip('addr', 'add', `2001:db8:${9 + at}::${place + 1}/64`, 'dev', `eth${at}`, 'nodad');
        }
      });
    }
    socket.close();
  });
  return {
    machine: (name) => {
      const found = machines.get(name);
      if (!found) throw new Error(`no machine ${name}`);
      return found.machine;
    },
    port: (bridge, hardware) =>
      inNamespace(home.fd, () => {
        const { stdout } = spawnSync('bridge', ['fdb', 'show', 'br', bridge], { encoding: 'utf8' });
        const line = stdout.split('\n').find((each) => each.startsWith(hardware) && each.includes('master'));
        return line?.split(' ')[2];
      }),
    close: () => {
      for (const { namespace } of machines.values()) namespace.close();
      home.close();
    },
  };
}

function ip(...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`);
  return stdout;
}

function machineIn(name: string, namespace: NetworkNamespace): Machine {
  const run = <Result>(work: () => Result): Result => inNamespace(namespace.fd, work);
  const asking = <Result>(ask: (socket: NetlinkSocket) => Result): Result =>
    run(() => {
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      try {
        return ask(socket);
      } finally {
        socket.close();
      }
    });
  return {
    name,
    run,
    ip: (...words) => run(() => ip(...words)),
    hardware: (link) => asking((socket) => text(findLink(socket, link).hardwareAddress)),
    speakTo: (address, from) => {
      if (from !== undefined) {
        const type = from.includes(':') ? 'udp6' : 'udp4';
        const script = `const s = require('node:dgram').createSocket('${type}');
          s.bind(0, '${from}', () => s.send('x', 9, '${address}', () => s.close()));`;
        const { status, stderr } = run(() =>
          spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }),
        );
        if (status !== 0) throw new Error(`speak from ${from}: ${stderr}`);
        return;
      }
      const { status, stderr } = run(() =>
        spawnSync('bash', ['-c', `echo > /dev/udp/${address}/9`], { encoding: 'utf8' }),
      );
      if (status !== 0) throw new Error(`speak to ${address}: ${stderr}`);
    },
    neighbour: (address) =>
      asking((socket) => {
        const found = listNeighbours(socket).find((each) => each.address === address);
        return found && found.hardwareAddress.length > 0 ? text(found.hardwareAddress) : undefined;
      }),
  };
}

const text = (octets: Uint8Array): string =>
  [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join(':');

/** Somebody on a segment who sends what it likes, and hears ARP and neighbour discovery, by frames of its own. */
export interface Stranger {
  readonly hardware: string;
  /** Says that it has an address, as an announcement. */
  claim(address: string): void;
  /** Asks whether somebody has it, as somebody who wants it. */
  probe(frame: Uint8Array): void;
  /** What others have said since the last time. */
  heard(): Said[];
  /** Every frame since the last time, with those that say nothing. */
  frames(): Uint8Array[];
  close(): void;
}

/** Opens one at a machine's link, with a hardware address of its own. */
export function openStranger(machine: Machine, link: string, hardware: string): Stranger {
  return machine.run(() => {
    const route = new NetlinkSocket(NETLINK_ROUTE);
    const { index } = findLink(route, link);
    route.close();
    const ETH_P_ALL_SWAPPED = 0x0300;
    const fd = libc().socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, ETH_P_ALL_SWAPPED);
    libc().bind(fd, packetAddress(index, 3));
    const octets = Uint8Array.from(hardware.split(':'), (part) => Number.parseInt(part, 16));
    const send = (frame: Uint8Array): void => {
      const protocol = frame[12] === 8 ? ETHERTYPE_ARP : ETHERTYPE_IPV6;
      libc().sendTo(fd, frame, 0, packetAddress(index, protocol));
    };
    const buffer = new Uint8Array(2048);
    const frames = (): Uint8Array[] => {
      const found: Uint8Array[] = [];
      for (;;) {
        try {
          found.push(buffer.slice(0, libc().receive(fd, buffer, MSG_DONTWAIT)));
        } catch {
          return found;
        }
      }
    };
    return {
      hardware,
      claim: (address) => {
        const target = ipBytes(address);
        send(
          target.length === 4 ? arpFrame(octets, target, target) : advertisementFrame(target, octets, false),
        );
      },
      probe: send,
      heard: () => frames().flatMap((frame) => readSaid(frame) ?? []),
      frames,
      close: () => libc().close(fd),
    };
  });
}

/** Polls until `ask` says something; fails with `what` after the deadline. */
export async function eventually<Value>(
  what: string,
  ask: () => Value | undefined | false,
  deadlineMs = 10_000,
): Promise<Value> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = ask();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await pause(2);
  }
}
