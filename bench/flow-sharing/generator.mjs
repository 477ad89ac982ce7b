// SPDX-License-Identifier: Apache-2.0
// Makes connections in the kernel of its namespace, so many a second, or as fast as it goes; its parent says when.
import { setTimeout as pause } from 'node:timers/promises';
import { Conntrack } from '@vnfpool/platform/conntrack';
import { connection, marked } from './flows.mjs';

const TICK_MS = 5;
const PROBE_MS = 10;
const table = new Conntrack();

/** Each behind a tick's others; when it was made. */
async function probes(count, perSecond) {
  const madeAtMs = [];
  const step = Math.max(1, Math.round((perSecond * PROBE_MS) / 1000));
  const start = performance.now();
  for (let number = 0; number < count; number++) {
    const others = Array.from({ length: step }, (_, n) => connection(number * step + n));
    const waitMs = start + number * PROBE_MS - performance.now();
    if (waitMs > 0) await pause(waitMs);
    table.insert(others);
    madeAtMs.push(performance.timeOrigin + performance.now());
    const failures = table.insert([marked(number)]);
    if (failures.length > 0) throw failures[0].error;
  }
  process.send({ madeAtMs });
}

async function make(from, count, perSecond) {
  const flows = Array.from({ length: count }, (_, n) => connection(from + n));
  const start = performance.now();
  const step = perSecond === 0 ? 1000 : Math.max(1, Math.round((perSecond * TICK_MS) / 1000));
  for (let at = 0; at < count; at += step) {
    const dueMs = perSecond === 0 ? 0 : start + (at * 1000) / perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await pause(waitMs);
    const failures = table.insert(flows.slice(at, at + step));
    if (failures.length > 0) throw failures[0].error;
  }
  process.send({ tookMs: performance.now() - start });
}

process.on('message', ({ from, count, perSecond, isProbing }) => {
  void (isProbing ? probes(count, perSecond) : make(from, count, perSecond));
});
process.on('disconnect', () => process.exit());
process.send('ready');
