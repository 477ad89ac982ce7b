// SPDX-License-Identifier: Apache-2.0
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { testSet } from '@vnfpool/testkit/certificates';
import { endChild } from '../lib/cleanup.mjs';
import { hurried } from '../registrar/processes.mjs';

export const description =
  'a function moves with its state between two nodes, beside a copy of as many octets over nothing but TLS; the pause';

export const limitMs = 20 * 60_000;

const SIZES = { '10m': 10_000_000, '100m': 100_000_000, '1g': 1_000_000_000 };
const CHANGES = [0, 0.01, 0.1];
/** Moves of one figure that may be refused. */
const REFUSED_MAX = 10;
/** Ordered: a pause that is expected to be longer is not begun. */
const PAUSE_MAX_MS = 30;
/** Figures for each change, besides those of time. */
const USAGES = [
  ['processor time of the source function', 'ms', 'gave'],
  ['processor time of the source agent', 'ms', 'from'],
  ['processor time of the destination agent', 'ms', 'to'],
  ['processor time of the destination function', 'ms', 'took'],
  ['largest memory of the source agent', 'MiB', 'fromMiB'],
  ['largest memory of the destination agent', 'MiB', 'toMiB'],
];
const PROBE = join(import.meta.dirname, '../outage/probe.mjs');

/**
 * Two processes move, as agents do, and the two functions are processes of their own: four for two processors. Both
 * functions are asked each millisecond; only the one that serves answers. References: a TLS connection alone, and
 * processes that pass on as many octets by the same three sockets. `--sizes 10m,100m`, `full` for 1g, too; `--trials`, `--only`.
 */
export async function run({ options, cleanup, signal, emit, say }) {
  const sizes =
    options.sizes === 'full' ? Object.keys(SIZES) : (options.sizes?.split(',') ?? ['10m', '100m']);
  const rounds = Number(options.trials ?? 3);
  say(hurried() ? 'at the highest priority' : 'at the priority of everything else');
  const set = await testSet();
  const open = async (id) => {
    const site = startSite(cleanup);
    const credentials = await set.credentials({ role: 'node', name: `node-${id}`, id });
    return { id, ...site, ...(await site.ask('open', { credentials, folder: cleanup.folder() })) };
  };
  const [source, destination] = await Promise.all([open(10), open(11)]);
  for (const size of sizes) {
    const bytes = Math.ceil(SIZES[size] / 4_096) * 4_096;
    for (const change of CHANGES) {
      const figure = `move of ${size}, ${change * 100} % changed a second`;
      if (options.only !== undefined && !figure.includes(options.only)) continue;
      let refused = 0;
      const samples = { total: [], raw: [], chain: [], pause: [], gap: [], own: [], octets: [] };
      const usages = Object.fromEntries(USAGES.map(([, , key]) => [key, []]));
      const alone = { from: [], to: [] };
      for (let round = 0; round < rounds; round++) {
        signal.throwIfAborted();
        const before = await usageOf(source, destination);
        const raw = await source.ask('raw', { port: destination.rawPort, bytes });
        const after = await usageOf(source, destination);
        alone.from.push(after[0].agentMs - before[0].agentMs);
        alone.to.push(after[1].agentMs - before[1].agentMs);
        await destination.ask('take', { bytes });
        const chain = await source.ask('chain', { port: destination.rawPort, bytes });
        await destination.ask('take-end', {});
        const moved = await move({ source, destination, bytes, change, cleanup });
        if (moved.end.reason === 'would-not-converge' && refused < REFUSED_MAX) {
          // On a machine that is too busy for the pause that was ordered: nothing has happened, and it is tried again.
          refused += 1;
          round -= 1;
          continue;
        }
        if (moved.end.outcome !== 'committed') throw new Error(`${size}: ${JSON.stringify(moved.end)}`);
        samples.raw.push(raw.ms);
        samples.total.push(moved.ms);
        samples.chain.push(chain.ms);
        samples.pause.push(moved.pauseMs);
        samples.gap.push(moved.gapMs);
        samples.own.push(moved.end.pauseMs);
        samples.octets.push(moved.bytes / bytes);
        for (const [key, value] of Object.entries(moved.usage)) usages[key].push(value);
      }
      const beside = (referenceName, referenceSamples) => ({ referenceName, referenceSamples });
      const without = beside(null, null);
      const { total } = samples;
      emit({ figure, unit: 'ms', samples: total, ...beside('TLS copy', samples.raw) });
      emit({ figure, unit: 'ms', samples: total, ...beside('pipes by four processes', samples.chain) });
      emit({ figure: `${figure}, pause by the probe`, unit: 'ms', samples: samples.pause, ...without });
      emit({ figure: `${figure}, pause by its source`, unit: 'ms', samples: samples.own, ...without });
      emit({
        figure: `${figure}, longest gap while it serves`,
        unit: 'ms',
        samples: samples.gap,
        ...without,
      });
      for (const [what, unit, key] of USAGES)
        emit({
          figure: `${figure}, ${what}`,
          unit,
          samples: usages[key],
          ...(alone[key] === undefined ? without : beside('TLS copy', alone[key])),
        });
      if (refused > 0) say(`${refused} moves were refused: the pause would have been longer than ordered`);
      say(`octets sent, of those there are: ${samples.octets.map((part) => part.toFixed(2)).join(', ')}`);
    }
  }
}

/** One, from start of both functions to the comparison of what they have. */
async function move({ source, destination, bytes, change, cleanup }) {
  const [from, to] = await Promise.all([
    source.ask('run', { bytes, change, role: 'active' }),
    destination.ask('run', { bytes: 0, change: 0, role: 'standby' }),
  ]);
  // So that the rate of changes was told.
  await delay(1_500);
  const order = {
    token: randomBytes(16).toString('hex'),
    source: source.id,
    destination: destination.id,
    functionId: 101,
    targetFunctionId: 101,
    mode: 'move',
  };
  await destination.ask('receive', { order });
  const probes = [from, to].map(({ port }) => startProbe(cleanup, port));
  await Promise.all(probes.map(({ ready }) => ready));
  await delay(100);
  const before = await usageOf(source, destination);
  const moved = await source.ask('send', {
    order,
    port: destination.port,
    sizeBytes: bytes,
    pauseMaxMs: PAUSE_MAX_MS,
  });
  const usage = usedBetween(before, await usageOf(source, destination));
  await delay(200);
  const [old, young] = await Promise.all(probes.map(({ stop }) => stop()));
  const pauseMs = young[0] - old.at(-1);
  const gapMs = Math.max(longestGap(old), longestGap(young));
  const [gave, took] = await Promise.all([from, to].map(({ port }) => digest(port)));
  if (moved.end.outcome === 'committed' && gave !== took)
    throw new Error('what arrived is not what was sent');
  return { ...moved, pauseMs, gapMs, usage };
}

const usageOf = (...sites) => Promise.all(sites.map(({ ask }) => ask('usage', {})));

/** Of all four processes. */
function usedBetween(before, [from, to]) {
  return {
    gave: from.functionMs - before[0].functionMs,
    from: from.agentMs - before[0].agentMs,
    to: to.agentMs - before[1].agentMs,
    took: to.functionMs - before[1].functionMs,
    fromMiB: from.peakMiB,
    toMiB: to.peakMiB,
  };
}

function longestGap(times) {
  return times.slice(1).reduce((longest, at, place) => Math.max(longest, at - times[place]), 0);
}

/** When answers came. */
function startProbe(cleanup, port) {
  const child = cleanup.spawn([process.execPath, PROBE, '127.0.0.1', String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const times = [];
  const lines = createInterface({ input: child.stdout });
  const ready = once(lines, 'line').then(() => {
    lines.on('line', (line) => times.push(...JSON.parse(line).map(([at]) => at)));
  });
  return {
    ready,
    stop: async () => {
      await endChild(child);
      return times;
    },
  };
}

async function digest(port) {
  const socket = createSocket('udp4');
  socket.send('?', port, '127.0.0.1');
  const [text] = await once(socket, 'message');
  socket.close();
  return text.toString();
}

function startSite(cleanup) {
  const child = fork(join(import.meta.dirname, 'site.mjs'));
  const waiting = new Map();
  let last = 0;
  child.on('message', ({ id, ok, result, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (ok) resolve(result);
    else reject(new Error(error));
  });
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`a site ended with ${code}`));
  });
  // By the end of its channel, so that it takes its function along.
  cleanup.add(async () => {
    const gone = child.exitCode === null ? once(child, 'exit') : null;
    if (child.connected) child.disconnect();
    await Promise.race([gone, delay(5_000)]);
    await endChild(child);
  });
  const ask = (type, order) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      child.send({ id: last, type, ...order });
    });
  return { ask };
}
