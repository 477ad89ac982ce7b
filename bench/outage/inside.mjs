// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { median, round, summary } from '../lib/statistics.mjs';
import { measureHogs } from './hogs.mjs';
import { ADDRESS as REFERENCE_ADDRESS, startKeepalived } from './keepalived.mjs';
import { ADDRESS as FLOOR_ADDRESS, startMover } from './mover.mjs';
import { ADDRESS as OUR_ADDRESS, startNetwork, startOurs } from './ours.mjs';
import { PORT } from './programs.mjs';
import { monotonicMs, Watch } from './watch.mjs';

/*
 * Runs inside the namespaces, started by index.mjs. Trials of ours and of the reference take turns, so that both see
 * the same machine. Lines on standard output: { say } or { measured }. Everything in here ends with this process.
 */

const SETTLE_MS = 300;
const ATTEMPTS = 10;

const task = JSON.parse(process.argv[2]);
const ending = new AbortController();
process.stdin.on('end', () => process.exit(0)).resume();

const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const say = (line) => write({ say: line });
const detail = (line) => task.verbose && say(line);

async function startSide(name, side, address) {
  const command = [process.execPath, join(import.meta.dirname, 'probe.mjs'), address, String(PORT)];
  const child = side.spawnUser(command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const watch = new Watch(child);
  await watch.ready;
  return { name, side, watch, child };
}

/** Who holds and answers. A lease as short as a stall of the machine may change hands meanwhile, without any fault of ours. */
async function atRest(name, side, watch) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const holder = await side.whole();
    await delay(SETTLE_MS);
    const from = await watch.steady(100, { signal: ending.signal });
    if (from === holder.name) return { holder, from };
    say(`${name}: the address went from ${holder.name} to ${from} before anything was done`);
  }
  throw new Error(`${name}: the address does not stay where it is`);
}

/** One fault: done when the set is whole, undone, and whole again afterwards. */
async function trial({ name, side, watch }, fault) {
  const { holder, from } = await atRest(name, side, watch);
  const { at, undo } = await side.faults[fault](holder);
  const outage = await watch.nextOutage(from, at, { signal: ending.signal });
  await delay(SETTLE_MS);
  const steps = await side.lastSteps?.(at);
  await undo();
  await side.whole();
  detail(
    `${fault}, ${name}: ${from} → ${outage.to} ${round(outage.ms)} ms, over ${round(outage.afterFaultMs)} ms after the fault ${steps ? JSON.stringify(mapValues(steps, round)) : ''}`,
  );
  return { ms: outage.ms, steps };
}

function mapValues(record, change) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function describeSteps(all) {
  const names = Object.keys(all[0] ?? {});
  return names.map((step) => `${step} ${round(median(all.map((steps) => steps[step] ?? 0)))}`).join(', ');
}

async function measureProgram(network, program, faults) {
  const common = { folder: task.folder, program, say: detail, signal: ending.signal, verbose: task.verbose };
  say(`starting both sets, function: ${program}`);
  const ours = await startOurs({ ...common, network, leaseMs: task.leaseMs });
  const reference = await startKeepalived({
    ...common,
    folder: join(task.folder, `ref-${program}`),
    advertMs: task.advertMs,
  });
  const sides = [
    await startSide('vnfpool', ours, OUR_ADDRESS),
    await startSide('keepalived', reference, REFERENCE_ADDRESS),
    await startSide('floor', await startMover(common), FLOOR_ADDRESS),
  ];
  for (const { side, watch } of sides) {
    await side.whole();
    await watch.steady(100);
  }
  if (!sides.every(({ watch }) => watch.realtime)) say('the probes run without real-time priority');
  const suffix = program === 'small' ? '' : `, ${program} function`;
  for (const fault of faults) {
    const samples = { vnfpool: [], keepalived: [], floor: [] };
    const steps = [];
    // The floor knows how to do few of them.
    const able = sides.filter(({ side }) => fault in side.faults);
    for (let n = 0; n < task.trials; n++) {
      for (const entry of able) {
        const done = await trial(entry, fault);
        samples[entry.name].push(done.ms);
        if (done.steps) steps.push(done.steps);
      }
    }
    say(`${fault}${suffix}, ms between the steps of ours, medians: ${describeSteps(steps)}`);
    write({
      measured: {
        figure: `${fault}${suffix}`,
        unit: 'ms',
        samples: samples.vnfpool,
        referenceSamples: samples.keepalived,
        referenceName: `keepalived, advert ${task.advertMs} ms`,
      },
    });
    if (samples.floor.length === 0) continue;
    write({
      measured: {
        figure: `${fault}${suffix}, beside the floor`,
        unit: 'ms',
        samples: samples.vnfpool,
        referenceSamples: samples.floor,
        referenceName: 'the address moved at once, nothing decided',
      },
    });
  }
  if (program === 'small' && task.isFloorWanted) {
    const samples = { vnfpool: [], keepalived: [], floor: [] };
    for (let n = 0; n < task.trials; n++) {
      const since = monotonicMs();
      await delay(300);
      for (const { name, watch } of sides) samples[name].push(watch.longestGap(since));
    }
    say(`longest gap in 300 ms without a fault: ours ${summary(samples.vnfpool)}`);
    write({
      measured: {
        figure: 'no fault, longest gap in 300 ms',
        unit: 'ms',
        samples: samples.vnfpool,
        referenceSamples: samples.keepalived,
        referenceName: 'keepalived',
      },
    });
  }
  for (const { child, side } of sides) {
    child.kill('SIGKILL');
    await side.stop();
  }
}

try {
  const network = startNetwork();
  for (const [program, faults] of Object.entries(task.plan)) {
    if (faults.length > 0) await measureProgram(network, program, faults);
  }
  if (task.areHogsWanted) {
    const { folder, verbose } = task;
    const emit = (measured) => write({ measured });
    await measureHogs({ network, folder, say: detail, signal: ending.signal, verbose }, emit);
  }
  process.exit(0);
} catch (error) {
  write({ failed: task.verbose ? error.stack : error.message });
  process.exit(1);
}
