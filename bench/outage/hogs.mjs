// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FAILOVER_PROFILES } from '@vnfpool/core/lease';
import { endChild } from '../lib/cleanup.mjs';
import { startOurs } from './ours.mjs';

const HOGS = 4;
const FOR_MS = 30_000;

/**
 * Failovers of a set in `normal` while others want all of the processor and nothing is broken: each is a false one.
 * @throws Error when there was one
 */
export async function measureHogs({ folder, ...common }, emit) {
  const own = join(folder, 'hogs');
  mkdirSync(own);
  const ours = await startOurs({
    ...common,
    folder: own,
    leaseMs: FAILOVER_PROFILES.normal,
    program: 'small',
  });
  try {
    const { name } = await ours.whole();
    const before = await ours.failovers();
    const hogs = Array.from({ length: HOGS }, () =>
      spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
    );
    try {
      await delay(FOR_MS, undefined, { signal: common.signal });
    } finally {
      await Promise.all(hogs.map((hog) => endChild(hog)));
    }
    const { name: after } = await ours.whole();
    const failovers = (await ours.failovers()) - before;
    emit({
      figure: `failovers in ${FOR_MS / 1000} s with ${HOGS} processor hogs and no fault, normal`,
      unit: 'failovers',
      samples: [failovers],
      referenceSamples: null,
      referenceName: null,
    });
    if (failovers > 0 || after !== name)
      throw new Error(`${failovers} false failovers under ${HOGS} hogs; held by ${name}, then by ${after}`);
  } finally {
    await ours.stop();
  }
}
