// SPDX-License-Identifier: Apache-2.0
import { nodeId } from '@vnfpool/core';
import { beforeEach, describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain, healthy } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c'];
const A = nodeId(1);
/** Of web#1. */
const FIRST = 1 as Parameters<FakeDomain['status']>[1];

describe('between the registration of a node and its answer what it runs', () => {
  let domain: FakeDomain;
  let eventsBefore: number;

  const pools = () => domain.core.views(domain.nowMs).pools;
  const statuses = () => domain.core.views(domain.nowMs).instances.map(({ status }) => status);
  /** Of pools and instances, since it was all well. */
  const news = () =>
    domain
      .rows('events')
      .slice(eventsBefore)
      .filter(({ type }) => type === 'pool.health' || type.startsWith('instance.'))
      .map(({ type, message }) => `${type}: ${message}`);

  /** Three nodes, web#1 on the first holds the slot. */
  beforeEach(async () => {
    domain = await FakeDomain.start();
    domain.give({ type: 'registrar', address: '10.0.0.9', port: 3863 });
    NODES.forEach((name, index) => domain.register(name, index + 1));
    const declared = set(NODES, [pool('web', 1, 1, 1)]);
    domain.give({ type: 'apply', requestId: 1, declared, text: 'set: edge', file: 'set.yaml' });
    const id = domain.core.views(domain.nowMs).slots[0]?.id ?? '';
    const holder = { node: 1, functionId: 1 };
    const slot = { id, state: 'holding', epoch: '1', holder, candidates: [holder], reason: '' } as const;
    domain.report(1, { slots: [slot], failovers: [] });
    expect(pools()).toMatchObject([{ health: 'whole', slotsHeld: 1 }]);
    eventsBefore = domain.rows('events').length;
    domain.orders = [];
  });

  const asked = {
    health: 'degraded',
    reason: 'It is not known yet what still runs on a, which registered a moment ago.',
    slotsHeld: 0,
    standbysReady: 1,
  };

  test('of an agent that was started again, its functions do not count, and nothing follows from that', () => {
    domain.registration('a', 1, { resumed: true });
    expect(pools()).toMatchObject([asked]);
    expect(statuses()).toEqual(['unknown', 'running', 'running']);
    domain.answer(1);
    expect(pools()).toMatchObject([{ health: 'whole', slotsHeld: 1 }]);
    expect(statuses()).toEqual(['running', 'running', 'running']);
    expect(domain.orders).toEqual([]);
    expect(news()).toEqual([]);
  });

  test('and when one has ended, that is the first that is said', () => {
    domain.registration('a', 1, { resumed: true });
    expect(pools()).toMatchObject([asked]);
    // Others rank before it now, which it is told, and has not answered.
    domain.isSlow = true;
    const ended = healthy({ healthy: false, pid: null, reason: 'it ended' });
    domain.status(A, FIRST, ended, 'Starting', 'it ended');
    domain.give({ type: 'node-functions', node: A, functionIds: [FIRST] });
    expect(pools()).toMatchObject([{ health: 'down', slotsHeld: 0 }]);
    expect(statuses()).toEqual(['starting', 'running', 'running']);
    expect(news()).toEqual([
      'instance.status: web#1 on a is starting.',
      'pool.health: Pool web is down. No slot is held by an instance that is ready.',
    ]);
  });

  test('so it is of one that had left', () => {
    domain.give({ type: 'node-left', node: A, reason: 'it was stopped' });
    expect(pools()).toMatchObject([{ health: 'down' }]);
    domain.registration('a', 1);
    expect(pools()).not.toMatchObject([{ health: 'whole' }]);
    expect(statuses()[0]).toBe('unknown');
    domain.answer(1);
    expect(pools()).toMatchObject([{ health: 'whole' }]);
  });

  test('an agent that lives on and connects anew is not asked: everything goes on', () => {
    domain.give({ type: 'node-suspect', node: A, reason: 'connection was reset' });
    domain.registration('a', 1, { resumed: true, isAsked: false });
    expect(pools()).toMatchObject([{ health: 'whole', slotsHeld: 1 }]);
    expect(statuses()).toEqual(['running', 'running', 'running']);
    expect(domain.orders).toEqual([]);
    expect(news()).toEqual([]);
  });

  test('one that dies before it answers is lost as any other', () => {
    domain.registration('a', 1, { resumed: true });
    domain.give({ type: 'node-lost', node: A, reason: 'it is silent' });
    expect(pools()).toMatchObject([{ health: 'down', slotsHeld: 0 }]);
    expect(news()).toEqual(['pool.health: Pool web is down. No slot is held by an instance that is ready.']);
  });
});
