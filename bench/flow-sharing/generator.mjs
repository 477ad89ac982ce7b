// SPDX-License-Identifier: Apache-2.0
// Makes, changes and ends connections in the kernel of its namespace, so many a second, or as fast as it goes; its parent says when.
import { setTimeout as pause } from 'node:timers/promises';
import { Conntrack } from '@vnfpool/platform/conntrack';
import { connection, marked } from './flows.mjs';
import { Closer } from './updates.mjs';

const TICK_MS = 5;
const PROBE_MS = 10;
const table = new Conntrack();

const flowsFrom = (from, count) => Array.from({ length: count }, (_, n) => connection(from + n));

function expectNone(failures) {
  if (failures.length > 0) throw failures[0].error;
}

/** Each behind a tick's others; when it was made. */
async function probe({ count, perSecond }) {
  const madeAtMs = [];
  const step = Math.max(1, Math.round((perSecond * PROBE_MS) / 1000));
  const start = performance.now();
  for (let number = 0; number < count; number++) {
    const others = flowsFrom(number * step, step);
    const waitMs = start + number * PROBE_MS - performance.now();
    if (waitMs > 0) await pause(waitMs);
    expectNone(table.insert(others));
    madeAtMs.push(performance.timeOrigin + performance.now());
    expectNone(table.insert([marked(number)]));
  }
  return { madeAtMs };
}

async function make({ from, count, perSecond }) {
  const flows = flowsFrom(from, count);
  const start = performance.now();
  const step = perSecond === 0 ? 1000 : Math.max(1, Math.round((perSecond * TICK_MS) / 1000));
  for (let at = 0; at < count; at += step) {
    const dueMs = perSecond === 0 ? 0 : start + (at * 1000) / perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await pause(waitMs);
    expectNone(table.insert(flows.slice(at, at + step)));
  }
  return { tookMs: performance.now() - start };
}

function end({ from, count }) {
  expectNone(table.remove(flowsFrom(from, count)));
  return {};
}

/** In each step some end, some change, some begin, in that order; as fast as it goes. */
function mix({ steps, ends, updates, news }) {
  const closer = new Closer();
  const all = [ends, updates, news].map(({ from, aStep }) => ({
    aStep,
    flows: flowsFrom(from, steps * aStep),
  }));
  const [ending, updating, beginning] = all;
  const part = ({ aStep, flows }, step) => flows.slice(step * aStep, (step + 1) * aStep);
  const start = performance.now();
  for (let step = 0; step < steps; step++) {
    expectNone(table.remove(part(ending, step)));
    closer.close(part(updating, step));
    expectNone(table.insert(part(beginning, step)));
  }
  return { tookMs: performance.now() - start };
}

const WORK = { make, probe, end, mix };
async function answer({ work, ...how }) {
  process.send(await WORK[work](how));
}

process.on('message', (question) => void answer(question));
process.on('disconnect', () => process.exit());
process.send('ready');
