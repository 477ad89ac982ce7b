// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bin, type Child, notBuilt, start, until } from './support.ts';

/* Real processes, and a real kill, on a workload that is over soon. What must always hold is asserted, never how long it took. */

interface Result {
  readonly name: string;
  readonly loses: string;
  readonly updates: number;
  readonly lagMs: object | null;
  readonly octetsPerUpdate: { readonly wire: number; readonly file: number };
  readonly lost: { readonly letOut: { readonly most: number }; readonly keys: { readonly most: number } };
  readonly refused: number;
}

const tiny = ['--seconds', '1', '--warm-up', '50ms', '--runs', '1', '--rate', '300', '--keys', '200'];
const folder = mkdtempSync(join(tmpdir(), 'vnfpool-test-'));
const recording = join(folder, 'updates.jsonl');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Its folders are in ours, where nobody else makes any. */
function evaluateState(args: readonly string[]): Child {
  return start([process.execPath, bin, 'evaluate-state', ...args], { TMPDIR: folder });
}

const foldersLeft = (): string[] =>
  readdirSync(folder).filter((name) => name.startsWith('vnfpool-evaluate-'));

describe.skipIf(notBuilt !== '')(`evaluate-state ${notBuilt}`, () => {
  test('of each mechanism: what it promises is so, and nobody is left', async () => {
    const { code, stdout, stderr } = await evaluateState([...tiny, '--delay', '2ms', '-o', 'json']).ended;
    expect(code, stderr).toBe(0);
    const told = JSON.parse(stdout) as { results: Result[]; recommendations: object[] };
    const of = (name: string): Result => {
      const found = told.results.find((each) => each.name === name);
      if (found === undefined) throw new Error(`there is no ${name}`);
      return found;
    };
    for (const { name, loses, updates, refused, lost } of told.results) {
      expect(updates, name).toBeGreaterThan(0);
      expect(refused, name).toBe(0);
      if (loses === 'nothing') expect(lost.letOut.most, name).toBe(0);
    }
    expect(of('replicate held').octetsPerUpdate.wire).toBeGreaterThan(64);
    expect(of('none').octetsPerUpdate).toEqual({ wire: 0, file: 0 });
    expect(of('none').lagMs).toBeNull();
    // Whatever had been told and was still there.
    expect(of('none').lost.keys.most).toBeGreaterThanOrEqual(190);
    expect(told.recommendations).toHaveLength(4);
    expect(foldersLeft()).toEqual([]);
  });

  test('a recording is played; the objective has its reasons', async () => {
    const value = Buffer.alloc(20, 1).toString('base64');
    const lines = Array.from({ length: 300 }, (_, n) => ({ at: n, key: `call-${n % 40}`, value }));
    writeFileSync(recording, lines.map((line) => JSON.stringify(line)).join('\n'));
    const args = '--mechanism none --seconds 1 --warm-up 50ms --runs 1 --objective no-loss'.split(' ');
    const { code, stdout, stderr } = await evaluateState([
      ...args,
      '--mechanism',
      'replicate held',
      '--recorded',
      recording,
    ]).ended;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('recorded: 300 updates of');
    expect(stdout).toContain('no-loss: replicate held');
    expect(stdout).toContain('not none: it loses everything');
    expect(stdout).toContain('    method: [replicate]\n    loss: 0');
  });

  test('Ctrl-C ends it, and its processes with it', async () => {
    const child = evaluateState(['--mechanism', 'replicate held', '--seconds', '600']);
    await until('its folder', () => foldersLeft().length > 0);
    child.process.kill('SIGINT');
    const { code, stderr } = await child.ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('given up; nothing is left behind')]);
    expect(foldersLeft()).toEqual([]);
  });
});
