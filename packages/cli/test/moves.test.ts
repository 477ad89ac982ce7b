// SPDX-License-Identifier: Apache-2.0
import type { EventView, InstanceView, MoveView, NodeView } from '@vnfpool/core/management';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failover, NOW } from '../../daemons/test/management-api/edge-state.ts';
import { describeMove } from '../src/moves/progress.ts';
import { Bench } from './fixtures/bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.make();
});

afterEach(() => bench.close());

const sending: MoveView = {
  to: 'node-d',
  startedAt: NOW,
  phase: 'sending',
  bytes: 34 * 1024 ** 2,
  bytesTotal: 100 * 1024 ** 2,
  bytesPerSecond: 55 * 1024 ** 2,
  changePerSecond: 1024 ** 2,
  expectedPauseMs: 12,
  expectedEndMs: 1_200,
};

function happened(type: string, message: string, subject = 'instance web#1'): EventView {
  return { id: 900, at: NOW, type, severity: 'info', subject, message };
}

function instance(change: Partial<InstanceView>): { instances: InstanceView[] } {
  const { instances } = bench.backend.view;
  return { instances: instances.map((each) => (each.name === 'web#1' ? { ...each, ...change } : each)) };
}

function node(change: Partial<NodeView>): { nodes: NodeView[] } {
  const { nodes } = bench.backend.view;
  return { nodes: nodes.map((each) => (each.name === 'node-a' ? { ...each, ...change } : each)) };
}

function happen(event: EventView): void {
  bench.backend.happen(event);
  bench.backend.change({});
}

/** What comes of the order, when it has come. */
function then(story: () => void): void {
  const { backend } = bench;
  const [move, drain] = [backend.move.bind(backend), backend.drain.bind(backend)];
  backend.move = (request) => move(request).finally(story);
  backend.drain = (request) => drain(request).finally(story);
}

describe('instance move', () => {
  test('ordered, shown while it goes, and told how it ended; the slot it holds has a record', async () => {
    then(() => {
      bench.backend.change(instance({ move: sending }));
      happen(happened('instance.moved', 'web#1 moved from node-a to node-d in 0.5 s.'));
      const moved = {
        ...failover,
        id: 'f2',
        from: 'web#1',
        to: 'web#1',
        fromNode: 'node-a',
        toNode: 'node-d',
        cause: 'it was handed over',
      };
      bench.backend.change({ failovers: [moved, ...bench.backend.view.failovers] });
    });
    const { code, out, err } = await bench.run([
      'instance',
      'move',
      'web#1',
      '--to',
      'node-d',
      '--wait',
      '5s',
    ]);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('web#1: moves to node-d\n');
    expect(out).toContain('web#1 moved from node-a to node-d in 0.5 s.\n');
    expect(out).toContain('web/0  web#1 on node-a → node-d');

    expect(bench.backend.asked).toContainEqual({ what: 'move', with: { instance: 'web#1', to: 'node-d' } });
  });

  test('a failure is one, with its reason', async () => {
    then(() => happen(happened('instance.move-failed', 'web#1 stays on node-a: no room.')));
    expect(await bench.run(['instance', 'move', 'web#1'])).toMatchObject({
      code: 1,
      out: expect.stringContaining('web#1 stays on node-a: no room.'),
      err: 'vnfpool: web#1 did not move\n',
    });
  });

  test('taken back, or too late for that', async () => {
    const cancel = ['instance', 'move', 'web#1', '--cancel'];
    then(() => happen(happened('instance.move-cancelled', 'web#1 stays on node-a.')));
    expect(await bench.run(cancel)).toMatchObject({ code: 0 });
    await bench.close();
    bench = await Bench.make();
    then(() => happen(happened('instance.moved', 'web#1 moved.')));
    expect(await bench.run(cancel)).toMatchObject({ code: 1, err: 'vnfpool: web#1 moved all the same\n' });
  });

  test('who does not wait is done, and who waits in vain is told so', async () => {
    expect(await bench.run(['instance', 'move', 'web#1', '--no-wait'])).toMatchObject({
      code: 0,
      out: 'web#1: moves to node-d\n',
    });
    expect(await bench.run(['instance', 'move', 'web#1', '--wait', '50ms'])).toMatchObject({
      code: 1,
      err: 'vnfpool: web#1 has not arrived within 50 ms; it goes on\n',
    });
  });

  test.each([
    [['instance', 'move', 'web'], /POOL#NUMBER/],
    [['instance', 'move', 'web#1', '--cancel', '--to', 'node-d'], /--to does not go with --cancel/],
  ])('said wrongly: %s', async (words, message) => {
    expect(await bench.run(words)).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  });
});

test.each([
  [{ phase: 'preparing' }, 'web#1: is started on node-d'],
  [{ bytes: null }, 'web#1: sends its state to node-d'],
  [{ bytes: 0, bytesTotal: null }, 'web#1: sends its state to node-d'],
  [{}, 'web#1: 34 MiB of 100 MiB to node-d, 55 MiB/s, changes 1 MiB/s; will pause about 12 ms, 1.2 s left'],
  [
    {
      bytesTotal: null,
      bytesPerSecond: null,
      changePerSecond: 0,
      expectedPauseMs: null,
      expectedEndMs: null,
    },
    'web#1: 34 MiB to node-d',
  ],
  [{ phase: 'switching' }, 'web#1: its state is on node-d; its slot follows'],
] as const)('a line of progress: %j', (change, line) => {
  expect(describeMove('web#1', { ...sending, ...change })).toBe(line);
});

describe('instance move-sessions', () => {
  const words = ['instance', 'move-sessions', 'web#1', '--to', 'web#2'];
  function then_(type: string, message: string): void {
    const { backend } = bench;
    const ask = backend.moveSessions.bind(backend);
    backend.moveSessions = (request) => ask(request).finally(() => happen(happened(type, message)));
  }

  test('so many go, and have moved', async () => {
    then_('sessions.moved', '3 sessions of web#1 moved to web#2.');
    expect(await bench.run([...words, '--ratio', '0.3', '--uri', 'sip:a@example.com'])).toEqual({
      code: 0,
      out: 'web#1: 3 sessions go to web#2\n3 sessions of web#1 moved to web#2.\n',
      err: '',
    });
    expect(bench.backend.asked).toContainEqual({
      what: 'moveSessions',
      with: { from: 'web#1', to: 'web#2', ratio: 0.3, uri: 'sip:a@example.com' },
    });
  });

  test('what did not move is an error', async () => {
    then_('sessions.move-failed', 'Sessions of web#1 stay: no.');
    expect(await bench.run([...words, '--all'])).toMatchObject({
      code: 1,
      err: 'vnfpool: sessions of web#1 did not move\n',
    });
  });

  test.each([
    [words, /say which sessions/],
    [[...words, '--ratio', '2'], /0 to 1/],
    [[...words, '--count', '-1'], /number/],
    [['instance', 'move-sessions', 'web#1', '--all'], /--to/],
  ])('said wrongly: %s', async (said, message) => {
    expect(await bench.run(said)).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  });
});

describe('node drain', () => {
  test('ends when the node may be switched off, and says what that means for the council', async () => {
    then(() => {
      bench.backend.change(node({ drain: { since: NOW, isOver: false, staying: [] } }));
      bench.backend.change(node({ drain: { since: NOW, isOver: true, staying: [] } }));
    });
    expect(await bench.run(['node', 'drain', 'node-a'])).toEqual({
      code: 0,
      out: 'node-a: is being drained\nnode-a may be switched off: nothing runs on it. It is in the council: leases go on while 2 of 3 members run.\n',
      err: '',
    });
  });

  test('what stays is named', async () => {
    then(() => bench.backend.change(node({ drain: { since: NOW, isOver: true, staying: ['web#1'] } })));
    expect((await bench.run(['node', 'drain', 'node-a'])).out).toContain(
      'web#1 stays without a slot, as no other node is free',
    );
  });

  test('taken back by somebody: told', async () => {
    then(() => bench.backend.change(node({ drain: { since: NOW, isOver: false, staying: [] } })));
    const draining = bench.run(['node', 'drain', 'node-a', '--wait', '100ms']);
    expect(await draining).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /^vnfpool: node-a is not empty within 100 ms, it has (?:\w+#\d, )*\w+#\d still, see vnfpool explain; it goes on being drained\n$/,
      ),
    });
    expect(await bench.run(['node', 'drain', 'node-a', '--cancel'])).toMatchObject({
      code: 0,
      out: 'node-a: may be used again\n',
    });
    expect(bench.backend.asked.at(-1)).toEqual({ what: 'drain', with: { node: 'node-a', cancel: true } });
  });
});
