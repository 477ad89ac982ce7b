// SPDX-License-Identifier: Apache-2.0
import type { MobilityManagerInput } from '@vnfpool/core/mobility';
import type { MobilityMessage, SessionInformation } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { functionId, nodeId } from '../../src/identity.ts';
import { TransferAgents } from './support/transfer-agents.ts';
import { type Host, World } from './world.ts';

const TOKEN = new Uint8Array(16).fill(7);
const [A, B] = [nodeId(10), nodeId(11)];
const to = { node: B, addresses: ['2001:db8::11'], port: 51000 };
const hss = functionId(101);
const half: SessionInformation = { type: 'ratio', ratio: 0.5 };

type Told<Type extends MobilityManagerInput['type']> = Partial<
  Extract<MobilityManagerInput, { readonly type: Type }>
>;

interface Pair {
  readonly world: World;
  readonly agents: TransferAgents;
  readonly a: Host;
  readonly b: Host;
}

/** Two nodes that move state; function 101 runs on the first. */
function pair(options: ConstructorParameters<typeof World>[0] = {}): Pair {
  const world = new World(options);
  const agents = new TransferAgents(world);
  const a = world.host('node-a', A, { transfers: true });
  const b = world.host('node-b', B, { transfers: true, addresses: ['2001:db8::11'] });
  for (const host of [a, b]) world.toHost(host, { type: 'start' });
  world.run(100);
  world.toManager({ type: 'add', requestId: 1, node: A, functionId: hss, name: 'HSS' });
  world.run(20);
  return { world, agents, a, b };
}

function prepare(world: World, requestId: number, rest: Told<'add'> = {}): void {
  world.toManager({
    type: 'add',
    requestId,
    node: B,
    functionId: hss,
    prepare: { token: TOKEN, from: A },
    ...rest,
  });
}

const move = (requestId: number, rest: Told<'move'> = {}): MobilityManagerInput => ({
  type: 'move',
  requestId,
  node: A,
  functionId: hss,
  destination: to,
  token: TOKEN,
  ...rest,
});
const copy = (requestId: number, rest: Told<'copy'> = {}): MobilityManagerInput => ({
  type: 'copy',
  requestId,
  node: A,
  functionId: hss,
  destination: to,
  token: TOKEN,
  ...rest,
});
const moveSession = (requestId: number, rest: Told<'move-session'> = {}): MobilityManagerInput => ({
  type: 'move-session',
  requestId,
  node: A,
  functionId: hss,
  sessions: [half],
  destination: to,
  token: TOKEN,
  ...rest,
});

function results(world: World): [number, number, number | null][] {
  return world.of('operation-result').map(({ requestId, code, error }) => [requestId, code, error]);
}

function statuses(world: World): string[] {
  return world
    .of('function-status')
    .map(({ node, functionId: id, status, gone }) => `${node}/${id} ${status}${gone ? ' gone' : ''}`);
}

describe('a transfer from end to end', () => {
  test('MOVE: prepared with role 2, ordered with role 1 and the address, ended by STATUS-UPDATEs of both', () => {
    const { world, agents, a, b } = pair();
    world.outputs.length = 0;
    prepare(world, 2);
    world.run(20);
    world.toManager(move(3));
    world.run(200);
    expect(b.outputs.find(({ type }) => type === 'prepare')).toMatchObject({
      functionId: 101,
      token: TOKEN,
      from: 10,
      name: null,
      specification: null,
    });
    expect(a.outputs.find(({ type }) => type === 'move')).toMatchObject({
      functionId: 101,
      token: TOKEN,
      destination: to,
    });
    expect(world.of('operation-result')).toMatchObject([
      { requestId: 2, code: 0, status: 'Starting' },
      { requestId: 3, code: 0, status: 'Running' },
    ]);
    expect(statuses(world)).toEqual([
      '11/101 Starting',
      '11/101 Starting',
      '10/101 Running',
      '11/101 Running',
      '10/101 Terminating',
      '10/101 Unknown gone',
    ]);
    expect([agents.table(a), agents.table(b)]).toEqual([[], ['101 Running']]);
  });

  test('COPY: the source goes on, the copy has a name of its own', () => {
    const { world, agents, a, b } = pair();
    prepare(world, 2, { functionId: functionId(202) });
    world.run(20);
    world.toManager(copy(3, { copyId: functionId(202) }));
    world.run(200);
    expect(a.outputs.find(({ type }) => type === 'copy')).toMatchObject({ functionId: 101, copyId: 202 });
    expect([agents.table(a), agents.table(b)]).toEqual([['101 Running'], ['202 Running']]);
    expect(statuses(world).at(-1)).toBe('10/101 Running');
  });

  test('MOVE_SESSION: its result says how many were selected', () => {
    const { world, agents, a, b } = pair();
    prepare(world, 2);
    world.run(20);
    const sessions: SessionInformation[] = [half, { type: 'sip-uri', uri: 'sip:alice@example.com' }];
    world.toManager(moveSession(3, { sessions }));
    world.run(200);
    expect(a.outputs.find(({ type }) => type === 'move-session')).toMatchObject({
      functionId: 101,
      sessions,
      destination: to,
    });
    expect(world.of('operation-result').at(-1)).toMatchObject({ requestId: 3, code: 0, sessions: 500n });
    expect([agents.of(a).get(hss)?.sessions, agents.of(b).get(hss)?.sessions]).toEqual([500n, 500n]);
  });

  test('MOVE_SESSION to a function of another number: it is the second Function ID', () => {
    const { world, a } = pair();
    world.toManager(moveSession(3, { targetFunctionId: functionId(202) }));
    world.run(50);
    expect(a.outputs.find(({ type }) => type === 'move-session')).toMatchObject({
      functionId: 101,
      targetFunctionId: 202,
    });
  });

  test('MOVE_SESSION of no one function: the token stands at the destination', () => {
    const { world, a } = pair();
    world.toManager(moveSession(3, { functionId: null }));
    world.run(50);
    expect(a.outputs.find(({ type }) => type === 'move-session')).toMatchObject({
      functionId: null,
      token: TOKEN,
    });
    expect(world.of('operation-result').at(-1)).toMatchObject({ code: 0, sessions: 500n, status: null });
  });

  test('a destination that does not take it: the source runs on and says why', () => {
    const { world, agents, a } = pair();
    world.toManager(move(3));
    world.run(200);
    expect(world.of('function-status').at(-1)).toMatchObject({
      node: A,
      status: 'Running',
      reason: 'the destination does not take it',
    });
    expect(agents.table(a)).toEqual(['101 Running']);
  });

  test('a MOVE of an unknown function is refused with error 2 by the agent, with both Node IDs', () => {
    const { world } = pair();
    world.toManager(move(3, { functionId: functionId(999) }));
    world.run(50);
    expect(results(world).at(-1)).toEqual([3, 128, 2]);
    const ack = world.traffic.findLast(({ message }) => message.type === 'ack' && message.subType === 4);
    expect(ack?.message.nodes.map(({ id }) => id)).toEqual([10, 11]);
  });
});

describe('admission', () => {
  test('a token is taken once: by a second order it is refused with 130 and error 3', () => {
    const { world, agents } = pair();
    world.toManager(move(2));
    world.toManager(copy(3));
    world.toManager(moveSession(4, { token: new Uint8Array(16).fill(8) }));
    prepare(world, 5);
    world.run(20);
    prepare(world, 6);
    world.run(100);
    expect(
      results(world)
        .toSorted(([one], [other]) => one - other)
        .slice(1),
    ).toEqual([
      [2, 0, null],
      [3, 130, 3],
      [4, 0, null],
      [5, 0, null],
      [6, 130, 3],
    ]);
    expect(agents.given.filter((each) => each.startsWith('copy'))).toEqual([]);
    const refusal = world.traffic.findLast(({ message }) => message.type === 'ack' && message.code === 130);
    expect(refusal?.message.nodes).toMatchObject([
      { id: 11, functions: [{ id: 101, information: { status: 'Starting' }, extensions: { error: 3 } }] },
    ]);
  });

  test('a token that was used is refused by the same process also under another manager', () => {
    const { world, agents } = pair();
    world.toManager(move(2, { functionId: functionId(102) }));
    world.run(50);
    world.restartManager({ instance: 2n, term: 2n });
    world.run(500);
    world.toManager(move(3));
    world.run(50);
    expect(results(world).at(-1)).toEqual([3, 130, 3]);
    expect(agents.given.filter((each) => each.startsWith('move'))).toHaveLength(1);
  });

  test('more than 1024 transfers in a minute are refused with 129', () => {
    const { world } = pair({ operationsMax: 2000 });
    for (let at = 0; at < 1026; at++) {
      const token = new Uint8Array(16);
      new DataView(token.buffer).setUint32(0, at);
      world.toManager(move(10 + at, { functionId: functionId(5000 + at), token }));
    }
    world.run(5000);
    const codes = world
      .of('operation-result')
      .slice(1)
      .map(({ code }) => code);
    expect(codes.slice(0, 1024).every((code) => code === 128)).toBe(true);
    expect(codes.slice(1024)).toEqual([129, 129]);
    world.run(60_000);
    world.toManager(move(2, { token: new Uint8Array(16).fill(255) }));
    world.run(50);
    expect(results(world).at(-1)).toEqual([2, 0, null]);
  });

  test.each([
    { name: 'MOVE', order: move(2, { token: null }) },
    { name: 'COPY', order: copy(2, { token: null }) },
    { name: 'MOVE_SESSION', order: moveSession(2, { token: null }) },
  ])(
    '$name without a token is refused with 130 and error 3, unless plain peers are admitted',
    ({ order }) => {
      const { world, a, agents } = pair();
      world.toManager(order);
      world.run(50);
      expect(results(world).at(-1)).toEqual([2, 130, 3]);
      expect(agents.given).toEqual(['add:HSS']);
      world.restartHost(a, { transfers: true, admitPlainTransfers: true, instance: 5n });
      agents.restarted(a, true);
      world.run(100);
      world.toManager({ ...order, requestId: 3 } as MobilityManagerInput);
      world.run(50);
      expect(results(world).at(-1)).toEqual([3, 0, null]);
      expect(a.outputs.findLast((output) => 'destination' in output)).toMatchObject({ token: null });
    },
  );

  test.each<{ name: string; nodes: MobilityMessage['nodes']; command?: 'move' | 'copy' | 'add' }>([
    { name: 'a MOVE to the source itself', nodes: [{ id: 10 }, { id: 10, functions: [{ id: 101 }] }] },
    { name: 'a MOVE to Node ID 0', nodes: [{ id: 10 }, { id: 0, functions: [{ id: 101 }] }] },
    {
      name: 'a MOVE to two nodes',
      nodes: [{ id: 10 }, { id: 11 }, { id: 12, functions: [{ id: 101 }] }],
    },
    {
      name: 'a MOVE of two functions',
      nodes: [{ id: 10 }, { id: 11, functions: [{ id: 101 }, { id: 102 }] }],
    },
    { name: 'a MOVE of the node itself', nodes: [{ id: 10 }, { id: 11, functions: [{ id: 0 }] }] },
    { name: 'a MOVE of all functions', nodes: [{ id: 10 }, { id: 11, functions: [{ id: 0xffffffff }] }] },
    {
      name: 'a COPY of three functions',
      command: 'copy',
      nodes: [{ id: 10 }, { id: 11, functions: [{ id: 1 }, { id: 2 }, { id: 3 }] }],
    },
    {
      name: "a MOVE with the destination's role",
      nodes: [
        { id: 10 },
        { id: 11, functions: [{ id: 101, extensions: { transfer: { token: TOKEN, role: 'destination' } } }] },
      ],
    },
    {
      name: "a prepared ADD with the source's role",
      command: 'add',
      nodes: [
        { id: 10, functions: [{ id: 101, extensions: { transfer: { token: TOKEN, role: 'source' } } }] },
      ],
    },
    {
      name: 'an ADD that prepares a transfer from the node itself',
      command: 'add',
      nodes: [
        { id: 10, functions: [{ id: 101, extensions: { transfer: { token: TOKEN, role: 'destination' } } }] },
        { id: 10 },
      ],
    },
    {
      name: 'an ADD that prepares the node itself',
      command: 'add',
      nodes: [
        { id: 10, functions: [{ id: 0, extensions: { transfer: { token: TOKEN, role: 'destination' } } }] },
      ],
    },
  ])('$name is refused with 128, and its token stays good', ({ nodes, command = 'move' }) => {
    const { world, a, agents } = pair();
    world.forgeToHost(world.linkOf(a), { type: 'operation', command, sequence: 900, nodes });
    world.run(1);
    expect(world.traffic.at(-1)?.message).toMatchObject({ type: 'ack', code: 128, sequence: 900 });
    expect(agents.given).toEqual(['add:HSS']);
    world.toManager(move(3));
    world.run(50);
    expect(results(world).at(-1)).toEqual([3, 0, null]);
  });

  test.each<{ name: string; order: MobilityManagerInput; code: number }>([
    {
      name: 'source and destination are one',
      order: move(2, { destination: { ...to, node: A } }),
      code: 128,
    },
    { name: 'no sessions are named', order: moveSession(2, { sessions: [] }), code: 128 },
    { name: 'the token has 15 octets', order: move(2, { token: new Uint8Array(15) }), code: 128 },
    {
      name: 'an address is none',
      order: copy(2, { destination: { ...to, addresses: ['here'] } }),
      code: 128,
    },
    {
      name: 'more sessions are named than a message holds',
      order: moveSession(2, { sessions: Array(1000).fill({ type: 'sip-uri', uri: 'x'.repeat(100) }) }),
      code: 128,
    },
    {
      name: 'the node itself is prepared',
      order: {
        type: 'add',
        requestId: 2,
        node: B,
        functionId: functionId(0),
        prepare: { token: TOKEN, from: A },
      },
      code: 128,
    },
  ])('the manager sends nothing when $name', ({ order, code }) => {
    const { world } = pair();
    const before = world.traffic.length;
    world.toManager(order);
    expect(results(world).at(-1)?.slice(0, 2)).toEqual([2, code]);
    expect(world.traffic.length).toBe(before);
  });
});

describe.each([
  { name: 'MOVE', order: move(5) },
  { name: 'COPY', order: copy(5) },
  { name: 'MOVE_SESSION', order: moveSession(5) },
  {
    name: 'prepared ADD',
    order: {
      type: 'add',
      requestId: 5,
      node: A,
      functionId: functionId(300),
      prepare: { token: TOKEN, from: B },
    } satisfies MobilityManagerInput,
  },
])('$name over a broken connection', ({ order }) => {
  const times = ({ agents }: Pair): number =>
    agents.given.filter((each) => each.endsWith('07'.repeat(16))).length;

  test('an order that got lost is sent again under its number and carried out once', () => {
    const all = pair();
    const { world, a } = all;
    world.toManager(order);
    world.reset(world.linkOf(a));
    expect(times(all)).toBe(0);
    world.run(100);
    expect(times(all)).toBe(1);
    expect(results(world).slice(1)).toEqual([[5, 0, null]]);
    const sent = world.traffic.filter(
      ({ message }) =>
        message.type === 'operation' && message.command !== 'get' && message.nodes.length === 2,
    );
    expect(sent).toHaveLength(2);
    expect(new Set(sent.map(({ message }) => message.sequence)).size).toBe(1);
  });

  test('an answer that got lost is given again', () => {
    const all = pair();
    const { world, a } = all;
    world.toManager(order);
    world.run(1);
    expect(times(all)).toBe(1);
    world.reset(world.linkOf(a));
    world.run(100);
    expect(times(all)).toBe(1);
    expect(results(world).slice(1)).toEqual([[5, 0, null]]);
  });

  test('an order that is being carried out when it comes again is not given to the agent again', () => {
    const all = pair();
    const { world, a } = all;
    a.agentMs = 200;
    world.toManager(order);
    for (let resets = 0; resets < 3; resets++) {
      world.run(20);
      world.reset(world.linkOf(a));
    }
    world.run(500);
    expect(times(all)).toBe(1);
    expect(results(world).slice(1)).toEqual([[5, 0, null]]);
  });

  test('an answer that comes while there is no connection is given after', () => {
    const all = pair();
    const { world, a } = all;
    a.agentMs = 50;
    world.toManager(order);
    world.run(20);
    a.reachable = false;
    world.reset(world.linkOf(a));
    world.run(200);
    a.reachable = true;
    world.run(5000);
    expect(times(all)).toBe(1);
    expect(results(world).slice(1)).toEqual([[5, 0, null]]);
  });

  test('a node that started anew: 131, and what it runs is asked before anything else is ordered', () => {
    const all = pair();
    const { world, a, agents } = all;
    a.answers = false;
    world.toManager(order);
    world.run(20);
    a.answers = true;
    world.restartHost(a, { transfers: true, instance: 9n });
    agents.restarted(a, true);
    world.run(100);
    expect(times(all)).toBe(1);
    expect(results(world).slice(1)).toEqual([[5, 131, null]]);
    expect(world.of('node-functions').at(-1)).toMatchObject({ node: A, functionIds: [101] });
  });

  test('a node that is forced to leave: 131; it keeps its functions and tells them when it is back', () => {
    const all = pair();
    const { world, a } = all;
    a.answers = false;
    world.toManager(order);
    world.run(20);
    world.toManager({ type: 'deregister', requestId: 6, node: A });
    world.run(100);
    expect(results(world).slice(1)).toEqual([
      [6, 0, null],
      [5, 131, null],
    ]);
    const before = world.of('function-status').length;
    world.run(61_000);
    expect(world.of('function-status').slice(before)).toContainEqual(
      expect.objectContaining({ node: A, functionId: 101, status: 'Running' }),
    );
    expect(times(all)).toBe(1);
  });
});

test('operations on a function that moves wait for the answer to the order before them', () => {
  const { world, a, agents } = pair();
  a.agentMs = 100;
  world.toManager(move(5));
  world.toManager({ type: 'delete', requestId: 6, node: A, functionId: hss });
  world.toManager({ type: 'add', requestId: 7, node: A, functionId: functionId(102), name: 'other' });
  world.run(50);
  expect(agents.given.slice(1)).toEqual([`move:${'07'.repeat(16)}`, 'add:other']);
  world.run(100);
  expect(agents.given.at(-1)).toBe('delete:101');
});

test('progress of a transfer is told at most once a second, its new phase at once when it is urgent', () => {
  const { world, a } = pair();
  const before = world.of('function-status').length;
  const tell = (phase: string, bytes: number, urgent = false): void =>
    world.toHost(a, {
      type: 'function-changed',
      functionId: hss,
      status: 'Running',
      urgent,
      report: {
        v: 1,
        pid: 1,
        address: null,
        port: null,
        incarnation: '0000000000000001',
        healthy: true,
        restarts: 0,
        failing: false,
        reason: '',
        output: [],
        transfer: {
          id: '00112233',
          role: 'source',
          phase,
          bytes,
          bytesTotal: null,
          bytesPerSecond: 1,
          changePerSecond: 0.5,
          expectedPauseMs: 12.5,
          expectedEndMs: null,
          peer: 11,
        },
      },
    });
  for (let bytes = 0; bytes < 40; bytes++) {
    tell('deltas', bytes);
    world.run(100);
  }
  const told = world.of('function-status').slice(before);
  expect(told.length).toBeGreaterThanOrEqual(4);
  expect(told.length).toBeLessThanOrEqual(5);
  tell('last', 41, true);
  world.run(5);
  expect(world.of('function-status').at(-1)?.report?.transfer).toMatchObject({ phase: 'last', bytes: 41 });
});
