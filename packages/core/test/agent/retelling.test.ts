// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { AgentCore, type AgentOutput } from '../../src/agent/index.ts';
import { functionId, nodeId } from '../../src/identity.ts';

const WEB1 = functionId(101);
const first: FunctionSpecification = {
  v: 1,
  kind: 'process',
  command: ['web'],
  port: 8080,
  stop: { signal: 'SIGTERM', graceMs: 100 },
  registration: { poolHandle: 'web', policy: 'priority' },
};

/** An agent that runs the function and holds its slot. */
function running(): {
  readonly agent: AgentCore;
  readonly add: (what: FunctionSpecification) => AgentOutput[];
} {
  const agent = new AgentCore({
    random: { u32: () => 1, u64: () => 1n, fraction: () => 0 },
    node: nodeId(1),
  });
  let operation = 0;
  const add = (specification: FunctionSpecification): AgentOutput[] =>
    agent.handle(
      {
        type: 'add',
        operation: ++operation,
        functionId: WEB1,
        specification,
        specificationOctets: encodeUtf8(JSON.stringify(specification)),
        assignment: null,
      },
      0,
    );
  add(first);
  agent.handle({ type: 'started', functionId: WEB1, run: 1, pid: 7, address: '192.0.2.7', port: 8080 }, 0);
  const holder = { node: 1, functionId: WEB1 };
  const state = {
    id: '00000000000000aa',
    state: 'holding' as const,
    epoch: '3',
    holder,
    candidates: [],
    reason: '',
  };
  agent.handle({ type: 'slot', state, muteMs: 0 }, 0);
  return { agent, add };
}

const types = (outputs: readonly AgentOutput[]) => outputs.map(({ type }) => type);

test('another policy is registered, and kept for the next agent; the process goes on', () => {
  const { add } = running();
  const outputs = add({ ...first, registration: { poolHandle: 'web', policy: 'round-robin' } });
  expect(types(outputs).toSorted()).toEqual(['answer', 'keep', 'register']);
  expect(outputs).toContainEqual(
    expect.objectContaining({ type: 'register', policy: { type: 'round-robin' } }),
  );
  expect(outputs).toContainEqual(expect.objectContaining({ type: 'answer', code: 0, status: 'Running' }));
});

test('another way to end it is used when it ends', () => {
  const { agent, add } = running();
  expect(types(add({ ...first, stop: { signal: 'SIGINT', graceMs: 5 } }))).toEqual(['keep', 'answer']);
  const outputs = agent.handle({ type: 'delete', operation: 9, functionId: WEB1 }, 0);
  expect(outputs).toContainEqual(expect.objectContaining({ type: 'stop', signal: 'SIGINT', graceMs: 5 }));
});

test.each<[string, FunctionSpecification]>([
  ['command', { ...first, command: ['web2'] }],
  ['environment', { ...first, env: { A: '1' } }],
  ['limits', { ...first, limits: { processes: 5 } }],
  ['health check', { ...first, health: { type: 'tcp', intervalMs: 1, timeoutMs: 1, rise: 1, fall: 1 } }],
])('another %s is refused: that takes another process', (_, specification) => {
  const { add } = running();
  expect(add(specification)).toEqual([
    expect.objectContaining({
      type: 'answer',
      code: 128,
      text: expect.stringContaining('another specification'),
    }),
  ]);
});

test('how long the node is mute is told as it is then, and once more when that is over', () => {
  const { agent } = running();
  const holder = { node: 2, functionId: 102 };
  const id = '00000000000000ab';
  const state = { id, state: 'held' as const, epoch: '3', holder, candidates: [], reason: '' };
  const muteIn = (outputs: readonly AgentOutput[]) =>
    outputs.flatMap((output) => (output.type === 'slots-changed' ? [output.muteMs] : []));
  expect(muteIn(agent.handle({ type: 'slot', state, muteMs: 3_000 }, 1_000))).toEqual([3_000]);
  expect(agent.nextDeadline()).toBe(4_000);
  expect(muteIn(agent.handle({ type: 'stalls', stalls: { p99Ms: 1, maxMs: 2 } }, 2_500))).toEqual([1_500]);
  // It has not become less for the news' sake.
  expect(muteIn(agent.handle({ type: 'stalls', stalls: { p99Ms: 1, maxMs: 2 } }, 2_600))).toEqual([]);
  expect(muteIn(agent.expire(4_000))).toEqual([0]);
  expect(agent.nextDeadline()).toBeGreaterThan(4_000);
  expect(muteIn(agent.handle({ type: 'stalls', stalls: { p99Ms: 1, maxMs: 3 } }, 5_000))).toEqual([0]);
});

test('of inputs that came together what follows is told once, of each slot the last word', () => {
  const { agent } = running();
  const slot = (n: number, epoch: string, holder: number | null) => ({
    type: 'slot' as const,
    muteMs: 0,
    state: {
      id: n.toString(16).padStart(16, '0'),
      state: holder === null ? ('free' as const) : ('holding' as const),
      epoch,
      holder: holder === null ? null : { node: 1, functionId: holder },
      candidates: [],
      reason: '',
    },
  });
  const inputs = [slot(1, '4', WEB1), slot(2, '5', WEB1), slot(2, '5', null), slot(3, '6', WEB1)];
  const outputs = agent.handle({ type: 'several', inputs }, 0);
  const told = outputs.filter((each) => each.type === 'slots-changed');
  expect(told.map(({ slots }) => slots.map(({ epoch, state }) => `${epoch} ${state}`))).toEqual([
    ['3 holding', '4 holding', '5 free', '6 holding'],
  ]);
  expect(outputs.filter((each) => each.type === 'role')).toMatchObject([{ role: 'active', epoch: '6' }]);
});
