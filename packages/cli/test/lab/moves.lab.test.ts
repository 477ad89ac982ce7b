// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StateView } from '@vnfpool/core/management';
import { createNamespace } from '@vnfpool/platform/namespaces';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failoverSince, instanceOf, isWhole, labFolder, RunningSet, slotOf } from './running-set.ts';
import { type Child, notBuilt, start, until } from './support.ts';

/*
 * Instances that move between the nodes of a set while somebody counts at their address: what was acknowledged is not
 * forgotten while the source lives, whatever else dies, and however far the move was.
 */

const missing = notBuilt || whyNoNamespaces();
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const ADDRESS = '10.77.0.100';
const PORT = 7000;

function whyNoNamespaces(): string {
  try {
    createNamespace().close();
    return '';
  } catch (error) {
    return `no network namespaces: ${String(error)}`;
  }
}

interface Counted {
  readonly counted: number;
  /** Number acknowledged, and what was known when the next came. */
  readonly forgotten: readonly (readonly [number, number])[];
}

describe.skipIf(missing !== '')(`moves in a set ${missing}`, () => {
  let set: RunningSet;
  let file: string;
  let gate: string;
  let client: Child;
  let before: StateView;

  beforeAll(async () => {
    file = `${labFolder()}.yaml`;
    gate = `${file}.gate`;
    writeFileSync(
      file,
      `set: moving
nodes: [node-a, node-b, node-c, node-d]
pools:
  count:
    function:
      program: ${process.execPath}
      arguments: [${fixture('counter.mjs')}, "{port}", ${gate}]
      port: ${PORT}
      state: { via: socket }
    redundancy: { slots: 1, standbys: 1 }
    address: ${ADDRESS}/24
    failover: { lease: 1s }
`,
    );
    set = await RunningSet.start({ file });
  }, 60_000);
  afterAll(async () => {
    await set?.takeDown();
    for (const each of [file, gate, `${gate}.reached`]) rmSync(each, { force: true });
  });

  beforeEach(async () => {
    await set.mend();
    before = await set.untilState('the set is whole and nothing moves', isSettled);
    rmSync(`${gate}.reached`, { force: true });
    const pid = await set.pidOf('registrar');
    const words = [process.execPath, fixture('counting.mjs'), ADDRESS, String(PORT)];
    client = start(['nsenter', '-t', String(pid), '-n', '--', ...words]);
    await until('somebody counts', () => client.stdout().includes('counting'));
  });
  afterEach(async () => {
    rmSync(gate, { force: true });
    client.process.kill('SIGTERM');
    await client.ended;
  });

  const holder = (): string => slotOf(before, 'count').holder ?? '';
  const isSettled = (state: StateView): boolean =>
    isWhole(state) && state.instances.every(({ move }) => move === null);
  /** A node on which the pool has nothing. */
  const free = (): string =>
    before.nodes.find(({ functions, drain }) => functions.length === 0 && drain === null)?.name ?? '';
  const eventOf = (state: StateView, type: string) =>
    state.events.find((event) => event.type === type && !before.events.some(({ id }) => id === event.id));

  async function counted(): Promise<Counted> {
    client.process.kill('SIGTERM');
    const { stdout } = await client.ended;
    return JSON.parse(stdout.split('\n').at(-2) ?? '') as Counted;
  }

  /** Begins a move and waits until it stands before this step. */
  async function moveUpTo(step: string, to: string): Promise<void> {
    writeFileSync(gate, step);
    await set.must('instance', 'move', holder(), '--to', to, '--no-wait');
    await until(
      `the move stands before ${step}`,
      () => existsSync(`${gate}.reached`) && readFileSync(`${gate}.reached`, 'utf8').includes(step),
    );
  }

  test('who holds the slot moves with its state and its slot, and nothing that was acknowledged is forgotten', async () => {
    const to = free();
    const said = await set.must('instance', 'move', holder(), '--to', to);
    expect(said).toMatch(/moved from \S+ to \S+ in \S+ s\./);
    expect(said).toMatch(/epoch \S+ it was handed over on purpose \(fenced by release\)/);
    const after = await set.untilState('the set is whole', isSettled);
    expect(slotOf(after, 'count')).toMatchObject({ holder: holder(), node: to });
    expect(failoverSince(after, slotOf(before, 'count'))).toMatchObject({ from: holder(), to: holder() });
    expect((await counted()).forgotten).toEqual([]);
  });

  test('a node is drained: who holds the slot goes to a free one, and nothing is forgotten', async () => {
    const node = slotOf(before, 'count').node ?? '';
    expect(await set.must('node', 'drain', node)).toContain(
      `${node} may be switched off: nothing runs on it.`,
    );
    const after = await set.untilState('nothing runs there', (state) =>
      state.nodes.some(({ name, functions }) => name === node && functions.length === 0),
    );
    expect(slotOf(after, 'count').node).not.toBe(node);
    expect((await counted()).forgotten).toEqual([]);
    await set.must('node', 'drain', node, '--cancel');
  });

  test('it is taken back while its state goes: it serves on, and no copy is left', async () => {
    const to = free();
    await moveUpTo('snapshot', to);
    await set.must('instance', 'move', holder(), '--cancel', '--no-wait');
    rmSync(gate);
    const after = await set.untilState('it was taken back', (state) =>
      eventOf(state, 'instance.move-cancelled'),
    );
    expect(instanceOf(after, holder()).node).toBe(slotOf(before, 'count').node);
    expect(slotOf(after, 'count')).toMatchObject({ holder: holder(), node: slotOf(before, 'count').node });
    expect((await counted()).forgotten).toEqual([]);
  });

  test.each(['snapshot', 'last'])(
    'the destination dies before %s: the source serves on with everything',
    async (step) => {
      const to = free();
      await moveUpTo(step, to);
      await set.must('kill', to, '--no-wait');
      rmSync(gate);
      await set.untilState('the move has failed', (state) => eventOf(state, 'instance.move-failed'));
      const result = await counted();
      expect(result.forgotten).toEqual([]);
      const after = await set.state();
      expect(slotOf(after, 'count')).toMatchObject({ holder: holder(), node: slotOf(before, 'count').node });
    },
  );

  test('the source dies while it sends: the standby takes the slot, and the copy goes', async () => {
    const to = free();
    await moveUpTo('snapshot', to);
    await set.must('kill', slotOf(before, 'count').node ?? '', '--no-wait');
    rmSync(gate);
    const after = await set.untilState('another one serves, and the move has failed', (state) => {
      const slot = slotOf(state, 'count');
      return slot.holder !== null && slot.holder !== holder() && eventOf(state, 'instance.move-failed');
    });
    expect(instanceOf(after, holder()).node).toBe(slotOf(before, 'count').node);
  });

  test('the manager dies: the nodes finish by themselves, and the next one finds where everything is', async () => {
    const to = free();
    await moveUpTo('snapshot', to);
    await set.must('kill', 'manager');
    rmSync(gate);
    await until('the destination serves', () => set.log(to).includes('state transferred'));
    await set.mend();
    const after = await set.untilState('the set is whole', isSettled);
    expect(slotOf(after, 'count')).toMatchObject({ holder: holder(), node: to });
    expect(instanceOf(after, holder()).node).toBe(to);
    expect((await counted()).forgotten).toEqual([]);
  });
});
