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
 * One pair of gateways, in a network namespace of its own, started by index.mjs. Lines on standard output: { say } or { measured }; { failed } at
 * the end, empty if nothing did.
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

async function measure(side, { name: size, connections }, before) {
  fill((await side.side.whole(before)).at, before, connections);
  const trials = [];
  for (let number = 0; number < task.trials; number++) trials.push(await trial(side, connections));
  const commits = trials.flatMap(({ commitMs }) => commitMs ?? []);
  if (commits.length > 0)
    say(`${size}: committed in ${summary(commits)} ms, median ${round(median(commits))}`);
  write({ measured: { size, samples: trials.map(({ ms }) => ms) } });
}

let failed = '';
try {
  ip('link', 'set', 'lo', 'up');
  const network = await networkOf(task.side === 'vnfpool' ? 'v' : 'k');
  const folder = join(task.folder, task.side);
  mkdirSync(folder);
  const parts = { folder, network, conntrackd: task.conntrackd, signal: ending.signal };
  const startPair = task.side === 'vnfpool' ? startOurs : startReference;
  const side = await startSide(task.side, await startPair(parts), network);
  let before = 0;
  for (const size of task.sizes) {
    await measure(side, size, before);
    before = size.connections;
  }
} catch (error) {
  failed = task.verbose ? error.stack : error.message;
}
await endAll();
write({ failed });
process.exit(failed === '' ? 0 : 1);
