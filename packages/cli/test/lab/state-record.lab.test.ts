// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RecordedUpdateView, StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hosts, missing } from './hosts.ts';
import { isWhole, slotOf } from './running-set.ts';
import { bin, type Child, type Ended, start, until, vnfpool } from './support.ts';

/* What a function shares while it serves becomes a workload, and says nothing of what it is. */

const folder = fileURLToPath(new URL('../../../../examples/ledger', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.81.0.2',
  'node-a': '10.81.0.11',
  'node-b': '10.81.0.12',
  'node-c': '10.81.0.13',
  client: '10.81.0.30',
};
const SERVICE = '10.81.0.100';
const declaration = readFileSync(`${folder}/set.yaml`, 'utf8')
  .replace('arguments: [ledger.mjs', `arguments: [${folder}/ledger.mjs`)
  .replace('10.77.0.100', SERVICE)
  .replace('every: 500ms, timeout: 400ms', 'every: 1s, timeout: 1s')
  .replace('lease: 300ms', 'lease: 1s');

/** Adds without end. */
const CLIENT = `
for (let asked = 0; ; asked += 1) {
  const name = 'account-' + (asked % 5);
  try { await fetch('http://${SERVICE}:8080/accounts/' + name + '/add', { method: 'POST', signal: AbortSignal.timeout(500) }); } catch {}
  await new Promise((resolve) => setTimeout(resolve, 2));
}`;

describe.skipIf(missing !== '')(`a recording of a function that serves ${missing}`, () => {
  let hosts: Hosts;
  const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
    hosts.untilState('manager', what, isSo);
  const isProtected = (state: StateView): boolean =>
    isWhole(state) && slotOf(state, 'ledger').sharing?.isProtected === true;
  const fileOf = (name: string): string => `${hosts.folder}/${name}.jsonl`;
  const recorded = (file: string, ...more: readonly string[]): Promise<Ended> =>
    hosts.cli('manager', 'state', 'record', 'ledger/0', '--out', file, ...more);
  /** One that goes on, and has something already. */
  const recording = async (file: string): Promise<Child> => {
    const own = ['--out', file, '--for', '600s', '--state', hosts.stateOf('manager')];
    const child = start([process.execPath, bin, 'state', 'record', 'ledger/0', ...own]);
    await until('something is recorded', () => existsSync(file) && readFileSync(file).length > 0);
    return child;
  };
  const updatesIn = (file: string): readonly RecordedUpdateView[] =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RecordedUpdateView);

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    await hosts.startSet('ledger', NODES);
    writeFileSync(`${hosts.folder}/set.yaml`, declaration);
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
    await untilState('a standby has the state', isProtected);
  });
  afterAll(async () => {
    await hosts?.takeDown();
  });

  test('with nothing that changes there is none, and no file', async () => {
    const file = fileOf('nothing');
    const { code, stderr } = await recorded(file, '--for', '300ms');
    expect([code, stderr]).toEqual([1, expect.stringContaining('nothing is recorded: no state has changed')]);
    expect(existsSync(file)).toBe(false);
  });

  test('with changes it has their times, keys by number and sizes, and is played', async () => {
    hosts.start('client', [process.execPath, '--input-type=module', '-e', CLIENT]);
    const changes = (state: StateView): number => slotOf(state, 'ledger').sharing?.state?.sequence ?? 0;
    await untilState('accounts are added to', (state) => changes(state) > 20);
    const file = fileOf('ledger');
    const { code, stdout, stderr } = await recorded(file, '--for', '2s');
    expect(code, stderr).toBe(0);
    const updates = updatesIn(file);
    expect(stdout).toContain(`${file}: ${updates.length} updates of ledger/0 in 2 s`);
    expect(new Set(updates.map(({ key }) => key)).size).toBe(5);
    for (const [at, update] of updates.entries()) {
      expect(Object.keys(update)).toEqual(['at', 'key', 'octets']);
      expect(update.at).toBeGreaterThanOrEqual(updates[at - 1]?.at ?? 0);
      expect(update.at).toBeLessThan(10_000);
    }
    const short = '--seconds 1 --runs 1 --warm-up 50ms --mechanism none --objective no-loss'.split(' ');
    const played = await vnfpool(
      'evaluate-state',
      '--recorded',
      file,
      ...short,
      '--mechanism',
      'replicate held',
    );
    expect(played.code, played.stderr).toBe(0);
    expect(played.stderr).toContain(`recorded: ${updates.length} updates of ${file}`);
    expect(played.stdout).toContain('no-loss: replicate held');
  });

  test('it ends at its size', async () => {
    const file = fileOf('small');
    const { code, stderr } = await recorded(file, '--for', '60s', '--octets', '1024');
    expect(code, stderr).toBe(0);
    const octets = readFileSync(file).length;
    expect(octets).toBeLessThanOrEqual(1_024);
    expect(octets).toBeGreaterThan(900);
  });

  test('Ctrl-C ends it and keeps what there is', async () => {
    const file = fileOf('cut');
    const child = await recording(file);
    child.process.kill('SIGINT');
    await until('it says so', () => child.stdout().includes('it was ended'));
    expect((await child.ended).code).toBe(0);
    expect(updatesIn(file).length).toBeGreaterThan(0);
  });

  test('when the slot is handed over the recording of its holder ends, and says so', async () => {
    const state = await untilState('a standby has the state', isProtected);
    const file = fileOf('left');
    const child = await recording(file);
    const to = slotOf(state, 'ledger').standbys[0] ?? '';
    const handed = await hosts.cli('manager', 'handover', 'ledger/0', '--to', to);
    expect(handed.code, handed.stderr).toBe(0);
    await until('it says so', () => child.stderr().includes('the slot is held there no more'));
    expect((await child.ended).code).toBe(1);
    expect(updatesIn(file).length).toBeGreaterThan(0);
  });

  test('what agents do not carry is refused: a checkpoint of a pool that has none', async () => {
    const { code, stderr } = await hosts.cli('manager', 'state', 'checkpoint', 'ledger/0');
    expect([code, stderr]).toEqual([1, expect.stringContaining('ledger has no checkpoints')]);
  });
});
