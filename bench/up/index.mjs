// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { callApi } from '../lib/api.mjs';
import { endChild } from '../lib/cleanup.mjs';
import { startUp } from '../lib/up.mjs';
import { waitUntil } from '../lib/wait.mjs';

export const description =
  'time of `vnfpool up` to its page and to the first served request, beside as many Node processes that do nothing';

export const limitMs = 10 * 60_000;

const TRIALS = 5;
/** What `up` starts for the example: itself, the lab, registrar, manager, three agents, two sources, six functions. */
const PROCESSES = 15;

/** One `up` of the example set; milliseconds from the start. */
async function bringUp(cleanup, folder, signal) {
  const startedAt = performance.now();
  const set = await startUp(cleanup, folder);
  const pageMs = performance.now() - startedAt;
  const isServed = async () => {
    const view = await callApi(set.apiSocket, 'GET', '/v1/state').catch(() => null);
    return view?.traffic.some(({ pool, ok }) => pool === 'web' && ok > 0);
  };
  await waitUntil('the first served request', isServed, { signal, everyMs: 10 });
  const servedMs = performance.now() - startedAt;
  await set.stop();
  return { pageMs, servedMs };
}

/** As many bare Node processes, started at once, until the last has said that it runs. */
async function startBare(cleanup) {
  const startedAt = performance.now();
  const children = Array.from({ length: PROCESSES }, () =>
    cleanup.spawn([process.execPath, '-e', 'process.stdout.write("up"); setInterval(() => {}, 1e9)'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  await Promise.all(children.map((child) => new Promise((resolve) => child.stdout.once('data', resolve))));
  const ms = performance.now() - startedAt;
  await Promise.all(children.map((child) => endChild(child)));
  return ms;
}

export async function run({ options, cleanup, signal, emit, say }) {
  const samples = { page: [], served: [], bare: [] };
  const folder = cleanup.folder();
  for (let n = 0; n < Number(options.trials ?? TRIALS); n++) {
    signal.throwIfAborted();
    // A fresh folder each: keys and certificates are made every time.
    const state = join(folder, String(n));
    mkdirSync(state, { mode: 0o700 });
    const { pageMs, servedMs } = await bringUp(cleanup, state, signal);
    samples.page.push(pageMs);
    samples.served.push(servedMs);
    samples.bare.push(await startBare(cleanup));
    say(`trial ${n + 1}: page ${Math.round(pageMs)} ms, served ${Math.round(servedMs)} ms`);
  }
  const referenceName = `${PROCESSES} Node processes that do nothing`;
  const beside = { unit: 'ms', referenceSamples: samples.bare, referenceName };
  emit({ figure: 'start to the line with the page', samples: samples.page, ...beside });
  emit({ figure: 'start to the first served request as reported', samples: samples.served, ...beside });
}
