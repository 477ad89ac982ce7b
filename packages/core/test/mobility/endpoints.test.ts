// SPDX-License-Identifier: Apache-2.0

import { WireError } from '@vnfpool/wire/bytes';
import { MobilityDecodeError, type MobilityMessage, type SlotReport } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { functionId, nodeId } from '../../src/identity.ts';
import { type Host, World } from './world.ts';

const T = 1000;
const specification = { v: 1, kind: 'process', command: ['/bin/hss'] } as const;

function managed(options: ConstructorParameters<typeof World>[0] = {}): { world: World; a: Host } {
  const world = new World(options);
  const a = world.host('node-a', 10);
  world.toHost(a, { type: 'start' });
  world.run(100);
  return { world, a };
}

function add(world: World, requestId: number, id: number): void {
  world.toManager({
    type: 'add',
    requestId,
    node: nodeId(10),
    functionId: functionId(id),
    name: `r${requestId}`,
    specification,
  });
}

function results(world: World): [number, number][] {
  return world.of('operation-result').map(({ requestId, code }) => [requestId, code]);
}

describe('registration', () => {
  test('a node registers, is told the term and its timing, and is asked what it runs', () => {
    const { world, a } = managed({ keepAliveIntervalMs: 200 });
    expect(world.story()).toEqual(['node-registered', 'node-functions']);
    expect(world.of('node-registered')[0]).toMatchObject({
      node: 10,
      name: 'node-a',
      resumed: false,
      isAsked: true,
      addresses: ['192.0.2.10'],
    });
    expect(a.outputs.find(({ type }) => type === 'managed')).toEqual({
      type: 'managed',
      nodeId: 10,
      term: 1n,
    });
    const types = a.outputs.map(({ type }) => type);
    expect(types.indexOf('persist')).toBeLessThan(types.indexOf('managed'));
    expect(a.outputs.find(({ type }) => type === 'persist')).toMatchObject({ nodeId: 10, highestTerm: 1n });
  });

  test('Node ID 0 asks for one', () => {
    const world = new World();
    const a = world.host('node-a', 10, { nodeId: 0 });
    world.toHost(a, { type: 'start' });
    world.run(100);
    expect(a.outputs).toContainEqual({ type: 'persist', nodeId: 10, highestTerm: 1n });
  });

  test("a Node ID that is not the certificate's is refused with 130, and the node stays away for 60 s", () => {
    const world = new World();
    const a = world.host('node-a', 10, { nodeId: 11 });
    world.toHost(a, { type: 'start' });
    world.run(59_000);
    expect(world.of('node-registered')).toEqual([]);
    expect(world.traffic.filter(({ message }) => message.type === 'ack')).toMatchObject([
      { message: { code: 130 } },
    ]);
    expect(a.outputs.filter(({ type }) => type === 'connect')).toHaveLength(1);
    world.run(2000);
    expect(a.outputs.filter(({ type }) => type === 'connect')).toHaveLength(2);
  });

  test('a later message for another Node ID is refused with 130 on a registered connection', () => {
    const { world, a } = managed();
    world.forge(world.linkOf(a), {
      type: 'status-update',
      sequence: 900,
      nodes: [{ id: 11, functions: [{ id: 1, information: { status: 'Running' } }] }],
    });
    world.run(10);
    expect(world.of('function-status')).toEqual([]);
    expect(world.of('event')).toMatchObject([{ event: 'refused', reason: 'node id 11 is not yours' }]);
  });

  test('messages before a registration are refused; without one the connection is closed', () => {
    const world = new World();
    world.toManager({ type: 'connected', connection: 5, identity: { node: nodeId(10), name: 'x' } });
    world.toManager({
      type: 'message',
      connection: 5,
      message: { type: 'status-update', sequence: 1, nodes: [{ id: 10 }] },
    });
    expect(world.of('send')[0]?.message).toMatchObject({ type: 'ack', code: 128 });
    world.run(5001);
    expect(world.of('close')).toMatchObject([{ connection: 5 }]);
  });

  test('an old term is refused and its connection closed', () => {
    const world = new World({ term: 4n });
    const a = world.host('node-a', 10, { highestTerm: 5n });
    world.toHost(a, { type: 'start' });
    world.run(1000);
    expect(a.outputs.filter(({ type }) => type === 'managed')).toEqual([]);
    expect(a.outputs).toContainEqual(expect.objectContaining({ type: 'event', event: 'term-refused' }));
    expect(a.outputs.filter(({ type }) => type === 'persist')).toEqual([]);
    // The manager is told why.
    expect(world.of('event')).toContainEqual(
      expect.objectContaining({ event: 'peer-error', reason: 'term 4 is below 5' }),
    );
    world.restartManager({ term: 6n, instance: 2n });
    world.run(12_000);
    expect(a.outputs.find(({ type }) => type === 'managed')).toMatchObject({ term: 6n });
  });

  test('attempts come at once, then after waits that double up to 10 s', () => {
    const world = new World();
    const a = world.host('node-a', 10);
    a.reachable = false;
    world.toHost(a, { type: 'start' });
    world.run(60_000);
    const attempts = a.outputs.filter(({ type }) => type === 'connect').length;
    // 0, 0, then 100 ms to 10 s halved at most by jitter: never more than these.
    expect(attempts).toBeGreaterThan(9);
    expect(attempts).toBeLessThan(22);
  });
});

describe('a second node with the same ID', () => {
  function second(world: World): Host {
    const b = world.host('node-a again', 10, { instance: 77n, bootTime: 5n << 32n });
    world.toHost(b, { type: 'start' });
    return b;
  }

  test('is refused with error 10 while the first one answers', () => {
    const { world, a } = managed();
    const b = second(world);
    world.run(50);
    expect(b.outputs.filter(({ type }) => type === 'managed')).toEqual([]);
    expect(world.of('event').some(({ event }) => event === 'second-node')).toBe(true);
    const refusal = world.traffic.find(({ message }) => message.type === 'ack' && message.code === 128);
    expect(refusal?.message.nodes[0]?.extensions).toEqual({ error: 10 });
    expect(a.outputs.some(({ type }) => type === 'unmanaged')).toBe(false);
  });

  test('replaces it when the first one does not answer within T', () => {
    const { world, a } = managed();
    world.linkOf(a).silent = true;
    const b = second(world);
    world.run(T - 50);
    expect(b.outputs.some(({ type }) => type === 'managed')).toBe(false);
    world.run(100);
    expect(b.outputs.some(({ type }) => type === 'managed')).toBe(true);
    expect(world.of('node-registered').at(-1)).toMatchObject({ resumed: false, bootTime: 5n << 32n });
    expect(world.of('event').some(({ event }) => event === 'replaced')).toBe(true);
  });

  test('is accepted at once when the first one hangs up meanwhile', () => {
    const { world, a } = managed();
    world.linkOf(a).silent = true;
    const b = second(world);
    world.run(10);
    a.reachable = false;
    world.reset(world.links[0] as never);
    world.run(10);
    expect(b.outputs.some(({ type }) => type === 'managed')).toBe(true);
  });

  test('a new connection of the same process replaces the old one at once', () => {
    const { world, a } = managed();
    const old = world.linkOf(a);
    old.silent = true;
    old.hostOpen = false;
    world.toHost(a, { type: 'disconnected', connection: old.id });
    world.run(10);
    expect(world.of('node-registered').at(-1)).toMatchObject({ resumed: true, isAsked: false });
    expect(world.of('close')).toMatchObject([{ connection: old.id, reason: 'replaced' }]);
    expect(world.of('node-functions')).toHaveLength(1);
  });
});

describe('supervision', () => {
  test('a node that answers stays registered', () => {
    const { world } = managed();
    world.run(20 * T);
    expect(world.story()).toEqual(['node-registered', 'node-functions']);
  });

  test('a silent node is suspect, then lost within T x (M + 1), and back when it registers again', () => {
    const { world, a } = managed();
    world.run(5 * T);
    world.linkOf(a).silent = true;
    a.reachable = false;
    world.run(3 * T);
    expect(world.story().at(-1)).toBe('node-suspect');
    world.run(T + 10);
    expect(world.story().at(-1)).toBe('node-lost');
    expect(a.outputs.at(-1)).toBeDefined();
    a.reachable = true;
    world.run(15 * T);
    expect(world.story()).toEqual([
      'node-registered',
      'node-functions',
      'node-suspect',
      'node-lost',
      'node-registered',
      'node-back',
    ]);
    expect(world.of('node-registered').at(-1)).toMatchObject({ resumed: true });
  });

  test('one lost KEEP-ALIVE makes it suspect, the next answer brings it back on the same connection', () => {
    const { world, a } = managed();
    const link = world.linkOf(a);
    link.silent = true;
    world.run(2 * T);
    link.silent = false;
    world.run(2 * T);
    expect(world.story()).toEqual(['node-registered', 'node-functions', 'node-suspect', 'node-back']);
    expect(world.links).toHaveLength(1);
  });

  test('after a reset the node has T to come back', () => {
    const { world, a } = managed();
    a.reachable = false;
    world.reset(world.linkOf(a));
    expect(world.story().at(-1)).toBe('node-suspect');
    world.run(T - 1);
    expect(world.story().at(-1)).toBe('node-suspect');
    world.run(2);
    expect(world.story().at(-1)).toBe('node-lost');
  });

  test('a reset of a healthy node costs one quick registration', () => {
    const { world, a } = managed();
    world.reset(world.linkOf(a));
    world.run(10);
    expect(world.story()).toEqual([
      'node-registered',
      'node-functions',
      'node-suspect',
      'node-registered',
      'node-back',
    ]);
  });

  test('a node that hears nothing for T x (M + 1) looks for a manager anew', () => {
    const { world, a } = managed();
    world.linkOf(a).silent = true;
    a.reachable = false;
    world.run(4 * T - 1000);
    expect(a.outputs.some(({ type }) => type === 'unmanaged')).toBe(false);
    world.run(1100);
    expect(a.outputs).toContainEqual({ type: 'unmanaged', reason: 'the manager is silent' });
  });
});

describe('operations', () => {
  test('ADD is accepted as Starting, then told as Running; DELETE ends as gone', () => {
    const { world } = managed();
    add(world, 1, 101);
    world.run(20);
    expect(world.of('operation-result')).toMatchObject([
      { requestId: 1, code: 0, status: 'Starting', error: null },
    ]);
    expect(world.of('function-status').map(({ status }) => status)).toEqual(['Starting', 'Running']);
    world.toManager({ type: 'delete', requestId: 2, node: nodeId(10), functionId: functionId(101) });
    world.run(20);
    expect(world.of('function-status').at(-1)).toMatchObject({
      functionId: 101,
      status: 'Unknown',
      gone: true,
    });
    world.toManager({ type: 'get', requestId: 3, node: nodeId(10), functionId: functionId(101) });
    world.run(20);
    expect(world.of('operation-result').at(-1)).toMatchObject({ code: 128, error: 2 });
  });

  test('the agent gets the very octets of the specification', () => {
    const { world, a } = managed();
    add(world, 1, 101);
    world.run(20);
    const order = a.outputs.find(({ type }) => type === 'add');
    expect(order).toMatchObject({ name: 'r1', specification, assignment: null });
    expect(order?.type === 'add' && order.specificationOctets).toEqual(
      new TextEncoder().encode('{"v":1,"kind":"process","command":["/bin/hss"]}'),
    );
  });

  test('to a node that is not registered they are refused, at once', () => {
    const world = new World();
    add(world, 1, 101);
    expect(results(world)).toEqual([[1, 128]]);
  });

  test('the queue is bounded; the window is 256 wide', () => {
    const { world, a } = managed({ operationsMax: 300 });
    a.answers = false;
    for (let id = 1; id <= 301; id++) add(world, id, 1000 + id);
    expect(results(world)).toEqual([[301, 129]]);
    world.run(100);
    const sent = world.traffic.filter(
      ({ message }) => message.type === 'operation' && message.command === 'add',
    );
    expect(sent.length).toBeLessThanOrEqual(256);
    expect(sent.length).toBeGreaterThan(250);
  });

  test('what was sent and not answered is sent again after a reconnect and carried out once', () => {
    const { world, a } = managed();
    a.agentMs = 200;
    add(world, 1, 101);
    world.run(50);
    expect(a.executed).toEqual(['r1']);
    world.reset(world.linkOf(a));
    world.run(400);
    expect(a.executed).toEqual(['r1']);
    expect(results(world)).toEqual([[1, 0]]);
  });

  test('an answer that was lost is given again', () => {
    const { world, a } = managed();
    add(world, 1, 101);
    // The order arrives after 1 ms, its answer would after 2.
    world.run(1);
    expect(a.executed).toEqual(['r1']);
    world.reset(world.linkOf(a));
    world.run(100);
    expect(a.executed).toEqual(['r1']);
    expect(results(world)).toEqual([[1, 0]]);
  });

  test('operations on one function run one after the other, on different ones side by side', () => {
    const { world, a } = managed();
    a.agentMs = 100;
    add(world, 1, 101);
    add(world, 2, 101);
    add(world, 3, 102);
    world.run(50);
    expect(a.executed).toEqual(['r1', 'r3']);
    world.run(100);
    expect(a.executed).toEqual(['r1', 'r3', 'r2']);
  });

  test('without an ACK in time the connection is closed', () => {
    const { world, a } = managed();
    a.answers = false;
    add(world, 1, 101);
    world.run(5010);
    expect(world.of('event').some(({ event }) => event === 'ack-timeout')).toBe(true);
    expect(world.of('node-registered')).toHaveLength(2);
    expect(a.executed).toEqual(['r1']);
  });

  test('a node with a new function table: outcome unknown, functions asked for again', () => {
    const { world, a } = managed();
    a.answers = false;
    add(world, 1, 101);
    world.run(50);
    world.restartHost(a, { instance: 9n, bootTime: 6n << 32n });
    world.run(50);
    expect(results(world)).toEqual([[1, 131]]);
    expect(world.of('node-registered').at(-1)).toMatchObject({ resumed: false });
    expect(world.of('node-functions').at(-1)).toMatchObject({ functionIds: [] });
  });

  test('an agent that restarted and kept its functions: resumed, but read again', () => {
    const { world, a } = managed();
    world.restartHost(a, { instance: 9n });
    world.toHost(a, {
      type: 'function-changed',
      functionId: functionId(101),
      status: 'Running',
      report: null,
    });
    world.run(50);
    expect(world.of('node-registered').at(-1)).toMatchObject({ resumed: true, isAsked: true });
    expect(world.of('node-functions').at(-1)).toMatchObject({ functionIds: [101] });
  });

  test('nothing is ordered before it is known what the node runs', () => {
    const { world, a } = managed();
    world.latencyMs = 10;
    world.restartHost(a, { instance: 9n });
    world.run(25);
    expect(world.of('node-registered')).toHaveLength(2);
    expect(world.of('node-functions')).toHaveLength(1);
    add(world, 1, 101);
    world.run(100);
    const order = world.outputs.filter(({ type }) => type === 'node-functions' || type === 'send');
    const known = order.findLastIndex(({ type }) => type === 'node-functions');
    const ordered = order.findIndex(
      (output) =>
        output.type === 'send' && output.message.type === 'operation' && output.message.command === 'add',
    );
    expect(ordered).toBeGreaterThan(known);
    expect(results(world)).toEqual([[1, 0]]);
  });

  test('another manager process reads what runs, and numbers begin anew', () => {
    const { world, a } = managed();
    for (let id = 1; id <= 40; id++) add(world, id, 100 + id);
    world.run(50);
    world.restartManager({ instance: 2n, term: 2n });
    world.run(200);
    expect(world.of('node-functions').at(-1)?.functionIds).toHaveLength(40);
    add(world, 41, 141);
    world.run(50);
    expect(results(world).at(-1)).toEqual([41, 0]);
    expect(a.executed.at(-1)).toBe('r41');
  });

  test.each<{ name: string; message: MobilityMessage }>([
    {
      name: 'MOVE',
      message: {
        type: 'operation',
        command: 'move',
        sequence: 500,
        nodes: [{ id: 10 }, { id: 11, functions: [{ id: 1 }] }],
      },
    },
    {
      name: 'COPY',
      message: {
        type: 'operation',
        command: 'copy',
        sequence: 500,
        nodes: [{ id: 10 }, { id: 11, functions: [{ id: 1 }] }],
      },
    },
    {
      name: 'MOVE_SESSION',
      message: {
        type: 'operation',
        command: 'move-session',
        sequence: 500,
        nodes: [{ id: 10 }, { id: 11, sessions: [{ type: 'ratio', ratio: 1 }] }],
      },
    },
    {
      name: 'ADD with state transfer',
      message: {
        type: 'operation',
        command: 'add',
        sequence: 500,
        nodes: [
          {
            id: 10,
            functions: [
              { id: 1, extensions: { transfer: { token: new Uint8Array(16), role: 'destination' } } },
            ],
          },
        ],
      },
    },
    {
      name: 'DELETE of the node itself',
      message: {
        type: 'operation',
        command: 'delete',
        sequence: 500,
        nodes: [{ id: 10, functions: [{ id: 0 }] }],
      },
    },
    {
      name: 'ADD of two functions',
      message: {
        type: 'operation',
        command: 'add',
        sequence: 500,
        nodes: [{ id: 10, functions: [{ id: 1 }, { id: 2 }] }],
      },
    },
    {
      name: 'a REGISTRATION at a node',
      message: { type: 'registration', sequence: 500, nodes: [{ id: 10 }] },
    },
  ])('$name is refused with 128 and a reason', ({ message }) => {
    const { world, a } = managed();
    world.forgeToHost(world.linkOf(a), message);
    world.run(1);
    const answer = world.traffic.at(-1)?.message;
    expect(answer).toMatchObject({ type: 'ack', code: 128, sequence: 500 });
    const parts = answer?.nodes.flatMap((node) => [node, ...(node.functions ?? [])]) ?? [];
    expect(parts.map(({ text }) => text ?? '').join('')).toMatch(/\w/);
    expect(a.executed).toEqual([]);
  });

  test('documents of another version are refused with 130 and error 4, broken ones with 128 and error 1', () => {
    const { world, a } = managed();
    const order = (sequence: number, text: string): void =>
      world.forgeToHost(world.linkOf(a), {
        type: 'operation',
        command: 'add',
        sequence,
        nodes: [
          { id: 10, functions: [{ id: 1, extensions: { specification: new TextEncoder().encode(text) } }] },
        ],
      });
    order(500, '{"v":2}');
    order(501, '{"v":1');
    world.run(1);
    const answers = world.traffic.slice(-2).map(({ message }) => message);
    expect(answers).toMatchObject([{ code: 130 }, { code: 128 }]);
    expect(answers.map(({ nodes }) => nodes[0]?.extensions?.error)).toEqual([4, 1]);
  });

  test('a replayed order is answered from memory, one too old with 131', () => {
    const { world, a } = managed();
    const order: MobilityMessage = {
      type: 'operation',
      command: 'delete',
      sequence: 3000,
      nodes: [{ id: 10, functions: [{ id: 7 }] }],
    };
    const link = world.linkOf(a);
    world.forgeToHost(link, order);
    world.run(5);
    world.forgeToHost(link, order);
    world.forgeToHost(link, { ...order, sequence: 100 });
    world.run(5);
    expect(a.executed).toEqual(['delete:7']);
    const acks = world.traffic.filter(({ message }) => message.type === 'ack' && message.subType === 3);
    expect(acks.map(({ message }) => [message.sequence, (message as { code: number }).code])).toEqual([
      [3000, 0],
      [3000, 0],
      [100, 131],
    ]);
  });
});

describe('leaving', () => {
  test('a stopping node de-registers; its requests are answered', () => {
    const { world, a } = managed();
    a.answers = false;
    add(world, 1, 101);
    world.run(10);
    world.toHost(a, { type: 'stop' });
    world.run(20_000);
    expect(world.story().at(-1)).toBe('node-left');
    expect(results(world)).toEqual([[1, 131]]);
    expect(world.links).toHaveLength(1);
    world.toHost(a, { type: 'start' });
    world.run(100);
    a.answers = true;
    add(world, 2, 102);
    world.run(100);
    expect(results(world).at(-1)).toEqual([2, 0]);
  });

  test('a node forced to leave stays away for 60 s, then serves as before', () => {
    const { world, a } = managed();
    world.toManager({ type: 'deregister', requestId: 1, node: nodeId(10) });
    world.run(59_000);
    expect(results(world)).toEqual([[1, 0]]);
    expect(a.outputs).toContainEqual({ type: 'unmanaged', reason: 'forced to leave' });
    expect(world.links).toHaveLength(1);
    world.run(2000);
    add(world, 2, 101);
    world.run(100);
    expect(results(world).at(-1)).toEqual([2, 0]);
    expect(a.executed).toEqual(['r2']);
  });

  test('a lost node that was given up and comes back as the same process carries out new orders', () => {
    const { world, a } = managed();
    for (let id = 1; id <= 20; id++) add(world, id, 100 + id);
    world.run(50);
    a.reachable = false;
    world.reset(world.linkOf(a));
    world.run(2 * T);
    world.toManager({ type: 'deregister', requestId: 50, node: nodeId(10) });
    a.reachable = true;
    world.run(20 * T);
    add(world, 51, 200);
    world.run(50);
    expect(a.executed.at(-1)).toBe('r51');
    expect(results(world).slice(-2)).toEqual([
      [50, 0],
      [51, 0],
    ]);
  });
});

describe('reports', () => {
  const report: SlotReport = {
    v: 1,
    muteMs: 0,
    slots: [],
    failovers: [
      {
        id: '00000000000000ff/8',
        slot: '00000000000000ff',
        epoch: '8',
        from: null,
        to: { node: 10, functionId: 101 },
        cause: 'genesis',
        fencedBy: 'none',
        steps: [],
      },
    ],
  };

  test('failover records are told until acknowledged, also over a reset', () => {
    const { world, a } = managed();
    a.reachable = false;
    world.reset(world.linkOf(a));
    world.toHost(a, { type: 'slots-changed', report });
    world.run(T / 2);
    expect(world.of('slot-report')).toEqual([]);
    a.reachable = true;
    world.run(T);
    expect(world.of('slot-report')[0]).toEqual({ type: 'slot-report', node: 10, report });
    expect(a.outputs).toContainEqual({ type: 'failovers-acknowledged', ids: ['00000000000000ff/8'] });
  });

  test('the ACK of KEEP-ALIVE carries the slots, without records', () => {
    const { world, a } = managed();
    world.toHost(a, { type: 'slots-changed', report });
    world.run(2 * T);
    expect(world.of('slot-report').slice(1).length).toBeGreaterThan(0);
    for (const told of world.of('slot-report').slice(1)) expect(told.report.failovers).toEqual([]);
  });

  test('a large backlog of records goes in several reports, oldest first', () => {
    const { world, a } = managed();
    const [record] = report.failovers;
    const failovers = Array.from({ length: 400 }, (_, i) => ({
      ...record,
      id: `00000000000000ff/${i}`,
    })) as never;
    world.toHost(a, { type: 'slots-changed', report: { ...report, failovers } });
    world.run(500);
    const ids = world.of('slot-report').flatMap((told) => told.report.failovers.map(({ id }) => id));
    expect(ids).toEqual(Array.from({ length: 400 }, (_, i) => `00000000000000ff/${i}`));
    expect(
      a.outputs.flatMap((output) => (output.type === 'failovers-acknowledged' ? output.ids : [])),
    ).toEqual(ids);
  });

  test('a new status is told at once, loads at most once a second', () => {
    const { world, a } = managed();
    const change = (load: number, status: 'Running' | 'Terminating' = 'Running'): void =>
      world.toHost(a, {
        type: 'function-changed',
        functionId: functionId(1),
        status,
        report: null,
        information: { load },
      });
    change(0);
    for (let load = 1; load <= 40; load++) {
      world.run(100);
      change(load);
    }
    const loads = world.of('function-status').length;
    expect(loads).toBeGreaterThanOrEqual(4);
    expect(loads).toBeLessThanOrEqual(6);
    change(41, 'Terminating');
    world.run(5);
    expect(world.of('function-status').at(-1)).toMatchObject({
      status: 'Terminating',
      information: { load: 41 },
    });
  });

  test('a function that went while the node was alone is told as gone, with its reason', () => {
    const { world, a } = managed();
    world.toHost(a, { type: 'function-changed', functionId: functionId(1), status: 'Running', report: null });
    world.run(10);
    a.reachable = false;
    world.reset(world.linkOf(a));
    world.toHost(a, {
      type: 'function-changed',
      functionId: functionId(1),
      status: 'Unknown',
      report: null,
      reason: 'exit 1',
    });
    a.reachable = true;
    world.run(2 * T);
    expect(world.of('function-status').at(-1)).toMatchObject({
      status: 'Unknown',
      gone: true,
      reason: 'exit 1',
    });
  });

  test('a change that was lost on the way is told again under its number', () => {
    const { world, a } = managed();
    world.toHost(a, { type: 'function-changed', functionId: functionId(1), status: 'Running', report: null });
    world.reset(world.linkOf(a));
    expect(world.of('function-status')).toEqual([]);
    world.run(20);
    expect(world.of('function-status')).toMatchObject([{ functionId: 1, status: 'Running' }]);
    const updates = world.traffic.filter(({ message }) => message.type === 'status-update');
    expect(new Set(updates.map(({ message }) => message.sequence)).size).toBe(1);
  });

  test('new addresses are told', () => {
    const { world, a } = managed();
    world.toHost(a, { type: 'node-changed', addresses: ['192.0.2.77'] });
    world.run(10);
    expect(world.of('node-moved')).toMatchObject([{ node: 10, addresses: ['192.0.2.77'] }]);
  });
});

describe('plain peers', () => {
  test('a plain node gets no extension, is not asked for all functions, and takes ADD by name', () => {
    const world = new World();
    const identity = { node: nodeId(10), name: 'plain' };
    world.toManager({ type: 'connected', connection: 0, identity });
    const registration: MobilityMessage = {
      type: 'registration',
      sequence: 1,
      nodes: [{ id: 10, information: { bootTime: 9n } }],
    };
    world.toManager({ type: 'message', connection: 0, message: registration });
    add(world, 1, 101);
    world.toManager({
      type: 'add',
      requestId: 2,
      node: nodeId(10),
      functionId: functionId(0),
      configuration: {} as never,
    });
    world.toManager({
      type: 'message',
      connection: 0,
      message: {
        type: 'status-update',
        sequence: 2,
        nodes: [{ id: 10, functions: [{ id: 5, information: { status: 'Unknown' } }] }],
      },
    });
    world.run(900);
    const sent = world.of('send').map(({ message }) => message);
    expect(sent.map(({ type }) => type)).toEqual(['ack', 'operation', 'ack']);
    expect(
      JSON.stringify(sent, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toContain('extensions');
    expect(sent[1]?.nodes[0]?.functions).toEqual([{ id: 101, information: { name: 'r1' } }]);
    expect(results(world)).toEqual([[2, 128]]);
    expect(world.of('function-status')).toMatchObject([{ functionId: 5, gone: true }]);
  });

  test('a plain manager gets no extension but those of REGISTRATION', () => {
    const world = new World();
    const a = world.host('node-a', 10);
    const { node } = a;
    node.handle({ type: 'start' }, 0);
    node.handle({ type: 'connected', connection: 0 }, 0);
    node.handle(
      {
        type: 'message',
        connection: 0,
        message: { type: 'ack', subType: 0, code: 0, sequence: 1, nodes: [{ id: 10 }] },
      },
      1,
    );
    node.handle({ type: 'slots-changed', report: { v: 1, muteMs: 0, slots: [], failovers: [] } }, 2);
    const told = node.handle(
      {
        type: 'function-changed',
        functionId: functionId(5),
        status: 'Unknown',
        report: null,
        reason: 'ended',
      },
      2,
    );
    expect(told).toEqual([
      {
        type: 'send',
        connection: 0,
        message: {
          type: 'status-update',
          sequence: 2,
          nodes: [{ id: 10, functions: [{ id: 5, information: { status: 'Unknown' }, text: 'ended' }] }],
        },
      },
    ]);
    const wanted = [{ opType: 7, subType: 50 }];
    const alive = node.handle(
      {
        type: 'message',
        connection: 0,
        message: { type: 'keep-alive', sequence: 1, nodes: [{ id: 10, functions: [{ id: 5, wanted }] }] },
      },
      3,
    );
    expect(alive).toMatchObject([
      { message: { type: 'ack', nodes: [{ functions: [{ id: 5, information: { status: 'Unknown' } }] }] } },
    ]);
  });
});

describe('bad input', () => {
  const error = new MobilityDecodeError(new WireError('missing', 8, 'Node ID is mandatory'), {
    messageType: 4,
    subType: 0,
    sequence: 9,
    nodeId: undefined,
    errorNumber: 1,
  });

  test('a malformed message is answered with 128 by either side', () => {
    const { world, a } = managed();
    const { id } = world.linkOf(a);
    world.toManager({ type: 'malformed', connection: id, error });
    expect(world.traffic.at(-1)).toMatchObject({
      from: 'manager',
      message: { type: 'ack', code: 128, sequence: 9, nodes: [{ id: 10 }] },
    });
    world.toHost(a, { type: 'malformed', connection: id, error });
    expect(world.traffic.at(-1)).toMatchObject({
      from: 'node-a',
      message: { type: 'ack', code: 128, sequence: 9 },
    });
  });

  test('a length that cannot be framed: ERROR, then close', () => {
    const { world, a } = managed();
    world.toManager({ type: 'unframeable', connection: world.linkOf(a).id, reason: 'Length 3 below 4' });
    expect(world.outputs.slice(-3).map(({ type }) => type)).toEqual(['send', 'close', 'node-suspect']);
    expect(world.traffic.at(-1)).toMatchObject({ message: { type: 'error' } });
  });

  test('an ACK with the wrong Sub-Type is told as ERROR and settles nothing', () => {
    const { world, a } = managed();
    a.answers = false;
    add(world, 1, 101);
    world.run(10);
    const sequence =
      world.traffic.findLast(({ message }) => message.type === 'operation')?.message.sequence ?? 0;
    world.forge(world.linkOf(a), { type: 'ack', subType: 3, code: 0, sequence, nodes: [{ id: 10 }] });
    world.run(10);
    expect(results(world)).toEqual([]);
    expect(a.outputs).toContainEqual(expect.objectContaining({ event: 'peer-error' }));
  });

  test('a report that does not parse is refused and nothing of it is told', () => {
    const { world, a } = managed();
    const slotReport = new TextEncoder().encode('{"v":3}');
    world.forge(world.linkOf(a), {
      type: 'status-update',
      sequence: 400,
      nodes: [{ id: 10, extensions: { slotReport } }],
    });
    world.run(10);
    expect(world.of('slot-report')).toEqual([]);
    expect(world.traffic.at(-1)?.message).toMatchObject({ type: 'ack', code: 130, sequence: 400 });
  });
});
