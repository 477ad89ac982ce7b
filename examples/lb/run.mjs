#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Two load balancers in front of three backends, of which the active one's node dies again and again under many connections: each must
 * stay with the backend that it began with, and new ones must go to all three. Then a backend dies: the connections of the others go on,
 * and no new one goes to it until it is back. All of it on this machine, in network namespaces that are gone when it ends:
 *
 *   client 10.78.0.30 ── br-wan ──┬── node-a ──┬── br-lan ──┬── 10.79.0.51
 *                        │        └── node-b ──┘            ├── 10.79.0.52
 *             manager, node-c (its voice)                   └── 10.79.0.53
 *
 *   sudo node run.mjs [--failovers 5] [--connections 300] [--seed 1] [--json]
 */
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bridge, command, host, inOwnNamespace, ip, start } from '../hosts.mjs';
import { conclude, dice, Site, VNFPOOL } from '../site.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const SERVICE = '10.78.0.100';
const INSIDE = '10.79.0.100';
const BACKENDS = ['10.79.0.51', '10.79.0.52', '10.79.0.53'];
const NODES = { 'node-a': 11, 'node-b': 12, 'node-c': 13 };
/** New connections behind each failover. */
const TRIED = 60;
const DEADLINE_MS = 30_000;

const { values } = parseArgs({
  options: {
    failovers: { type: 'string', default: '5' },
    connections: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    vnfpool: { type: 'string', default: VNFPOOL },
  },
});
inOwnNamespace(fileURLToPath(import.meta.url));

const print = (text) => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);
const inWords = (counts) => BACKENDS.map((address) => counts[address] ?? 0).join(', ');

class Backend {
  constructor(address, at) {
    this.address = address;
    this.at = at;
  }

  start() {
    this.server = start([process.execPath, join(here, '../crowd.mjs'), 'server', this.address], this.at);
    return this.server.next((line) => line.ready);
  }

  die() {
    this.server.child.kill('SIGKILL');
    return this.server.ended;
  }
}

async function build(folder) {
  ip('link', 'set', 'lo', 'up');
  for (const name of ['br-wan', 'br-lan']) bridge(name);
  const backends = [];
  for (const address of BACKENDS) {
    const backend = new Backend(address, await host({ eth0: ['br-lan', `${address}/24`] }));
    // What they answer passes the balancer again, which is how it comes to bear its address.
    command(['ip', 'route', 'add', 'default', 'via', INSIDE], backend.at);
    await backend.start();
    backends.push(backend);
  }
  const site = new Site({ folder, vnfpool: values.vnfpool });
  const nodes = {};
  for (const [name, number] of Object.entries(NODES))
    nodes[name] = { eth0: ['br-wan', `10.78.0.${number}/24`], eth1: ['br-lan', `10.79.0.${number}/24`] };
  const manager = { eth0: ['br-wan', '10.78.0.2/24'] };
  await site.build({
    set: 'lb',
    manager,
    nodes,
    declaration: join(here, 'set.yaml'),
    files: ['balancer.mjs'],
  });
  return { site, backends, clientAt: await host({ eth0: ['br-wan', '10.78.0.30/24'] }) };
}

class Crowd {
  constructor(at) {
    const words = ['client', SERVICE, values.connections];
    this.client = start([process.execPath, join(here, '../crowd.mjs'), ...words], at);
  }

  /** Of all that were opened: how many live, with whom, and what the others died of. */
  facts() {
    return this.client.next((line) => line.living !== undefined);
  }

  ask() {
    this.client.child.stdin.write('ask\n');
    return this.facts();
  }

  async try(count) {
    this.client.child.stdin.write(`try ${count}\n`);
    return (await this.client.next((line) => line.tried !== undefined)).tried;
  }

  /** New connections go to these backends only, and to all of them. */
  async untilSpreadOver(what, backends) {
    for (const end = performance.now() + DEADLINE_MS; performance.now() < end; await pause(200)) {
      const tried = await this.try(TRIED / 2);
      if (isSpreadOver(tried, backends)) return;
    }
    throw new Error(`not within ${DEADLINE_MS / 1000} s: ${what}`);
  }
}

/** None failed, and each backend got at least half of what it should. */
function isSpreadOver({ living, at, died }, backends) {
  const fair = living / backends.length;
  const isFair = backends.every((address) => (at[address] ?? 0) >= fair / 2);
  return isFair && Object.keys(at).length === backends.length && Object.keys(died).length === 0;
}

async function failover({ site, crowd, random }) {
  const before = await site.untilProtected();
  await pause(200 + random() * 800);
  const node = site.nodes.get(before.node);
  const { living: lived } = await crowd.ask();
  const died = node.die();
  const after = await site.untilElsewhere(node.name);
  const { living } = await crowd.ask();
  const tried = await crowd.try(TRIED);
  await died;
  await node.comeBack(['conntrack', '-F']);
  return { node: node.name, to: after.node, connections: lived, survived: living, tried };
}

/** One of three dies, and comes back. */
async function loseBackend({ backends, crowd }) {
  const [lost, ...others] = backends.toReversed();
  const before = await crowd.ask();
  await lost.die();
  const addresses = others.map(({ address }) => address);
  await crowd.untilSpreadOver('new connections go to the other backends', addresses);
  const after = await crowd.ask();
  const tried = await crowd.try(TRIED);
  await lost.start();
  await crowd.untilSpreadOver('the backend is back', BACKENDS);
  const ofOthers = ({ at }) => addresses.reduce((sum, address) => sum + (at[address] ?? 0), 0);
  return {
    lost: lost.address,
    ended: before.living - after.living,
    others: ofOthers(before),
    othersLiving: ofOthers(after),
    tried,
    isLeftOut: isSpreadOver(tried, addresses),
  };
}

async function run(folder) {
  const { site, backends, clientAt } = await build(folder);
  const first = await site.untilProtected();
  print(`${first.holder} on ${first.node} is the balancer`);
  const crowd = new Crowd(clientAt);
  const opened = await crowd.facts();
  print(`${opened.living} connections, at the backends: ${inWords(opened.at)}`);
  const random = dice(values.seed);
  const failovers = [];
  for (let number = 1; number <= Number(values.failovers); number++) {
    const one = await failover({ site, crowd, random });
    failovers.push({ ...one, isBalanced: isSpreadOver(one.tried, BACKENDS) });
    const { node, to, connections, survived, tried } = one;
    print(
      `${number}: ${node} died, ${to} is the balancer: ${survived} of ${connections} connections go on where they were; ${tried.living} of ${TRIED} new ones at ${inWords(tried.at)}`,
    );
  }
  const { living, at, died } = await crowd.ask();
  const backend = await loseBackend({ backends, crowd });
  const outcome = { failovers, crowd: { opened, living, at, died }, backend, records: await site.records() };
  if (values.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  print(`crowd: ${living} of ${values.connections} connections live; died: ${JSON.stringify(died)}`);
  print(
    `backend ${backend.lost} died, and ${backend.ended} connections with it; ${backend.othersLiving} of ${backend.others} of the others go on; of ${TRIED} new ones at the backends: ${inWords(backend.tried.at)}`,
  );
  const isWell =
    living === Number(values.connections) &&
    failovers.every(({ isBalanced }) => isBalanced) &&
    backend.othersLiving === backend.others &&
    backend.isLeftOut;
  return isWell ? 0 : 1;
}

await conclude('lb', run);
