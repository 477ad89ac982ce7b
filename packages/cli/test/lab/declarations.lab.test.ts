// SPDX-License-Identifier: Apache-2.0
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { edgeDeclaration, isWhole, labFolder, RunningSet } from './running-set.ts';
import { notBuilt } from './support.ts';

const missing = labMissing || notBuilt;

/** A pool whose program says something and ends. */
const BROKEN = `
  broken:
    function:
      program: sh
      arguments: [-c, "echo first line; echo the configuration is missing >&2; exit 3"]
    redundancy: { slots: 1 }
`;

describe.skipIf(missing !== '')(`declarations and a running set ${missing}`, () => {
  const folder = missing === '' ? labFolder() : '';
  const file = `${folder}/set.yaml`;
  const declared = edgeDeclaration();
  let set: RunningSet;

  beforeAll(async () => {
    writeFileSync(file, declared);
    set = await RunningSet.start({ file });
    await set.whole();
  });
  afterAll(async () => {
    await set?.takeDown();
    rmSync(folder, { recursive: true, force: true });
  });

  test('an unchanged file changes nothing and is no event', async () => {
    const before = await set.state();
    expect(await set.must('plan', file)).toContain('nothing to do');
    expect(await set.must('apply', file)).toMatch(/nothing to do, generation 1$/m);
    const after = await set.state();
    expect(after.sets[0]).toMatchObject({ generation: 1, appliedAt: before.sets[0]?.appliedAt });
    const declarations = after.events.filter(({ type }) => type.startsWith('declaration'));
    expect(declarations).toHaveLength(1);
    expect(after.instances.map(({ pid }) => pid)).toEqual(before.instances.map(({ pid }) => pid));
  });

  test('plan shows what a changed file would do, and does nothing', async () => {
    const changed = `${folder}/changed.yaml`;
    writeFileSync(changed, declared.replace('redundancy: { slots: 3 }', 'redundancy: { slots: 2 }'));
    const before = await set.state();
    const planned = await set.must('plan', changed);
    expect(planned).toContain('calc');
    expect(planned).toContain('nothing was applied');
    const after = await set.state();
    expect(after.sets[0]?.generation).toBe(1);
    expect(after.instances.map(({ name }) => name)).toEqual(before.instances.map(({ name }) => name));
  });

  test('mistakes are told with their lines, and nothing is applied', async () => {
    const wrong = `${folder}/wrong.yaml`;
    writeFileSync(
      wrong,
      declared.replace('policy: priority', 'policy: prioritee').replace('every: 5ms', 'every: 5 parsecs'),
    );
    const lineOf = (text: string): number =>
      readFileSync(wrong, 'utf8')
        .split('\n')
        .findIndex((line) => line.includes(text)) + 1;
    for (const command of ['plan', 'apply'] as const) {
      const { code, stderr } = await set.cli(command, wrong);
      expect(code).toBe(1);
      expect(stderr).toContain(`${wrong}:${lineOf('prioritee')}:`);
      expect(stderr).toContain(`${wrong}:${lineOf('parsecs')}:`);
      expect(stderr).toContain('nothing was applied');
    }
    writeFileSync(wrong, 'set: [edge\n');
    const { code, stderr } = await set.cli('apply', wrong);
    expect(code).toBe(1);
    expect(stderr).toContain(`${wrong}:`);
    expect((await set.state()).sets[0]?.generation).toBe(1);
  });

  test('a program that ends at once is shown as failing, with its last words', async () => {
    const broken = `${folder}/broken.yaml`;
    writeFileSync(broken, declared.replace('\nprobes:', `${BROKEN}\nprobes:`));
    await set.must('apply', broken);
    const state = await set.untilState('it is shown as failing', ({ instances }) =>
      instances.some(
        ({ pool, status, restarts, output }) =>
          pool === 'broken' && status === 'failing' && restarts > 0 && output.length > 1,
      ),
    );
    const instance = state.instances.find(({ pool }) => pool === 'broken');
    expect(instance).toMatchObject({ healthy: false });
    expect(instance?.output.slice(-2).toSorted()).toEqual(['first line', 'the configuration is missing']);
    expect(instance?.reason).toContain('exit code 3');
    expect(state.pools.find(({ name }) => name === 'broken')?.health).toBe('down');
    expect(await set.must('explain', 'pool', 'broken')).toContain('broken#1');
    // The others do not suffer.
    expect(state.pools.find(({ name }) => name === 'web')?.health).toBe('whole');

    await set.must('apply', file);
    const after = await set.untilState('it is gone', (now) => isWhole(now) && now.pools.length === 2);
    expect(after.instances.every(({ pool }) => pool !== 'broken')).toBe(true);
    expect(after.sets[0]?.generation).toBe(3);
  });
});
