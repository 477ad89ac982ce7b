// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSharing } from '@vnfpool/core/declared';
import type { StateTask } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c'];
const ID = '00000000000000a1';
const storedAt = (
  storeAddress: string,
  methods: DeclaredSharing['methods'] = ['shared'],
): DeclaredSharing => ({
  methods,
  store: 'main',
  storeAddress,
});
const SHARED = storedAt('redis://kv:secret@store');

async function world(sharing: DeclaredSharing = SHARED) {
  const domain = await FakeDomain.start();
  NODES.forEach((name, index) => domain.register(name, index + 1));
  const state = { via: 'socket', format: 'kv/1', shares: true } as const;
  let request = 0;
  const declare = (...pools: readonly (DeclaredSharing | undefined)[]): void => {
    const declared = pools.map((each, at) => ({
      ...pool(at === 0 ? 'kv' : `kv${at}`, 1, 1, 0, { state }),
      ...(each === undefined ? {} : { sharing: each }),
    }));
    request += 1;
    domain.give({
      type: 'apply',
      requestId: request,
      declared: set(NODES, declared),
      text: '',
      file: 'set.yaml',
    });
    expect(domain.replies.at(-1)).toMatchObject({ ok: true });
  };
  declare(sharing);
  domain.answersStates = ({ id }) => ({ stateAnswer: { v: 1, id, isOver: true, fault: '' } });
  const left = () => domain.core.left();
  const slot = (): string => domain.core.views(domain.nowMs).slots[0]?.id ?? '';
  const forget = (
    id: string,
    address: string,
    more: { pool?: string; method?: 'checkpoint' | 'shared' } = {},
  ) => {
    const { pool: of = 'kv', method = 'shared' } = more;
    const task: StateTask = { task: 'forget', method, store: address };
    domain.give({
      type: 'state-order',
      requestId: 90,
      pool: of,
      index: 0,
      id: ID,
      slot: id,
      task,
      from: 0,
      stop: false,
    });
    return domain.replies.at(-1);
  };
  const events = (type: string) =>
    domain.core
      .views(domain.nowMs)
      .events.filter((each) => each.type === type)
      .map(({ message }) => message);
  return { domain, declare, left, slot, forget, events };
}

describe('what slots leave in stores', () => {
  test('is known when their pool goes, and not before', async () => {
    const { declare, left, slot, events } = await world();
    const id = slot();
    expect(left()).toEqual([]);
    declare();
    expect(left()).toEqual([
      {
        slot: id,
        pool: 'kv',
        index: 0,
        places: [{ method: 'shared', store: 'main', address: 'redis://kv:secret@store' }],
        leftMs: expect.any(Number),
      },
    ]);
    expect(events('state.left')).toEqual([
      'Slot 0 of kv is no more, and its state stays in main until it is removed by vnfpool state forget kv/0.',
    ]);
  });

  test('every store where it was, and nothing of a pool without', async () => {
    const { declare, left } = await world();
    declare(storedAt('etcd://other'), undefined);
    declare(storedAt('file:///store', ['checkpoint']));
    declare();
    expect(left().map(({ pool: of, places }) => [of, ...places.map(({ address }) => address)])).toEqual([
      ['kv', 'redis://kv:secret@store', 'etcd://other', 'file:///store'],
    ]);
  });

  test('is known behind a restart of the manager', async () => {
    const { domain, declare, left } = await world();
    await domain.restart();
    expect(left()).toEqual([]);
    declare();
    const records = left();
    expect(records).toHaveLength(1);
    await domain.restart();
    expect(left()).toEqual(records);
  });

  test('is removed by a node, and forgotten then', async () => {
    const { domain, declare, left, slot, forget, events } = await world();
    const id = slot();
    declare();
    domain.orders = [];
    expect(forget(id, SHARED.storeAddress ?? '')).toMatchObject({
      ok: true,
      state: { answer: { isOver: true } },
    });
    expect(domain.orders).toEqual(['forget at 1 from 0']);
    expect(left()).toEqual([]);
    expect(events('state.forgotten')).toEqual(['What slot 0 of kv had left in main was removed.']);
  });

  test('in a store that is gone it is looked for no more, and no node is asked', async () => {
    const { domain, declare, left, slot, events } = await world();
    const id = slot();
    declare();
    domain.orders = [];
    const task: StateTask = { task: 'forget', method: 'shared', store: SHARED.storeAddress ?? '' };
    const named = { pool: 'kv', index: 0, id: ID, slot: id, isGone: true, from: 0, stop: false };
    domain.give({ type: 'state-order', requestId: 90, ...named, task });
    expect(domain.replies.at(-1)).toMatchObject({ ok: true, state: { answer: { isOver: true, fault: '' } } });
    expect([domain.orders, left()]).toEqual([[], []]);
    expect(events('state.forgotten')[0]).toContain('that store is gone, as somebody said');
  });

  test('stays known where the node says that it was not removed', async () => {
    const { domain, declare, left, slot, forget } = await world();
    const id = slot();
    declare();
    domain.answersStates = ({ id: of }) => ({
      stateAnswer: { v: 1, id: of, isOver: true, fault: 'no answer' },
    });
    forget(id, SHARED.storeAddress ?? '');
    expect(left()).toHaveLength(1);
    domain.answersStates = ({ id: of }) => ({ stateAnswer: { v: 1, id: of, isOver: false, fault: '' } });
    forget(id, SHARED.storeAddress ?? '');
    expect(left()).toHaveLength(1);
  });

  test('is not removed while the slot is there, by another name, or while a node has not heard', async () => {
    const { domain, declare, slot, forget } = await world();
    const id = slot();
    const address = SHARED.storeAddress ?? '';
    expect(forget(id, address)).toMatchObject({
      ok: false,
      code: 'NOT_READY',
      message: expect.stringContaining('There is slot 0 of kv'),
    });
    expect(forget('00000000000000ff', address)).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    domain.refuse = true;
    declare();
    expect(forget(id, address, { pool: 'other' })).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    expect(forget(id, address)).toMatchObject({
      ok: false,
      message: expect.stringContaining('has not confirmed yet'),
    });
  });
});
