// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import {
  AF_INET,
  AF_INET6,
  AF_PACKET,
  libc,
  MSG_DONTWAIT,
  SOCK_CLOEXEC,
  SOCK_RAW,
} from '../../src/libc/index.ts';
import { createNamespace, inNamespace, type NetworkHost } from '../../src/namespaces/index.ts';
import {
  findLink,
  ipBytes,
  ipv4Bytes,
  ipv4Text,
  NETLINK_ROUTE,
  NetlinkSocket,
} from '../../src/netlink/index.ts';

const SOCK_DGRAM = 2;

/** Why labs cannot run here; empty when they can. */
export const labMissing: string = whyNoLab();

function whyNoLab(): string {
  try {
    createNamespace().close();
  } catch (error) {
    return `no network namespaces: ${String(error)}`;
  }
  return spawnSync('nft', ['--version']).error === undefined ? '' : 'nft is not installed';
}

/** Polls until `condition` holds; fails with `what` after the deadline. */
export async function until(what: string, condition: () => boolean, deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await pause(1);
  }
}

/** Something that is read without waiting. */
interface Receiver {
  close(): void;
}

/** A UDP socket of a host, used without the event loop. */
export interface Udp extends Receiver {
  send(text: string, address: string, port: number): void;
  /** Everything that arrived so far. */
  readonly received: string[];
  poll(): readonly string[];
}

function socketAddress(address: string, port: number): Uint8Array {
  if (address.includes(':')) {
    const bytes = new Uint8Array(28);
    new DataView(bytes.buffer).setUint16(0, AF_INET6, true);
    new DataView(bytes.buffer).setUint16(2, port);
    bytes.set(ipBytes(address), 8);
    return bytes;
  }
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(ipv4Bytes(address), 4);
  return bytes;
}

/** Hands over everything that waits. */
export function drain(fd: number, take: (bytes: Uint8Array) => void): void {
  const buffer = new Uint8Array(2048);
  for (;;) {
    let length: number;
    try {
      length = libc().receive(fd, buffer, MSG_DONTWAIT);
    } catch (error) {
      if ((error as { code?: string }).code === 'EAGAIN') return;
      throw error;
    }
    take(buffer.slice(0, length));
  }
}

/** Opens a UDP socket inside a host's own namespace, where any port is free. */
export function openUdp(host: NetworkHost, address: string, port: number): Udp {
  return inNamespace(host.namespace.fd, () => {
    const family = address.includes(':') ? AF_INET6 : AF_INET;
    const fd = libc().socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    libc().bind(fd, socketAddress(address, port));
    const received: string[] = [];
    return {
      received,
      send: (text, to, toPort) => {
        libc().sendTo(fd, new TextEncoder().encode(text), 0, socketAddress(to, toPort));
      },
      poll: () => {
        drain(fd, (bytes) => received.push(new TextDecoder().decode(bytes)));
        return received;
      },
      close: () => libc().close(fd),
    };
  });
}

/** An ARP packet as seen on a link. */
export interface SeenArp {
  readonly operation: number;
  readonly senderHardware: string;
  readonly sender: string;
  readonly target: string;
  readonly destination: string;
}

/** Listens to ARP on a host's eth0 and asks for addresses by frames of its own. */
export interface ArpTap extends Receiver {
  readonly seen: SeenArp[];
  poll(): readonly SeenArp[];
  ask(address: string, asking: string): void;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Opens a tap on a host's eth0. */
export function openArpTap(host: NetworkHost): ArpTap {
  return inNamespace(host.namespace.fd, () => {
    const route = new NetlinkSocket(NETLINK_ROUTE);
    const link = findLink(route, 'eth0');
    route.close();
    const ETHERTYPE_ARP_SWAPPED = 0x0608;
    const fd = libc().socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, ETHERTYPE_ARP_SWAPPED);
    const place = new Uint8Array(20);
    const view = new DataView(place.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setUint16(2, 0x0806);
    view.setInt32(4, link.index, true);
    libc().bind(fd, place);
    const seen: SeenArp[] = [];
    return {
      seen,
      poll: () => {
        drain(fd, (frame) =>
          seen.push({
            operation: frame[21] ?? 0,
            senderHardware: hex(frame.subarray(22, 28)),
            sender: ipv4Text(frame.subarray(28)),
            target: ipv4Text(frame.subarray(38)),
            destination: hex(frame.subarray(0, 6)),
          }),
        );
        return seen;
      },
      ask: (address, asking) => {
        const frame = new Uint8Array(60);
        frame.fill(0xff, 0, 6);
        frame.set(link.hardwareAddress, 6);
        frame.set([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1], 12);
        frame.set(link.hardwareAddress, 22);
        frame.set(ipv4Bytes(asking), 28);
        frame.set(ipv4Bytes(address), 38);
        libc().sendTo(fd, frame, 0, place);
      },
      close: () => libc().close(fd),
    };
  });
}

/** A host's hardware address as hexadecimal. */
export function hardwareAddress(host: NetworkHost): string {
  return inNamespace(host.namespace.fd, () => {
    const route = new NetlinkSocket(NETLINK_ROUTE);
    try {
      return hex(findLink(route, 'eth0').hardwareAddress);
    } finally {
      route.close();
    }
  });
}
