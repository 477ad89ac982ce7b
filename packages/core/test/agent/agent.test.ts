// SPDX-License-Identifier: Apache-2.0
import type {
  FunctionSpecification,
  SetConfiguration,
  SlotAssignment,
  SlotState,
} from '@vnfpool/wire/mobility';
import { beforeEach, describe, expect, test } from 'vitest';
import { AgentCore, type AgentInput, type AgentOutput } from '../../src/agent/index.ts';
import type { Random } from '../../src/core.ts';
import { functionId, nodeId } from '../../src/identity.ts';

const SLOT = '00000000000000aa';
const WEB1 = functionId(101);
const WEB2 = functionId(102);
const version = { generation: 0, number: 1, randomId: '0000000000000001' };

const specification: FunctionSpecification = {
  v: 1,
  kind: 'process',
  command: ['web'],
  port: 8080,
  health: { type: 'tcp', intervalMs: 500, timeoutMs: 400, rise: 2, fall: 2 },
  registration: { poolHandle: 'web', policy: 'priority' },
};

function octetsOf(value: unknown): Uint8Array {
  return Uint8Array.from(JSON.stringify(value), (letter) => letter.charCodeAt(0));
}

function assignment(over: Partial<SlotAssignment> = {}): SlotAssignment {
  return {
    v: 1,
    pool: 'web',
    name: 'web#1',
    slot: { id: SLOT, index: 0 },
    role: 'standby',
    epoch: '0',
    addresses: ['192.0.2.1/24'],
    council: version,
    ranking: [101, 102],
    ...over,
  };
}

const configuration: SetConfiguration = {
  v: 1,
  set: 'test',
  councils: [{ id: 1, version, members: [1, 2, 3] }],
  nodes: [],
  slots: [
    {
      id: SLOT,
      pool: 'web',
      index: 0,
      leaseMs: 300,
      addresses: ['192.0.2.1/24'],
      genesis: { randomId: '0000000000000002', candidates: [] },
      candidates: [
        { node: 1, functionId: 101 },
        { node: 2, functionId: 102 },
      ],
      lastResort: { rule: 'never' },
    },
  ],
  registrars: [],
};

function holding(epoch: number, id: number = WEB1): SlotState {
  return {
    id: SLOT,
    state: 'holding',
    epoch: String(epoch),
    holder: { node: 1, functionId: id },
    candidates: [],
    reason: '',
  };
}

let agent: AgentCore;
let now: number;
let operation: number;

beforeEach(() => {
  let count = 0;
  const random: Random = { u32: () => 1, u64: () => BigInt(++count), fraction: () => 0.5 };
  agent = new AgentCore({ random, node: nodeId(1) });
  now = 0;
  operation = 0;
});

function give(input: AgentInput): AgentOutput[] {
  return agent.handle(input, now);
}

function add(over: Partial<AgentInput & { type: 'add' }> = {}): AgentOutput[] {
  operation += 1;
  return give({
    type: 'add',
    operation,
    functionId: WEB1,
    specification,
    specificationOctets: octetsOf(specification),
    assignment: assignment(),
    ...over,
  });
}

function ofType<Type extends AgentOutput['type']>(
  outputs: AgentOutput[],
  type: Type,
): (AgentOutput & { type: Type })[] {
  return outputs.filter((output): output is AgentOutput & { type: Type } => output.type === type);
}

/** Configured, started, healthy. */
function readyFunction(): AgentOutput[] {
  give({ type: 'configure', operation: 1000, configuration });
  add();
  give({ type: 'started', functionId: WEB1, run: 1, pid: 77, address: '192.0.2.11', port: 8080 });
  give({ type: 'health', functionId: WEB1, run: 1, ok: true, reason: '' });
  return give({ type: 'health', functionId: WEB1, run: 1, ok: true, reason: '' });
}

describe('ADD', () => {
  test('starts a function and answers Starting', () => {
    const outputs = add();
    expect(ofType(outputs, 'answer')[0]).toMatchObject({ code: 0, status: 'Starting' });
    expect(ofType(outputs, 'start')[0]).toMatchObject({ functionId: WEB1, run: 1, name: 'web#1' });
  });

  test('hands a function the secrets of its cookies before it starts, and others when they are others', () => {
    const cookies = (digit: string) => ({ secrets: [digit.repeat(64)], maxAgeMs: 60_000 });
    const outputs = add({ assignment: assignment({ cookies: cookies('1') }) });
    const types = outputs.map(({ type }) => type);
    expect(types.indexOf('cookie-secrets')).toBeLessThan(types.indexOf('start'));
    expect(ofType(outputs, 'cookie-secrets')).toEqual([
      { type: 'cookie-secrets', functionId: WEB1, handed: { pool: 'web', ...cookies('1') } },
    ]);
    const again = add({ assignment: assignment({ cookies: cookies('1'), role: 'active' }) });
    expect(ofType(again, 'cookie-secrets')).toEqual([]);
    const others = add({ assignment: assignment({ cookies: cookies('2') }) });
    expect(ofType(others, 'cookie-secrets')[0]?.handed?.secrets).toEqual(['2'.repeat(64)]);
    expect(ofType(add(), 'cookie-secrets')).toEqual([
      { type: 'cookie-secrets', functionId: WEB1, handed: null },
    ]);
  });

  test('of a live function with equal octets is a repeat; other octets are refused', () => {
    add();
    expect(ofType(add(), 'start')).toEqual([]);
    const other = { ...specification, port: 8081 };
    const refused = add({ specification: other, specificationOctets: octetsOf(other) });
    expect(ofType(refused, 'answer')[0]).toMatchObject({ code: 128 });
  });

  test('without a specification for a function that is not here is refused with error 2', () => {
    expect(ofType(add({ specification: null, specificationOctets: null }), 'answer')[0]).toMatchObject({
      code: 128,
      error: 2,
    });
  });

  test('an assignment with a lower epoch is refused with error 5', () => {
    add({ assignment: assignment({ epoch: '9' }) });
    expect(ofType(add({ assignment: assignment({ epoch: '8' }) }), 'answer')[0]).toMatchObject({
      code: 130,
      error: 5,
    });
  });

  test('beyond the bound of functions is refused with 129', () => {
    agent = new AgentCore({
      random: { u32: () => 1, u64: () => 1n, fraction: () => 0 },
      node: nodeId(1),
      functionsMax: 1,
    });
    add();
    expect(ofType(add({ functionId: WEB2 }), 'answer')[0]).toMatchObject({ code: 129 });
  });
});

describe('candidacy', () => {
  test('a function becomes a ready candidate when its check has passed `rise` times', () => {
    const outputs = readyFunction();
    expect(ofType(outputs, 'candidate')).toEqual([
      {
        type: 'candidate',
        slot: SLOT,
        functionId: WEB1,
        incarnation: '0000000000000001',
        ready: true,
        rank: 0,
        // Whoever sees it end first may say so.
        pid: 77,
      },
    ]);
    expect(ofType(outputs, 'function-changed')[0]).toMatchObject({ status: 'Running' });
  });

  test('the end of its process is not the end of a candidate that is started in place', () => {
    const restart = { inPlace: 1, withinMs: 60_000, readyMs: 3_000 };
    readyFunction();
    const outputs = add({ assignment: assignment({ restart }) });
    const [candidate] = ofType(outputs, 'candidate');
    expect(candidate).toMatchObject({ ready: true });
    expect(candidate).not.toHaveProperty('pid');
  });

  test('the ranking of its assignment gives the rank', () => {
    readyFunction();
    const outputs = add({ assignment: assignment({ ranking: [102, 101] }) });
    expect(ofType(outputs, 'candidate')[0]).toMatchObject({ rank: 1, ready: true });
  });

  test('the holder does not stand in its own queue', () => {
    readyFunction();
    add({ assignment: assignment({ ranking: [102, 101] }) });
    const held = { ...holding(9, WEB2), state: 'held', holder: { node: 2, functionId: WEB2 } } as const;
    const outputs = give({ type: 'slot', state: held, muteMs: 0 });
    expect(ofType(outputs, 'candidate')[0]).toMatchObject({ rank: 0 });
    const gone = give({ type: 'slot', state: { ...held, state: 'free', holder: null }, muteMs: 0 });
    expect(ofType(gone, 'candidate')).toEqual([]);
  });

  test('a restart is another incarnation', () => {
    readyFunction();
    now = 10;
    give({ type: 'exited', functionId: WEB1, run: 1, reason: 'exit code 1' });
    now = agent.nextDeadline() ?? Number.NaN;
    expect(ofType(agent.expire(now), 'start')[0]).toMatchObject({ run: 2 });
    const outputs = give({
      type: 'started',
      functionId: WEB1,
      run: 2,
      pid: 78,
      address: '192.0.2.11',
      port: 8080,
    });
    expect(ofType(outputs, 'check-health')).toHaveLength(1);
  });
});

describe('holding a slot', () => {
  test('the holder is registered by the address of the slot, with its epoch as priority', () => {
    readyFunction();
    const outputs = give({ type: 'slot', state: holding(9), muteMs: 0 });
    expect(ofType(outputs, 'register')).toEqual([
      {
        type: 'register',
        poolHandle: 'web',
        functionId: WEB1,
        address: '192.0.2.1',
        port: 8080,
        policy: { type: 'priority', priority: 9 },
      },
    ]);
  });

  test('the exit of the function releases the slot before anything else', () => {
    readyFunction();
    give({ type: 'slot', state: holding(9), muteMs: 0 });
    const outputs = give({ type: 'exited', functionId: WEB1, run: 1, reason: 'killed by SIGKILL' });
    expect(outputs[0]).toEqual({ type: 'release', slot: SLOT, cause: 'function-exit' });
    expect(ofType(outputs, 'deregister')).toHaveLength(1);
  });

  test('`fall` failed checks in a row release it; one does not', () => {
    readyFunction();
    give({ type: 'slot', state: holding(9), muteMs: 0 });
    const bad = { type: 'health', functionId: WEB1, run: 1, ok: false, reason: 'no answer' } as const;
    expect(ofType(give(bad), 'release')).toEqual([]);
    expect(give(bad)[0]).toEqual({ type: 'release', slot: SLOT, cause: 'function-unhealthy' });
  });

  test('it is released once, and again only for a later holding', () => {
    readyFunction();
    give({ type: 'slot', state: holding(9), muteMs: 0 });
    give({ type: 'exited', functionId: WEB1, run: 1, reason: 'x' });
    expect(ofType(give({ type: 'slot', state: holding(9), muteMs: 0 }), 'release')).toEqual([]);
    give({ type: 'slot', state: { ...holding(9), state: 'free', holder: null }, muteMs: 0 });
    expect(ofType(give({ type: 'slot', state: holding(11), muteMs: 0 }), 'release')).toHaveLength(1);
  });

  test('a hand-over order is carried out once', () => {
    readyFunction();
    give({ type: 'slot', state: holding(9), muteMs: 0 });
    const ordered = assignment({ handover: { to: WEB2, nonce: '01' } });
    expect(ofType(add({ assignment: ordered }), 'hand-over')).toEqual([
      { type: 'hand-over', slot: SLOT, to: { node: 2, functionId: WEB2 }, nonce: '01' },
    ]);
    expect(ofType(add({ assignment: ordered }), 'hand-over')).toEqual([]);
  });
});

describe('a program that ends at once', () => {
  test('is started again with growing waits and shown as failing with its last output', () => {
    add();
    const waits: number[] = [];
    for (let run = 1; run <= 4; run += 1) {
      give({ type: 'output', functionId: WEB1, run, lines: ['cannot open configuration'] });
      give({ type: 'exited', functionId: WEB1, run, reason: 'exit code 1' });
      const next = agent.nextDeadline() ?? Number.NaN;
      waits.push(next - now);
      now = next;
      agent.expire(now);
    }
    expect(waits).toEqual([200, 400, 800, 1600]);
    const changed = ofType(
      give({ type: 'exited', functionId: WEB1, run: 5, reason: 'exit code 1' }),
      'function-changed',
    )[0];
    expect(changed?.report).toMatchObject({ failing: true, restarts: 5 });
  });

  test('an exit told of a former run is ignored', () => {
    readyFunction();
    expect(give({ type: 'exited', functionId: WEB1, run: 0, reason: 'late' })).toEqual([]);
  });
});

describe('DELETE', () => {
  test('stops the function, and its end is told as Unknown', () => {
    readyFunction();
    const outputs = give({ type: 'delete', operation: 9, functionId: WEB1 });
    expect(ofType(outputs, 'answer')[0]).toMatchObject({ code: 0, status: 'Terminating' });
    expect(ofType(outputs, 'stop')[0]).toMatchObject({ run: 1, signal: 'SIGTERM' });
    const ended = give({ type: 'exited', functionId: WEB1, run: 1, reason: 'exit code 0' });
    expect(ofType(ended, 'function-changed')[0]).toMatchObject({ status: 'Unknown' });
    expect(ofType(ended, 'no-candidate')).toHaveLength(1);
  });

  test('of an absent function succeeds with Unknown', () => {
    expect(give({ type: 'delete', operation: 9, functionId: WEB2 })[0]).toMatchObject({
      code: 0,
      status: 'Unknown',
    });
  });

  test('before the program has told its pid, it is stopped as soon as it does', () => {
    add();
    expect(ofType(give({ type: 'delete', operation: 9, functionId: WEB1 }), 'stop')).toEqual([]);
    const outputs = give({
      type: 'started',
      functionId: WEB1,
      run: 1,
      pid: 77,
      address: '192.0.2.11',
      port: 8080,
    });
    expect(ofType(outputs, 'stop')).toHaveLength(1);
  });
});

test('failover records are told until they are acknowledged', () => {
  const record = {
    id: `${SLOT}/9`,
    slot: SLOT,
    epoch: '9',
    from: null,
    to: { node: 1, functionId: WEB1 },
    cause: 'genesis',
    fencedBy: 'none',
    steps: [],
  } as const;
  expect(ofType(give({ type: 'failover', record }), 'slots-changed')[0]?.failovers).toEqual([record]);
  const outputs = give({ type: 'failovers-acknowledged', ids: [record.id] });
  expect(ofType(outputs, 'slots-changed')[0]?.failovers).toEqual([]);
});

test('an agent that stops starts nothing any more', () => {
  give({ type: 'stop' });
  const outputs = add();
  expect(ofType(outputs, 'answer')[0]).toMatchObject({ code: 128 });
  expect(ofType(outputs, 'start')).toEqual([]);
});

test('an older council version is refused with error 5', () => {
  const newer = {
    ...configuration,
    councils: [{ id: 1, members: [1, 2, 3], version: { ...version, number: 2 } }],
  };
  give({ type: 'configure', operation: 1, configuration: newer });
  expect(ofType(give({ type: 'configure', operation: 2, configuration }), 'answer')[0]).toMatchObject({
    code: 130,
    error: 5,
  });
});
