// SPDX-License-Identifier: Apache-2.0
import type { FunctionSpecification, SetConfiguration, SlotAssignment } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { AgentCore, type AgentInput, type AgentOutput } from '../../src/agent/index.ts';
import { functionId, nodeId } from '../../src/identity.ts';
import type { TransferEnd } from '../../src/state-transfer/index.ts';
import { seededRandom } from '../handlespace/seeded-random.ts';

const KV = functionId(101);
const specification: FunctionSpecification = { v: 1, kind: 'process', command: ['kv'], port: 8080 };
const specificationOctets = Uint8Array.from(JSON.stringify(specification), (each) => each.charCodeAt(0));
const token = new Uint8Array(16).fill(7);
const destination = { node: nodeId(11), addresses: ['192.0.2.11'], port: 50_000 } as const;
const SLOT = '00000000000000aa';
const version = { generation: 0, number: 1, randomId: '0000000000000001' };
const slotted: SlotAssignment = {
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
const candidates = [
  { node: 10, functionId: 101 },
  { node: 11, functionId: 101 },
];
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
const program = { functionId: KV, specification, specificationOctets, assignment: null } as const;
const committed: TransferEnd = { outcome: 'committed', sessions: null, pauseMs: 3 };
const aborted: TransferEnd = {
  outcome: 'aborted',
  reason: 'timeout',
  errorNumber: null,
  text: 'no progress in time',
};

class Agent {
  readonly core = new AgentCore({ random: seededRandom(1), node: nodeId(10) });
  #operations = 0;

  give(input: AgentInput): AgentOutput[] {
    return this.core.handle(input, 1000);
  }

  add(): void {
    this.#operations += 1;
    this.give({ type: 'add', operation: this.#operations, ...program });
    this.started();
  }

  configure(): void {
    this.give({ type: 'configure', operation: 90, configuration });
  }

  addSlotted(): void {
    this.configure();
    this.give({ type: 'add', operation: 91, ...program, assignment: slotted });
    this.started();
  }

  slot(state: 'holding' | 'held' | 'free', holder: number | null): AgentOutput[] {
    return this.give({
      type: 'slot',
      muteMs: 0,
      state: {
        id: SLOT,
        state,
        epoch: '7',
        holder: holder === null ? null : { node: holder, functionId: 101 },
        candidates: [],
        reason: '',
      },
    });
  }

  started(): AgentOutput[] {
    return this.give({ type: 'started', functionId: KV, run: 1, pid: 42, address: '192.0.2.10', port: 8080 });
  }

  exited(): AgentOutput[] {
    return this.give({ type: 'exited', functionId: KV, run: 1, reason: 'exit code 0' });
  }

  prepare(assignment: SlotAssignment | null = null, from: number | null = 12): AgentOutput[] {
    this.#operations += 1;
    const source = from === null ? null : nodeId(from);
    return this.give({
      type: 'prepare',
      operation: this.#operations,
      ...program,
      assignment,
      token,
      from: source,
    });
  }

  transfer(mode: 'move' | 'copy'): AgentOutput[] {
    this.#operations += 1;
    const target = { targetFunctionId: KV, destination, token };
    return this.give({ type: 'transfer', operation: this.#operations, functionId: KV, mode, ...target });
  }

  ended(end: TransferEnd): AgentOutput[] {
    return this.give({ type: 'transfer-ended', functionId: KV, end });
  }
}

const types = (outputs: readonly AgentOutput[]) => outputs.map(({ type }) => type);
const only = <T extends AgentOutput['type']>(outputs: readonly AgentOutput[], type: T) =>
  outputs.filter((output): output is Extract<AgentOutput, { type: T }> => output.type === type);

describe('at the source', () => {
  test('a move: accepted as Running, given away, then ended; the last word says where it went', () => {
    const agent = new Agent();
    agent.add();
    const outputs = agent.transfer('move');
    expect(only(outputs, 'answer')).toMatchObject([{ code: 0, status: 'Running' }]);
    expect(only(outputs, 'send-state')).toMatchObject([{ functionId: KV, mode: 'move', destination, token }]);
    const after = agent.ended(committed);
    expect(only(after, 'stop')).toMatchObject([{ functionId: KV }]);
    expect(only(after, 'function-changed')).toMatchObject([
      { status: 'Terminating', reason: 'moved to node 11' },
    ]);
    expect(only(agent.exited(), 'function-changed')).toMatchObject([
      { status: 'Unknown', reason: 'moved to node 11' },
    ]);
  });

  test('a copy, and a move that came to nothing: it goes on, and can be given away again', () => {
    const agent = new Agent();
    agent.add();
    agent.transfer('copy');
    expect(only(agent.ended(committed), 'function-changed')).toMatchObject([
      { status: 'Running', reason: 'copied to node 11' },
    ]);
    agent.transfer('move');
    expect(only(agent.ended(aborted), 'function-changed')).toMatchObject([
      { status: 'Running', reason: 'not transferred to node 11: no progress in time' },
    ]);
    expect(types(agent.transfer('move'))).toContain('send-state');
  });

  test('how it goes is told while it lasts', () => {
    const agent = new Agent();
    agent.add();
    agent.transfer('move');
    const report = {
      id: 'ab'.repeat(16),
      role: 'source',
      phase: 'transferring',
      bytes: 1,
      bytesTotal: 2,
      bytesPerSecond: 3,
      changePerSecond: 4,
      expectedPauseMs: 5,
      expectedEndMs: 6,
      peer: 11,
    } as const;
    const told = agent.give({ type: 'transfer-progress', functionId: KV, report });
    expect(only(told, 'function-changed')).toMatchObject([
      { report: { transfer: { ...report, mode: 'move' } } },
    ]);
    const [after] = only(agent.ended(aborted), 'function-changed');
    expect(after?.report.transfer).toBeUndefined();
  });

  test.each([
    ['what is not there', () => undefined, { code: 128, error: 2 }],
    [
      'what goes already',
      (agent: Agent) => {
        agent.add();
        agent.transfer('copy');
      },
      { code: 128, text: 'function 101 is being transferred already' },
    ],
    [
      'what does not run yet',
      (agent: Agent) => void agent.prepare(),
      { code: 128, text: 'function 101 is being transferred already' },
    ],
    [
      'what has ended and waits for its next start',
      (agent: Agent) => {
        agent.add();
        agent.exited();
      },
      { code: 128, text: 'function 101 is Starting' },
    ],
  ])('%s is refused', (_, before, answer) => {
    const agent = new Agent();
    before(agent);
    const outputs = agent.transfer('move');
    expect(only(outputs, 'answer')).toMatchObject([answer]);
    expect(types(outputs)).not.toContain('send-state');
  });

  test('a function that is deleted meanwhile gives nothing away any more', () => {
    const agent = new Agent();
    agent.add();
    agent.transfer('move');
    const outputs = agent.give({ type: 'delete', operation: 9, functionId: KV });
    expect(only(outputs, 'cancel-transfer')).toMatchObject([{ isGone: false }]);
    expect(types(outputs)).toContain('stop');
  });
});

describe('at the destination', () => {
  test('it is started and stands by, Starting however healthy, until its state is there', () => {
    const agent = new Agent();
    const outputs = agent.prepare();
    expect(only(outputs, 'answer')).toMatchObject([{ code: 0, status: 'Starting' }]);
    expect(only(outputs, 'receive-state')).toMatchObject([{ functionId: KV, token, from: 12 }]);
    const started = agent.started();
    expect(only(started, 'role')).toMatchObject([{ role: 'standby' }]);
    expect(only(started, 'function-changed')).toMatchObject([
      { status: 'Starting', report: { healthy: true } },
    ]);
    const after = agent.ended(committed);
    expect(only(after, 'role')).toMatchObject([{ role: 'active' }]);
    expect(only(after, 'function-changed')).toMatchObject([{ status: 'Running' }]);
  });

  test('without its state it ends, and says why', () => {
    const agent = new Agent();
    agent.prepare();
    agent.started();
    expect(types(agent.ended(aborted))).toContain('stop');
    expect(only(agent.exited(), 'function-changed')).toMatchObject([
      { status: 'Unknown', reason: 'its state did not come: no progress in time' },
    ]);
  });

  test('one that ends before is not started again, and the transfer hears of it', () => {
    const agent = new Agent();
    agent.prepare();
    agent.started();
    const outputs = agent.exited();
    expect(only(outputs, 'cancel-transfer')).toMatchObject([{ isGone: true }]);
    expect(only(outputs, 'function-changed')).toMatchObject([
      { status: 'Unknown', reason: 'ended before it had its state (exit code 0)' },
    ]);
    expect(agent.core.nextDeadline()).toBeUndefined();
    expect(agent.ended(aborted)).toEqual([]);
  });

  test('what is here already, and a source that nobody named, are refused', () => {
    const agent = new Agent();
    agent.add();
    expect(only(agent.prepare(), 'answer')).toMatchObject([{ code: 128 }]);
    expect(only(new Agent().prepare(null, null), 'answer')).toMatchObject([{ code: 130, error: 3 }]);
  });
});

describe('with a slot', () => {
  test('the state goes first, then the slot; the function ends when its lease is elsewhere', () => {
    const agent = new Agent();
    agent.addSlotted();
    agent.slot('holding', 10);
    expect(only(agent.transfer('move'), 'send-state')).toMatchObject([{ isLeased: true }]);
    const after = agent.ended(committed);
    expect(only(after, 'hand-over')).toMatchObject([{ slot: SLOT, to: { node: 11, functionId: KV } }]);
    expect(types(after)).not.toContain('stop');
    const lost = agent.slot('held', 11);
    expect(only(lost, 'stop')).toMatchObject([{ functionId: KV }]);
    expect(only(lost, 'function-changed')).toMatchObject([
      { status: 'Terminating', reason: 'moved to node 11' },
    ]);
    expect(only(lost, 'release')).toEqual([]);
  });

  test('a hand-over is ordered again, each time with another nonce, and then the function goes on', () => {
    const agent = new Agent();
    agent.addSlotted();
    agent.slot('holding', 10);
    agent.transfer('move');
    const orders = only(agent.ended(committed), 'hand-over');
    for (;;) {
      const atMs = agent.core.nextDeadline() ?? Number.NaN;
      const outputs = agent.core.expire(atMs);
      orders.push(...only(outputs, 'hand-over'));
      if (!types(outputs).includes('keep-state')) continue;
      expect(atMs).toBe(3000);
      expect(only(outputs, 'keep-state')).toEqual([{ type: 'keep-state', functionId: KV }]);
      expect(only(outputs, 'function-changed')).toMatchObject([
        { status: 'Running', reason: 'not moved to node 11: it did not take the slot' },
      ]);
      break;
    }
    expect(new Set(orders.map(({ nonce }) => nonce)).size).toBe(8);
    expect(orders).toHaveLength(8);
    expect(types(agent.transfer('move'))).toContain('send-state');
  });

  test('who waits for a slot has none to hand over: it ends at once', () => {
    const agent = new Agent();
    agent.addSlotted();
    agent.slot('held', 12);
    agent.transfer('move');
    const after = agent.ended(committed);
    expect(types(after)).toContain('stop');
    expect(types(after)).not.toContain('hand-over');
  });

  test('a function that ends while its slot follows lets go of it, and is not started again', () => {
    const agent = new Agent();
    agent.addSlotted();
    agent.slot('holding', 10);
    agent.transfer('move');
    agent.ended(committed);
    expect(only(agent.exited(), 'release')).toMatchObject([{ slot: SLOT, cause: 'function-exit' }]);
    expect(only(agent.slot('free', null), 'function-changed')).toMatchObject([
      { status: 'Unknown', reason: 'moved to node 11' },
    ]);
    expect(agent.core.nextDeadline()).toBeUndefined();
  });

  test('at the destination it offers itself once it has its state, and its lease makes it active', () => {
    const agent = new Agent();
    agent.configure();
    expect(only(agent.prepare(slotted), 'receive-state')).toMatchObject([{ isLeased: true }]);
    expect(only(agent.started(), 'candidate').at(-1)?.ready ?? false).toBe(false);
    const after = agent.ended(committed);
    expect(only(after, 'candidate')).toMatchObject([{ slot: SLOT, functionId: KV, ready: true }]);
    expect(only(after, 'role')).toMatchObject([{ role: 'standby' }]);
    expect(only(agent.slot('holding', 10), 'role')).toMatchObject([{ role: 'active', epoch: '7' }]);
  });

  test('a copy would stand beside the slot: refused', () => {
    const agent = new Agent();
    agent.addSlotted();
    expect(only(agent.transfer('copy'), 'answer')).toMatchObject([{ code: 128 }]);
  });
});

test('connections move, and are not copied: the copy would have the same addresses', () => {
  const agent = new Agent();
  const netns = { interfaces: [{ name: 'wan', bridge: 'br-wan', addresses: ['192.0.2.2/24'] }], rules: 'x' };
  const gateway = { v: 1, kind: 'netns', command: [], netns, state: { via: 'conntrack' } } as const;
  agent.give({ type: 'add', operation: 50, ...program, specification: gateway });
  agent.started();
  expect(only(agent.transfer('copy'), 'answer')).toMatchObject([
    { code: 128, text: expect.stringContaining('connections only move') },
  ]);
  expect(only(agent.transfer('move'), 'answer')).toMatchObject([{ code: 0 }]);
});

test('connections of the node do not move', () => {
  const agent = new Agent();
  const node = { ...program.specification, state: { via: 'conntrack' } } as const;
  agent.give({ type: 'add', operation: 50, ...program, specification: node });
  agent.started();
  for (const mode of ['copy', 'move'] as const)
    expect(only(agent.transfer(mode), 'answer')).toMatchObject([
      { code: 128, text: expect.stringContaining('are those of its node') },
    ]);
});

test('a transfer is cancelled at its destination while the state has not come, and not later', () => {
  const agent = new Agent();
  agent.prepare();
  agent.started();
  const cancel = { type: 'delete', functionId: KV, ifWaiting: true } as const;
  const outputs = agent.give({ ...cancel, operation: 5 });
  expect(only(outputs, 'answer')).toMatchObject([{ code: 0 }]);
  expect(types(outputs)).toContain('cancel-transfer');

  const late = new Agent();
  late.prepare();
  late.started();
  late.ended(committed);
  expect(late.give({ ...cancel, operation: 5 })).toMatchObject([{ type: 'answer', code: 128 }]);
});

describe('what nobody at the ends knows', () => {
  const report = (role: 'source' | 'destination', phase: string) =>
    ({
      id: 'ab'.repeat(16),
      role,
      phase,
      bytes: 0,
      bytesTotal: null,
      bytesPerSecond: 0,
      changePerSecond: 0,
      expectedPauseMs: null,
      expectedEndMs: null,
      peer: 11,
    }) as const;
  const add = { type: 'add', operation: 7, ...program } as const;
  const remove = { type: 'delete', operation: 7, functionId: KV } as const;

  test.each([
    ['a source in doubt is ordered anew: it serves', 'source', 'doubt', add, 'aborted'],
    ['a source in doubt is ended: it has moved', 'source', 'doubt', remove, 'committed'],
    ['a destination that has everything is ordered: it serves', 'destination', 'ready', add, 'committed'],
    ['before that an order repeated changes nothing', 'source', 'last', add, null],
    ['nor at a destination that lacks something', 'destination', 'importing', add, null],
  ] as const)('%s', (_, role, phase, order, verdict) => {
    const agent = new Agent();
    if (role === 'source') {
      agent.add();
      agent.transfer('move');
    } else {
      agent.prepare();
      agent.started();
    }
    agent.give({ type: 'transfer-progress', functionId: KV, report: report(role, phase) });
    expect(only(agent.give(order), 'settle-transfer')).toEqual(
      verdict === null ? [] : [{ type: 'settle-transfer', functionId: KV, verdict }],
    );
  });
});

test('a function without a slot is active as soon as it is started, and told so at each start', () => {
  const agent = new Agent();
  agent.give({ type: 'add', operation: 1, ...program });
  expect(only(agent.started(), 'role')).toMatchObject([{ role: 'active', epoch: '0', run: 1 }]);
});
