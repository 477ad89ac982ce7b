// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../node/function-state/fake-function.ts';
import { Phone } from './phone.ts';
import { askHss, missing, move, optionsFields, startScene, type Told, WAIT } from './scene.ts';

/* Calls of sipp, which knows nothing of us, while the proxy moves. */

interface DebianPackages {
  unpackedPackages(set: string, packages: readonly string[]): { root?: string; reason?: string };
  findProgram(name: string, root?: string): string | null;
  libraryPath(root: string): string;
}

type Sipp = { readonly reason: string } | { readonly path: string; readonly env: NodeJS.ProcessEnv };

const root = new URL('../../../../', import.meta.url);
const scenario = (name: string): string => fileURLToPath(new URL(`examples/ims/sipp/${name}.xml`, root));

async function findSipp(): Promise<Sipp> {
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
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

interface Run {
  readonly process: ChildProcess;
  /** Its exit code, and at the end of what it said the numbers of calls. */
  readonly ended: Promise<{ readonly code: number | null; readonly said: string }>;
}

function start(sipp: Exclude<Sipp, { readonly reason: string }>, name: string, ...more: string[]): Run {
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

const CALLS = 100;

test('sipp places calls, the proxy moves in their middle, and each ends as it should', async ({ skip }) => {
  skip(missing !== null, missing ?? '');
  const sipp = await findSipp();
  if ('reason' in sipp) {
    skip(sipp.reason);
    return;
  }
  const scene = await startScene();
  await askHss(scene, 'put', 'bob');
  const proxy = `127.0.0.1:${scene.proxy.address.port}`;
  const port = String(await freePort());
  // sipp answers where a call came from first, whatever Via says; here that is not the address that stays.
  const callee = start(sipp, 'callee', '-p', port, '-m', String(CALLS), '-rsa', proxy);
  const registers = start(
    sipp,
    'register',
    '-s',
    'bob',
    '-key',
    'contact',
    `127.0.0.1:${port}`,
    '-m',
    '1',
    proxy,
  );
  const { code, said } = await registers.ended;
  expect(code, said).toBe(0);

  const phone = await Phone.open('observer', scene.proxy.address.port);
  const tell = async (): Promise<Told> => {
    const { body } = await phone.ask('OPTIONS', 'sip:example.test', optionsFields());
    return JSON.parse(new TextDecoder().decode(body)) as Told;
  };
  // 25 a second, each of two seconds: about 50 at once.
  const caller = start(sipp, 'caller', '-s', 'bob', '-m', String(CALLS), '-r', '25', '-d', '2000', proxy);
  await expect.poll(async () => (await tell()).dialogs, WAIT).toBeGreaterThan(10);
  await move(scene, scene.proxy);
  for (const run of [caller, callee]) {
    const outcome = await run.ended;
    expect(outcome.code, outcome.said).toBe(0);
  }
  const { dialogs, users, counters } = await tell();
  expect({ dialogs, users }).toEqual({ dialogs: 0, users: 1 });
  // The place it moved to has seen the end of more calls than it has seen begin.
  expect(counters['dialogs.ended'] ?? 0).toBeGreaterThan(counters['dialogs.confirmed'] ?? 0);
  expect(counters['dialogs.ended'] ?? 0).toBeLessThanOrEqual(CALLS);
}, 120_000);
