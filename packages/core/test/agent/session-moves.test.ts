// SPDX-License-Identifier: Apache-2.0
import type { FunctionSpecification, SessionInformation, SlotAssignment } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { AgentCore, type AgentInput, type AgentOutput } from '../../src/agent/index.ts';
import { type FunctionId, functionId, nodeId } from '../../src/identity.ts';
import type { TransferEnd } from '../../src/state-transfer/index.ts';
import { seededRandom } from '../handlespace/seeded-random.ts';

/* MOVE_SESSION at a node agent: both functions are asked before anything is answered. */

const KV = functionId(101);
const OTHER = functionId(102);
const THERE = functionId(202);
const specification: FunctionSpecification = { v: 1, kind: 'process', command: ['kv'], port: 8080 };
const specificationOctets = Uint8Array.from(JSON.stringify(specification), (each) => each.charCodeAt(0));
const token = new Uint8Array(16).fill(7);
const destination = { node: nodeId(11), addresses: ['192.0.2.11'], port: 50_000 } as const;
const third: readonly SessionInformation[] = [{ type: 'ratio', ratio: 0.3 }];
const forward = { address: '192.0.2.11', port: 40_100 };
const committed: TransferEnd = { outcome: 'committed', sessions: 3, pauseMs: 3 };
const aborted: TransferEnd = { outcome: 'aborted', reason: 'timeout', errorNumber: null, text: 'too late' };

class Agent {
  readonly core = new AgentCore({ random: seededRandom(1), node: nodeId(10) });
  #operations = 0;

  give(input: AgentInput): AgentOutput[] {
    return this.core.handle(input, 1000);
  }

  /** A function that runs; by default its sessions can move. */
  add(id: FunctionId = KV, movable = true): this {
    this.#operations += 1;
    const program = { specification, specificationOctets, assignment: null };
    this.give({ type: 'add', operation: this.#operations, functionId: id, ...program });
    this.give({ type: 'started', functionId: id, run: 1, pid: 42, address: '192.0.2.10', port: 8080 });
    if (movable) this.give({ type: 'sessions', functionId: id, run: 1, movable, count: 10 });
    return this;
  }

  move(change: Partial<AgentInput & { type: 'move-session' }> = {}): AgentOutput[] {
    this.#operations += 1;
    return this.give({
      type: 'move-session',
      operation: this.#operations,
      functionId: KV,
      sessions: third,
      destination,
      targetFunctionId: null,
      token,
      ...change,
    });
  }

  prepare(change: Partial<AgentInput & { type: 'prepare' }> = {}): AgentOutput[] {
    this.#operations += 1;
    return this.give({
      type: 'prepare',
      operation: this.#operations,
      functionId: KV,
      specification: null,
      specificationOctets: null,
      assignment: null,
      token,
      from: nodeId(12),
      ...change,
    });
  }

  selected(count: number): AgentOutput[] {
    return this.give({ type: 'sessions-selected', functionId: KV, count });
  }

  ended(end: TransferEnd): AgentOutput[] {
    return this.give({ type: 'transfer-ended', functionId: KV, end });
  }
}

function only<Type extends AgentOutput['type']>(outputs: readonly AgentOutput[], type: Type) {
  return outputs.filter((output): output is AgentOutput & { type: Type } => output.type === type);
}
const answerOf = (outputs: readonly AgentOutput[]) => only(outputs, 'answer')[0];
const reasonOf = (outputs: readonly AgentOutput[]) => only(outputs, 'function-changed')[0]?.reason;

describe('the source', () => {
  test('asks the function first, answers with its count, and then sends', () => {
    const agent = new Agent().add();
    const asked = agent.move({ targetFunctionId: THERE });
    expect(only(asked, 'select-sessions')).toEqual([
      { type: 'select-sessions', functionId: KV, sessions: third },
    ]);
    expect(answerOf(asked)).toBeUndefined();
    const outputs = agent.selected(3);
    expect(answerOf(outputs)).toMatchObject({ code: 0, status: 'Running', sessions: 3n });
    expect(only(outputs, 'send-sessions')).toEqual([
      {
        type: 'send-sessions',
        functionId: KV,
        targetFunctionId: THERE,
        destination,
        selection: third,
        token,
      },
    ]);
    expect(reasonOf(agent.ended(committed))).toBe('3 sessions moved to node 11');
    // It runs on, and can give more.
    expect(only(agent.move(), 'select-sessions')).toHaveLength(1);
    expect(only(agent.selected(1), 'send-sessions')).toMatchObject([{ targetFunctionId: KV }]);
    expect(reasonOf(agent.ended(aborted))).toBe('sessions not moved to node 11: too late');
    expect(answerOf(agent.prepare())).toBeUndefined();
  });

  test('nothing was selected: answered, and nothing goes', () => {
    const agent = new Agent().add();
    agent.move();
    const outputs = agent.selected(0);
    expect(answerOf(outputs)).toMatchObject({ code: 0, sessions: 0n });
    expect(only(outputs, 'send-sessions')).toEqual([]);
    expect(only(agent.move(), 'select-sessions')).toHaveLength(1);
  });

  test('the function does not select: error 9 with its reason', () => {
    const agent = new Agent().add();
    agent.move();
    const outputs = agent.give({ type: 'sessions-refused', functionId: KV, reason: 'no such thing here' });
    expect(answerOf(outputs)).toMatchObject({
      code: 128,
      error: 9,
      text: 'no such thing here',
      status: 'Running',
    });
    expect(only(agent.move(), 'select-sessions')).toHaveLength(1);
  });

  test('the function ends while it is asked, or its sessions go: told once, and over', () => {
    const agent = new Agent().add();
    agent.move();
    agent.give({ type: 'exited', functionId: KV, run: 1, reason: 'exit code 1' });
    expect(answerOf(agent.selected(3))).toMatchObject({ code: 128, error: 9 });
    expect(agent.selected(3)).toEqual([]);
    const other = new Agent().add();
    other.move();
    other.selected(3);
    const exited = other.give({ type: 'exited', functionId: KV, run: 1, reason: 'exit code 1' });
    expect(only(exited, 'cancel-transfer')).toEqual([
      { type: 'cancel-transfer', functionId: KV, isGone: false },
    ]);
  });

  const long = Array.from({ length: 257 }, () => ({ type: 'count', count: 1n }) as const);
  test.each<[string, Partial<AgentInput & { type: 'move-session' }>, object]>([
    ['an unknown function', { functionId: functionId(7) }, { code: 128, error: 2 }],
    ['one that moves only as a whole', { functionId: OTHER }, { code: 128, error: 9 }],
    ['no place to go', { destination: { ...destination, addresses: [] } }, { code: 128 }],
    ['no port to go to', { destination: { ...destination, port: null } }, { code: 128 }],
    ['more selections than there may be', { sessions: long }, { code: 129 }],
    [
      'more octets than go into a frame',
      { sessions: [{ type: 'sip-uri', uri: 'sip:'.padEnd(20_000, 'x') }] },
      { code: 129 },
    ],
  ])('%s is refused, and the function is not asked', (_name, change, answer) => {
    const outputs = new Agent().add().add(OTHER, false).move(change);
    expect(answerOf(outputs)).toMatchObject(answer);
    expect(only(outputs, 'select-sessions')).toEqual([]);
  });

  test('without a name it is the only function whose sessions can move', () => {
    const agent = new Agent();
    expect(answerOf(agent.move({ functionId: null }))).toMatchObject({ code: 128, error: 9 });
    agent.add(OTHER, false).add();
    expect(only(agent.move({ functionId: null }), 'select-sessions')).toMatchObject([{ functionId: KV }]);
    agent.selected(0);
    agent.add(THERE);
    expect(answerOf(agent.move({ functionId: null }))).toMatchObject({
      code: 128,
      text: 'name a function: sessions of 101, 202 can move',
    });
  });

  test('one transfer at a time', () => {
    const agent = new Agent().add();
    agent.move();
    expect(answerOf(agent.move())).toMatchObject({ code: 128 });
    expect(answerOf(agent.prepare())).toMatchObject({ code: 128 });
    const whole = { type: 'transfer', operation: 70, functionId: KV, mode: 'move' } as const;
    expect(answerOf(agent.give({ ...whole, targetFunctionId: KV, destination, token }))).toMatchObject({
      code: 128,
    });
  });
});

describe('the destination', () => {
  const expected: AgentInput = { type: 'sessions-expected', functionId: KV, forward };

  test('asks the function, which runs on, and waits for the sessions with its address', () => {
    const agent = new Agent().add();
    const asked = agent.prepare();
    expect(only(asked, 'expect-sessions')).toEqual([{ type: 'expect-sessions', functionId: KV }]);
    expect(answerOf(asked)).toBeUndefined();
    const outputs = agent.give(expected);
    expect(answerOf(outputs)).toMatchObject({ code: 0, status: 'Running' });
    expect(only(outputs, 'receive-sessions')).toEqual([
      { type: 'receive-sessions', functionId: KV, token, from: 12, forward },
    ]);
    expect(reasonOf(agent.ended({ ...committed, pauseMs: null }))).toBe('3 sessions came from node 12');
  });

  test('they do not come: it runs on', () => {
    const agent = new Agent().add();
    agent.prepare({ specification, specificationOctets });
    agent.give(expected);
    const outputs = agent.ended(aborted);
    expect(reasonOf(outputs)).toBe('sessions not moved here from node 12: too late');
    expect(only(outputs, 'stop')).toEqual([]);
    expect(only(outputs, 'function-changed')[0]?.status).toBe('Running');
  });

  test('the preparation is cancelled, and the function is not', () => {
    const agent = new Agent().add();
    agent.prepare();
    agent.give(expected);
    const outputs = agent.give({ type: 'delete', operation: 90, functionId: KV, ifWaiting: true });
    expect(answerOf(outputs)).toMatchObject({ code: 0, status: 'Running' });
    expect(only(outputs, 'cancel-transfer')).toEqual([
      { type: 'cancel-transfer', functionId: KV, isGone: false },
    ]);
    expect(only(outputs, 'stop')).toEqual([]);
  });

  test('the function ends: what came is gone with it', () => {
    const agent = new Agent().add();
    agent.prepare();
    agent.give(expected);
    const outputs = agent.give({ type: 'exited', functionId: KV, run: 1, reason: 'exit code 1' });
    expect(only(outputs, 'cancel-transfer')).toEqual([
      { type: 'cancel-transfer', functionId: KV, isGone: true },
    ]);
  });

  test.each<[string, Partial<AgentInput & { type: 'prepare' }>, object]>([
    ['from nobody', { from: null }, { code: 130, error: 3 }],
    [
      'to a function of another kind',
      { specificationOctets: Uint8Array.of(1), specification },
      { code: 128 },
    ],
    ['to one that moves only as a whole', { functionId: OTHER }, { code: 128, error: 9 }],
  ])('%s: refused', (_name, change, answer) => {
    expect(answerOf(new Agent().add().add(OTHER, false).prepare(change))).toMatchObject(answer);
  });
});

describe('an order of a function whose sessions are in doubt', () => {
  const report = {
    id: 'ab',
    bytes: 1,
    bytesTotal: 1,
    bytesPerSecond: 1,
    changePerSecond: 0,
    expectedPauseMs: null,
    expectedEndMs: null,
    peer: 11,
  };
  const again = { type: 'add', operation: 95, functionId: KV, specification, specificationOctets } as const;

  test.each(['source', 'destination'] as const)('says nothing of who owns them, at the %s', (role) => {
    const agent = new Agent().add();
    if (role === 'source') {
      agent.move();
      agent.selected(3);
    } else {
      agent.prepare();
      agent.give({ type: 'sessions-expected', functionId: KV, forward: null });
    }
    const phase = role === 'source' ? 'doubt' : 'ready';
    agent.give({ type: 'transfer-progress', functionId: KV, report: { ...report, role, phase } });
    const outputs = agent.give({ ...again, assignment: null });
    expect(answerOf(outputs)).toMatchObject({ code: 0 });
    expect(only(outputs, 'settle-transfer')).toEqual([]);
  });
});

test('instances that may hold a slot give and take sessions; nothing is handed over', () => {
  const version = { generation: 0, number: 1, randomId: '0000000000000001' };
  const assignment: SlotAssignment = {
    v: 1,
    pool: 'web',
    name: 'web#1',
    slot: { id: '00000000000000aa', index: 0 },
    role: 'active',
    epoch: '7',
    addresses: [],
    council: version,
    ranking: [101],
  };
  const agent = new Agent().add();
  agent.give({
    type: 'add',
    operation: 96,
    functionId: KV,
    specification: null,
    specificationOctets: null,
    assignment,
  });
  agent.move();
  expect(only(agent.selected(3), 'send-sessions')).toHaveLength(1);
  const outputs = agent.ended(committed);
  expect(only(outputs, 'hand-over')).toEqual([]);
  expect(reasonOf(outputs)).toBe('3 sessions moved to node 11');
  agent.prepare();
  expect(
    only(agent.give({ type: 'sessions-expected', functionId: KV, forward: null }), 'receive-sessions'),
  ).toHaveLength(1);
});

test('what the function says of its sessions is reported, until it is started anew', () => {
  const agent = new Agent().add();
  const told = agent.give({ type: 'sessions', functionId: KV, run: 1, movable: true, count: 12 });
  expect(only(told, 'function-changed')[0]?.report.sessions).toBe(12);
  agent.give({ type: 'sessions', functionId: KV, run: 9, movable: false, count: 99 });
  expect(only(agent.move(), 'select-sessions')).toHaveLength(1);
  agent.give({ type: 'sessions-refused', functionId: KV, reason: 'not now' });
  agent.give({ type: 'exited', functionId: KV, run: 1, reason: 'exit code 1' });
  agent.core.expire(100_000);
  const started = agent.give({
    type: 'started',
    functionId: KV,
    run: 2,
    pid: 43,
    address: '192.0.2.10',
    port: 8080,
  });
  expect(only(started, 'function-changed')[0]?.report.sessions).toBeUndefined();
  expect(answerOf(agent.move())).toMatchObject({ code: 128, error: 9 });
});
