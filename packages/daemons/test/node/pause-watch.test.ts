// SPDX-License-Identifier: Apache-2.0
import type { HostPause } from '@vnfpool/wire/mobility';
import { expect, onTestFinished, test } from 'vitest';
import { agentClocks } from '../../src/node/agent-clocks.ts';
import { PauseWatch } from '../../src/node/pause-watch.ts';

/** Processor time and not the clock: what others take of it meanwhile is told otherwise. */
function beBusy(ms: number): void {
  const ran = process.cpuUsage();
  for (let used = 0, sum = 0; used < ms * 1_000; ) {
    for (let n = 0; n < 100_000; n++) sum += Math.sqrt(n + sum);
    const { user, system } = process.cpuUsage(ran);
    used = user + system;
  }
}

test.runIf(process.platform === 'linux')(
  'a thread that was busy for long is told as that, with how long; not as one that was stopped',
  async () => {
    const told: HostPause[] = [];
    const watch = new PauseWatch({ clocks: agentClocks(), tell: (pause) => void told.push(pause) });
    onTestFinished(() => watch.close());
    beBusy(400);
    await expect.poll(() => told.length, { timeout: 20_000 }).toBeGreaterThan(0);
    const longest = told.toSorted((a, b) => b.forMs - a.forMs)[0];
    expect(longest?.forMs).toBeGreaterThan(200);
    // On a machine that does much else it waited for longer than it ran.
    expect(['busy', 'starved', 'stolen']).toContain(longest?.kind);
  },
  60_000,
);

test.runIf(process.platform === 'linux')('with a short lease a short pause is told, too', async () => {
  const told: HostPause[] = [];
  const watch = new PauseWatch({ clocks: agentClocks(), tell: (pause) => void told.push(pause) });
  onTestFinished(() => watch.close());
  watch.use(24);
  // A look at 100 ms would come in time behind it, or late by less than 150 ms.
  beBusy(60);
  await expect.poll(() => told.length, { timeout: 20_000 }).toBeGreaterThan(0);
  expect(told[0]?.forMs).toBeGreaterThan(10);
});
