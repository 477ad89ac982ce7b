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
  readonly failovers: readonly {
    readonly connections: number;
    readonly survived: number;
    readonly downloaded: number;
  }[];
  readonly crowd: { readonly living: number; readonly died: Readonly<Record<string, number>> };
  readonly download: { readonly isSame: boolean };
  readonly session: { readonly failure: string | null };
  readonly datagrams: {
    readonly sent: number;
    readonly answered: number;
    /** Lost ones that were not on their way while the slot was. */
    readonly lostElsewhere: number | null;
    /** As the server sees them: one, while the translation stays. */
    readonly flows: number;
  };
  readonly records: readonly { readonly class?: string; readonly fencedBy: string }[];
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

  test('none dies when the active one hands over, and datagrams are lost only while the slot is on its way', async () => {
    const words = ['--json', '--handover', '--failovers', '3', '--connections', '200'];
    // What a busy machine keeps waiting in the server's socket fits into it.
    const traffic = ['--megabytes', '40', '--every', '5'];
    const { code, stdout, stderr } = await run([process.execPath, example, ...words, ...traffic]);
    expect(stdout, stderr).not.toBe('');
    const { failovers, crowd, download, session, datagrams, records } = JSON.parse(stdout) as Outcome;
    expect(records, stderr).toHaveLength(3);
    for (const record of records) expect(record).toMatchObject({ class: 'planned', fencedBy: 'release' });
    expect(crowd, stderr).toEqual({ living: 200, died: {} });
    for (const each of failovers) expect(each).toMatchObject({ connections: 200, survived: 200 });
    expect(failovers[0]?.downloaded).toBeLessThan(40_000_000);
    expect(download).toMatchObject({ isSame: true });
    expect(session).toMatchObject({ failure: null });
    // Each goes through the gateway once there and once back: it is lost where one of both finds neither fence open.
    expect(datagrams, stderr).toMatchObject({ lostElsewhere: 0, flows: 1 });
    expect(datagrams.answered).toBeGreaterThan(0);
    expect(code, stderr).toBe(0);
  });
});
