// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const found = (...names) =>
  names.flatMap((name) => [`/usr/bin/${name}`, `/usr/local/bin/${name}`]).find((path) => existsSync(path));

/** Resolves when it says so. */
async function started(program, words, stream, isReady, cleanup) {
  const server = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  cleanup.add(() => server.kill('SIGKILL'));
  server[stream === 'stdout' ? 'stderr' : 'stdout'].resume();
  for await (const line of createInterface(server[stream])) {
    if (!isReady(line)) continue;
    server[stream].resume();
    return;
  }
  throw new Error(`${program} ended`);
}

/** A Valkey, or a Redis, on a local socket in the folder; null: there is none here. */
export async function startValkey(folder, cleanup) {
  const program = found('valkey-server', 'redis-server');
  if (program === undefined) return null;
  const words = ['--port', '0', '--unixsocket', `${folder}/s`, '--save', '', '--dir', folder];
  await started(program, words, 'stdout', (line) => line.includes('ready to accept'), cleanup);
  return { socket: `${folder}/s`, address: `redis+unix://${folder}/s` };
}

/** An etcd of one member with its files in the folder; null: there is none here. */
export async function startEtcd(folder, cleanup) {
  const program = found('etcd');
  if (program === undefined) return null;
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const at = `http://127.0.0.1:${port}`;
  const peers = 'http://127.0.0.1:0';
  const clients = ['--listen-client-urls', at, '--advertise-client-urls', at];
  const cluster = ['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers];
  const own = ['--name', 'one', '--data-dir', `${folder}/etcd`, '--initial-cluster', `one=${peers}`];
  const words = [...own, ...clients, ...cluster];
  await started(program, words, 'stderr', (line) => line.includes('ready to serve client'), cleanup);
  return { at, address: `etcd://127.0.0.1:${port}` };
}
