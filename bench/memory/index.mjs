// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { median, round } from '../lib/statistics.mjs';
import { startUp } from '../lib/up.mjs';

export const description =
  'resident memory (VmRSS) of idle agents, manager and registrar, and of a manager with 1,000 instances, beside bare Node';

export const limitMs = 5 * 60_000;

const SETTLE_MS = 15_000;
const SAMPLES = 5;
const SAMPLE_EVERY_MS = 1_000;

/** Kilobytes of a line of a file in /proc, as megabytes of 10^6. */
function megabytes(path, name) {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(path, 'utf8'));
  return (Number(line?.[1]) * 1024) / 1e6;
}

const resident = (pid) => megabytes(`/proc/${pid}/status`, 'VmRSS');
/** Pages that several processes share are counted in parts: what Node's own program costs once only. */
const proportional = (pid) => megabytes(`/proc/${pid}/smaps_rollup`, 'Pss');

function descendants(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return [...children, ...children.flatMap(descendants)];
}

/** Our daemons below `up`, by what they are. */
function daemons(upPid) {
  const found = { agent: [], manager: [], registrar: [] };
  for (const pid of descendants(upPid)) {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const verb = words[words.findIndex((word) => word.endsWith('vnfpool.js')) + 1];
    if (words.includes('--state') && verb === 'node') found.agent.push(pid);
    else if (words.includes('--state') && verb in found) found[verb].push(pid);
  }
  return found;
}

export async function run({ cleanup, emit, say, signal }) {
  const state = join(cleanup.folder(), 'set');
  mkdirSync(state, { mode: 0o700 });
  const bare = cleanup.spawn([process.execPath, '-e', 'setInterval(() => {}, 1e9)'], { stdio: 'ignore' });
  const large = cleanup.spawn([process.execPath, join(import.meta.dirname, 'manager.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve, reject) => {
    large.once('exit', (code) => reject(new Error(`the manager with 1,000 instances ended with ${code}`)));
    large.stdout.once('data', resolve);
  });
  const set = await startUp(cleanup, state);
  await delay(SETTLE_MS, undefined, { signal });

  const groups = { ...daemons(set.pid), large: [large.pid] };
  const samples = { bare: [], agent: [], manager: [], registrar: [], large: [] };
  for (let n = 0; n < SAMPLES; n++) {
    samples.bare.push(resident(bare.pid));
    for (const [name, pids] of Object.entries(groups)) samples[name].push(...pids.map(resident));
    await delay(SAMPLE_EVERY_MS, undefined, { signal });
  }
  for (const [name, pids] of Object.entries(groups))
    say(`${name}: proportional (Pss) ${round(median(pids.map(proportional)))} MB`);
  const figures = {
    agent: 'idle agent with two functions',
    manager: 'manager of the example set',
    registrar: 'registrar of the example set',
    large: 'manager core with 1,000 instances and the libraries of its daemon',
  };
  for (const [name, figure] of Object.entries(figures)) {
    emit({
      figure,
      unit: 'MB',
      samples: samples[name],
      referenceSamples: samples.bare,
      referenceName: 'a Node process that does nothing',
    });
  }
  await set.stop();
}
