// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { notBuilt, run } from './support.ts';

/* Flows that begin while the active one of two NAT gateways dies, by the example: with first packets that wait, and without. */

const example = fileURLToPath(new URL('../../../../examples/nat/beginnings-run.mjs', import.meta.url));
const lacking = ['ip', 'nft', 'conntrack', 'nsenter', 'unshare'].filter(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);
const missing =
  labMissing || notBuilt || (lacking.length === 0 ? '' : `not installed: ${lacking.join(', ')}`);

interface Failover {
  /** Datagrams that the server has seen, each the first and only one of its flow. */
  readonly seen: number;
  /** Of these: without their translation at the next gateway. */
  readonly unknown: number;
  /** Of these: another flow, that came from the same port inside, was given the port that it had outside. */
  readonly collisions: number;
  /** Why connections were not answered, each. */
  readonly failures: readonly string[];
}

async function failoversOf(...words: string[]): Promise<readonly Failover[]> {
  const { code, stdout, stderr } = await run([process.execPath, example, '--json', ...words]);
  expect(stdout, stderr).not.toBe('');
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { failovers: readonly Failover[] }).failovers;
}

describe.skipIf(missing !== '')(`beginnings through NAT gateways ${missing}`, () => {
  test('whose first packet waits: the next gateway knows all that anybody outside has seen', async () => {
    const failovers = await failoversOf();
    expect(failovers).toHaveLength(2);
    for (const { seen, unknown, failures } of failovers) {
      expect(seen).toBeGreaterThan(100);
      expect(unknown).toBe(0);
      expect(failures).toEqual([]);
    }
  }, 180_000);

  test('without that: what leaves when the agent is dead, and the fence not closed yet, nobody knows', async () => {
    const [, agentDied] = await failoversOf('--plain');
    expect(agentDied?.unknown).toBeGreaterThan(0);
    // The next gateway gives out ports of its own: those of flows that it does not know belong to nobody else.
    expect(agentDied?.collisions).toBe(0);
  }, 180_000);

  test('without that, and by order: whoever hands over tells all that its kernel has done until its fence was closed', async () => {
    const failovers = await failoversOf('--plain', '--handover', '--failovers', '1');
    expect(failovers).toHaveLength(1);
    for (const { seen, unknown, failures } of failovers) {
      expect(seen).toBeGreaterThan(100);
      expect(unknown).toBe(0);
      expect(failures).toEqual([]);
    }
  }, 180_000);
});
