// SPDX-License-Identifier: Apache-2.0
import { type NodeId, nodeId } from '@vnfpool/core';
import type { DeclaredSharing } from '@vnfpool/core/declared';
import type { StateAnswer, StateTask } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c'];
const STORED: DeclaredSharing = { methods: ['checkpoint'], store: 'main', storeAddress: 'file:///store' };
const ID = '00000000000000a1';
const RECORD = { task: 'record', forMs: 1_000, octetsMax: 4_096 } as const;

async function world(sharing: DeclaredSharing | undefined = STORED) {
  const domain = await FakeDomain.start();
  NODES.forEach((name, index) => domain.register(name, index + 1));
  const state = { via: 'socket', format: 'kv/1', shares: true } as const;
  const kv = { ...pool('kv', 1, 1, 0, { state }), ...(sharing === undefined ? {} : { sharing }) };
  domain.give({ type: 'apply', requestId: 1, declared: set(NODES, [kv]), text: '', file: 'set.yaml' });
  expect(domain.replies.at(-1)).toMatchObject({ ok: true });
  domain.answersStates = ({ id }) => ({ stateAnswer: { v: 1, id, isOver: false, fault: '' } });
  domain.orders = [];
  const ask = (
    task: StateTask,
    more: { index?: number; pool?: string; from?: number; stop?: boolean; node?: NodeId } = {},
  ): unknown => {
    const { index = 0, from = 0, stop = false, pool: of = 'kv', ...rest } = more;
    domain.give({ type: 'state-order', requestId: 9, pool: of, index, id: ID, task, from, stop, ...rest });
    return domain.replies.at(-1);
  };
  const hold = (node: number): void => {
    const { slots, instances } = domain.core.views(domain.nowMs);
    const instance = instances.find(({ node: of }) => of === NODES[node - 1]);
    const holder = { node, functionId: instance?.functionId ?? 0 };
    const held = { id: slots[0]?.id ?? '', state: 'holding', epoch: '1', holder, reason: '' } as const;
    domain.report(node, { slots: [{ ...held, candidates: [holder] }], failovers: [] });
    domain.orders = [];
  };
  return { domain, ask, hold };
}

const asked = (domain: FakeDomain) => domain.orders.filter((order) => / from \d/.test(order));
const holderOf = (domain: FakeDomain): number =>
  NODES.indexOf(domain.core.views(domain.nowMs).instances[0]?.node ?? '') + 1;

describe('what is asked of the state of a slot', () => {
  test('goes to where its holder is, and back comes what that says', async () => {
    const { domain, ask, hold } = await world();
    const node = holderOf(domain);
    hold(node);
    const answer: StateAnswer = { v: 1, id: ID, isOver: true, fault: '' };
    domain.answersStates = () => ({ stateAnswer: answer });
    expect(ask({ task: 'checkpoint', isFull: true })).toEqual({ ok: true, state: { node, answer } });
    expect(asked(domain)).toEqual([`checkpoint at ${node} from 0`]);
    expect(ask(RECORD, { from: 7, stop: true, node: nodeId(3) })).toMatchObject({ state: { node: 3 } });
    expect(asked(domain).at(-1)).toBe('stop record at 3 from 7');
  });

  test.each([
    { methods: ['replicate'] },
    { methods: ['shared'], store: 'main', storeAddress: 'redis://store' },
  ] as const)('a recording of whatever agents carry: %j', async (sharing) => {
    const { domain, ask, hold } = await world(sharing);
    const node = holderOf(domain);
    hold(node);
    expect(ask(RECORD)).toMatchObject({ ok: true, state: { node } });
  });

  test('an answer to somebody else is none, and neither is one without words', async () => {
    const { domain, ask, hold } = await world();
    hold(holderOf(domain));
    domain.answersStates = () => ({ stateAnswer: { v: 1, id: '00000000000000ff', isOver: true, fault: '' } });
    expect(ask(RECORD)).toMatchObject({ ok: true, state: { answer: null } });
    domain.answersStates = () => ({});
    expect(ask(RECORD)).toMatchObject({ ok: true, state: { answer: null } });
  });

  test('a list is had of any candidate, also where nobody holds the slot', async () => {
    const { domain, ask } = await world();
    expect(ask({ task: 'list' })).toMatchObject({ ok: true });
    expect(asked(domain)).toHaveLength(1);
    const message = 'Nobody holds slot 0 of kv, so nobody has its state.';
    for (const task of [{ task: 'checkpoint', isFull: false } as const, RECORD])
      expect(ask(task)).toEqual({ ok: false, code: 'NOT_READY', message });
  });

  test('a slot begins anew by its holder, or where it has none by any candidate; who wanted it and what came of it are events', async () => {
    const { domain, ask, hold } = await world();
    const restore = { task: 'restore', epoch: 1_099_511_627_783, number: 4 } as const;
    const told = () =>
      domain.core
        .views(domain.nowMs)
        .events.filter(({ type }) => type.startsWith('state.restore'))
        .map(({ type, subject, message }) => `${type} ${subject}: ${message}`);
    expect(ask(restore)).toMatchObject({ ok: true });
    expect(asked(domain)).toHaveLength(1);
    expect(told()).toEqual([
      expect.stringMatching(
        /^state\.restore slot kv\/0: An operator wants .* with checkpoint 1\.7\/4; [abc] /,
      ),
    ]);
    const node = holderOf(domain);
    hold(node);
    ask(restore);
    // The same task: it was told of.
    const made = { kind: 'full', epoch: 1_099_511_627_783, number: 9, sequence: 131, keys: 12 } as const;
    domain.answersStates = ({ id }) => ({
      stateAnswer: { v: 1, id, isOver: true, fault: '', made: { ...made, octets: 1, tookMs: 1 } },
    });
    expect(ask(restore, { node: nodeId(node) })).toMatchObject({ ok: true, state: { node } });
    expect(asked(domain)).toEqual([`restore at ${node} from 0`, `restore at ${node} from 0`]);
    expect(told()).toHaveLength(3);
    expect(told()[0]).toContain('state.restored slot kv/0');
    expect(told()[0]).toContain('as the newest, 1.7/9, with 12 keys');
    expect(told()[1]).toContain(`; ${NODES[node - 1]} is told.`);
  });

  test('what the store has of other slots any candidate reads; one of these is given like an own one, and told as that of another', async () => {
    const { domain, ask, hold } = await world();
    const source = '00000000000000c1';
    for (const task of [{ task: 'slots' }, { task: 'list-from', source }] as const)
      expect(ask(task)).toMatchObject({ ok: true });
    const restore = { task: 'restore-from', source, epoch: 1_099_511_627_783, number: 4 } as const;
    expect(ask(restore)).toMatchObject({ ok: true });
    const node = holderOf(domain);
    hold(node);
    const made = { kind: 'full', epoch: 1_099_511_627_999, number: 9, sequence: 131, keys: 12 } as const;
    domain.answersStates = ({ id }) => ({
      stateAnswer: { v: 1, id, isOver: true, fault: '', made: { ...made, octets: 1, tookMs: 1 } },
    });
    expect(ask({ ...restore, format: 'kv/1' })).toMatchObject({ ok: true, state: { node } });
    expect(asked(domain)).toEqual([`restore-from at ${node} from 0`]);
    const told = domain.core
      .views(domain.nowMs)
      .events.filter(({ type }) => type.startsWith('state.restore'));
    expect(told.map(({ type, message }) => `${type}: ${message}`)).toEqual([
      expect.stringMatching(
        /^state\.restored: Slot 0 of kv begins anew with checkpoint 1\.7\/4 of another slot, 00000000000000c1, .* What the slot had is dropped\.$/,
      ),
      expect.stringContaining(
        'state.restore: An operator wants slot 0 of kv to begin anew with checkpoint 1.7/4 of',
      ),
      expect.stringContaining('state.restore: An operator wants'),
    ]);
  });

  test('the slot itself is no other slot', async () => {
    const { domain, ask } = await world();
    const source = domain.core.views(domain.nowMs).slots[0]?.id ?? '';
    const message = `${source} is slot 0 of kv itself, and no other slot.`;
    for (const task of [
      { task: 'slots', source },
      { task: 'list-from', source },
      { task: 'restore-from', source, epoch: 1, number: 4 },
    ] as const)
      expect(ask(task)).toEqual({ ok: false, code: 'NOT_READY', message });
    expect(asked(domain)).toEqual([]);
  });

  test('an agent of an earlier version is said to be one', async () => {
    const { domain, ask } = await world();
    const text = 'stateOrder.task must be one of checkpoint, list, restore, record, forget';
    domain.answersStates = () => ({ code: 128, error: 1, text });
    expect(ask({ task: 'slots' })).toMatchObject({
      code: 'NOT_READY',
      message: expect.stringMatching(
        /^The agent of [abc] is of an earlier version, which cannot do that: upgrade it first\. It said: stateOrder\.task must/,
      ),
    });
    domain.answersStates = () => ({ code: 128, error: 1, text: 'stateOrder.epoch is missing' });
    expect(ask({ task: 'slots' })).toMatchObject({
      message: expect.stringMatching(/^[abc] refused: stateOrder\.epoch is missing\.$/),
    });
  });

  test('a holder that cannot be reached has not let go: nobody else is asked', async () => {
    const { domain, ask, hold } = await world();
    hold(holderOf(domain));
    domain.give({ type: 'node-lost', node: nodeId(holderOf(domain)), reason: 'silent' });
    expect(ask({ task: 'restore', epoch: 1, number: 4 })).toMatchObject({
      code: 'NOT_READY',
      message: 'The node of the holder of slot 0 of kv cannot be reached.',
    });
  });

  test.each([
    [undefined, RECORD, 'Agents do not carry the state of kv: its method is none.'],
    [{ methods: ['cookie'] }, RECORD, 'Agents do not carry the state of kv: its method is cookie.'],
    [
      { methods: ['replicate'] },
      { task: 'list' },
      'kv has no checkpoints: its method of state sharing is replicate.',
    ],
    [
      { methods: ['replicate'] },
      { task: 'checkpoint', isFull: false },
      'kv has no checkpoints: its method of state sharing is replicate.',
    ],
  ] as const)('with %o what %o asks is refused', async (sharing, task, message) => {
    const { ask } = await world(sharing === undefined ? { methods: ['none'] } : sharing);
    expect(ask(task)).toEqual({ ok: false, code: 'NOT_READY', message });
  });

  test('what is not there is told', async () => {
    const { ask, domain } = await world();
    expect(ask({ task: 'list' }, { pool: 'web' })).toMatchObject({ code: 'NOT_FOUND' });
    expect(ask({ task: 'list' }, { index: 4 })).toMatchObject({ code: 'NOT_FOUND' });
    expect(asked(domain)).toEqual([]);
  });

  test('a node that refuses is named', async () => {
    const { domain, ask } = await world();
    domain.answersStates = () => ({ code: 128, text: 'no slots here' });
    const told = ask({ task: 'list' });
    expect(told).toMatchObject({ code: 'NOT_READY', message: expect.stringMatching(/^[abc] refused: no/) });
  });

  test('a node that says nothing is not waited for, and what it says later is of no account', async () => {
    const { domain, ask } = await world();
    domain.answersStates = null;
    const before = domain.replies.length;
    ask({ task: 'list' });
    expect(domain.replies).toHaveLength(before);
    while (domain.replies.length === before && domain.nowMs < 60_000) domain.expire();
    expect(domain.nowMs).toBeLessThan(11_000);
    expect(domain.replies.at(-1)).toMatchObject({
      code: 'NOT_READY',
      message: expect.stringContaining('does not answer'),
    });
    const after = domain.replies.length;
    domain.give({
      type: 'operation-result',
      requestId: domain.lastStateOrder,
      code: 0,
      error: null,
      text: '',
      status: null,
      report: null,
    });
    expect(domain.replies).toHaveLength(after);
  });
});
