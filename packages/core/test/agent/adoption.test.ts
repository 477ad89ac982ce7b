// SPDX-License-Identifier: Apache-2.0
import type {
  FunctionSpecification,
  SetConfiguration,
  SlotAssignment,
  SlotState,
} from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import {
  type AdoptedFunction,
  AgentCore,
  type AgentInput,
  type AgentOutput,
  type FunctionRecord,
} from '../../src/agent/index.ts';
import { functionId, nodeId, type SlotId } from '../../src/identity.ts';
import { seededRandom } from '../handlespace/seeded-random.ts';

/* An agent that comes back to its functions. */

const WEB = functionId(101);
const SLOT = '00000000000000aa';
const RUN_ENDED = 'killed by SIGKILL';
const version = { generation: 0, number: 1, randomId: '0000000000000001' };
const specification: FunctionSpecification = {
  v: 1,
  kind: 'process',
  command: ['web'],
  port: 8080,
  health: { type: 'tcp', intervalMs: 500, timeoutMs: 400, rise: 1, fall: 2 },
};
const specificationOctets = Uint8Array.from(JSON.stringify(specification), (each) => each.charCodeAt(0));
const assignment: SlotAssignment = {
  v: 1,
  pool: 'web',
  name: 'web#1',
  slot: { id: SLOT, index: 0 },
  role: 'active',
  epoch: '7',
  addresses: [],
  council: version,
  ranking: [101],
};
const candidates = [{ node: 10, functionId: 101 }];
const configuration: SetConfiguration = {
  v: 1,
  set: 'edge',
  councils: [{ id: 1, version, members: [10, 11, 12] }],
  nodes: [],
  slots: [
    {
      id: SLOT,
      pool: 'web',
      index: 0,
      leaseMs: 300,
      addresses: [],
      genesis: { randomId: '0000000000000002', candidates },
      candidates,
      lastResort: { rule: 'never' },
    },
  ],
  registrars: [],
};
const process = { pid: 77, address: '192.0.2.11', port: 8080 };

function holding(epoch: string): SlotState {
  const holder = { node: 10, functionId: 101 };
  return { id: SLOT, state: 'holding', epoch, holder, candidates: [], reason: '' };
}

/** One life of an agent; `kept` is what lasts. */
class Life {
  readonly core: AgentCore;
  kept: FunctionRecord | null = null;
  now = 1_000;

  constructor(seed = 1) {
    this.core = new AgentCore({ random: seededRandom(seed), node: nodeId(10) });
  }

  give(input: AgentInput): AgentOutput[] {
    return this.#take(this.core.handle(input, this.now));
  }

  expire(): AgentOutput[] {
    this.now = this.core.nextDeadline() ?? this.now;
    return this.#take(this.core.expire(this.now));
  }

  #take(outputs: AgentOutput[]): AgentOutput[] {
    for (const output of outputs) if (output.type === 'keep') this.kept = output.record;
    return outputs;
  }

  /** Configured, added, started and healthy. */
  serve(given: SlotAssignment | null = assignment): this {
    this.give({ type: 'configure', operation: 1, configuration });
    this.give({
      type: 'add',
      operation: 2,
      functionId: WEB,
      specification,
      specificationOctets,
      assignment: given,
    });
    this.give({ type: 'started', functionId: WEB, run: 1, ...process });
    this.give({ type: 'health', functionId: WEB, run: 1, ok: true, reason: '' });
    return this;
  }

  adopt(
    record: FunctionRecord | null,
    {
      configuration: known = configuration,
      ...over
    }: Partial<AdoptedFunction> & {
      readonly configuration?: SetConfiguration;
    } = {},
    slots: readonly SlotState[] = [],
  ): AgentOutput[] {
    if (record === null) throw new Error('nothing was kept');
    const adopted = { functionId: WEB, record, specification, process, reason: '', ...over };
    return this.give({ type: 'adopt', configuration: known, functions: [adopted], slots });
  }

  report() {
    const [answer] = ofType(
      this.give({
        type: 'add',
        operation: 99,
        functionId: WEB,
        specification: null,
        specificationOctets: null,
        assignment: null,
      }),
      'answer',
    );
    return answer;
  }
}

function ofType<Type extends AgentOutput['type']>(
  outputs: readonly AgentOutput[],
  type: Type,
): (AgentOutput & { type: Type })[] {
  return outputs.filter((output): output is AgentOutput & { type: Type } => output.type === type);
}

describe('what is kept of a function', () => {
  test('comes before its start, and again only when something of it has changed', () => {
    const agent = new Life();
    const added = agent.give({
      type: 'add',
      operation: 1,
      functionId: WEB,
      specification,
      specificationOctets,
      assignment,
    });
    const types = added.map(({ type }) => type);
    expect(types.indexOf('keep')).toBeLessThan(types.indexOf('start'));
    expect(agent.kept).toMatchObject({ name: 'web#1', life: { run: 1, phase: 'started', healthy: false } });
    const quiet: AgentInput[] = [
      { type: 'started', functionId: WEB, run: 1, ...process },
      { type: 'load', functionId: WEB, run: 1, fraction: 0.5 },
      { type: 'output', functionId: WEB, run: 1, lines: ['one'] },
    ];
    expect(quiet.flatMap((input) => ofType(agent.give(input), 'keep'))).toEqual([]);
    agent.give({ type: 'health', functionId: WEB, run: 1, ok: true, reason: '' });
    expect(agent.kept?.life.healthy).toBe(true);
    agent.give({ type: 'exited', functionId: WEB, run: 1, reason: RUN_ENDED });
    expect(agent.kept?.life).toMatchObject({ phase: 'idle', restarts: 1, healthy: false });
    const again = agent.expire();
    expect(again.findIndex(({ type }) => type === 'keep')).toBeLessThan(
      again.findIndex(({ type }) => type === 'start'),
    );
    expect(agent.kept?.life).toMatchObject({ phase: 'started', run: 2 });
  });

  test('is nothing any more once it is gone; that it goes is kept before', () => {
    const agent = new Life().serve();
    agent.give({ type: 'delete', operation: 3, functionId: WEB });
    expect(agent.kept?.life.phase).toBe('terminating');
    agent.give({ type: 'exited', functionId: WEB, run: 1, reason: RUN_ENDED });
    expect(agent.kept).toBeNull();
  });
});

describe('an agent that was handed on to', () => {
  test('goes on with the slot: the function stays active, and nothing is given up', () => {
    const former = new Life().serve();
    const outputs = new Life(2).adopt(former.kept, {}, [holding('9')]);
    expect(ofType(outputs, 'role')).toEqual([
      { type: 'role', functionId: WEB, run: 1, role: 'active', epoch: '9' },
    ]);
    expect(ofType(outputs, 'release')).toEqual([]);
    expect(ofType(outputs, 'candidate')).toMatchObject([{ slot: SLOT, functionId: WEB, ready: true }]);
  });

  test('tells a function whose state is shared that it is active when it has been given the state, not before', () => {
    const former = new Life().serve();
    const agent = new Life(2);
    const sharing = { method: 'replicate', lossUpdates: 0, acknowledgedBy: 0, overload: 'block' } as const;
    const slots = configuration.slots.map((slot) => ({ ...slot, sharing }));
    const outputs = agent.adopt(former.kept, { configuration: { ...configuration, slots } }, [holding('9')]);
    expect(ofType(outputs, 'role')).toEqual([]);
    const owned = (epoch: number) =>
      agent.give({ type: 'owns-state', slot: SLOT as SlotId, functionId: WEB, epoch });
    expect(ofType(owned(10), 'role')).toMatchObject([{ role: 'active', epoch: '9' }]);
    const hears = (state: SlotState) => ofType(agent.give({ type: 'slot', state, muteMs: 0 }), 'role');
    expect(hears(holding('10'))).toMatchObject([{ role: 'active', epoch: '10' }]);
    const free = { ...holding('10'), state: 'free', holder: null } as const;
    expect(hears(free)).toMatchObject([{ role: 'standby' }]);
    expect(hears(holding('12'))).toEqual([]);
    expect(ofType(owned(12), 'role')).toMatchObject([{ role: 'active', epoch: '12' }]);
  });

  test('gives the slot up at once when the function has ended in between', () => {
    const former = new Life().serve();
    const outputs = new Life(2).adopt(former.kept, { process: null, reason: RUN_ENDED }, [holding('9')]);
    expect(ofType(outputs, 'release')).toEqual([{ type: 'release', slot: SLOT, cause: 'function-exit' }]);
  });
});

describe('an agent that comes back', () => {
  test('to a function that lives: the same run, process and incarnation, healthy, checked at once', () => {
    const former = new Life().serve();
    const before = former.report();
    const agent = new Life(2);
    const outputs = agent.adopt(former.kept);
    expect(ofType(outputs, 'start')).toEqual([]);
    expect(ofType(outputs, 'stop')).toEqual([]);
    expect(ofType(outputs, 'check-health')).toMatchObject([{ run: 1, address: '192.0.2.11', port: 8080 }]);
    expect(ofType(outputs, 'role')).toEqual([
      { type: 'role', functionId: WEB, run: 1, role: 'standby', epoch: '7' },
    ]);
    expect(ofType(outputs, 'candidate')).toMatchObject([{ slot: SLOT, functionId: WEB, ready: true }]);
    expect(agent.report()).toMatchObject({
      code: 0,
      status: 'Running',
      report: { pid: 77, incarnation: before?.report?.incarnation, restarts: 0, healthy: true },
    });
    // The slot comes back by its rules, and the function hears of it.
    expect(ofType(agent.give({ type: 'slot', state: holding('9'), muteMs: 0 }), 'role')).toMatchObject([
      { role: 'active', epoch: '9' },
    ]);
  });

  test('and is not healthy any more: checks say so as ever', () => {
    const former = new Life().serve();
    const agent = new Life(2);
    agent.adopt(former.kept);
    for (const _of of [1, 2]) agent.give({ type: 'health', functionId: WEB, run: 1, ok: false, reason: 'x' });
    expect(agent.report()).toMatchObject({ status: 'Starting', report: { healthy: false } });
  });

  test('to one that ended meanwhile: the rules of an end hold', () => {
    const former = new Life().serve();
    const agent = new Life(2);
    const outputs = agent.adopt(former.kept, { process: null, reason: RUN_ENDED });
    expect(ofType(outputs, 'start')).toEqual([]);
    expect(ofType(outputs, 'event')[0]?.message).toContain(RUN_ENDED);
    expect(ofType(agent.expire(), 'start')).toMatchObject([{ run: 2 }]);
    expect(agent.report()).toMatchObject({ report: { restarts: 1 } });
  });

  test('to one that waited for its next start: its end is not counted twice', () => {
    const former = new Life().serve();
    former.give({ type: 'exited', functionId: WEB, run: 1, reason: RUN_ENDED });
    const agent = new Life(2);
    agent.adopt(former.kept, { process: null, reason: 'as it was' });
    expect(ofType(agent.expire(), 'start')).toMatchObject([{ run: 2 }]);
    expect(agent.report()).toMatchObject({ report: { restarts: 1 } });
  });

  test('to one that was being ended: it is ended, or gone', () => {
    const former = new Life().serve();
    former.give({ type: 'delete', operation: 3, functionId: WEB });
    const agent = new Life(2);
    expect(ofType(agent.adopt(former.kept), 'stop')).toMatchObject([{ functionId: WEB, run: 1 }]);
    const later = new Life(3);
    const outputs = later.adopt(former.kept, { process: null });
    expect(ofType(outputs, 'function-changed')).toMatchObject([{ status: 'Unknown' }]);
    expect(ofType(outputs, 'keep')).toEqual([{ type: 'keep', functionId: WEB, record: null }]);
  });

  test('to one that has not got its state: gone when it ended, else it waits on', () => {
    const former = new Life();
    former.give({
      type: 'prepare',
      operation: 1,
      functionId: WEB,
      specification,
      specificationOctets,
      assignment: null,
      token: new Uint8Array(16),
      from: nodeId(11),
    });
    former.give({ type: 'started', functionId: WEB, run: 1, ...process });
    expect(former.kept).toMatchObject({ transfer: { role: 'destination', peer: 11 } });
    const gone = new Life(2).adopt(former.kept, { process: null, reason: RUN_ENDED });
    expect(ofType(gone, 'function-changed')).toMatchObject([{ status: 'Unknown' }]);
    const agent = new Life(3);
    expect(ofType(agent.adopt(former.kept), 'role')).toMatchObject([{ role: 'standby' }]);
    const end = { outcome: 'committed', sessions: null, pauseMs: null } as const;
    const taken = agent.give({ type: 'transfer-ended', functionId: WEB, end });
    expect(ofType(taken, 'role')).toMatchObject([{ role: 'active' }]);
    expect(agent.kept).toMatchObject({ transfer: null, life: { awaitsState: false } });
  });

  test('a newer configuration stays in force', () => {
    const agent = new Life(2);
    const newer = {
      ...configuration,
      councils: [{ id: 1, version: { ...version, number: 5 }, members: [10] }],
    };
    agent.give({ type: 'configure', operation: 1, configuration: newer });
    agent.adopt(new Life().serve().kept);
    const older = agent.give({ type: 'configure', operation: 2, configuration });
    expect(ofType(older, 'answer')).toMatchObject([{ code: 130 }]);
  });
});

test('an agent that leaves gives its slots up and touches no function', () => {
  const agent = new Life().serve();
  agent.give({ type: 'slot', state: holding('8'), muteMs: 0 });
  const { kept } = agent;
  const outputs = agent.give({ type: 'leave' });
  expect(outputs[0]).toEqual({ type: 'release', slot: SLOT, cause: 'handover' });
  expect(ofType(outputs, 'no-candidate')).toHaveLength(1);
  expect(ofType(outputs, 'stop')).toEqual([]);
  expect(agent.kept).toEqual(kept);
  const free: SlotState = { ...holding('8'), state: 'free', holder: null };
  const released = agent.give({ type: 'slot', state: free, muteMs: 0 });
  expect(ofType(released, 'role')).toMatchObject([{ role: 'standby' }]);
  expect(ofType(released, 'candidate')).toEqual([]);
  const refused = agent.give({
    type: 'add',
    operation: 9,
    functionId: functionId(102),
    specification,
    specificationOctets,
    assignment: null,
  });
  expect(ofType(refused, 'answer')).toMatchObject([{ code: 128 }]);
});
