// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endAll, ip, command as runCommand, start } from '../../examples/hosts.mjs';
import { median, round, summary } from '../lib/statistics.mjs';
import { monotonicMs, Watch } from '../outage/watch.mjs';
import { networkOf, PORT, SERVER } from './network.mjs';
import { startOurs } from './ours.mjs';
import { startReference } from './reference.mjs';

/*
 * Runs in a network namespace of its own, started by index.mjs. Both pairs are there at the same time, each with its own client and server,
 * and take turns. Lines on standard output: { say } or { measured }; { failed } at the end, null if nothing did.
 */

const SETTLE_MS = 300;
const task = JSON.parse(process.argv[2]);
const ending = new AbortController();
process.stdin.on('end', () => ending.abort(new Error('ended'))).resume();

const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const say = (line) => write({ say: line });

async function startSide(name, side, network) {
  await side.whole(0);
  const file = join(import.meta.dirname, 'flow.mjs');
  const flow = (role, at) => start([process.execPath, file, role, SERVER, String(PORT)], at);
  const server = flow('server', network.serverAt);
  await server.next((line) => line.ready);
  const client = flow('client', network.clientAt);
  const watch = new Watch(client.child);
  await watch.ready;
  await watch.steady(100, { signal: ending.signal });
  return { name, side, watch };
}

function fill(at, from, to) {
  const file = join(import.meta.dirname, 'fill.mjs');
  if (to > from) runCommand([process.execPath, file, String(from), String(to)], at);
}

/** Ends when the flow does: behind a gateway that has been there for a moment. */
async function trial({ name, side, watch }, connections) {
  // And the flow that is looked at.
  const active = await side.whole(connections + 1);
  await delay(SETTLE_MS);
  await watch.steady(100, { signal: ending.signal });
  const at = monotonicMs();
  const died = side.die(active);
  await watch.steady(100, { withinMs: 60_000, signal: ending.signal });
  const ms = watch.longestGap(at - SETTLE_MS / 3);
  await died;
  const commitMs = await side.commitMs?.();
  if (task.verbose)
    say(`${name}, ${connections} connections: ${round(ms)} ms, committed in ${round(commitMs)}`);
  await side.comeBack(active);
  return { ms, commitMs };
}

async function measure(sides, { name: size, connections }, before) {
  for (const { side } of sides) fill((await side.whole(before)).at, before, connections);
  const samples = { vnfpool: [], reference: [] };
  const commits = [];
  for (let number = 0; number < task.trials; number++) {
    for (const each of sides) {
      const { ms, commitMs } = await trial(each, connections);
      samples[each.name].push(ms);
      if (commitMs !== undefined) commits.push(commitMs);
    }
  }
  say(`${size}: committed in ${summary(commits)} ms, median ${round(median(commits))}`);
  write({
    measured: {
      figure: `node of a gateway killed, ${size === 'none' ? 'no' : connections} other connections`,
      unit: 'ms',
      samples: samples.vnfpool,
      referenceSamples: samples.reference,
      referenceName: 'keepalived, advert 100 ms, and conntrackd, FTFW',
    },
  });
}

let failed = '';
try {
  ip('link', 'set', 'lo', 'up');
  const sides = [];
  for (const name of ['vnfpool', 'reference']) {
    const folder = join(task.folder, name);
    mkdirSync(folder);
    const network = await networkOf(name === 'vnfpool' ? 'v' : 'k');
    const parts = { folder, network, conntrackd: task.conntrackd, signal: ending.signal };
    const side = name === 'vnfpool' ? await startOurs(parts) : await startReference(parts);
    sides.push(await startSide(name, side, network));
  }
  let before = 0;
  for (const size of task.sizes) {
    await measure(sides, size, before);
    before = size.connections;
  }
} catch (error) {
  failed = task.verbose ? error.stack : error.message;
}
await endAll();
write({ failed });
process.exit(failed === '' ? 0 : 1);
