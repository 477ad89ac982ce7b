// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { notBuilt, run } from './support.ts';

/* The example of two NAT gateways, as it stands. */

const example = fileURLToPath(new URL('../../../../examples/nat/run.mjs', import.meta.url));
const lacking = ['ip', 'nft', 'conntrack', 'curl', 'nsenter', 'unshare'].filter(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);
const missing =
  labMissing || notBuilt || (lacking.length === 0 ? '' : `not installed: ${lacking.join(', ')}`);

interface Outcome {
  readonly failovers: readonly { readonly connections: number; readonly survived: number }[];
  readonly crowd: { readonly living: number; readonly died: Readonly<Record<string, number>> };
  readonly download: { readonly isSame: boolean };
  readonly session: { readonly failure: string | null };
}

describe.skipIf(missing !== '')(`a pair of NAT gateways ${missing}`, () => {
  test('no connection dies with the node of the active one, five times', async () => {
    const words = ['--json', '--failovers', '5', '--connections', '200', '--megabytes', '80'];
    const { code, stdout, stderr } = await run([process.execPath, example, ...words]);
    expect(stdout, stderr).not.toBe('');
    const { failovers, crowd, download, session } = JSON.parse(stdout) as Outcome;
    expect(failovers).toHaveLength(5);
    expect(crowd, stderr).toEqual({ living: 200, died: {} });
    expect(failovers.every(({ connections, survived }) => connections === 200 && survived === 200)).toBe(
      true,
    );
    expect(download).toMatchObject({ isSame: true });
    expect(session).toMatchObject({ failure: null });
    expect(code, stderr).toBe(0);
  });
});
