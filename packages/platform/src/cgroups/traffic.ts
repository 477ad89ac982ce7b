// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { PlatformError } from '../errors.ts';

/** Octets that a group's sockets have received and sent, headers of IP included. */
export interface TrafficCounts {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export interface TrafficOptions {
  /** As of the groups: tells our tables from those of others. Digits and letters. */
  readonly label: string;
  /** Where the second version's hierarchy is mounted. */
  readonly mount: string;
  /** Groups that are to be adopted: they are counted on. */
  readonly keep?: ReadonlySet<string>;
  /** Runs nft with a script, or with arguments; default the system's, in the calling thread's network namespace. */
  readonly nft?: Nft;
}

/** How nft is run. Both reject with what it printed. */
export interface Nft {
  apply(script: string, mount: string): Promise<void>;
  /** Answer to `nft -j list counters`. */
  counters(): Promise<string>;
}

const RUN_MS = 5_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** The place where nft looks for groups. */
const NFT_MOUNT = '/sys/fs/cgroup';
/** What a limited group may send or receive at once: a tenth of a second's worth, at least this. */
const BURST_BYTES_MIN = 16_384;

const systemNft: Nft = {
  apply: async (script, mount) => {
    // Where the hierarchy is mounted elsewhere, nft sees it in its place: in a mount namespace that ends with it.
    const command: readonly [string, ...string[]] =
      mount === NFT_MOUNT
        ? ['nft', '-f', '-']
        : ['unshare', '-m', 'sh', '-c', 'mount --bind "$1" "$2" && exec nft -f -', 'sh', mount, NFT_MOUNT];
    await execute(command, script);
  },
  counters: () => execute(['nft', '-j', 'list', 'counters'], ''),
};

/** Runs a program to its end, in the calling thread's network namespace. */
function execute([program, ...rest]: readonly [string, ...string[]], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: RUN_MS, maxBuffer: ANSWER_BYTES_MAX };
    const child = execFile(program, rest, options, (error, out, said) => {
      if (!error) return resolve(out);
      const [line] = said.split('\n');
      const reason = line === undefined || line === '' ? error.message : line;
      reject(new PlatformError('NFT', `nft: ${reason}`, { call: 'nft', cause: error }));
    });
    // It ended before it read all: its exit says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/**
 * Counts, and bounds, what groups send and receive, by a table of nftables for each: `socket cgroupv2` tells to which group
 * a packet's socket belongs. Needs root, the nft program and a kernel with it (5.13). What forwards packets without a socket
 * of its own is not seen.
 */
export class GroupTraffic {
  readonly #options: TrafficOptions;
  readonly #nft: Nft;
  /** Tables that are there or being made. */
  readonly #tables = new Map<string, Promise<void>>();
  readonly #removals = new Set<Promise<void>>();

  private constructor(options: TrafficOptions) {
    this.#options = options;
    this.#nft = options.nft ?? systemNft;
  }

  /**
   * Tries it on a group that is there, and removes tables that an agent with this label left behind, but for those to be kept.
   * @returns the reason when it does not work here
   */
  static async open(options: TrafficOptions, path: string): Promise<GroupTraffic | string> {
    const traffic = new GroupTraffic(options);
    try {
      const kept = new Set([...(options.keep ?? [])].map((name) => traffic.#table(name)));
      for (const table of countersOf(await traffic.#nft.counters(), traffic.#prefix).keys()) {
        if (kept.has(table)) traffic.#tables.set(table, Promise.resolve());
        else await traffic.#delete(table);
      }
      await traffic.begin('probe', path, undefined);
      await traffic.end('probe');
      return traffic;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /**
   * Begins to count a group; with `bitsPerSecond` what is above it is dropped, in each direction.
   * @param path of the group, below the mount
   * @throws PlatformError `NFT`
   */
  begin(name: string, path: string, bitsPerSecond: number | undefined): Promise<void> {
    const table = this.#table(name);
    const made = this.#nft.apply(trafficRules(table, path, bitsPerSecond), this.#options.mount);
    this.#tables.set(table, made);
    return made;
  }

  /** Ends it. A table that is gone already is fine. */
  end(name: string): Promise<void> {
    return this.#remove(this.#table(name));
  }

  /** What every group has received and sent so far, by name. */
  async counts(names: readonly string[]): Promise<ReadonlyMap<string, TrafficCounts>> {
    const found = countersOf(await this.#nft.counters(), this.#prefix);
    return new Map(
      names.flatMap((name): [string, TrafficCounts][] => {
        const counts = found.get(this.#table(name));
        return counts ? [[name, counts]] : [];
      }),
    );
  }

  async close(): Promise<void> {
    // What cannot be removed goes at the next start, or with the network namespace.
    for (const table of this.#tables.keys()) this.#remove(table).catch(() => undefined);
    await Promise.allSettled(this.#removals);
  }

  async #remove(table: string): Promise<void> {
    const made = this.#tables.get(table);
    if (made === undefined) return;
    this.#tables.delete(table);
    // One that is only being made would outlive its end.
    const removal = made.catch(() => undefined).then(() => this.#delete(table));
    this.#removals.add(removal);
    await removal.finally(() => this.#removals.delete(removal));
  }

  #delete(table: string): Promise<void> {
    // Adding first makes it right also when it is gone.
    return this.#nft.apply(`add table inet ${table}\ndelete table inet ${table}\n`, NFT_MOUNT);
  }

  get #prefix(): string {
    return `vnfpool_${this.#options.label}_`;
  }

  /** Names of tables have letters, digits and few other characters. */
  #table(name: string): string {
    return (
      this.#prefix + name.replaceAll(/[^A-Za-z0-9]/g, (letter) => `_${letter.charCodeAt(0).toString(16)}_`)
    );
  }
}

/** The rules of one group, in nft's language; what is dropped is not counted. */
export function trafficRules(table: string, path: string, bitsPerSecond: number | undefined): string {
  const level = path.split('/').length;
  const ours = `socket cgroupv2 level ${level} "${path.replaceAll(/["\\\n]/g, '')}"`;
  const drop = bitsPerSecond === undefined ? '' : `\n    ${ours} ${limitOf(bitsPerSecond)} drop`;
  const chain = (name: string, hook: string): string => `
  chain ${name} {
    type filter hook ${hook} priority 0; policy accept;${drop}
    ${ours} counter name "${name}"
  }`;
  return `table inet ${table} {
  counter received { }
  counter sent { }${chain('received', 'input')}${chain('sent', 'output')}
}
`;
}

function limitOf(bitsPerSecond: number): string {
  const octets = Math.max(1, Math.round(bitsPerSecond / 8));
  const burst = Math.max(BURST_BYTES_MIN, Math.round(octets / 10));
  return `limit rate over ${octets} bytes/second burst ${burst} bytes`;
}

/** Counters by table, of tables whose names begin with `prefix`. */
export function countersOf(json: string, prefix: string): Map<string, TrafficCounts> {
  const { nftables = [] } = JSON.parse(json) as {
    nftables?: { counter?: { table?: string; name?: string; bytes?: number } }[];
  };
  const found = new Map<string, TrafficCounts>();
  for (const { counter } of nftables) {
    const { table = '', name, bytes = 0 } = counter ?? {};
    if (!table.startsWith(prefix)) continue;
    const before = found.get(table) ?? { receivedBytes: 0, sentBytes: 0 };
    if (name === 'received') found.set(table, { ...before, receivedBytes: bytes });
    if (name === 'sent') found.set(table, { ...before, sentBytes: bytes });
  }
  return found;
}
