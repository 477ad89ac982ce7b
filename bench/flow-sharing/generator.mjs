// SPDX-License-Identifier: Apache-2.0
// Makes connections in the kernel of its namespace, so many a second, or as fast as it goes; its parent says when.
import { setTimeout as pause } from 'node:timers/promises';
import { Conntrack } from '@vnfpool/platform/conntrack';
import { connection } from './flows.mjs';

const TICK_MS = 5;
const table = new Conntrack();

process.on('message', async ({ from, count, perSecond }) => {
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
});
process.on('disconnect', () => process.exit());
process.send('ready');
