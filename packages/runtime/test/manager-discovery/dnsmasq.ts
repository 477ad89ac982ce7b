// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { userInfo } from 'node:os';

interface DebianPackages {
  unpackedPackages(set: string, packages: readonly string[]): { root?: string; reason?: string };
  findProgram(name: string, root?: string): string | null;
  libraryPath(root: string): string;
}

/** The DNS server `dnsmasq`, of the host or of Debian's package; or why there is none. */
export type Dnsmasq =
  | { readonly reason: string }
  | { readonly reason?: undefined; readonly path: string; readonly env: NodeJS.ProcessEnv };

/** Finds it, or unpacks it into the user's cache; it is not installed on the host. */
export async function findDnsmasq(): Promise<Dnsmasq> {
  const url = new URL('../../../../scripts/debian-packages.mjs', import.meta.url);
  const packages = (await import(url.href)) as DebianPackages;
  const installed = packages.findProgram('dnsmasq');
  if (installed !== null) return { path: installed, env: process.env };
  const { root, reason } = packages.unpackedPackages('dnsmasq', ['dnsmasq-base']);
  if (root === undefined) return { reason: reason ?? 'no package dnsmasq-base' };
  const path = packages.findProgram('dnsmasq', root);
  if (path === null) return { reason: 'the package dnsmasq-base has no dnsmasq' };
  return { path, env: { ...process.env, LD_LIBRARY_PATH: packages.libraryPath(root) } };
}

export interface RunningDnsmasq {
  /** `127.0.0.1:PORT` */
  readonly server: string;
  stop(): Promise<void>;
}

const ATTEMPTS = 5;

/** Runs it with these records and no others, on a free port: port 0 would turn its DNS off. */
export async function startDnsmasq(program: Dnsmasq, records: readonly string[]): Promise<RunningDnsmasq> {
  if (program.reason !== undefined) throw new Error(program.reason);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = await freePort();
    const child = spawn(
      program.path,
      [
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--pid-file=',
        `--user=${userInfo().username}`,
        '--log-facility=-',
        '--no-resolv',
        '--no-hosts',
        '--bind-interfaces',
        '--listen-address=127.0.0.1',
        `--port=${port}`,
        ...records,
      ],
      { env: program.env, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const fault = await startOf(child);
    if (fault === null) {
      return {
        server: `127.0.0.1:${port}`,
        stop: async () => {
          const ended = once(child, 'exit');
          child.kill('SIGTERM');
          await ended;
        },
      };
    }
    // Somebody else was faster with that port.
    if (!fault.includes('in use')) throw new Error(fault);
  }
  throw new Error('no free port');
}

/** Null: it serves; else what it said at its end. */
function startOf(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.once('error', reject);
    child.once('close', () => resolve(said || 'it ended'));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('started, version')) resolve(null);
    });
  });
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
