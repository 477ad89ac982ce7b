// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { notBuilt, run } from './support.ts';

/* The example of two SIP proxies, as it stands. */

const example = fileURLToPath(new URL('../../../../examples/sip/run.mjs', import.meta.url));
const lacking = ['ip', 'nsenter', 'unshare'].filter(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);
const missing =
  labMissing || notBuilt || (lacking.length === 0 ? '' : `not installed: ${lacking.join(', ')}`);

interface Step {
  readonly done: number;
  readonly failed: Readonly<Record<string, number>>;
}

interface Outcome {
  readonly failovers: readonly {
    readonly setUp: Step & { readonly underWay: number };
    readonly again: Step;
    readonly ended: Step;
  }[];
  readonly callee: Readonly<Record<string, number>>;
  readonly proxy: { readonly dialogs: number };
}

describe.skipIf(missing !== '')(`a pair of SIP proxies ${missing}`, () => {
  test('calls go on, begin and end when the active node dies, three times', async () => {
    const words = ['--json', '--failovers', '3', '--calls', '100'];
    const { code, stdout, stderr } = await run([process.execPath, example, ...words]);
    expect(stdout, stderr).not.toBe('');
    const { failovers, callee, proxy } = JSON.parse(stdout) as Outcome;
    expect(failovers, stderr).toHaveLength(3);
    for (const { setUp, again, ended } of failovers) {
      expect(setUp.underWay, stderr).toBeGreaterThan(0);
      // One hundred that went on, and eighty that began while the node died.
      expect([setUp, again], stderr).toMatchObject([
        { done: 80, failed: {} },
        { done: 180, failed: {} },
      ]);
      expect(ended, stderr).toMatchObject({ failed: {} });
    }
    expect(callee, stderr).toEqual({ ended: 100 + 80 + (10 + 80) + (10 + 80) });
    expect(proxy.dialogs).toBe(0);
    expect(code, stderr).toBe(0);
  });
});
