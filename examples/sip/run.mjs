#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Two SIP proxies, of which the active one's node dies again and again under calls that go on and others that are just being set up.
 * Behind each failover every call is changed by a re-INVITE, half of them end by BYE, and new ones begin. All of it on this machine, in
 * network namespaces that are gone when it ends:
 *
 *   alice 10.77.0.30 ──┐          ┌── node-a
 *                      ├── br0 ───┼── node-b
 *   bob   10.77.0.40 ──┘          └── manager, node-c (its voice)
 *
 *   sudo node run.mjs [--failovers 5] [--calls 200] [--seed 1] [--json]
 */
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bridge, host, inOwnNamespace, ip, start } from '../hosts.mjs';
import { conclude, dice, Site, VNFPOOL } from '../site.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const PROXY = '10.77.0.100';
const NODES = { 'node-a': 11, 'node-b': 12, 'node-c': 13 };
/** Calls that begin while a node dies: so many, one every so often. */
const STREAM = { count: 80, everyMs: 25 };
/** From the beginning of the stream to the death, with as much again by chance. */
const DEATH_MS = 600;

const { values } = parseArgs({
  options: {
    failovers: { type: 'string', default: '5' },
    calls: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    vnfpool: { type: 'string', default: VNFPOOL },
  },
});
inOwnNamespace(fileURLToPath(import.meta.url));

const print = (text) => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);
const inWords = ({ failed }) => (Object.keys(failed).length === 0 ? '' : ` (${JSON.stringify(failed)})`);

class Phones {
  #program;

  constructor(role, address, at) {
    const words = [role, address, PROXY];
    this.#program = start([process.execPath, join(here, 'phones.mjs'), ...words], at);
    this.ready = this.#program.next((line) => line.ready);
  }

  order(text) {
    this.begin(text);
    return this.end(text);
  }

  begin(text) {
    this.#program.child.stdin.write(`${text}\n`);
  }

  /** What came of it. One at a time may be waited for. */
  end(text) {
    return this.#program.next((line) => line.order === text.split(' ')[0]);
  }

  /** Of the callee. */
  tell() {
    this.begin('tell');
    return this.#program.next((line) => line.calls !== undefined);
  }
}

async function build(folder) {
  ip('link', 'set', 'lo', 'up');
  bridge('br0');
  const site = new Site({ folder, vnfpool: values.vnfpool });
  const nodes = {};
  for (const [name, number] of Object.entries(NODES)) nodes[name] = { eth0: ['br0', `10.77.0.${number}/24`] };
  const manager = { eth0: ['br0', '10.77.0.2/24'] };
  await site.build({ set: 'sip', manager, nodes, declaration: join(here, 'set.yaml'), files: ['proxy.sh'] });
  const phonesAt = async (role, address) =>
    new Phones(role, address, await host({ eth0: ['br0', `${address}/24`] }));
  return { site, phonesAt };
}

/** Calls go on, others are being set up, and the node dies; then everybody says something. */
async function failover({ site, alice, random, isLast }) {
  const before = await site.untilProtected();
  const { calls } = await alice.order('waiting');
  const opened = await alice.order(`open ${Number(values.calls) - calls}`);
  alice.begin(`stream ${STREAM.count} ${STREAM.everyMs}`);
  await pause(DEATH_MS + random() * DEATH_MS);
  const node = site.nodes.get(before.node);
  const died = node.die();
  const { underWay } = await alice.order('waiting');
  const after = await site.untilElsewhere(node.name);
  const setUp = { ...(await alice.end('stream')), underWay };
  const again = await alice.order('again');
  const ended = await alice.order(`end ${isLast ? again.calls : Math.floor(again.calls / 2)}`);
  await died;
  await node.comeBack();
  return { node: node.name, to: after.node, opened, setUp, again, ended };
}

async function run(folder) {
  const { site, phonesAt } = await build(folder);
  const first = await site.untilProtected();
  print(`${first.holder} on ${first.node} is the proxy`);
  const bob = await phonesAt('callee', '10.77.0.40');
  await bob.ready;
  const alice = await phonesAt('caller', '10.77.0.30');
  await alice.ready;
  const random = dice(values.seed);
  const failovers = [];
  const many = Number(values.failovers);
  for (let number = 1; number <= many; number++) {
    const one = await failover({ site, alice, random, isLast: number === many });
    failovers.push(one);
    const { node, to, setUp, again, ended } = one;
    const all = again.done + total(again.failed);
    print(
      `${number}: ${node} died, ${to} is the proxy: ${again.done} of ${all} calls were changed${inWords(again)}, ${ended.done} of ${ended.done + total(ended.failed)} ended${inWords(ended)}; ${setUp.done} of ${STREAM.count} begun meanwhile${inWords(setUp)} were set up, of which ${setUp.underWay} were under way, after ${setUp.longestMs} ms at most`,
    );
  }
  const { calls: atCallee } = await bob.tell();
  const { told: proxy } = await alice.order('proxy');
  const outcome = { failovers, callee: atCallee, proxy, records: await site.records() };
  if (values.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  print(`at the callee: ${JSON.stringify(atCallee)}; calls that the proxy knows: ${proxy.dialogs}`);
  const isWell =
    failovers.every(({ opened, setUp, again, ended }) =>
      [opened, setUp, again, ended].every(({ failed }) => total(failed) === 0),
    ) &&
    Object.keys(atCallee).join() === 'ended' &&
    proxy.dialogs === 0;
  return isWell ? 0 : 1;
}

function total(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

await conclude('sip', run);
