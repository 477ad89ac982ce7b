// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs';
import type { EventView, StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { edgeDeclaration, isWhole, labFolder, RunningSet, slotOf } from './running-set.ts';
import { has, notBuilt } from './support.ts';

const missing = labMissing || notBuilt || (has('ip', '-V') ? '' : 'ip is not installed');
/** Epochs of one generation are below this. */
const GENERATION = 2 ** 40;

/** The example on four nodes, of which the last is a witness. */
function declaration(council: readonly string[]): string {
  return edgeDeclaration()
    .replace(
      'nodes: [node-a, node-b, node-c]',
      'nodes: { node-a: , node-b: , node-c: , node-d: { witness: true } }',
    )
    .replace(/^council: .*$/m, `council: [${council.join(', ')}]`);
}

describe.skipIf(missing !== '')(`the council of a running set ${missing}`, () => {
  const folder = missing === '' ? labFolder() : '';
  const file = `${folder}-council.yaml`;
  let set: RunningSet;

  beforeAll(async () => {
    writeFileSync(file, declaration(['node-a', 'node-b', 'node-c']));
    set = await RunningSet.start({ folder, file });
  });
  afterAll(async () => {
    await set?.takeDown();
    rmSync(file, { force: true });
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  const council = (state: StateView) => state.sets[0]?.council;
  const events = async (type: string) =>
    (await set.get<{ items: EventView[] }>('/v1/events')).items.filter((event) => event.type === type);

  test('a member is replaced by a witness: the slot stays where it is, in its epoch, and nobody notices', async () => {
    const before = await set.whole();
    expect(before.instances.filter(({ node }) => node === 'node-d')).toEqual([]);
    writeFileSync(file, declaration(['node-a', 'node-b', 'node-d']));
    await set.must('apply', file);
    const after = await set.untilState('the new council is in force, and all of it votes', (state) => {
      const now = council(state);
      return now?.version === '1.2' && now.next === null && now.voiceless.length === 0 && isWhole(state);
    });
    expect(council(after)?.members).toEqual(['node-a', 'node-b', 'node-d']);
    const [was, is] = [slotOf(before, 'web'), slotOf(after, 'web')];
    expect(after.failovers).toEqual(before.failovers);
    expect([is.holder, is.epoch]).toEqual([was.holder, was.epoch]);
    expect(await set.must('council', 'show')).toMatch(/node-d +votes/);
  });

  test('the witness votes: a failover for which it is needed', async () => {
    // On a busy machine another one may have been born first.
    if (slotOf(await set.whole(), 'web').holder !== 'web#1')
      await set.must('handover', 'web/0', '--to', 'web#1');
    const before = await set.untilState(
      'web#1 holds it',
      (state) => isWhole(state) && slotOf(state, 'web').holder === 'web#1',
    );
    const { epoch } = slotOf(before, 'web');
    // Of the council node-b and node-d are left, of those who could take the slot web#2 alone.
    await set.must('kill', 'node-c', '--no-wait');
    await set.must('kill', 'node-a', '--no-wait');
    const after = await set.untilState(
      'web#2 holds the slot',
      (state) => slotOf(state, 'web').holder === 'web#2',
    );
    expect(slotOf(after, 'web').epoch).toBeGreaterThan(epoch);
    expect(slotOf(after, 'web').epoch).toBeLessThan(2 * GENERATION);
  });

  test('without a majority nobody is active; it is said, and an operator decides by name', async () => {
    await set.must('kill', 'node-d', '--no-wait');
    await set.untilState('nobody holds the slot', (state) => slotOf(state, 'web').holder === null);
    await set.untilState('the manager knows', (state) => council(state)?.reachable === 1);
    expect((await events('council.majority-lost')).at(-1)?.severity).toBe('error');
    expect(await set.must('council', 'show')).toContain('nobody can take a slot');

    const unsure = await set.cli('council', 'force', 'node-b');
    expect([unsure.code, unsure.stderr]).toEqual([
      2,
      expect.stringContaining('may hold a slot at the same time'),
    ]);
    const gone = await set.cli('council', 'force', 'node-a', '--i-know-the-other-is-dead');
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('node-a cannot be reached')]);

    const told = await set.must('council', 'force', 'node-b', '--i-know-the-other-is-dead');
    expect(told).toBe('decided: node-b is the council\n');
    const after = await set.untilState(
      'web#2 serves again',
      (state) => slotOf(state, 'web').holder === 'web#2',
    );
    expect(slotOf(after, 'web').epoch).toBeGreaterThan(2 * GENERATION);
    expect(council(after)).toMatchObject({ members: ['node-b'], forced: { dead: ['node-a', 'node-d'] } });
    expect(await set.must('council', 'show')).toMatch(
      /An operator decided on it .* node-a, node-d would be dead/,
    );
  });

  test('they live after all: they follow, and the declared council comes back by itself', async () => {
    for (const node of ['node-a', 'node-c', 'node-d']) await set.must('start', node);
    const after = await set.untilState('the declared council votes again', (state) => {
      const now = council(state);
      return now?.members.length === 3 && now.next === null && now.voiceless.length === 0 && isWhole(state);
    });
    expect([...(council(after)?.members ?? [])].sort()).toEqual(['node-a', 'node-b', 'node-d']);
    expect(council(after)?.version).toMatch(/^2\./);
    expect(slotOf(after, 'web').epoch).toBeGreaterThan(2 * GENERATION);
    expect(await set.must('explain', 'pool', 'web')).not.toContain('council is');
  });
});
