// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { notBuilt, run } from './support.ts';

/* The example of two load balancers, as it stands. */

const example = fileURLToPath(new URL('../../../../examples/lb/run.mjs', import.meta.url));
const lacking = ['ip', 'nft', 'conntrack', 'nsenter', 'unshare'].filter(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);
const missing =
  labMissing || notBuilt || (lacking.length === 0 ? '' : `not installed: ${lacking.join(', ')}`);

interface Outcome {
  readonly failovers: readonly {
    readonly connections: number;
    readonly survived: number;
    readonly isBalanced: boolean;
  }[];
  readonly crowd: { readonly living: number; readonly died: Readonly<Record<string, number>> };
  readonly backend: {
    readonly others: number;
    readonly othersLiving: number;
    readonly isLeftOut: boolean;
  };
}

describe.skipIf(missing !== '')(`a pair of load balancers ${missing}`, () => {
  test('connections stay at their backends when the active node dies, three times, and new ones go to those that answer', async () => {
    const words = ['--json', '--failovers', '3', '--connections', '150'];
    const { code, stdout, stderr } = await run([process.execPath, example, ...words]);
    expect(stdout, stderr).not.toBe('');
    const { failovers, crowd, backend } = JSON.parse(stdout) as Outcome;
    const each = { connections: 150, survived: 150, isBalanced: true };
    expect(failovers, stderr).toMatchObject([each, each, each]);
    expect(crowd, stderr).toMatchObject({ living: 150, died: {} });
    expect(backend, stderr).toMatchObject({ others: 100, othersLiving: 100, isLeftOut: true });
    expect(code, stderr).toBe(0);
  });
});
