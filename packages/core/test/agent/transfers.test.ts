// SPDX-License-Identifier: Apache-2.0
import type { FunctionSpecification, SlotAssignment } from '@vnfpool/wire/mobility';
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
    expect(only(told, 'function-changed')).toMatchObject([{ report: { transfer: report } }]);
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

  test('who may hold a slot is handed over, not moved', () => {
    const version = { generation: 0, number: 1, randomId: '0000000000000001' };
    const slotted: SlotAssignment = {
      v: 1,
      pool: 'web',
      name: 'web#1',
      slot: { id: '00000000000000aa', index: 0 },
      role: 'standby',
      epoch: '0',
      addresses: [],
      council: version,
      ranking: [101],
    };
    const agent = new Agent();
    agent.give({ type: 'add', operation: 1, ...program, assignment: slotted });
    agent.started();
    expect(only(agent.transfer('move'), 'answer')).toMatchObject([
      { code: 128, text: expect.stringContaining('hand the slot over') as string },
    ]);
    expect(only(new Agent().prepare(slotted), 'answer')).toMatchObject([{ code: 128 }]);
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

test('a function without a slot is active as soon as it is started, and told so at each start', () => {
  const agent = new Agent();
  agent.give({ type: 'add', operation: 1, ...program });
  expect(only(agent.started(), 'role')).toMatchObject([{ role: 'active', epoch: '0', run: 1 }]);
});
