#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Two NAT gateways, of which the active one's node dies again and again: under a download by curl, a session that asks every 5 ms, a
 * datagram every millisecond, and a crowd of connections that ask now and then. All of it on this machine, in network
 * namespaces that are gone when it ends:
 *
 *   client 10.79.0.30 ── br-lan ──┬── node-a ──┬── br-wan ── server 10.78.0.40
 *                                 └── node-b ──┘     │
 *                                        manager, node-c (its voice)
 *
 *   sudo node run.mjs [--failovers 5] [--connections 200] [--megabytes 200] [--seed 1] [--json]
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bridge, command, endAll, host, inOwnNamespace, ip, start } from '../hosts.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const SERVER = '10.78.0.40';
const INSIDE = '10.79.0.100';
const NODES = { 'node-a': 11, 'node-b': 12, 'node-c': 13 };
const DOWNLOAD_RATE = '8M';
const DEADLINE_MS = 60_000;

const { values } = parseArgs({
  options: {
    failovers: { type: 'string', default: '5' },
    connections: { type: 'string', default: '200' },
    megabytes: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    vnfpool: { type: 'string', default: join(here, '../../packages/cli/bin/vnfpool.js') },
  },
});
inOwnNamespace(fileURLToPath(import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'nat-'));
const stateOf = (name) => join(folder, name);
const print = (text) => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);

/** The state of the set, as the manager tells it. */
function state() {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: join(stateOf('manager'), 'api.sock'), path: '/v1/state' },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (more) => {
          text += more;
        });
        answer.on('end', () => resolve(JSON.parse(text)));
      },
    );
    asked.on('error', reject).end();
  });
}

async function until(what, isSo) {
  for (const end = performance.now() + DEADLINE_MS; performance.now() < end; await pause(50)) {
    const [slot] = (await state().catch(() => ({ slots: [] }))).slots;
    if (slot !== undefined && isSo(slot)) return slot;
  }
  throw new Error(`not within ${DEADLINE_MS / 1000} s: ${what}`);
}

/** What may follow is the same for equal seeds. */
function dice(seed) {
  let at = Number(seed);
  return () => {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0;
    return at / 2 ** 32;
  };
}

/** As a machine that has lost its power: its links are dead, and what it comes back with is an empty table. */
class Node {
  constructor(name, at) {
    this.name = name;
    this.at = at;
  }

  start(...more) {
    const words = [
      '--state',
      stateOf(this.name),
      '--name',
      this.name,
      '--listen',
      'eth0',
      '--interface',
      'eth0',
    ];
    this.agent = start([process.execPath, values.vnfpool, 'node', ...words, ...more], this.at);
    return this.agent.next((line) => line.ready !== undefined);
  }

  die() {
    const functions = JSON.parse(readFileSync(join(stateOf(this.name), 'functions.json'), 'utf8'));
    for (const link of ['eth0', 'eth1']) this.#link(link, 'down');
    this.agent.child.kill('SIGKILL');
    for (const { pid } of functions) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {}
    }
    return this.agent.ended;
  }

  async comeBack() {
    command(['conntrack', '-F'], this.at);
    for (const link of ['eth0', 'eth1']) this.#link(link, 'up');
    await this.start();
  }

  #link(name, to) {
    command(['ip', 'link', 'set', name, to], this.at);
  }
}

async function digestOf(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function build() {
  ip('link', 'set', 'lo', 'up');
  for (const name of ['br-wan', 'br-lan']) bridge(name);
  const managerAt = await host({ eth0: ['br-wan', '10.78.0.2/24'] });
  const node = process.execPath;
  const manager = start(
    [node, values.vnfpool, 'manager', '--state', stateOf('manager'), '--set', 'nat', '--listen', '10.78.0.2'],
    managerAt,
  );
  await manager.next((line) => line.ready !== undefined);
  const cli = (...words) => command([node, values.vnfpool, ...words, '--state', stateOf('manager')]);
  const nodes = new Map();
  for (const [name, number] of Object.entries(NODES)) {
    const links = { eth0: ['br-wan', `10.78.0.${number}/24`], eth1: ['br-lan', `10.79.0.${number}/24`] };
    const made = new Node(name, await host(links));
    nodes.set(name, made);
    await made.start('--join', cli('token', 'create', '--role', 'node', '--name', name).trim());
  }
  const text = readFileSync(join(here, 'set.yaml'), 'utf8').replace('gateway.sh', join(here, 'gateway.sh'));
  writeFileSync(join(folder, 'set.yaml'), text);
  cli('apply', join(folder, 'set.yaml'));
  const clientAt = await host({ eth0: ['br-lan', '10.79.0.30/24'] });
  command(['ip', 'route', 'add', 'default', 'via', INSIDE], clientAt);
  return { nodes, clientAt, serverAt: await host({ eth0: ['br-wan', `${SERVER}/24`] }), cli };
}

async function traffic({ clientAt, serverAt }) {
  const [many, single] = [join(here, 'crowd.mjs'), join(here, '../nat-move/traffic.mjs')];
  const node = process.execPath;
  const servers = [many, single].map((file) => start([node, file, 'server', SERVER], serverAt));
  for (const server of servers) await server.next((line) => line.ready);
  const crowd = start([node, many, 'client', SERVER, values.connections], clientAt);
  await crowd.next((line) => line.living !== undefined);
  const session = start([node, single, 'client', SERVER], clientAt);
  await session.next((line) => line.ready);
  const path = join(folder, 'download');
  writeFileSync(path, '');
  const bytes = Number(values.megabytes) * 1_000_000;
  const url = `http://${SERVER}:8080/${bytes}`;
  const curl = start(['curl', '-sS', '--limit-rate', DOWNLOAD_RATE, '-o', path, url], clientAt);
  const round = async () => {
    crowd.child.stdin.write('ask\n');
    return crowd.next((line) => line.living !== undefined);
  };
  return { round, session, curl, path, bytes, download: servers[1] };
}

async function run() {
  const built = await build();
  const isProtected = (slot) => slot.holder !== null && slot.sharing?.isProtected === true;
  const first = await until('the standby has the connections', isProtected);
  print(`${first.holder} on ${first.node} is the gateway`);
  const { round, session, curl, path, bytes, download } = await traffic(built);
  const random = dice(values.seed);
  const failovers = [];
  for (let number = 1; number <= Number(values.failovers); number++) {
    const before = await until('the standby has the connections', isProtected);
    await pause(200 + random() * 800);
    const node = built.nodes.get(before.node);
    const { living: lived } = await round();
    const died = node.die();
    const after = await until(
      'the other is the gateway',
      (slot) => slot.node !== null && slot.node !== node.name,
    );
    const { living } = await round();
    failovers.push({ node: node.name, connections: lived, survived: living });
    print(
      `${number}: ${node.name} died, ${after.node} is the gateway: ${living} of ${lived} connections go on, ${statSync(path).size} octets downloaded`,
    );
    await died;
    await node.comeBack();
  }
  await until('the standby has the connections', isProtected);
  const { living, died } = await round();
  print('waiting for the end of the download');
  const downloaded = (await curl.ended) === 0;
  const { sha256 } = downloaded ? await download.next((line) => line.sha256) : { sha256: curl.errors() };
  const isSame = downloaded && (await digestOf(path)) === sha256;
  session.child.stdin.end();
  const { connection, datagrams } = await session.next((line) => line.connection);
  const records = (await state()).failovers.filter(({ from }) => from !== null);
  const outcome = {
    failovers,
    crowd: { living, died },
    download: { bytes, isSame },
    session: connection,
    datagrams,
    records,
  };
  if (values.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  print(`crowd: ${living} of ${values.connections} connections live; died: ${JSON.stringify(died)}`);
  print(`download: ${bytes} octets, ${isSame ? 'the same' : 'NOT THE SAME'} as sent`);
  print(
    `session: ${connection.answered} questions, ${connection.failure ?? 'all answered'}, after ${connection.longestWaitMs} ms at most`,
  );
  print(
    `datagrams: ${datagrams.sent - datagrams.answered} of ${datagrams.sent} lost, at most for ${datagrams.longestLossMs} ms`,
  );
  return isSame && connection.failure === null && living === Number(values.connections) ? 0 : 1;
}

let code = 1;
try {
  code = await run();
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
} finally {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(code);
