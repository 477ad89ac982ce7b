#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Two NAT gateways, of which the active one dies while flows begin all the time: is there any of which the server has seen the first packet, and
 * whose translation the next gateway does not know? First its node dies, then only its agent, whose kernel goes on until its fence closes.
 *
 *   sudo node beginnings-run.mjs [--plain] [--handover] [--failovers 2] [--json]
 *
 * With `--handover` it hands over by order each time: then there are none, whether first packets wait or not.
 * With `--plain` first packets do not wait: then there are some. Another client begins a flow from each port that such a flow came from, which would get
 * the port that the lost one had outside: does the next gateway give it?
 */
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bridge, command, host, inOwnNamespace, ip, start } from '../hosts.mjs';
import { conclude, Site } from '../site.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const SERVER = '10.78.0.40';
const INSIDE = '10.79.0.100';
const NODES = { 'node-a': 11, 'node-b': 12, 'node-c': 13 };
/** For datagrams on one machine. */
const SEEN_MS = 10_000;
/** Flows begin for so long before a failover. */
const BEFORE_MS = 1_000;

const { values } = parseArgs({
  options: {
    plain: { type: 'boolean', default: false },
    handover: { type: 'boolean', default: false },
    failovers: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});
inOwnNamespace(fileURLToPath(import.meta.url));

const print = (text) => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);

async function build(folder) {
  ip('link', 'set', 'lo', 'up');
  for (const name of ['br-wan', 'br-lan']) bridge(name);
  const site = new Site({ folder });
  const nodes = {};
  for (const [name, number] of Object.entries(NODES))
    nodes[name] = { eth0: ['br-wan', `10.78.0.${number}/24`], eth1: ['br-lan', `10.79.0.${number}/24`] };
  const declaration = join(here, values.plain ? 'set.yaml' : 'deferred.yaml');
  const manager = { eth0: ['br-wan', '10.78.0.2/24'] };
  await site.build({ set: 'nat', manager, nodes, declaration, files: ['gateway.sh'] });
  const clientAt = await host({ eth0: ['br-lan', '10.79.0.30/24'] });
  command(['ip', 'route', 'add', 'default', 'via', INSIDE], clientAt);
  const otherAt = await host({ eth0: ['br-lan', '10.79.0.31/24'] });
  command(['ip', 'route', 'add', 'default', 'via', INSIDE], otherAt);
  return { site, clientAt, otherAt, serverAt: await host({ eth0: ['br-wan', `${SERVER}/24`] }) };
}

/** Translations that the kernel of a node has: port inside and outside. */
function mappingsAt(node) {
  const listed = command(['conntrack', '-L', '-p', 'udp'], node.at);
  const ports = /sport=(\d+) dport=7003 .*sport=7003 dport=(\d+)/g;
  return new Set([...listed.matchAll(ports)].map(([, inside, outside]) => `${inside} ${outside}`));
}

/** How many flows of another client get the port outside of a lost one that came from the same port inside; two lost ones may have come from one port. */
async function collide(lost, other, server) {
  const ports = new Set(lost.map(({ inside }) => inside));
  other.child.stdin.write(`${JSON.stringify([...ports])}\n`);
  await other.next((line) => line.begun !== undefined);
  const given = new Map();
  for (const untilMs = performance.now() + SEEN_MS; given.size < ports.size; await pause(20)) {
    if (performance.now() > untilMs) throw new Error(`the server has seen ${given.size} of ${ports.size}`);
    server.child.stdin.write('tell\n');
    const { seen } = await server.next((line) => line.seen !== undefined);
    for (const { inside, outside } of seen) given.set(inside, outside);
  }
  return lost.filter(({ inside, outside }) => given.get(inside) === outside).length;
}

/** The slot leaves its holder; how, and what is to be done when it has. */
async function part(site, { node: name, standbys }, isNode) {
  const node = site.nodes.get(name);
  if (values.handover) {
    site.cli('handover', 'nat/0', '--to', standbys[0], '--no-wait');
    return { words: `${name} handed over`, comeBack: () => Promise.resolve() };
  }
  const died = isNode ? node.die() : node.dieAlone();
  const comeBack = async () => {
    await died;
    await (isNode ? node.comeBack(['conntrack', '-F']) : node.start());
  };
  return { words: isNode ? `${name} died` : `the agent of ${name} died`, comeBack };
}

async function fail({ site, clientAt }, server, other, isNode) {
  const before = await site.untilProtected();
  const client = start([process.execPath, join(here, 'beginnings.mjs'), 'client', SERVER], clientAt);
  await client.next((line) => line.ready);
  await pause(BEFORE_MS);
  const { words, comeBack } = await part(site, before, isNode);
  const after = await site.untilElsewhere(before.node);
  await pause(BEFORE_MS);
  client.child.stdin.write('stop\n');
  const { begun, connections, failures } = await client.next((line) => line.begun !== undefined);
  server.child.stdin.write('tell\n');
  const { seen } = await server.next((line) => line.seen !== undefined);
  const mappings = mappingsAt(site.nodes.get(after.node));
  const lost = seen.filter(({ inside, outside }) => !mappings.has(`${inside} ${outside}`));
  const collisions = await collide(lost, other, server);
  await comeBack();
  return {
    words,
    begun,
    seen: seen.length,
    unknown: lost.length,
    collisions,
    connections,
    failures,
  };
}

async function run(folder) {
  const built = await build(folder);
  const server = start([process.execPath, join(here, 'beginnings.mjs'), 'server', SERVER], built.serverAt);
  await server.next((line) => line.ready);
  const other = start([process.execPath, join(here, 'beginnings.mjs'), 'again', SERVER], built.otherAt);
  await other.next((line) => line.ready);
  const failovers = [];
  for (let number = 0; number < Number(values.failovers); number++) {
    const outcome = await fail(built, server, other, number % 2 === 0);
    failovers.push(outcome);
    const { words, begun, seen, unknown, collisions, connections, failures } = outcome;
    print(
      `${words}: of ${begun} beginnings the server has seen ${seen} datagrams, of ${unknown} the next gateway does not know, and has given the ports of ${collisions} to others; ${connections - failures.length} of ${connections} connections were answered${failures.map((reason) => `, ${reason}`).join('')}`,
    );
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ failovers })}\n`);
  const isApart = failovers.every(({ collisions }) => collisions === 0);
  const isWell = failovers.every(({ unknown, failures }) => unknown === 0 && failures.length === 0);
  return isApart && (isWell || (values.plain && !values.handover)) ? 0 : 1;
}

await conclude('nat-beginnings', run);
