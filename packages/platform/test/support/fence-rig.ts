// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { announcementFrame } from '../../src/addresses/arp.ts';
import { advertisementFrame } from '../../src/addresses/neighbour-advertisement.ts';
import { ETHERTYPE_ARP, packetAddress } from '../../src/addresses/packet-socket.ts';
import { createLinuxClocks } from '../../src/clocks/index.ts';
import { BpfGate } from '../../src/fence/bpf-gate.ts';
import { FencePrograms } from '../../src/fence/bpf-programs.ts';
import { tableOf } from '../../src/fence/guarded.ts';
import { createFence, createNftFence, type FenceOptions } from '../../src/fence/index.ts';
import type { Clocks, Fence, Guarded, GuardedSlot } from '../../src/interfaces.ts';
import { AF_PACKET, libc, SOCK_CLOEXEC, SOCK_RAW, SOL_PACKET } from '../../src/libc/index.ts';
import { createNamespace, createNetwork, inNamespace, type Network } from '../../src/namespaces/index.ts';
import { addAddress, findLink, ipBytes, NETLINK_ROUTE, NetlinkSocket } from '../../src/netlink/index.ts';
import { drain, openUdp, type Udp, until } from './lab.ts';

export const VIP4 = '10.9.0.100';
export const VIP6 = '2001:db8:9::100';
export const A4 = '10.9.0.1';
export const A6 = '2001:db8:9::1';
export const B4 = '10.9.0.2';
export const B6 = '2001:db8:9::2';
export const PORT = 7000;
export const LONG_MS = 60_000;
const PACKET_QDISC_BYPASS = 20;

/** The forms that one suite is for. */
export type Form = 'nft' | 'bpf' | 'programs';

export const clocks: Clocks = createLinuxClocks();

/** What tests want of any form. */
export interface LabFence extends Omit<Fence, 'kind'> {
  abandon(): void;
}

/** The programs alone, without nftables beneath: what they do must not lean on it. */
class ProgramsAlone implements LabFence {
  readonly guarantee = 'programs alone';
  guarded: readonly Guarded[] = [];
  readonly #gate: BpfGate;
  readonly #options: FenceOptions;

  constructor(options: FenceOptions) {
    this.#options = options;
    const { interfaces, clocks: ours, handedOn } = options;
    this.#gate = new BpfGate(interfaces, new FencePrograms(ours), [], handedOn);
  }

  guard(slots: readonly GuardedSlot[]): void {
    this.guarded = slots.flatMap(({ guarded }) => guarded);
    this.#gate.guard(tableOf(slots), []);
  }

  openUntil(ends: ReadonlyMap<string, number>): void {
    this.#gate.openUntil(ends);
  }

  expect(): void {}

  close(slot: string): void {
    this.#gate.close(slot);
  }

  isOpen(slot: string): boolean {
    return this.#gate.isOpen(slot, clocks.boottimeMs());
  }

  handOn(): undefined {
    return undefined;
  }

  check(): void {
    const { righted, left } = this.#gate.check();
    for (const what of [...righted, ...left]) this.#options.changed?.(what);
  }

  dispose(): void {
    this.#gate.dispose();
  }

  abandon(): void {
    this.#gate.abandon();
  }
}

/** Makes a fence of a form in the namespace of the calling thread; tables without owner, so that tests may meddle. */
export function createOf(form: Form, options: Partial<FenceOptions> = {}): LabFence {
  const all = { interfaces: ['eth0'], clocks, owner: 'off' as const, ...options };
  if (form === 'nft') return createNftFence(all);
  if (form === 'programs') return new ProgramsAlone(all);
  const fence = createFence(all);
  if (fence.kind !== 'bpf') throw new Error(fence.guarantee);
  return fence;
}

/** Why there are no programs here; empty when there are. */
export function whyNoPrograms(): string {
  const home = createNamespace();
  try {
    inNamespace(home.fd, () => new BpfGate(['lo'], new FencePrograms(clocks), []).dispose());
    return '';
  } catch (error) {
    return `no BPF programs: ${String(error)}`;
  } finally {
    home.close();
  }
}

export const address = (value: string): Guarded => ({ what: 'address', address: value });
export const WEB: GuardedSlot = { slot: 'web', guarded: [address(VIP4), address(VIP6)] };

/** Hosts a, b, c on a bridge; `a` carries the virtual addresses of the slot `web`. */
export class FenceRig {
  readonly network: Network;
  readonly peer4: Udp;
  readonly peer6: Udp;
  readonly own4: Udp;
  readonly own6: Udp;
  readonly virtual4: Udp;
  readonly virtual6: Udp;
  readonly #closers: (() => void)[] = [];
  #probes = 0;

  constructor() {
    const home = this.keep(createNamespace());
    const hosts = ['a', 'b', 'c'].map((name, at) => ({ name, address: `10.9.0.${at + 1}/24` }));
    this.network = this.keep(inNamespace(home.fd, () => createNetwork({ bridge: 'br0', hosts })));
    for (const [at, name] of ['a', 'b', 'c'].entries()) this.raise(name, `2001:db8:9::${at + 1}`, 64);
    this.raise('a', VIP4, 32);
    this.raise('a', VIP6, 128);
    const udp = (host: string, bound: string): Udp =>
      this.keep(openUdp(this.network.host(host), bound, PORT));
    [this.peer4, this.peer6] = [udp('b', B4), udp('b', B6)];
    [this.own4, this.own6] = [udp('a', A4), udp('a', A6)];
    [this.virtual4, this.virtual6] = [udp('a', VIP4), udp('a', VIP6)];
  }

  keep<Thing extends { close(): void }>(thing: Thing): Thing {
    this.#closers.push(() => thing.close());
    return thing;
  }

  close(): void {
    for (const close of this.#closers.splice(0).reverse()) close();
  }

  on<Result>(host: string, work: () => Result): Result {
    return inNamespace(this.network.host(host).namespace.fd, work);
  }

  /** Runs a program on a host. */
  run(host: string, ...command: readonly [string, ...string[]]): string {
    const [program, ...words] = command;
    const run = this.on(host, () => spawnSync(program, words, { encoding: 'utf8' }));
    if (run.status !== 0) throw new Error(`${command.join(' ')}: ${run.stderr || String(run.error)}`);
    return run.stdout;
  }

  /** Puts an address on a link; usable at once, and not chosen as a source. */
  raise(host: string, value: string, prefix: number, link = 'eth0'): void {
    this.on(host, () => {
      const route = new NetlinkSocket(NETLINK_ROUTE);
      try {
        const isVirtual = prefix === 32 || prefix === 128;
        addAddress(route, findLink(route, link).index, { address: value, prefix }, isVirtual);
      } finally {
        route.close();
      }
    });
  }

  /** Whether what the peer sends to a virtual address arrives: a datagram to the host's own comes second and marks the end. */
  async arrives(family: 4 | 6): Promise<boolean> {
    const [peer, own, virtual] = this.#of(family);
    const text = `probe ${++this.#probes}`;
    peer.send(text, family === 4 ? VIP4 : VIP6, PORT);
    await this.#mark(peer, own, family === 4 ? A4 : A6);
    return virtual.poll().includes(text);
  }

  /** Whether what is sent from a virtual address arrives at the peer. */
  async leaves(family: 4 | 6): Promise<boolean> {
    const [peer, own, virtual] = this.#of(family);
    const text = `answer ${++this.#probes}`;
    try {
      virtual.send(text, family === 4 ? B4 : B6, PORT);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EPERM') throw error;
    }
    await this.#mark(own, peer, family === 4 ? B4 : B6);
    return peer.poll().includes(text);
  }

  /** With the neighbour entries there, nothing but the fence can hold a probe back. The fence must be open. */
  async acquaint(): Promise<void> {
    for (const family of [4, 6] as const) {
      const [peer, , virtual] = this.#of(family);
      await until(`a first probe by IPv${family}`, () => {
        peer.send('first', family === 4 ? VIP4 : VIP6, PORT);
        return virtual.poll().length > 0;
      });
    }
  }

  /** Everything that passes and everything that does not, both ways, both families. */
  async passing(): Promise<string[]> {
    const found: string[] = [];
    for (const family of [4, 6] as const) {
      if (await this.arrives(family)) found.push(`in${family}`);
      if (await this.leaves(family)) found.push(`out${family}`);
    }
    return found;
  }

  /**
   * Opens a raw socket on a host's link, and sees every frame of an ethertype; 3: every frame. `isBypassing`: what it sends
   * goes past queues.
   */
  tap(host: string, ethertype: number, linkName = 'eth0', isBypassing = false): Tap {
    return this.on(host, () => {
      const route = new NetlinkSocket(NETLINK_ROUTE);
      const link = findLink(route, linkName);
      route.close();
      const swapped = ((ethertype & 0xff) << 8) | (ethertype >> 8);
      const fd = libc().socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, swapped);
      const place = packetAddress(link.index, ETHERTYPE_ARP);
      new DataView(place.buffer).setUint16(2, ethertype);
      libc().bind(fd, place);
      if (isBypassing) libc().setSocketOption(fd, SOL_PACKET, PACKET_QDISC_BYPASS, Uint8Array.of(1, 0, 0, 0));
      const frames: Uint8Array[] = [];
      return this.keep({
        hardwareAddress: link.hardwareAddress,
        poll: () => {
          drain(fd, (frame) => frames.push(frame));
          return frames;
        },
        /** @returns whether the kernel took it */
        send: (frame: Uint8Array): boolean => {
          try {
            libc().sendTo(fd, frame, 0, place);
            return true;
          } catch (error) {
            if ((error as { code?: string }).code === 'ENOBUFS') return false;
            throw error;
          }
        },
        close: () => libc().close(fd),
      });
    });
  }

  /** Whether announcements of both families, sent by AF_PACKET from `a`, past queues or not, arrive at `b`. */
  async announces(isBypassing = false): Promise<string[]> {
    const found: string[] = [];
    const seen = this.tap('b', 3);
    const own = this.tap('a', 3, 'eth0', isBypassing);
    const arp = announcementFrame(VIP4, own.hardwareAddress);
    // From the host's own address: it is the target that counts.
    const advertisement = advertisementFrame(ipBytes(VIP6), own.hardwareAddress, false);
    advertisement.set(ipBytes(A6), 22);
    const marker = announcementFrame(A4, own.hardwareAddress);
    own.send(arp);
    own.send(advertisement);
    own.send(marker);
    const has = (frame: Uint8Array): boolean =>
      seen.poll().some((each) => Buffer.compare(each.subarray(0, frame.length), frame) === 0);
    await until('the marker', () => has(marker));
    if (has(arp)) found.push('arp');
    if (has(advertisement)) found.push('na');
    return found;
  }

  /** What `a` answers when `b` asks on the link for the virtual addresses by frames of its own. */
  async answers(): Promise<string[]> {
    const found: string[] = [];
    const tap = this.tap('b', 3);
    tap.send(arpRequest(VIP4, B4, tap.hardwareAddress));
    tap.send(solicitation(VIP6, B6, tap.hardwareAddress));
    tap.send(arpRequest(A4, B4, tap.hardwareAddress));
    const isReply = (sender: string) => (frame: Uint8Array) =>
      frame[12] === 0x08 &&
      frame[13] === 0x06 &&
      frame[21] === 2 &&
      Buffer.compare(frame.subarray(28, 32), ipBytes(sender)) === 0;
    const isAdvertisement = (frame: Uint8Array): boolean =>
      frame[54] === 136 && Buffer.compare(frame.subarray(62, 78), ipBytes(VIP6)) === 0;
    await until('the answer for the own address', () => tap.poll().some(isReply(A4)));
    if (tap.poll().some(isReply(VIP4))) found.push('arp');
    if (tap.poll().some(isAdvertisement)) found.push('na');
    return found;
  }

  /** Whether `a` takes note of who asks for the virtual addresses; an answer may be held back all the same. */
  async hears(): Promise<string[]> {
    const found: string[] = [];
    const tap = this.tap('b', 3);
    const [four, six] = [`10.9.0.${50 + ++this.#probes}`, `2001:db8:9::50:${++this.#probes}`];
    tap.send(arpRequest(VIP4, four, tap.hardwareAddress));
    tap.send(solicitation(VIP6, six, tap.hardwareAddress));
    await this.arrives(4);
    const known = this.run('a', 'ip', 'neigh', 'show');
    if (known.includes(`${four} `)) found.push('arp');
    if (known.includes(`${six} `)) found.push('ns');
    return found;
  }

  #of(family: 4 | 6): [Udp, Udp, Udp] {
    return family === 4 ? [this.peer4, this.own4, this.virtual4] : [this.peer6, this.own6, this.virtual6];
  }

  async #mark(from: Udp, to: Udp, at: string): Promise<void> {
    const marker = `marker ${++this.#probes}`;
    await until('the marker', () => {
      // The first may still be waiting for a neighbour entry; several do no harm.
      from.send(marker, at, PORT);
      return to.poll().includes(marker);
    });
  }
}

/** A raw socket on a link. */
export interface Tap {
  readonly hardwareAddress: Uint8Array;
  poll(): readonly Uint8Array[];
  send(frame: Uint8Array): boolean;
  close(): void;
}

function arpRequest(target: string, sender: string, hardwareAddress: Uint8Array): Uint8Array {
  const frame = announcementFrame(sender, hardwareAddress);
  frame.set(ipBytes(target), 38);
  return frame;
}

/** Who has the address? To everybody, so that no group has to be joined. @see RFC 4861 §4.3 */
function solicitation(target: string, sender: string, hardwareAddress: Uint8Array): Uint8Array {
  const frame = advertisementFrame(ipBytes(target), hardwareAddress, false);
  const bytes = ipBytes(target);
  // To the group of the address, from our own.
  frame.set([0x33, 0x33, 0xff, ...bytes.subarray(13)]);
  frame.set(ipBytes(sender), 22);
  frame.set([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...bytes.subarray(13)], 38);
  frame.set([135, 0, 0, 0, 0, 0, 0, 0], 54);
  frame[78] = 1;
  const view = new DataView(frame.buffer);
  let sum = 32 + 58;
  for (let at = 22; at < frame.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(56, ~sum & 0xffff);
  return frame;
}
