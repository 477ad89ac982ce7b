// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { inNamespace, type NetworkNamespace } from '@vnfpool/platform/namespaces';

interface DebianPackages {
  unpackedPackages(set: string, packages: readonly string[]): { root?: string; reason?: string };
  findProgram(name: string, root?: string): string | null;
  libraryPath(root: string): string;
}

/** The program `conntrack`, of the host or of Debian's package. */
export type ConntrackProgram =
  | { readonly reason: string }
  | { readonly reason?: undefined; readonly path: string; readonly env: NodeJS.ProcessEnv };

/** Finds it, or unpacks it into the user's cache; it is not installed on the host. */
export async function conntrackProgram(): Promise<ConntrackProgram> {
  const url = new URL('../../../../scripts/debian-packages.mjs', import.meta.url);
  const packages = (await import(url.href)) as DebianPackages;
  const installed = packages.findProgram('conntrack');
  if (installed !== null) return { path: installed, env: process.env };
  const { root, reason } = packages.unpackedPackages('conntrack', ['conntrack']);
  if (root === undefined) return { reason: reason ?? 'no package conntrack' };
  const path = packages.findProgram('conntrack', root);
  if (path === null) return { reason: 'the package conntrack has no conntrack' };
  return { path, env: { ...process.env, LD_LIBRARY_PATH: packages.libraryPath(root) } };
}

/** What it lists in a namespace, sorted, without what changes by itself: time left, references, counters. */
export function listByProgram(program: ConntrackProgram, namespace: NetworkNamespace): string[] {
  if (program.reason !== undefined) throw new Error(program.reason);
  const { path, env } = program;
  const lines = ['ipv4', 'ipv6'].flatMap((family) => {
    const done = inNamespace(namespace.fd, () =>
      spawnSync(path, ['-L', '-f', family], { env, encoding: 'utf8', timeout: 20_000 }),
    );
    if (done.status !== 0) throw new Error(`conntrack -L: ${done.stderr}`);
    return done.stdout.split('\n').filter((line) => line !== '');
  });
  return lines
    .map((line) =>
      line
        .replace(/^(\S+\s+\d+) \d+/, '$1')
        .replaceAll(/ (use|packets|bytes)=\d+/g, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .toSorted((x, y) => (x < y ? -1 : 1));
}
