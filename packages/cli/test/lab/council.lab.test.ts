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

  const council = (state: StateView) => state.sets[0]?.councils[0];
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

describe.skipIf(missing !== '')(`members that are cut off from each other ${missing}`, () => {
  const NODES = ['node-a', 'node-b', 'node-c'] as const;
  let set: RunningSet;

  beforeAll(async () => {
    set = await RunningSet.start();
  });
  afterAll(async () => {
    await set?.takeDown();
  });

  const majority = async (): Promise<string[]> =>
    (await set.get<{ items: EventView[] }>('/v1/events')).items
      .filter(({ type }) => type.startsWith('council.majority'))
      .map(({ type, message }) => `${type}: ${message}`);
  /** In the network namespace of every node agent, which is the lab's own. */
  const everywhere = async (...command: readonly string[]): Promise<void> => {
    for (const node of NODES) {
      const { code, stderr } = await set.inside(await set.pidOf(node), ...command);
      if (code !== 0) throw new Error(`${node}: ${command.join(' ')}: ${stderr}`);
    }
  };

  test('all answer the manager, and the slot is down: it is said who hears nothing of whom, by all', async () => {
    await set.whole();
    await everywhere(
      'nft',
      'add table inet cut; add chain inet cut in { type filter hook input priority -300; }; add rule inet cut in udp dport 49880 drop',
    );
    const all = NODES.map(
      (node) => `${node} hears nothing of ${NODES.filter((other) => other !== node).join(', ')}`,
    );
    const after = await set.untilState(
      'nobody holds a slot, and the manager knows who hears whom',
      ({ slots, sets }) =>
        slots.every(({ holder }) => holder === null) && sets[0]?.councils[0]?.cut?.who === all.join('; '),
    );
    expect(after.sets[0]?.councils[0]).toMatchObject({ reachable: 3, cut: { together: 1 } });
    expect(await majority()).toEqual([
      expect.stringMatching(
        /^council\.majority-lost: 3 of the 3 .* at most 1 of them hear each other \(node-/,
      ),
    ]);
    expect(await set.must('explain', 'slot', 'web/0')).toContain(
      `3 of 3 members of the council answer (2 are needed), but ${all.join('; ')}: no lease is granted or renewed`,
    );
    expect(await set.must('council', 'show')).toContain('nobody can take a slot');
    expect(await set.must('status')).toContain('no majority of it hears each other');
    for (const node of NODES) expect(set.log(node)).toContain('hears no majority of council 1.1');
  });

  test('and when they hear each other again', async () => {
    await everywhere('nft', 'delete table inet cut');
    await set.untilState(
      'the slots are held, and nobody is silent',
      (state) => isWhole(state) && state.sets[0]?.councils[0]?.cut === null,
    );
    expect(await majority()).toEqual([
      expect.stringContaining('council.majority-lost'),
      expect.stringContaining('council.majority-back'),
    ]);
    for (const node of NODES) expect(set.log(node)).toContain('hears a majority of council 1.1 again');
  });
});

describe.skipIf(missing !== '')(`several councils in a running set ${missing}`, () => {
  const folder = missing === '' ? labFolder() : '';
  const file = `${folder}-councils.yaml`;
  let set: RunningSet;

  /** Two councils that share a node: `web` is granted by the one, `calc` by the other. */
  const declared = (): string =>
    edgeDeclaration()
      .replace(
        'nodes: [node-a, node-b, node-c]',
        'nodes: { node-a: , node-b: , node-c: , node-d: { witness: true }, node-e: { witness: true } }',
      )
      .replace(
        /^council: .*$/m,
        'councils: { east: [node-a, node-b, node-c], west: [node-c, node-d, node-e] }',
      )
      .replace('redundancy: { slots: 3 }', 'council: west\n    redundancy: { slots: 1, standbys: 1 }');

  beforeAll(async () => {
    writeFileSync(file, declared());
    set = await RunningSet.start({ folder, file });
  });
  afterAll(async () => {
    await set?.takeDown();
    rmSync(file, { force: true });
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  test('each grants its own slots; one without a majority takes nothing from the other', async () => {
    const before = await set.untilState(
      'both slots are held',
      (state) => isWhole(state) && state.slots.every(({ holder }) => holder !== null),
    );
    const [web, calc] = [slotOf(before, 'web'), slotOf(before, 'calc')];
    const shown = await set.must('council', 'show');
    expect(shown).toContain('Council east 1.1 of set edge');
    expect(shown).toContain('Council west 1.1 of set edge');
    expect(await set.must('status')).toContain('council east 3 of 3, west 3 of 3 reachable');
    await set.must('kill', 'node-d', '--no-wait');
    await set.must('kill', 'node-e', '--no-wait');
    const without = await set.untilState(
      'nobody holds calc, and the manager knows why',
      (state) => slotOf(state, 'calc').holder === null && state.sets[0]?.councils[1]?.reachable === 1,
    );
    expect([slotOf(without, 'web').holder, slotOf(without, 'web').epoch]).toEqual([web.holder, web.epoch]);
    expect(await set.must('explain', 'slot', 'calc/0')).toContain('1 of 3 members of council west answer');
    expect(await set.must('explain', 'slot', 'web/0')).toContain('3 of 3 members of council east answer');

    const dead = '--i-know-the-other-is-dead';
    const unsaid = await set.cli('council', 'force', 'node-c', dead);
    expect([unsaid.code, unsaid.stderr]).toEqual([1, expect.stringContaining('say for which you decide')]);
    const decided = await set.must('council', 'force', 'node-c', '--council', 'west', dead);
    expect(decided).toContain('node-c is council west');
    const forced = await set.untilState('calc is held', (state) => slotOf(state, 'calc').holder !== null);
    expect(slotOf(forced, 'calc').epoch).toBeGreaterThan(Math.max(calc.epoch, 2 * GENERATION));
    expect([slotOf(forced, 'web').holder, slotOf(forced, 'web').epoch]).toEqual([web.holder, web.epoch]);
  });

  test('a pool does not change its council', async () => {
    writeFileSync(file, declared().replace('council: west', 'council: east'));
    const { code, stderr } = await set.cli('apply', file);
    expect(code).toBe(1);
    expect(stderr).toContain('Slots of pool calc are granted by council west');
  });
});

describe.skipIf(missing !== '')(`a council of one that dies ${missing}`, () => {
  const folder = missing === '' ? labFolder() : '';
  const file = `${folder}-one.yaml`;
  let set: RunningSet;

  beforeAll(async () => {
    writeFileSync(file, edgeDeclaration().replace(/^council: .*$/m, 'council: [node-a]'));
    set = await RunningSet.start({ folder, file });
  });
  afterAll(async () => {
    await set?.takeDown();
    rmSync(file, { force: true });
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  test('is followed by whom an operator names, though that node was no member: a failover, and no birth', async () => {
    const before = slotOf(await set.whole(), 'web');
    await set.must('kill', 'node-a', '--no-wait');
    // Whether its guard lets go of the slots before it dies, too, is a race.
    const gone = await set.untilState('nobody is known to hold the slot', (state) => {
      const { holder, isUnheard } = slotOf(state, 'web');
      return holder === null || isUnheard;
    });
    if (slotOf(gone, 'web').isUnheard)
      expect(slotOf(gone, 'web').reason).toContain('held it when node-a was heard last');
    await set.untilState('the manager knows', (state) => state.sets[0]?.councils[0]?.reachable === 0);
    await set.must('council', 'force', 'node-b', '--i-know-the-other-is-dead');
    const after = await set.untilState('it is held again', (state) =>
      ['node-b', 'node-c'].includes(slotOf(state, 'web').node ?? ''),
    );
    const { holder, node, epoch } = slotOf(after, 'web');
    expect(epoch).toBeGreaterThan(2 * GENERATION);
    const told = await set.untilState('the failover is recorded', ({ failovers }) =>
      failovers.some((each) => each.pool === 'web' && each.epoch === epoch),
    );
    const record = told.failovers.find((each) => each.pool === 'web' && each.epoch === epoch);
    // None of its members has heard of the former holder; the manager has.
    const from = { from: before.holder, fromNode: before.node };
    expect(record).toMatchObject({ ...from, to: holder, toNode: node, fencedBy: 'timeout' });
    expect(await set.must('failover', 'list')).toContain(holder ?? 'nobody');
  });
});
