// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../node/function-state/fake-function.ts';

/* sipp as a process. */

interface DebianPackages {
  unpackedPackages(set: string, packages: readonly string[]): { root?: string; reason?: string };
  findProgram(name: string, root?: string): string | null;
  libraryPath(root: string): string;
}

export type Sipp = { readonly reason: string } | { readonly path: string; readonly env: NodeJS.ProcessEnv };

const root = new URL('../../../../', import.meta.url);
const scenario = (name: string): string => fileURLToPath(new URL(`examples/ims/sipp/${name}.xml`, root));

export async function findSipp(): Promise<Sipp> {
  const packages = (await import(new URL('scripts/debian-packages.mjs', root).href)) as DebianPackages;
  const installed = packages.findProgram('sipp');
  if (installed !== null) return { path: installed, env: process.env };
  const { root: folder, reason } = packages.unpackedPackages('sipp', ['sip-tester']);
  if (folder === undefined) return { reason: reason ?? 'no package sip-tester' };
  const path = packages.findProgram('sipp', folder);
  if (path === null) return { reason: 'the package sip-tester has no sipp' };
  return { path, env: { ...process.env, LD_LIBRARY_PATH: packages.libraryPath(folder) } };
}

/** sipp takes no port 0. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

export interface Run {
  readonly process: ChildProcess;
  /** Its exit code, and at the end of what it said the numbers of calls. */
  readonly ended: Promise<{ readonly code: number | null; readonly said: string }>;
}

export function start(
  sipp: Exclude<Sipp, { readonly reason: string }>,
  name: string,
  ...more: string[]
): Run {
  const bounds = ['-timeout', '60s', '-timeout_error', '-nostdin', '-i', '127.0.0.1'];
  const child = spawn(sipp.path, ['-sf', scenario(name), ...bounds, ...more], {
    env: { ...sipp.env, TERM: 'dumb' },
    cwd: temporaryFolder(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-20_000);
    });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, said }));
  return { process: child, ended };
}
