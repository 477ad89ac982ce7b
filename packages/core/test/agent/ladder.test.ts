// SPDX-License-Identifier: Apache-2.0
import type {
  FailoverRecord,
  FunctionSpecification,
  SetConfiguration,
  SlotAssignment,
  SlotState,
} from '@vnfpool/wire/mobility';
import { beforeEach, describe, expect, test } from 'vitest';
import { AgentCore, type AgentInput, type AgentOutput } from '../../src/agent/index.ts';
import type { Random } from '../../src/core.ts';
import { functionId, nodeId } from '../../src/identity.ts';
import type { TransferToken } from '../../src/mobility/types.ts';

const SLOT = '00000000000000aa';
const WEB1 = functionId(101);
const version = { generation: 0, number: 1, randomId: '0000000000000001' };

const specification: FunctionSpecification = {
  v: 1,
  kind: 'process',
  command: ['web'],
  port: 8080,
  health: { type: 'tcp', intervalMs: 500, timeoutMs: 400, rise: 1, fall: 2 },
  stop: { signal: 'SIGTERM', graceMs: 2_000 },
};

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
      addresses: [],
      genesis: { randomId: '0000000000000002', candidates: [] },
      candidates: [
        { node: 1, functionId: 101 },
        { node: 2, functionId: 102 },
        { node: 3, functionId: 103 },
      ],
      lastResort: { rule: 'never' },
    },
  ],
  registrars: [],
};

type Rules = Pick<SlotAssignment, 'restart' | 'flap' | 'holdDownMs'>;

let agent: AgentCore;
let now: number;
let run: number;

function give(input: AgentInput): AgentOutput[] {
  return agent.handle(input, now);
}

function ofType<Type extends AgentOutput['type']>(
  outputs: AgentOutput[],
  type: Type,
): (AgentOutput & { type: Type })[] {
  return outputs.filter((output): output is AgentOutput & { type: Type } => output.type === type);
}

function begin(rules: Rules): void {
  give({ type: 'configure', operation: 1, configuration });
  const octets = Uint8Array.from(JSON.stringify(specification), (letter) => letter.charCodeAt(0));
  const assignment: SlotAssignment = {
    v: 1,
    pool: 'web',
    name: 'web#1',
    slot: { id: SLOT, index: 0 },
    role: 'active',
    epoch: '0',
    addresses: [],
    council: version,
    ranking: [101, 102, 103],
    ...rules,
  };
  give({
    type: 'add',
    operation: 2,
    functionId: WEB1,
    specification,
    specificationOctets: octets,
    assignment,
  });
}

/** The present start of the program is there, and its first check went well. */
function serve(): AgentOutput[] {
  run += 1;
  return [
    ...give({ type: 'started', functionId: WEB1, run, pid: 70 + run, address: '192.0.2.1', port: 8080 }),
    ...give({ type: 'health', functionId: WEB1, run, ok: true, reason: 'connected' }),
  ];
}

const exit = (): AgentOutput[] => give({ type: 'exited', functionId: WEB1, run, reason: 'exit code 1' });
const check = (ok: boolean, isFrozen = false): AgentOutput[] =>
  give({ type: 'health', functionId: WEB1, run, ok, reason: 'no answer', isFrozen });

function slot(state: SlotState['state'], reason = ''): AgentOutput[] {
  const holder = state === 'holding' ? { node: 1, functionId: 101 } : { node: 2, functionId: 102 };
  return give({
    type: 'slot',
    muteMs: 0,
    state: { id: SLOT, state, epoch: '9', holder, candidates: [], reason },
  });
}

function hold(rules: Rules): void {
  begin(rules);
  serve();
  slot('holding');
}

beforeEach(() => {
  let count = 0;
  const random: Random = { u32: () => 1, u64: () => BigInt(++count), fraction: () => 0.5 };
  agent = new AgentCore({ random, node: nodeId(1) });
  now = 1_000;
  run = 0;
});

describe('restart in place', () => {
  const restart = { inPlace: 2, withinMs: 60_000, readyMs: 3_000 };

  test('a function that ends is started at once and keeps its slot; the lease takes it for the same', () => {
    begin({ restart });
    const before = ofType(serve(), 'candidate').at(-1);
    slot('holding');
    const outputs = exit();
    expect(ofType(outputs, 'release')).toEqual([]);
    expect(ofType(outputs, 'start')).toMatchObject([{ run: 2 }]);
    expect(ofType(outputs, 'candidate')).toMatchObject([{ ready: false, incarnation: before?.incarnation }]);
    expect(ofType(outputs, 'event').map(({ message }) => message)).toContain(
      'web#1: started in place, 1 of 2 within 60000 ms; it keeps its slot',
    );
    const served = serve();
    expect(ofType(served, 'release')).toEqual([]);
    expect(ofType(served, 'candidate').at(-1)).toMatchObject({
      ready: true,
      incarnation: before?.incarnation,
    });
    // Its own incarnation, for whoever asks for it, is a new one.
    expect(ofType(served, 'function-changed').at(-1)?.report.incarnation).not.toBe(before?.incarnation);
  });

  test('one that turns unhealthy is ended and started again, and its slot stays', () => {
    hold({ restart });
    check(false);
    const outputs = check(false);
    expect(ofType(outputs, 'release')).toEqual([]);
    expect(ofType(outputs, 'stop')).toMatchObject([{ run: 1, signal: 'SIGTERM', graceMs: 2_000 }]);
    expect(ofType(exit(), 'start')).toMatchObject([{ run: 2 }]);
    expect(ofType(serve(), 'release')).toEqual([]);
  });

  test('the third failure within the time lets the slot go', () => {
    hold({ restart });
    exit();
    serve();
    exit();
    serve();
    const outputs = exit();
    expect(outputs[0]).toEqual({ type: 'release', slot: SLOT, cause: 'function-exit' });
    const { report } = ofType(outputs, 'function-changed').at(-1) ?? {};
    expect(report?.trouble).toMatchObject({
      failures: 3,
      startsInPlace: 2,
      note: 'started in place 2 times within 60000 ms already; its slot goes to another candidate',
    });
  });

  test('failures further apart count anew', () => {
    hold({ restart });
    for (let n = 0; n < 6; n++) {
      now += 40_000;
      expect(ofType(exit(), 'release')).toEqual([]);
      expect(ofType(serve(), 'release')).toEqual([]);
    }
  });

  test('one that is not ready in time lets the slot go, also when it ends in between', () => {
    hold({ restart: { ...restart, inPlace: 9 } });
    exit();
    now += 2_000;
    run += 1;
    // The second start does not get more time than the first had.
    expect(ofType(exit(), 'start')).toHaveLength(1);
    expect(agent.nextDeadline()).toBe(now + 1_000);
    now += 1_000;
    expect(agent.expire(now)[0]).toMatchObject({ type: 'release', slot: SLOT });
  });

  test('a lease that runs out meanwhile ends it: the function starts as any other does', () => {
    hold({ restart });
    exit();
    expect(ofType(slot('free', 'lost: expired'), 'release')).toEqual([]);
    now += 3_000;
    expect(ofType(agent.expire(now), 'release')).toEqual([]);
  });

  test('a frozen function is not killed: it is not dead, but its slot goes', () => {
    hold({ restart });
    check(false, true);
    const outputs = check(false, true);
    expect(ofType(outputs, 'stop')).toEqual([]);
    expect(outputs[0]).toMatchObject({ type: 'release', cause: 'function-unhealthy' });
  });

  test('a standby’s end costs nobody anything: no release, no start in place', () => {
    begin({ restart });
    serve();
    slot('held');
    const outputs = exit();
    expect(ofType(outputs, 'release')).toEqual([]);
    expect(ofType(outputs, 'start')).toEqual([]);
    now += 200;
    expect(ofType(agent.expire(now), 'start')).toHaveLength(1);
  });

  test('one whose state is on its way to another node is not started in place: it would begin with nothing', () => {
    hold({ restart });
    give({
      type: 'transfer',
      operation: 5,
      functionId: WEB1,
      mode: 'move',
      targetFunctionId: WEB1,
      destination: { node: nodeId(2), addresses: ['192.0.2.2'], port: 4_000 },
      token: new Uint8Array(16) as TransferToken,
    });
    expect(exit()[0]).toMatchObject({ type: 'release', cause: 'function-exit' });
  });

  test('an agent that stops starts nothing again', () => {
    hold({ restart });
    give({ type: 'stop' });
    expect(ofType(exit(), 'start')).toEqual([]);
  });
});

describe('penalty and hold-down', () => {
  function lastCandidate(outputs: AgentOutput[]): { rank: number; ready: boolean } | undefined {
    return ofType(outputs, 'candidate').at(-1);
  }

  /** It ends, is started after its back-off, and serves. */
  function stumble(): AgentOutput[] {
    exit();
    now = Math.max(now, agent.nextDeadline() ?? now);
    agent.expire(now);
    return serve();
  }

  test('a candidate that failed three times ranks behind all others, until its penalty has decayed', () => {
    begin({ flap: { penalty: 1_000, suppress: 2_500, reuse: 1_000, halfLifeMs: 10_000 } });
    serve();
    stumble();
    expect(lastCandidate(stumble())).toMatchObject({ rank: 0, ready: true });
    expect(lastCandidate(stumble())).toMatchObject({ rank: 3, ready: true });
    let outputs: AgentOutput[] = [];
    for (let n = 0; n < 50 && lastCandidate(outputs) === undefined; n++) {
      now = agent.nextDeadline() ?? Number.NaN;
      outputs = agent.expire(now);
      if (ofType(outputs, 'check-health').length > 0) outputs = check(true);
    }
    expect(lastCandidate(outputs)).toMatchObject({ rank: 0 });
    expect(now).toBeGreaterThan(1_000 + 10_000);
    expect(now).toBeLessThan(1_000 + 30_000);
  });

  test('after a slot lost by a failure the function does not try for the hold-down', () => {
    hold({ holdDownMs: 30_000 });
    exit();
    const lostAt = now;
    slot('free', 'lost: function-exit');
    now += 200;
    agent.expire(now);
    expect(lastCandidate(serve())?.ready ?? false).toBe(false);
    let outputs: AgentOutput[] = [];
    for (let n = 0; n < 200 && lastCandidate(outputs) === undefined; n++) {
      now = agent.nextDeadline() ?? Number.NaN;
      outputs = agent.expire(now);
      if (ofType(outputs, 'check-health').length > 0) outputs = check(true);
    }
    expect(lastCandidate(outputs)?.ready).toBe(true);
    expect(now).toBe(lostAt + 30_000);
  });

  test('a slot given up on purpose holds nobody down', () => {
    hold({ holdDownMs: 30_000 });
    expect(lastCandidate(slot('held', 'lost: handover'))?.ready ?? true).toBe(true);
  });
});

describe('a registrar asks whether it lives', () => {
  const doubted = (): AgentOutput[] => give({ type: 'doubted', functionId: WEB1 });

  test('then it is checked at once; what follows is as far apart as ever', () => {
    hold({});
    expect(ofType(doubted(), 'check-health')).toHaveLength(1);
    // One is under way already.
    expect(ofType(doubted(), 'check-health')).toEqual([]);
    expect(ofType(check(false), 'release')).toEqual([]);
    expect(agent.nextDeadline()).toBe(now + 500);
    now += 500;
    expect(ofType(agent.expire(now), 'check-health')).toHaveLength(1);
    expect(check(false)[0]).toMatchObject({ type: 'release', cause: 'function-unhealthy' });
  });

  test('what goes well moves nothing, and is looked at as before', () => {
    hold({});
    doubted();
    check(true);
    expect(agent.nextDeadline()).toBe(now + 500);
  });
});

test('records of a former agent are told, kept for a while when they were acknowledged, and bounded', () => {
  const record = (n: number): FailoverRecord => ({
    id: `${SLOT}/${n}`,
    slot: SLOT,
    epoch: String(n),
    from: null,
    to: { node: 1, functionId: 101 },
    cause: 'lease-expired',
    fencedBy: 'timeout',
    steps: [],
  });
  const kept = (outputs: AgentOutput[]): string[] | undefined =>
    ofType(outputs, 'keep-failovers')
      .at(-1)
      ?.records.map(({ id }) => id);
  const told = give({ type: 'restore-failovers', records: [record(1)] });
  expect(ofType(told, 'slots-changed')[0]?.failovers).toEqual([record(1)]);
  expect(kept(give({ type: 'failover', record: record(2) }))).toEqual([`${SLOT}/1`, `${SLOT}/2`]);
  // On disk before anybody could acknowledge it.
  const outputs = give({ type: 'failover', record: record(3) }).map(({ type }) => type);
  expect(outputs.indexOf('keep-failovers')).toBeLessThan(outputs.indexOf('slots-changed'));
  const acknowledged = give({ type: 'failovers-acknowledged', ids: [`${SLOT}/1`, `${SLOT}/2`] });
  expect(ofType(acknowledged, 'slots-changed')[0]?.failovers).toEqual([record(3)]);
  expect(kept(acknowledged)).toBeUndefined();
  // Another manager may lack what the one before has acknowledged.
  give({ type: 'managed', term: 1n });
  const again = give({ type: 'managed', term: 2n });
  expect(ofType(again, 'slots-changed')[0]?.failovers).toEqual([record(1), record(2), record(3)]);
  const all: AgentOutput[] = [];
  for (let n = 4; n <= 4_110; n++)
    all.push(...ofType(give({ type: 'failover', record: record(n) }), 'event'));
  now += 60_000;
  const later = agent.expire(now);
  expect(kept(later)).toHaveLength(4_096);
  const why = 'dropped, the oldest: no manager has taken them, and 4096 are kept at most';
  expect([...all, ...ofType(later, 'event')]).toMatchObject([
    { severity: 'warning', message: `1 failover record was ${why}` },
    { severity: 'warning', message: `13 failover records were ${why}` },
  ]);
});
