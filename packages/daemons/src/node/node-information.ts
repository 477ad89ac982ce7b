// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, freemem, loadavg, networkInterfaces, totalmem } from 'node:os';
import type { NodeInformation } from '@vnfpool/wire/mobility';
import { Rate, RunningAverage } from './running-average.ts';

/**
 * What the host has and how busy it is, as the draft's node information, without bandwidth, which takes two looks:
 * `NodeMeter`. The load is what runs or waits now, its average the kernel's over one minute; storage is that of the file
 * system of the state folder.
 */
export function nodeInformation(folder: string): NodeInformation {
  const [loadAverage = 0] = loadavg();
  const processors = cpus();
  const ghz = processors.reduce((sum, { speed }) => sum + speed, 0) / 1000;
  const storage = statfsSync(folder, { bigint: true });
  return {
    ...(ghz > 0 ? { capacityGhz: rounded(ghz) } : {}),
    load: waitingNow(readOr('/proc/stat')) ?? rounded(loadAverage),
    loadAverage: rounded(loadAverage),
    memoryBytes: BigInt(totalmem()),
    memoryFreeBytes: BigInt(freemem()),
    storageBytes: storage.blocks * storage.bsize,
    storageFreeBytes: storage.bavail * storage.bsize,
  };
}

/** What a node is asked for: the host as above, and the use of the link that has the node's address. */
export class NodeMeter {
  readonly #folder: string;
  #address: string;
  readonly #read: (path: string) => string;
  readonly #rate = new Rate();
  readonly #average = new RunningAverage();

  /**
   * @param folder on the file system whose storage is told
   * @param address of this node; `0.0.0.0` and the like: all links but the loopback
   * @param read gives the text of a file, '' where it cannot be read; for tests
   */
  constructor(folder: string, address: string, read: (path: string) => string = readOr) {
    this.#folder = folder;
    this.#address = address;
    this.#read = read;
  }

  /** The node has another address. */
  readdress(address: string): void {
    this.#address = address;
  }

  /** @param atMs time on a clock that does not step */
  information(atMs: number): NodeInformation {
    const links = linksOf(this.#address);
    const octets = countOctets(this.#read('/proc/net/dev'), links);
    const total = links.reduce<bigint | null>((sum, link) => {
      const speed = this.#speed(link);
      return speed === null || sum === null ? null : sum + speed;
    }, 0n);
    let used: number | null = null;
    if (octets !== null) {
      const spanMs = this.#rate.take(octets, atMs);
      used = this.#rate.perSecond === null ? null : this.#rate.perSecond * 8;
      if (used !== null) this.#average.add(used, spanMs);
    }
    const average = this.#average.value;
    return {
      ...nodeInformation(this.#folder),
      ...(total === null || total === 0n ? {} : { bandwidthBitsPerSecond: total }),
      ...(used === null ? {} : { bandwidthUsedBitsPerSecond: BigInt(Math.round(used)) }),
      ...(average === null ? {} : { bandwidthAverageBitsPerSecond: BigInt(Math.round(average)) }),
    };
  }

  /** Bits a second; null where the link has no speed of its own, as a loopback, or the text is of another link. */
  #speed({ name, mac }: Link): bigint | null {
    // /sys may be another network namespace's, with a link of the same name.
    if (this.#read(`/sys/class/net/${name}/address`).trim() !== mac) return null;
    const megabits = this.#read(`/sys/class/net/${name}/speed`).trim();
    return /^[1-9]\d*$/.test(megabits) ? BigInt(megabits) * 1_000_000n : null;
  }
}

interface Link {
  readonly name: string;
  readonly mac: string;
}

function linksOf(address: string): Link[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) => {
    const [first] = addresses;
    return first ? [{ name, mac: first.mac, internal: first.internal, addresses }] : [];
  });
  const exact = all.filter(({ addresses }) => addresses.some((entry) => entry.address === address));
  return exact.length > 0 ? exact : all.filter(({ internal }) => !internal);
}

/**
 * Octets that links have received and sent, from the text of /proc/net/dev; null where none of them is in it.
 * What goes over the loopback is received by who sent it, so half of it is told.
 */
export function countOctets(text: string, links: readonly { readonly name: string }[]): number | null {
  let found: number | null = null;
  for (const line of text.split('\n')) {
    const [, name = '', rest = ''] = /^\s*([^\s:]+):(.*)$/.exec(line) ?? [];
    if (!links.some((link) => link.name === name)) continue;
    const fields = rest.trim().split(/\s+/).map(Number);
    const octets = name === 'lo' ? (fields[0] ?? 0) : (fields[0] ?? 0) + (fields[8] ?? 0);
    found = (found ?? 0) + octets;
  }
  return found;
}

/** Processes that run or wait, without us who are looking; null where the kernel does not tell. */
export function waitingNow(stat: string): number | null {
  const count = (name: string): number | null => {
    const [, digits] = new RegExp(`^${name} (\\d+)$`, 'm').exec(stat) ?? [];
    return digits === undefined ? null : Number(digits);
  };
  const [running, blocked] = [count('procs_running'), count('procs_blocked')];
  return running === null || blocked === null ? null : Math.max(0, running - 1) + blocked;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The draft's decimals have six digits at most. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
