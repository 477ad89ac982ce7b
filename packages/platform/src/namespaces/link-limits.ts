// SPDX-License-Identifier: Apache-2.0
import { execFile, spawnSync } from 'node:child_process';
import { PlatformError } from '../errors.ts';
import { checkInterfaceName } from '../netlink/link.ts';

const NFT_MS = 5_000;
const SAID_MAX = 300;
/** Two of the longest packets that a virtual link takes at once: with less TCP would not get through. */
const BURST_BYTES_MIN = 131_072;

/** Begins the names of our tables; the label of their owner follows. */
const PREFIX = 'vnfpool_links_';

/** The table of one network's limit; digits tell networks of a label apart. */
export function limitTable(label: string, digits: string): string {
  return `${PREFIX}${label}_${digits}`;
}

/**
 * Rules in nft's language that drop what is above a rate at links, all of them together, in each direction by itself. They
 * stand at the host's ends of the links, where who is at the others cannot change them.
 */
export function limitRules(table: string, links: readonly string[], bitsPerSecond: number): string {
  const octets = Math.max(1, Math.round(bitsPerSecond / 8));
  const burst = Math.max(BURST_BYTES_MIN, Math.round(octets / 10));
  const devices = links.map((link) => `"${checkInterfaceName(link)}"`).join(', ');
  const chain = (name: string, hook: string): string => `
  chain ${name} {
    type filter hook ${hook} devices = { ${devices} } priority 0; policy accept;
    limit rate over ${octets} bytes/second burst ${burst} bytes counter drop
  }`;
  // What comes in at the host's end the other end has sent.
  return `table netdev ${table} {${chain('sent', 'ingress')}${chain('received', 'egress')}
}
`;
}

/** @throws PlatformError `NFT` with what nft said */
export function loadLimits(rules: string): Promise<void> {
  return nft(['-f', '-'], rules).then(() => undefined);
}

/** Removes a table, some time soon; it goes on when this process ends. One that is gone is fine. */
export function removeLimits(table: string): void {
  const child = execFile('nft', ['delete', 'table', 'netdev', table], { timeout: NFT_MS }, () => undefined);
  child.unref();
}

/** Why such limits cannot be set here; null: they can. */
export function limitsRefusal(): string | null {
  const rules = limitRules('vnfpool_links_probe', ['lo'], 8_000);
  const { error, status, stderr } = spawnSync('nft', ['-c', '-f', '-'], {
    input: rules,
    encoding: 'utf8',
    timeout: NFT_MS,
  });
  if (error) return `nft cannot be run: ${error.message}`;
  return status === 0
    ? null
    : `nft: ${words(stderr)} (the kernel must have netfilter's egress hook: Linux 5.16)`;
}

/** Removes tables of this label whose links are all gone: their owner was killed. Where there is no nft there are none. */
export function removeLeftLimits(label: string): void {
  const { stdout } = spawnSync('nft', ['-j', 'list', 'ruleset', 'netdev'], {
    encoding: 'utf8',
    timeout: NFT_MS,
  });
  for (const table of tablesWithoutLinks(stdout ?? '', limitTable(label, ''))) removeLimits(table);
}

/** Tables whose names begin so and of which no chain has a link, from what `nft -j list ruleset` prints. */
export function tablesWithoutLinks(json: string, prefix: string): string[] {
  let nftables: readonly { table?: { name?: string }; chain?: { table?: string; dev?: unknown } }[];
  try {
    ({ nftables = [] } = JSON.parse(json) as { nftables?: typeof nftables });
  } catch {
    // There is no nft, or it may not look.
    return [];
  }
  const busy = new Set(
    nftables.flatMap(({ chain }) =>
      chain?.dev === undefined || chain.table === undefined ? [] : [chain.table],
    ),
  );
  return nftables.flatMap(({ table }) =>
    table?.name?.startsWith(prefix) === true && !busy.has(table.name) ? [table.name] : [],
  );
}

function nft(args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('nft', args, { timeout: NFT_MS }, (error, out, said) => {
      if (error === null) return resolve(out);
      reject(new PlatformError('NFT', words(said) || error.message, { call: 'nft', cause: error }));
    });
    // It ended before it read all: its exit says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

function words(said: string): string {
  return said.trim().replaceAll(/\s+/g, ' ').slice(0, SAID_MAX);
}
