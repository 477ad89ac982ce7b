// SPDX-License-Identifier: Apache-2.0
import type { SetConfiguration, SlotDefinition, SlotState } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { AgentCore, type AgentOutput } from '../../src/agent/index.ts';
import { functionId, nodeId, slotId } from '../../src/identity.ts';

const WEB1 = functionId(101);
const version = { generation: 1, number: 1, randomId: '0000000000000001' };

function slot(index: number, slotsPerFunction?: number): SlotDefinition {
  return {
    id: `00000000000000a${index}`,
    pool: 'web',
    index,
    leaseMs: 300,
    addresses: [`192.0.2.${index + 1}/24`],
    genesis: { randomId: '0000000000000002', candidates: [] },
    candidates: [{ node: 1, functionId: WEB1 }],
    lastResort: { rule: 'never' },
    ...(slotsPerFunction === undefined ? {} : { slotsPerFunction }),
  };
}

function holding({ id }: SlotDefinition, epoch: string): SlotState {
  return { id, state: 'holding', epoch, holder: { node: 1, functionId: WEB1 }, candidates: [], reason: '' };
}

/** An agent with one ready function, that may hold so many of three slots. */
function agentWith(
  slotsPerFunction?: number,
  sharing?: SlotDefinition['sharing'],
): {
  readonly agent: AgentCore;
  readonly slots: readonly SlotDefinition[];
} {
  const agent = new AgentCore({
    random: { u32: () => 1, u64: () => 1n, fraction: () => 0 },
    node: nodeId(1),
  });
  const slots = [0, 1, 2].map((index) => ({ ...slot(index, slotsPerFunction), ...(sharing && { sharing }) }));
  const configuration: SetConfiguration = {
    v: 1,
    set: 'edge',
    councils: [{ id: 1, version, members: [1] }],
    nodes: [],
    slots,
    registrars: [],
  };
  agent.handle({ type: 'configure', operation: 1, configuration }, 0);
  const specification = {
    v: 1 as const,
    kind: 'process' as const,
    command: ['web'],
    port: 8080,
    registration: { poolHandle: 'web', policy: 'priority' as const },
  };
  const octets = Uint8Array.of(1);
  agent.handle(
    {
      type: 'add',
      operation: 2,
      functionId: WEB1,
      specification,
      specificationOctets: octets,
      assignment: null,
    },
    0,
  );
  agent.handle({ type: 'started', functionId: WEB1, run: 1, pid: 7, address: '192.0.2.7', port: 8080 }, 0);
  return { agent, slots };
}

test('a configuration that says the same offers nobody anew, another order does', () => {
  const { agent, slots } = agentWith();
  const configure = (definitions: readonly SlotDefinition[]): AgentOutput[] => {
    const councils = [{ id: 1, version, members: [1] }];
    const configuration = {
      v: 1 as const,
      set: 'edge',
      councils,
      nodes: [],
      slots: definitions,
      registrars: [],
    };
    return agent
      .handle({ type: 'configure', operation: 3, configuration: structuredClone(configuration) }, 0)
      .filter(({ type }) => type === 'candidate' || type === 'no-candidate');
  };
  expect(configure(slots)).toEqual([]);
  expect(configure(slots)).toEqual([]);
  const behind = slots.map((each) => ({
    ...each,
    candidates: [{ node: 2, functionId: 102 }, ...each.candidates],
  }));
  expect(configure(behind)).toMatchObject([{ rank: 1 }, { rank: 1 }, { rank: 1 }]);
  expect(configure(slots.slice(1))).toMatchObject([
    { type: 'no-candidate', slot: slots[0]?.id },
    { rank: 0 },
    { rank: 0 },
  ]);
});

const readiness = (outputs: readonly AgentOutput[]) =>
  outputs.flatMap((each) => (each.type === 'candidate' ? [`${each.slot.slice(-1)} ${each.ready}`] : []));

function hold(agent: AgentCore, of: SlotDefinition | undefined, epoch: string): AgentOutput[] {
  return of ? agent.handle({ type: 'slot', state: holding(of, epoch), muteMs: 0 }, 0) : [];
}

test('who holds a slot does not try for another one', () => {
  const { agent, slots } = agentWith();
  expect(readiness(hold(agent, slots[0], '5'))).toEqual(['1 false', '2 false']);
});

test('where the pool says so it does, up to the bound, and gives none up that it holds', () => {
  const { agent, slots } = agentWith(2);
  expect(readiness(hold(agent, slots[0], '5'))).toEqual([]);
  expect(readiness(hold(agent, slots[1], '9'))).toEqual(['2 false']);
  const free: SlotState = { ...holding(slots[0] as SlotDefinition, '6'), state: 'free', holder: null };
  expect(readiness(agent.handle({ type: 'slot', state: free, muteMs: 0 }, 0))).toEqual(['2 true']);
});

test('a candidate for a slot with state says what there is of it here, and how far that came', () => {
  const { agent, slots } = agentWith(1, {
    method: 'replicate',
    lossUpdates: 0,
    acknowledgedBy: 0,
    overload: 'block',
  });
  const states = (outputs: readonly AgentOutput[]) =>
    outputs.flatMap((each) => (each.type === 'candidate' ? [each.state] : []));
  const id = slotId(slots[0]?.id ?? '');
  const copy = (more: { isWhole: boolean; position?: { epoch: number; sequence: number } }) =>
    states(agent.handle({ type: 'copy', slot: id, ...more }, 0));
  const position = { epoch: 5, sequence: 9 };
  expect(copy({ isWhole: true })).toEqual([{ hasCopy: true, ownEpoch: null }]);
  expect(copy({ isWhole: true, position })).toEqual([{ hasCopy: true, ownEpoch: null, position }]);
  expect(copy({ isWhole: true, position })).toEqual([]);
  expect(copy({ isWhole: false, position })).toEqual([{ hasCopy: false, ownEpoch: null }]);
});

test('with several slots it is told the latest epoch, and is one element, by the first address', () => {
  const { agent, slots } = agentWith(3);
  const [first] = hold(agent, slots[1], '9').filter(({ type }) => type === 'register');
  expect(first).toMatchObject({ address: '192.0.2.2' });
  const more = hold(agent, slots[0], '5');
  expect(more.filter(({ type }) => type === 'role')).toEqual([]);
  expect(more).toContainEqual(expect.objectContaining({ type: 'register', address: '192.0.2.1' }));
  expect(hold(agent, slots[2], '12')).toContainEqual(expect.objectContaining({ type: 'role', epoch: '12' }));
});
