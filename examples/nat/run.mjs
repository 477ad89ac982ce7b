#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/*
 * Two NAT gateways, of which the active one's node dies again and again, or hands over by order: under a download by curl, a session that
 * asks every 5 ms, a datagram every millisecond, and a crowd of connections that ask now and then. All of it on this machine, in
 * network namespaces that are gone when it ends:
 *
 *   client 10.79.0.30 ── br-lan ──┬── node-a ──┬── br-wan ── server 10.78.0.40
 *                                 └── node-b ──┘     │
 *                                        manager, node-c (its voice)
 *
 *   sudo node run.mjs [--handover] [--failovers 5] [--connections 200] [--megabytes 200] [--every 1] [--seed 1] [--json]
 */
import { statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bridge, command, host, inOwnNamespace, ip, start } from '../hosts.mjs';
import { conclude, dice, digestOf, Site, VNFPOOL } from '../site.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const SERVER = '10.78.0.40';
const INSIDE = '10.79.0.100';
const NODES = { 'node-a': 11, 'node-b': 12, 'node-c': 13 };
const DOWNLOAD_RATE = '8M';
/** Steps of a record are of another process, and whole milliseconds. */
const CLOCKS_MS = 2;

const { values } = parseArgs({
  options: {
    handover: { type: 'boolean', default: false },
    failovers: { type: 'string', default: '5' },
    connections: { type: 'string', default: '200' },
    megabytes: { type: 'string', default: '200' },
    every: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    vnfpool: { type: 'string', default: VNFPOOL },
  },
});
inOwnNamespace(fileURLToPath(import.meta.url));

const print = (text) => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);

async function build(folder) {
  ip('link', 'set', 'lo', 'up');
  for (const name of ['br-wan', 'br-lan']) bridge(name);
  const site = new Site({ folder, vnfpool: values.vnfpool });
  const nodes = {};
  for (const [name, number] of Object.entries(NODES))
    nodes[name] = { eth0: ['br-wan', `10.78.0.${number}/24`], eth1: ['br-lan', `10.79.0.${number}/24`] };
  const manager = { eth0: ['br-wan', '10.78.0.2/24'] };
  await site.build({
    set: 'nat',
    manager,
    nodes,
    declaration: join(here, 'set.yaml'),
    files: ['gateway.sh'],
  });
  const clientAt = await host({ eth0: ['br-lan', '10.79.0.30/24'] });
  command(['ip', 'route', 'add', 'default', 'via', INSIDE], clientAt);
  return { site, clientAt, serverAt: await host({ eth0: ['br-wan', `${SERVER}/24`] }) };
}

async function traffic({ clientAt, serverAt }, folder) {
  const [many, single] = [join(here, '../crowd.mjs'), join(here, '../nat-move/traffic.mjs')];
  const node = process.execPath;
  const servers = [many, single].map((file) => start([node, file, 'server', SERVER], serverAt));
  for (const server of servers) await server.next((line) => line.ready);
  const crowd = start([node, many, 'client', SERVER, values.connections], clientAt);
  await crowd.next((line) => line.living !== undefined);
  const session = start([node, single, 'client', SERVER, values.every], clientAt);
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

/** The node of the active one dies. */
async function dies(site, before) {
  const node = site.nodes.get(before.node);
  const died = node.die();
  const after = await site.untilElsewhere(node.name);
  const comeBack = async () => {
    await died;
    await node.comeBack(['conntrack', '-F']);
  };
  return { after, words: `${node.name} died`, comeBack };
}

/** The other one gets the slot by order. */
async function handsOver(site, before) {
  site.cli('handover', 'nat/0', '--to', before.standbys[0], '--no-wait');
  const after = await site.untilElsewhere(before.node);
  return { after, words: `${before.node} handed over`, comeBack: () => Promise.resolve() };
}

/** When the slot was on its way: from each order to the moment at which the next one served; wall clock, ms. */
async function handovers(site) {
  const { events, failovers } = await site.state();
  const inOrder = (times) => times.toSorted((a, b) => a - b);
  const served = inOrder(failovers.map(({ steps }) => steps.find(({ name }) => name === 'serving').at));
  const ordered = events.filter(({ type }) => type === 'handover.ordered').map(({ at }) => at);
  return inOrder(ordered).map((fromMs) => ({
    fromMs,
    toMs: served.find((atMs) => atMs >= fromMs) ?? fromMs,
  }));
}

/** Lost datagrams that were not on their way while the slot was; they take `waitMs` there and back. */
function lostElsewhere(lostAtMs, windows, waitMs) {
  const isWithin = (atMs) =>
    windows.some(({ fromMs, toMs }) => atMs >= fromMs - waitMs - CLOCKS_MS && atMs <= toMs + CLOCKS_MS);
  return lostAtMs.filter((atMs) => !isWithin(atMs)).length;
}

async function run(folder) {
  const built = await build(folder);
  const { site } = built;
  const first = await site.untilProtected();
  print(`${first.holder} on ${first.node} is the gateway`);
  const { round, session, curl, path, bytes, download } = await traffic(built, folder);
  const random = dice(values.seed);
  const failovers = [];
  for (let number = 1; number <= Number(values.failovers); number++) {
    const before = await site.untilProtected();
    await pause(200 + random() * 800);
    const { living: lived } = await round();
    const { after, words, comeBack } = await (values.handover ? handsOver : dies)(site, before);
    const { living } = await round();
    const downloaded = statSync(path).size;
    failovers.push({ node: before.node, connections: lived, survived: living, downloaded });
    print(
      `${number}: ${words}, ${after.node} is the gateway: ${living} of ${lived} connections go on, ${downloaded} octets downloaded`,
    );
    await comeBack();
  }
  await site.untilProtected();
  const { living, died } = await round();
  print('waiting for the end of the download');
  const downloaded = (await curl.ended) === 0;
  const { sha256 } = downloaded ? await download.next((line) => line.sha256) : { sha256: curl.errors() };
  const isSame = downloaded && (await digestOf(path)) === sha256;
  session.child.stdin.end();
  const { connection, datagrams } = await session.next((line) => line.connection);
  const records = await site.records();
  const { lostAtMs, ...counted } = datagrams;
  const elsewhere = values.handover
    ? lostElsewhere(lostAtMs, await handovers(site), datagrams.longestWaitMs)
    : null;
  // Another one than the first is of a translation that was lost.
  const flows = download.said((line) => line.datagramsFrom);
  const outcome = {
    failovers,
    crowd: { living, died },
    download: { bytes, isSame },
    session: connection,
    datagrams: { ...counted, lostElsewhere: elsewhere, flows },
    records,
  };
  if (values.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  print(`crowd: ${living} of ${values.connections} connections live; died: ${JSON.stringify(died)}`);
  print(`download: ${bytes} octets, ${isSame ? 'the same' : 'NOT THE SAME'} as sent`);
  print(
    `session: ${connection.answered} questions, ${connection.failure ?? 'all answered'}, after ${connection.longestWaitMs} ms at most`,
  );
  print(
    `datagrams: ${datagrams.sent - datagrams.answered} of ${datagrams.sent} lost, at most for ${datagrams.longestLossMs} ms${elsewhere === null ? '' : `; ${elsewhere} of them while the slot stayed where it was`}`,
  );
  const isWhole = isSame && connection.failure === null && living === Number(values.connections);
  return isWhole && flows === 1 && !elsewhere ? 0 : 1;
}

await conclude('nat', run);
