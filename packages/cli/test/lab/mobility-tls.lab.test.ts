// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { type TestSet, testSet } from '@vnfpool/testkit/certificates';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answerTo, HandLab, told } from './hand-lab.ts';
import { type Child, notBuilt, until } from './support.ts';

/* Nodes without a set under a manager in the hand, all of them with certificates. */

describe.skipIf(notBuilt !== '')(`service mobility over TLS, as processes ${notBuilt}`, () => {
  let set: TestSet;
  let lab: HandLab;

  beforeAll(async () => {
    set = await testSet('lab');
  });
  beforeEach(() => {
    lab = new HandLab();
  });
  afterEach(() => lab.close());

  const asManager = async (): Promise<string[]> =>
    lab.secured('manager', await set.credentials({ role: 'manager', name: 'm' }));
  /** Options of a node whose certificate names this ID, and no address of it. */
  const asNode = async (id: number): Promise<string[]> =>
    lab.secured(
      `node-${id}`,
      await set.credentials({ role: 'node', name: `host-${id}`, id }, { addresses: [] }),
    );
  const node = async (id: number, at: string, ...more: readonly string[]): Promise<Child> =>
    lab.node(`node-${id}`, at, ...(await asNode(id)), ...more);

  test.each(['tcp', 'mptcp'])(
    'a function moves with its state between nodes that show certificates: %s',
    async (transport) => {
      const spec = lab.movable(`${lab.folder}/taken`);
      const [manager, at] = await lab.serve(
        [
          'wait 1',
          'wait 2',
          `add 1 101 --spec ${spec}`,
          'wait 1 101 Running',
          'move 1 101 --to 2',
          'wait 2 101 Running',
          'wait 1 101 gone',
          'nodes',
        ],
        '--transport',
        transport,
        ...(await asManager()),
      );
      await node(1, at, '--transport', transport);
      await node(2, at, '--transport', transport);
      const { code, stderr } = await manager.ended;
      expect([code, stderr]).toEqual([0, '']);
      expect(answerTo(manager, 'nodes')).toMatchObject({
        nodes: [
          { nodeId: 1, name: 'host-1', functions: [] },
          { nodeId: 2, name: 'host-2', functions: [{ functionId: 101, status: 'Running' }] },
        ],
      });
      expect(readFileSync(`${lab.folder}/taken`, 'utf8')).toBe('what it knows\n');
    },
  );

  test('a node that says another Node ID than its certificate is refused with 130, and stays away', async () => {
    const [manager, at] = await lab.serve(['wait 2'], '--stay', ...(await asManager()));
    const liar = await node(3, at, '--node-id', '7');
    await until('the node is refused', () => liar.stderr().includes('REGISTRATION refused with 130'));
    await node(2, at);
    await until('the honest one is in', () => answerTo(manager, 'wait 2'));
    const events = told(manager);
    expect(events.filter(({ event }) => event === 'node-registered').map((each) => each['node'])).toEqual([
      2,
    ]);
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'event', reason: 'node id 7 is not yours' }),
    );
    expect(liar.isOver()).toBe(false);
  });

  test('state is not given to a node with another certificate than the destination; the source goes on', async () => {
    const spec = lab.movable(`${lab.folder}/taken`);
    const [manager, at] = await lab.serve(
      ['wait 1', 'wait 2', 'wait 3', `add 1 101 --spec ${spec}`, 'wait 1 101 Running', 'show 3'],
      '--stay',
      ...(await asManager()),
    );
    const [source] = [await node(1, at), await node(2, at), await node(3, at)];
    const shown = await until('all are there', () => answerTo(manager, 'show 3'));
    const third = String((shown['node'] as { statePort: number }).statePort);
    manager.process.kill('SIGTERM');
    expect((await manager.ended).code).toBe(0);
    // Whoever wrote the order was wrong about where node 2 takes state: node 3 does, there.
    const [second] = await lab.serve(
      ['wait 1', 'wait 2', `move 1 101 --to 2 --at 127.0.0.1:${third} --spec ${spec}`],
      '--stay',
      '--listen',
      at,
      ...(await asManager()),
    );
    const reasonOf = (each: Record<string, unknown>): string => String(each['reason']);
    const given = await until('the source says that it goes on', () =>
      told(second).find((each) => each['node'] === 1 && reasonOf(each).includes('not transferred to node 2')),
    );
    expect(given).toMatchObject({ event: 'function-status', status: 'Running' });
    expect(source.stderr()).toContain('another node takes state there');
    expect(() => readFileSync(`${lab.folder}/taken`)).toThrow();
  });

  test('state is not taken from a node with another certificate than the source, though it shows the token', async () => {
    const spec = lab.movable(`${lab.folder}/taken`);
    const [manager, at] = await lab.serve(
      [
        'wait 1',
        'wait 2',
        'wait 3',
        `add 2 101 --spec ${spec} --from 1`,
        `add 3 101 --spec ${spec}`,
        'wait 3 101 Running',
      ],
      '--stay',
      ...(await asManager()),
    );
    const nodes = [await node(1, at), await node(2, at), await node(3, at)];
    const prepared = await until('node 2 waits for node 1', () => answerTo(manager, 'add 2 101'));
    await until('node 3 runs one of the same number', () => answerTo(manager, 'wait 3 101 Running'));
    const stolen = prepared['token'];
    if (typeof stolen !== 'string') throw new Error('no token was printed');
    manager.process.kill('SIGTERM');
    expect((await manager.ended).code).toBe(0);
    const [second] = await lab.serve(
      ['wait 2', 'wait 3', `move 3 101 --to 2 --token ${stolen}`],
      '--stay',
      '--listen',
      at,
      ...(await asManager()),
    );
    const logged = (line: string) =>
      nodes[1]
        ?.stderr()
        .split('\n')
        .some((each) => each.includes(line) && each.includes('"peer":3'));
    await until('node 2 refuses node 3', () => logged('a state channel without a transfer'));
    await until('node 3 goes on', () =>
      told(second).find(
        ({ event, node: id, status }) => event === 'function-status' && id === 3 && status === 'Running',
      ),
    );
    expect(() => readFileSync(`${lab.folder}/taken`)).toThrow();
  });
});
