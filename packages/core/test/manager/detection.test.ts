// SPDX-License-Identifier: Apache-2.0
import type { FunctionId, NodeId } from '@vnfpool/core';
import type { DeclaredPool, DeclaredSet } from '@vnfpool/core/declared';
import type { TroubleReport } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { untilWindowMs } from '../../src/manager/failback.ts';
import { pool, set } from '../planner/world.ts';
import { FakeDomain, healthy } from './fake-mobility.ts';

/** Of the fake's wall clock: 1,000 s after midnight. */
const WALL_MS = 1_000_000;

const id = (value: number): FunctionId => value as FunctionId;
const node = (value: number): NodeId => value as NodeId;

async function running(declared: DeclaredSet): Promise<FakeDomain> {
  const domain = await FakeDomain.start();
  domain.give({ type: 'registrar', address: '10.0.0.9', port: 3863 });
  declared.nodes.forEach(({ name }, index) => domain.register(name, index + 1));
  domain.give({ type: 'apply', requestId: 1, declared, text: '', file: 'set.yaml' });
  domain.orders = [];
  return domain;
}

function hold(domain: FakeDomain, on: number, functionId: number, epoch: number, index = 0): void {
  const holder = { node: on, functionId };
  const slot = domain.core.views(domain.nowMs).slots.find((each) => each.index === index)?.id ?? '';
  const candidates = [1, 2, 3].map((each) => ({ node: each, functionId: each }));
  domain.report(on, {
    slots: [{ id: slot, state: 'holding', epoch: String(epoch), holder, candidates, reason: '' }],
    failovers: [],
  });
}

function events(domain: FakeDomain, type: string): string[] {
  return domain.core
    .views(domain.nowMs)
    .events.filter((event) => event.type === type)
    .map(({ message }) => message);
}

/** Lets time pass to this moment, deadline by deadline. */
function passTo(domain: FakeDomain, untilMs: number): void {
  for (let steps = 0; (domain.core.nextDeadline() ?? Number.POSITIVE_INFINITY) <= untilMs; steps++) {
    if (steps > 1_000) throw new Error('it has something to do again and again');
    domain.expire();
  }
  domain.nowMs = Math.max(domain.nowMs, untilMs);
}

const lost = (domain: FakeDomain, which: number): void =>
  domain.give({ type: 'node-lost', node: node(which), reason: 'No answer.' });
const back = (domain: FakeDomain, which: number): void =>
  domain.give({ type: 'node-back', node: node(which) });

function withRules(over: Partial<DeclaredPool>, nodes = ['a', 'b', 'c']): DeclaredSet {
  return set(nodes, [{ ...pool('web', 1, 1, 1), ...over }]);
}

describe('failback', () => {
  const delayed = withRules({
    failover: { leaseMs: 300, failback: { rule: 'delayed', delayMs: 30_000 } },
  });

  test('by default a slot stays where it is', async () => {
    const domain = await running(withRules({}));
    hold(domain, 1, 1, 1);
    hold(domain, 2, 2, 2);
    passTo(domain, domain.nowMs + 3_600_000);
    expect(domain.orders.filter((order) => order.includes('handover'))).toEqual([]);
  });

  test('it goes back by a planned hand-over once its instance has been fit for the delay', async () => {
    const domain = await running(delayed);
    hold(domain, 1, 1, 1);
    const sinceMs = domain.nowMs + 1;
    hold(domain, 2, 2, 2);
    const explained = domain.core.explainSlot('web', 0, domain.nowMs);
    expect(explained?.failback).toEqual({
      to: 'web#1',
      at: WALL_MS + sinceMs + 30_000,
      rule: 'it has been fit for 30000 ms',
    });
    passTo(domain, sinceMs + 29_999);
    expect(events(domain, 'failback.ordered')).toEqual([]);
    passTo(domain, sinceMs + 30_000);
    expect(events(domain, 'failback.ordered')).toEqual([
      'Slot 0 of web goes back to web#1: it has been fit for 30000 ms.',
    ]);
    expect(domain.orders).toContain('assign 2/2 active handover to 1');
    hold(domain, 1, 1, 3);
    expect(domain.core.explainSlot('web', 0, domain.nowMs)?.failback).toBeNull();
  });

  test('also to one that holds another slot, where it may hold several', async () => {
    const redundancy = { slots: 2, standbys: 0, spares: 0, instances: 2, slotsPerInstance: 2 };
    const failover = { leaseMs: 300, failback: { rule: 'delayed', delayMs: 30_000 } } as const;
    const domain = await running(withRules({ redundancy, failover }, ['a', 'b']));
    hold(domain, 2, 2, 1, 0);
    hold(domain, 1, 1, 1, 1);
    passTo(domain, domain.nowMs + 31_000);
    expect(events(domain, 'failback.ordered')).toContain(
      'Slot 0 of web goes back to web#1: it has been fit for 30000 ms.',
    );
  });

  test('the delay begins anew when the instance fails in between', async () => {
    const domain = await running(delayed);
    hold(domain, 1, 1, 1);
    hold(domain, 2, 2, 2);
    passTo(domain, domain.nowMs + 20_000);
    domain.status(node(1), id(1), healthy({ healthy: false }));
    domain.status(node(1), id(1));
    const sinceMs = domain.nowMs;
    passTo(domain, sinceMs + 29_000);
    expect(events(domain, 'failback.ordered')).toEqual([]);
    passTo(domain, sinceMs + 31_000);
    expect(events(domain, 'failback.ordered')).toHaveLength(1);
  });

  test('one that fails again and again gets it back when its penalty has decayed, not before', async () => {
    const domain = await running(delayed);
    hold(domain, 1, 1, 1);
    hold(domain, 2, 2, 2);
    const trouble: TroubleReport = {
      failures: 3,
      startsInPlace: 0,
      penalty: 3_000,
      lastForMs: 95_000,
      heldDownForMs: 0,
      note: '',
    };
    domain.status(node(1), id(1), healthy({ trouble }));
    const sinceMs = domain.nowMs;
    expect(events(domain, 'instance.suppressed')).toEqual([
      'web#1 on a failed 3 times: as a candidate it comes last for 95 s (penalty 3000).',
    ]);
    // It ranks behind the spare.
    const explained = domain.core.explainSlot('web', 0, sinceMs);
    expect(explained?.candidates.map(({ name }) => name)).toEqual(['web#2', 'web#3', 'web#1']);
    expect(explained?.candidates[2]).toMatchObject({
      rule: null,
      verdict: 'ready; behind all others for another 95 s: it failed 3 times (penalty 3000)',
    });
    passTo(domain, sinceMs + 90_000);
    expect(events(domain, 'failback.ordered')).toEqual([]);
    passTo(domain, sinceMs + 150_000);
    expect(events(domain, 'failback.ordered')).toHaveLength(1);
    // It came to nothing, and is tried again.
    passTo(domain, sinceMs + 190_000);
    expect(events(domain, 'failback.ordered')).toHaveLength(2);
    // The same told again, after a new connection, begins nothing anew.
    domain.status(node(1), id(1), healthy({ trouble }));
    expect(events(domain, 'instance.suppressed')).toHaveLength(1);
  });

  test('within a window of the day, by the wall clock', async () => {
    // 1970-01-01, 00:16:40: the window begins at 02:00.
    const declared = withRules({
      failover: { leaseMs: 300, failback: { rule: 'window', fromMinute: 120, toMinute: 240 } },
    });
    const domain = await running(declared);
    hold(domain, 1, 1, 1);
    hold(domain, 2, 2, 2);
    const windowMs = 120 * 60_000 - WALL_MS;
    passTo(domain, windowMs - 1);
    expect(events(domain, 'failback.ordered')).toEqual([]);
    passTo(domain, windowMs);
    expect(events(domain, 'failback.ordered')).toEqual([
      'Slot 0 of web goes back to web#1: it is between 02:00 and 04:00 UTC.',
    ]);
  });

  test.each([
    ['before it', 120, 240, '00:00', 120],
    ['at its beginning', 120, 240, '02:00', 0],
    ['in it', 120, 240, '03:59', 0],
    ['at its end', 120, 240, '04:00', 22 * 60],
    ['over midnight, before', 23 * 60, 60, '22:00', 60],
    ['over midnight, in', 23 * 60, 60, '00:30', 0],
    ['over midnight, behind', 23 * 60, 60, '01:00', 22 * 60],
  ])('a window: %s', (_name, fromMinute, toMinute, clock, minutes) => {
    const [hours = 0, rest = 0] = clock.split(':').map(Number);
    const wallMs = 20_000 * 86_400_000 + (hours * 60 + rest) * 60_000;
    expect(untilWindowMs({ rule: 'window', fromMinute, toMinute }, wallMs)).toBe(minutes * 60_000);
  });
});

describe('the guard against losing much at once', () => {
  const six = set(
    ['a', 'b', 'c', 'd', 'e', 'f'],
    [
      {
        ...pool('web', 1, 1, 0),
        restart: { inPlace: 0, withinMs: 60_000, readyMs: 5_000, elsewhereMs: 60_000 },
      },
    ],
  );

  test('more than a third of the nodes at once freezes; they come back, and it thaws by itself', async () => {
    const domain = await running(six);
    hold(domain, 1, 1, 1);
    lost(domain, 2);
    lost(domain, 3);
    expect(domain.core.views(domain.nowMs).sets[0]?.frozen).toBeNull();
    lost(domain, 4);
    expect(domain.core.views(domain.nowMs).sets[0]?.frozen).toMatchObject({
      reason: '3 of 6 nodes were lost at once (b, c, d)',
    });
    expect(events(domain, 'set.frozen')).toHaveLength(1);
    // web#2 is on b: without the guard it would be made anew on another node.
    passTo(domain, domain.nowMs + 600_000);
    expect(domain.orders.filter((order) => /^(add|delete|prepare|move)/.test(order))).toEqual([]);
    expect(domain.core.explain('web', domain.nowMs)?.lines[0]).toContain('Frozen: 3 of 6');
    back(domain, 3);
    expect(domain.core.views(domain.nowMs).sets[0]?.frozen).toBeNull();
    expect(events(domain, 'set.thawed')).toHaveLength(1);
  });

  test('a person thaws it: what is lost does not count any more, and is made anew', async () => {
    const domain = await running(six);
    hold(domain, 1, 1, 1);
    for (const which of [2, 3, 4]) lost(domain, which);
    passTo(domain, domain.nowMs + 120_000);
    domain.give({ type: 'thaw', requestId: 9 });
    expect(domain.replies.at(-1)).toEqual({ ok: true });
    passTo(domain, domain.nowMs + 120_000);
    expect(domain.orders).toContain('add 5/3');
    expect(domain.core.views(domain.nowMs).sets[0]?.frozen).toBeNull();
    domain.give({ type: 'thaw', requestId: 10 });
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, code: 'NOT_READY' });
  });

  test('the same number one after the other, over a long time, freezes nothing', async () => {
    const domain = await running(six);
    for (const which of [4, 5, 6]) {
      lost(domain, which);
      passTo(domain, domain.nowMs + 61_000);
    }
    expect(events(domain, 'set.frozen')).toEqual([]);
  });

  test('nodes that say good-bye freeze nothing', async () => {
    const domain = await running(six);
    for (const which of [3, 4, 5, 6])
      domain.give({ type: 'node-left', node: node(which), reason: 'It was asked to.' });
    expect(events(domain, 'set.frozen')).toEqual([]);
  });

  test('a failover goes on: the record comes in and the slot has another holder', async () => {
    const domain = await running(six);
    hold(domain, 1, 1, 1);
    for (const which of [1, 3, 4]) lost(domain, which);
    hold(domain, 2, 2, 2);
    expect(domain.core.views(domain.nowMs).slots[0]?.holder).toBe('web#2');
  });
});

describe('the last rung', () => {
  const restart = { inPlace: 0, withinMs: 60_000, readyMs: 5_000, elsewhereMs: 60_000 };
  const four = withRules({ redundancy: { slots: 1, standbys: 1, spares: 0 }, restart }, ['a', 'b', 'c', 'd']);

  test('an instance that is not ready for so long is made anew on another node', async () => {
    const domain = await running(four);
    hold(domain, 1, 1, 1);
    domain.status(node(2), id(2), healthy({ failing: true, healthy: false }), 'Starting');
    const sinceMs = domain.nowMs;
    passTo(domain, sinceMs + 59_000);
    expect(domain.orders.filter((order) => order.startsWith('add'))).toEqual([]);
    passTo(domain, sinceMs + 61_000);
    expect(domain.orders).toContain('delete 2/2');
    expect(domain.orders).toContain('add 3/3');
    expect(domain.rows('instances')).toContainEqual(
      expect.objectContaining({
        functionId: 3,
        node: 'c',
        failedOn: [expect.objectContaining({ node: 'b' })],
      }),
    );
  });

  test('each node is tried once; then it stays, and is said to be stuck', async () => {
    const domain = await running(four);
    hold(domain, 1, 1, 1);
    for (const [on, which] of [
      [2, 2],
      [3, 3],
      [4, 4],
    ] as const) {
      domain.status(node(on), id(which), healthy({ healthy: false }), 'Starting');
      passTo(domain, domain.nowMs + 61_000);
    }
    expect(events(domain, 'instance.stuck')).toEqual([
      'web#2 was not ready on b, c, d for 60000 ms, and no other node is free for it: it stays on d, where it is tried again.',
    ]);
    expect(domain.core.explain('web', domain.nowMs)?.lines.join('\n')).toContain(
      'no other node is free for it',
    );
    // It is forgotten after an hour: then a is not free, and b is tried again.
    passTo(domain, domain.nowMs + 3_700_000);
    domain.status(node(4), id(4), healthy({ healthy: false }), 'Starting');
    expect(domain.core.views(domain.nowMs).instances.map(({ node: on }) => on)).toContain('b');
  });

  test('a restart of the manager forgets neither where it failed nor how to go on', async () => {
    const domain = await running(four);
    hold(domain, 1, 1, 1);
    domain.status(node(2), id(2), healthy({ healthy: false }), 'Starting');
    passTo(domain, domain.nowMs + 61_000);
    await domain.restart();
    ['a', 'b', 'c', 'd'].forEach((name, index) => domain.register(name, index + 1));
    domain.status(node(3), id(3), healthy({ healthy: false }), 'Starting');
    passTo(domain, domain.nowMs + 61_000);
    expect(domain.orders).toContain('add 4/4');
  });

  test('of a lost node it is made anew; the slot’s holder is not touched', async () => {
    const domain = await running(four);
    hold(domain, 1, 1, 1);
    lost(domain, 1);
    passTo(domain, domain.nowMs + 120_000);
    // As far as anybody knows it holds the slot.
    expect(domain.orders.filter((order) => order.startsWith('add'))).toEqual([]);
    hold(domain, 2, 2, 2);
    passTo(domain, domain.nowMs + 120_000);
    expect(domain.orders).toContain('add 3/3');
  });

  test('without the key it stays where it is, as ever', async () => {
    const domain = await running(withRules({}));
    hold(domain, 1, 1, 1);
    domain.status(node(2), id(2), healthy({ failing: true }), 'Starting');
    passTo(domain, domain.nowMs + 3_600_000);
    expect(domain.orders.filter((order) => /^(add|delete)/.test(order))).toEqual([]);
  });
});
