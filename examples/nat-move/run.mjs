#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * A NAT gateway that is nothing but rules of the kernel moves from one node to another and back, under a download by curl, a
 * connection that asks every 5 ms, and a datagram every millisecond. All of it on this machine, in network namespaces that
 * are gone when it ends:
 *
 *   client 10.1.0.2 ── br-lan ──┬── gateway of node 1 ──┬── br-wan ── server 192.0.2.80
 *                               └── gateway of node 2 ──┘
 *
 *   sudo node run.mjs [--moves 4] [--megabytes 200] [--connections 0]
 *
 * `--connections` puts so many more into the gateway, which nobody uses and which move, too.
 */
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bridge, command, host, inOwnNamespace, ip, start } from '../hosts.mjs';
import { conclude, digestOf, VNFPOOL } from '../site.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const SERVER = '192.0.2.80';
const DOWNLOAD_RATE = '20M';

const { values } = parseArgs({
  options: {
    moves: { type: 'string', default: '4' },
    megabytes: { type: 'string', default: '200' },
    connections: { type: 'string', default: '0' },
    vnfpool: { type: 'string', default: VNFPOOL },
  },
});
inOwnNamespace(fileURLToPath(import.meta.url));

const print = (text) => process.stdout.write(`${text}\n`);

/** Puts established connections into the gateway that this agent runs; each has a port of its own on the outside. */
async function fill(agentFolder, count) {
  const { Conntrack } = await import('@vnfpool/platform/conntrack');
  const { inNamespace } = await import('@vnfpool/platform/namespaces');
  const [{ pid }] = JSON.parse(readFileSync(join(agentFolder, 'functions.json'), 'utf8'));
  const fd = openSync(`/proc/${pid}/ns/net`, 'r');
  const table = inNamespace(fd, () => new Conntrack());
  closeSync(fd);
  const nothing = { sctp: null, helper: null, labels: null, counters: null, master: null, shifts: null };
  const tcp = { state: 3, originalScale: 7, replyScale: 7, originalFlags: 3, replyFlags: 3 };
  const common = {
    status: 6,
    timeoutSeconds: 3600,
    zone: 0,
    zoneDirection: 'both',
    mark: 0,
    tcp,
    ...nothing,
  };
  const ports = (source, destination) => ({ kind: 'ports', source, destination });
  const entries = Array.from({ length: count }, (_, n) => {
    const inside = Uint8Array.of(10, 1 + (n >> 16), (n >> 8) & 0xff, n & 0xff);
    // As many ports as there are; then another server.
    const server = Uint8Array.of(198, 51, 100, Math.floor(n / 50_000));
    const outside = Uint8Array.of(192, 0, 2, 1);
    const port = 10_000 + (n % 50_000);
    return {
      original: { source: inside, destination: server, protocol: 6, layer4: ports(40_000, 443) },
      reply: { source: server, destination: outside, protocol: 6, layer4: ports(443, port) },
      ...common,
    };
  });
  const [failure] = table.insert(entries);
  table.close();
  if (failure) throw failure.error;
}

async function run(folder) {
  ip('link', 'set', 'lo', 'up');
  for (const name of ['br-lan', 'br-wan']) bridge(name);
  const clientHost = await host({ eth0: ['br-lan', '10.1.0.2/24'] });
  command(['ip', 'route', 'add', 'default', 'via', '10.1.0.1'], clientHost);
  const serverHost = await host({ eth0: ['br-wan', `${SERVER}/24`] });

  const node = process.execPath;
  const manager = start([
    node,
    values.vnfpool,
    ...'mobility serve --plain --json --listen 127.0.0.1:0'.split(' '),
  ]);
  const { port } = await manager.next((line) => line.ready);
  const agents = ['1', '2'].map((name) =>
    start([
      node,
      values.vnfpool,
      ...`node --manager 127.0.0.1:${port} --plain --listen 127.0.0.1 --node-id ${name}`.split(' '),
      '--state',
      join(folder, name),
    ]),
  );
  const order = async (words) => {
    manager.child.stdin.write(`${words}\n`);
    const answer = await manager.next((line) => line.command !== undefined);
    if (!answer.done) throw new Error(`${words}: ${JSON.stringify(answer.result ?? answer)}`);
  };
  await order('wait 1');
  await order('wait 2');
  await order(`add 1 101 --spec ${join(here, 'gateway.json')}`);
  await order('wait 1 101 Running');
  const connections = Number(values.connections);
  if (connections > 0) await fill(join(folder, '1'), connections);
  print(`the gateway runs on node 1${connections > 0 ? `, with ${connections} connections` : ''}`);

  const traffic = join(here, 'traffic.mjs');
  const server = start([node, traffic, 'server', SERVER], serverHost);
  await server.next((line) => line.ready);
  const client = start([node, traffic, 'client', SERVER], clientHost);
  await client.next((line) => line.ready);
  const bytes = Number(values.megabytes) * 1_000_000;
  const path = join(folder, 'download');
  writeFileSync(path, '');
  const url = `http://${SERVER}:8080/${bytes}`;
  const curl = start(['curl', '-sS', '--limit-rate', DOWNLOAD_RATE, '-o', path, url], clientHost);

  const moves = Number(values.moves);
  for (let move = 1; move <= moves; move++) {
    const wanted = (bytes * move) / (moves + 1);
    while (statSync(path).size < wanted) await pause(50);
    const [from, to] = move % 2 === 1 ? [1, 2] : [2, 1];
    await order(`move ${from} 101 --to ${to}`);
    await order(`wait ${to} 101 Running`);
    await order(`wait ${from} 101 gone`);
    print(`${statSync(path).size} octets downloaded; the gateway is on node ${to}`);
  }
  if ((await curl.ended) !== 0) throw new Error(`the download failed: ${curl.errors()}`);
  const { sha256 } = await server.next((line) => line.sha256);
  client.child.stdin.end();
  const outcome = await client.next((line) => line.connection);
  const pauses = agents.flatMap(({ errors }) =>
    [...errors().matchAll(/"pauseMs":([0-9.]+)/g)].map(([, ms]) => ms),
  );
  const isSame = (await digestOf(path)) === sha256;
  const { connection, datagrams } = outcome;
  print(`download: ${bytes} octets, ${isSame ? 'the same' : 'NOT THE SAME'} as sent`);
  print(
    `connection: ${connection.answered} questions, ${connection.failure ?? 'all answered'}, after ${connection.longestWaitMs} ms at most`,
  );
  print(
    `datagrams: ${datagrams.sent - datagrams.answered} of ${datagrams.sent} lost, at most for ${datagrams.longestLossMs} ms`,
  );
  print(`pauses, as the nodes saw them: ${pauses.map((ms) => `${Math.round(Number(ms))} ms`).join(', ')}`);
  return isSame && connection.failure === null ? 0 : 1;
}

await conclude('nat-move', run);
