// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { familyOf, lives } from './host.ts';
import { edgeDeclaration, failoverSince, labFolder, RunningSet, slotOf } from './running-set.ts';
import { notBuilt } from './support.ts';

const missing = notBuilt || (process.platform === 'linux' ? '' : 'processes are looked up in /proc');

describe.skipIf(missing !== '')(`up on loopback ${missing}`, () => {
  let set: RunningSet;
  beforeAll(async () => {
    set = await RunningSet.start({ args: ['--mode', 'loopback'] });
  });
  afterAll(() => set?.takeDown());

  test('says in one line what is missing, and comes up', async () => {
    const lines = set.child
      .stdout()
      .split('\n')
      .filter((line) => line.includes('no virtual addresses'));
    expect(lines).toHaveLength(1);
    const state = await set.whole();
    expect(state.sets[0]?.mode).toBe('loopback');
    expect(state.nodes.map(({ fence }) => fence)).toEqual(['none', 'none', 'none']);
    const web = state.traffic.find(({ pool }) => pool === 'web');
    expect(web?.target).toContain('through the registrar');
    expect(web?.ok).toBeGreaterThan(0);
  });

  test('the active is killed: traffic finds the next one', async () => {
    const before = await set.whole();
    const former = slotOf(before, 'web');
    await set.must('kill', former.holder ?? '');
    const after = await set.untilState('the failover is told, with what traffic saw', (state) => {
      const slot = slotOf(state, 'web');
      return slot.epoch > former.epoch && failoverSince(state, former);
    });
    const record = failoverSince(after, former);
    expect(record).toMatchObject({
      from: former.holder,
      to: former.standbys[0],
      cause: 'the function ended',
      fencedBy: 'release',
    });
    const ok = (await set.whole()).traffic.find(({ pool }) => pool === 'web')?.ok ?? 0;
    await set.untilState(
      'traffic goes on',
      (state) => (state.traffic.find(({ pool }) => pool === 'web')?.ok ?? 0) > ok,
    );
  });

  test('a node is killed: the record says that nothing silences it', async () => {
    const former = slotOf(await set.whole(), 'web');
    await set.must('kill', former.node ?? '');
    const after = await set.untilState('another node serves', (state) => failoverSince(state, former));
    const record = failoverSince(after, former);
    expect(record).toMatchObject({ cause: 'the lease ran out', fencedBy: 'none' });
    expect(record?.steps.map(({ name }) => name)).not.toContain('fenced');
  });

  test('Ctrl-C takes every process away', async () => {
    const family = familyOf(set.child.pid);
    expect((await set.interrupt()).code).toBe(0);
    expect(family.filter(lives)).toEqual([]);
  });
});

describe.skipIf(missing !== '')(`a hook where no kernel silences ${missing}`, () => {
  let set: RunningSet;
  const folder = labFolder();
  const said = `${folder}/switched-off`;
  beforeAll(async () => {
    const file = `${folder}/set.yaml`;
    const hook = `fence:\n  hook: [sh, -c, 'echo "$1" >> ${said}', off]\n`;
    writeFileSync(file, `${edgeDeclaration()}\n${hook}`);
    set = await RunningSet.start({ args: ['--mode', 'loopback'], file });
  });
  afterAll(async () => {
    await set?.takeDown();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a killed node is switched off before its slot is served elsewhere, and the record says so', async () => {
    const former = slotOf(await set.whole(), 'web');
    expect(existsSync(said)).toBe(false);
    await set.must('kill', former.node ?? '');
    const after = await set.untilState('another node serves', (state) => failoverSince(state, former));
    expect(failoverSince(after, former)).toMatchObject({ cause: 'the lease ran out', fencedBy: 'hook' });
    expect(readFileSync(said, 'utf8')).toContain(`${former.node}\n`);
  });
});
