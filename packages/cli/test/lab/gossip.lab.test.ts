// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hosts, missing } from './hosts.ts';
import { isWhole } from './running-set.ts';
import { type Child, until } from './support.ts';

/* Calls counted at three instances that all serve: each count comes to all of them, whatever fails meanwhile. */

const folder = fileURLToPath(new URL('../../../../examples/limits', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.78.0.2',
  'node-a': '10.78.0.11',
  'node-b': '10.78.0.12',
  'node-c': '10.78.0.13',
  'node-d': '10.78.0.14',
};
/** The example's, with times that do not run out on a machine that does much else. */
const declaration = readFileSync(`${folder}/set.yaml`, 'utf8')
  .replace('arguments: [limits.mjs', `arguments: [${folder}/limits.mjs`)
  .replaceAll('10.77.0.', '10.78.0.')
  .replace('every: 500ms, timeout: 400ms', 'every: 1s, timeout: 1s')
  .replace('lease: 1s', 'lease: 2s');

describe.skipIf(missing !== '')(`state that merges ${missing}`, () => {
  let hosts: Hosts;
  let agents: Map<string, Child>;
  /** What was counted, by customer. */
  const counted: Record<string, number> = {};

  const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
    hosts.untilState('manager', what, isSo);
  const apply = async (text: string): Promise<void> => {
    writeFileSync(`${hosts.folder}/set.yaml`, text);
    const { code, stderr } = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(code, stderr).toBe(0);
  };
  /** What the instance on a node answers, also where nobody else reaches it; empty: it did not. */
  const asked = async (node: string, method: string, path: string, times = 1): Promise<string> => {
    const script = `let last = '';
      for (let time = 0; time < ${times}; time += 1)
        last = await fetch('http://127.0.0.1:8080${path}', { method: '${method}', signal: AbortSignal.timeout(2000) })
          .then((answer) => (answer.ok ? answer.text() : '')).catch(() => '');
      process.stdout.write(last);`;
    const child = hosts.start(node, [process.execPath, '--input-type=module', '-e', script]);
    await child.ended;
    return child.stdout();
  };
  const count = async (node: string, customer: string, times: number): Promise<void> => {
    // One is left out where its answer does not come: what is asked for counts here.
    expect(await asked(node, 'POST', `/calls/${customer}`, times), `${node} counts`).not.toBe('');
    counted[customer] = (counted[customer] ?? 0) + times;
  };
  const shown = async (node: string): Promise<Record<string, number>> =>
    JSON.parse((await asked(node, 'GET', '/calls')) || '{}') as Record<string, number>;
  const shows = (node: string, what: Readonly<Record<string, number>> = counted): Promise<unknown> =>
    until(`${node} shows ${JSON.stringify(what)}`, async () => {
      const now = await shown(node);
      return Object.entries(what).every(([customer, calls]) => now[customer] === calls) ? now : null;
    });
  const kill = (pids: readonly number[]): void => {
    for (const pid of pids) process.kill(pid, 'SIGKILL');
  };
  const agentOf = (node: string): Child => agents.get(node) as Child;
  const member = (node: string): string[] =>
    `--state ${hosts.stateOf(node)} --name ${node} --listen eth0 --interface eth0`.split(' ');
  const startAgain = async (node: string, ...more: readonly string[]): Promise<void> => {
    agents.set(node, hosts.daemon(node, 'node', ...member(node), ...more));
    await hosts.ready(agentOf(node));
  };
  const nodesOf = (state: StateView): string[] =>
    state.instances.map(({ node }) => node ?? '').toSorted((a, b) => (a < b ? -1 : 1));
  const serving = (state: StateView): boolean =>
    isWhole(state) && state.instances.every(({ healthy }) => healthy);
  const isSpread = ({ slots }: StateView): boolean =>
    new Set(slots.map(({ holder }) => holder)).size === slots.length;

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    agents = await hosts.startSet('limits', NODES);
    await apply(declaration);
    const state = await untilState('all serve', (each) => serving(each) && nodesOf(each).length === 3);
    expect(nodesOf(state)).toEqual([...NODES]);
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => hosts.tellStory('manager'));
  });
  afterAll(async () => {
    await hosts?.takeDown();
  });

  test('what is counted at each adds up at all', async () => {
    for (const [at, node] of NODES.entries()) await count(node, 'anna', 10 + at);
    for (const node of NODES) await shows(node, { anna: 33 });
    await asked('node-a', 'PUT', '/limits/bert/2');
    await until('the limit is known everywhere', async () => (await shown('node-c'))['bert'] === 0);
    await asked('node-c', 'POST', '/calls/bert', 2);
    counted['bert'] = 2;
    await shows('node-b');
    // The limit was set elsewhere, and so were the calls.
    expect(await asked('node-b', 'POST', '/calls/bert')).toBe('');
  });

  test("the example's probe finds every call that it began, at all of them", async () => {
    const instances = NODES.map((node) => `http://${ADDRESSES[node]}:8080`);
    const words = [`${folder}/probe.mjs`, '--count', '300', '--customer', 'hanna', ...instances];
    const probe = hosts.start('node-a', [process.execPath, ...words]);
    const { code } = await probe.ended;
    expect(code, probe.stdout() + probe.stderr()).toBe(0);
    expect(JSON.parse(probe.stdout())).toMatchObject({
      before: 0,
      begun: 300,
      refused: 0,
      unanswered: 0,
      shown: [300, 300, 300],
      isRight: true,
    });
    counted['hanna'] = 300;
  });

  test('a function that is killed is given all again', async () => {
    const [pid = 0] = hosts.functionPids('node-a');
    kill([pid]);
    await until('another one runs', () => !hosts.functionPids('node-a').includes(pid));
    await shows('node-a');
    await count('node-a', 'anna', 3);
    for (const node of NODES) await shows(node);
  });

  test('of a node that dies what had spread stays; it comes back and gets all', async () => {
    await count('node-b', 'carl', 7);
    await shows('node-a');
    kill([agentOf('node-b').pid, ...hosts.functionPids('node-b')]);
    await count('node-c', 'carl', 2);
    await shows('node-a');
    await startAgain('node-b');
    await shows('node-b');
    await count('node-b', 'carl', 1);
    for (const node of NODES) await shows(node);
  });

  test('an instance that is cut off counts on, and its counts come when it is back', async () => {
    hosts.network.cut('node-c');
    await count('node-c', 'dora', 5);
    await count('node-a', 'dora', 4);
    await shows('node-b', { dora: 4 });
    await shows('node-c', { dora: 5 });
    await untilState('its silence is told', (state) =>
      state.events.some(({ type }) => type === 'pool.peer-silent'),
    );
    hosts.network.heal('node-c');
    for (const node of NODES) await shows(node);
    await untilState('that it is heard again is told', (state) =>
      state.events.some(({ type }) => type === 'pool.peer-heard'),
    );
  });

  test('an agent that ends in order tells what it has before', async () => {
    // Nobody waits for it to spread.
    await count('node-b', 'emil', 6);
    await startAgain('node-b', '--take-over');
    for (const node of NODES) await shows(node);
  });

  test('of an instance that moves, and of one that is deleted, the counts stay', async () => {
    const token = await hosts.token('manager', 'node', 'node-d');
    agents.set('node-d', hosts.daemon('node-d', 'node', ...member('node-d'), '--join', token));
    await hosts.ready(agentOf('node-d'));
    await apply(declaration.replace('node-c]', 'node-c, node-d]'));
    // Slots that went elsewhere in the faults before may be on their way back, and who holds two cannot move.
    const state = await untilState('all serve, a slot each', (now) => serving(now) && isSpread(now));
    const mine = state.instances.find(({ node }) => node === 'node-a')?.name ?? '';
    await count('node-a', 'frida', 8);
    const { code, stderr } = await hosts.cli('manager', 'instance', 'move', mine, '--to', 'node-d');
    expect(code, stderr).toBe(0);
    await untilState('it is there', (now) => serving(now) && nodesOf(now).join() === 'node-b,node-c,node-d');
    for (const node of ['node-b', 'node-c', 'node-d']) await shows(node);
    for (const node of ['node-b', 'node-c', 'node-d']) await count(node, 'gustav', 4);
    await apply(declaration.replace('node-c]', 'node-c, node-d]').replace('instances: 3', 'instances: 2'));
    const after = await untilState('one is gone', (now) => serving(now) && now.instances.length === 2);
    for (const node of nodesOf(after)) await shows(node);
    // One who knows it only from them.
    await apply(declaration.replace('node-c]', 'node-c, node-d]'));
    const again = await untilState('there are three', (now) => serving(now) && now.instances.length === 3);
    for (const node of nodesOf(again)) await shows(node);
  });
});
