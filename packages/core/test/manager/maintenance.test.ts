// SPDX-License-Identifier: Apache-2.0

import { nodeId } from '@vnfpool/core';
import type { DeclaredPool } from '@vnfpool/core/declared';
import type { ManagerCoreInput } from '@vnfpool/core/manager';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c'];
const HOUR_MS = 3_600_000;

let requestId = 0;

async function running(web: DeclaredPool = pool('web', 1, 1)): Promise<FakeDomain> {
  const domain = await FakeDomain.start();
  NODES.forEach((name, index) => domain.register(name, index + 1));
  domain.give({ type: 'apply', requestId: ++requestId, declared: set(NODES, [web]), text: '', file: '' });
  hold(domain, 1, 1);
  domain.orders = [];
  return domain;
}

function hold(domain: FakeDomain, holder: number, epoch: number): void {
  const id = domain.core.views(domain.nowMs).slots[0]?.id ?? '';
  const candidates = [1, 2, 3].map((each) => ({ node: each, functionId: each }));
  const of = { node: holder, functionId: holder };
  domain.report(holder, {
    slots: [{ id, state: 'holding', epoch: String(epoch), holder: of, candidates, reason: '' }],
    failovers: [],
  });
}

function ask(
  domain: FakeDomain,
  request: Omit<Extract<ManagerCoreInput, { type: 'maintenance' }>, 'type' | 'requestId'>,
): unknown {
  domain.give({ type: 'maintenance', requestId: ++requestId, ...request });
  return domain.replies.at(-1);
}

const viewOf = (domain: FakeDomain, name: string) =>
  domain.core.views(domain.nowMs).nodes.find((each) => each.name === name);
const events = (domain: FakeDomain) =>
  domain.core
    .views(domain.nowMs)
    .events.filter(({ type }) => type.startsWith('node.'))
    .map(({ type, severity }) => `${type.slice(5)} ${severity}`)
    .toReversed()
    .slice(NODES.length);

describe('a node in maintenance', () => {
  test('is left like a drained one; its silence is no alarm and moves nobody; it ends when its time is over', async () => {
    const domain = await running(pool('web', 1, 2));
    expect(ask(domain, { node: 'a', forMs: 2 * HOUR_MS })).toMatchObject({ ok: true });
    // No node is free for the instance, so the slot passes on.
    expect(domain.orders).toContain('assign 1/1 active handover to 2');
    hold(domain, 2, 2);
    expect(viewOf(domain, 'a')).toMatchObject({
      maintenance: { until: expect.any(Number) },
      drain: { isOver: true, staying: ['web#1'] },
    });
    domain.orders = [];
    domain.give({ type: 'node-suspect', node: nodeId(1), reason: 'nothing heard for 2 s.' });
    domain.give({ type: 'node-lost', node: nodeId(1), reason: 'nothing heard for 10 s.' });
    expect(domain.orders.filter((each) => !each.startsWith('assign'))).toEqual([]);
    expect(events(domain)).toEqual(['maintenance-begun info', 'suspect info', 'lost info']);
    domain.register('a', 1, 8n);
    expect(viewOf(domain, 'a')?.maintenance).not.toBeNull();
    domain.nowMs += 2 * HOUR_MS;
    domain.expire();
    expect(viewOf(domain, 'a')).toMatchObject({ maintenance: null, drain: null });
    expect(events(domain).at(-1)).toBe('maintenance-ended info');
  });

  test('that is silent at the end is an alarm then', async () => {
    const domain = await running();
    ask(domain, { node: 'c', forMs: HOUR_MS });
    domain.give({ type: 'node-lost', node: nodeId(3), reason: 'nothing heard.' });
    domain.nowMs += HOUR_MS;
    domain.expire();
    expect(events(domain).at(-1)).toBe('maintenance-ended error');
  });

  test('ends by command, may be prolonged, and survives the manager', async () => {
    const domain = await running();
    ask(domain, { node: 'c', forMs: HOUR_MS });
    ask(domain, { node: 'c' });
    expect(viewOf(domain, 'c')?.maintenance).toMatchObject({ until: null });
    await domain.restart();
    expect(viewOf(domain, 'c')?.maintenance).toMatchObject({ until: null });
    NODES.forEach((name, index) => domain.register(name, index + 1));
    expect(viewOf(domain, 'c')?.maintenance).toMatchObject({ until: null });
    expect(ask(domain, { node: 'c', off: true })).toMatchObject({ ok: true });
    expect(viewOf(domain, 'c')?.maintenance).toBeNull();
    expect(ask(domain, { node: 'c', off: true })).toMatchObject({ ok: false, code: 'NOT_READY' });
  });

  test('nothing is placed on it, nor because it is gone', async () => {
    const domain = await running(pool('web', 1, 1));
    ask(domain, { node: 'b', force: true });
    domain.give({ type: 'node-lost', node: nodeId(2), reason: 'nothing heard.' });
    domain.orders = [];
    const declared = set(NODES, [pool('web', 1, 1), pool('db', 1, 1)]);
    domain.give({ type: 'apply', requestId: ++requestId, declared, text: '', file: '' });
    expect(
      domain.core.views(domain.nowMs).instances.map(({ name, node }) => `${name} ${node}`),
    ).not.toContain('db#1 b');
    expect(domain.orders.every((each) => !/ 2\//.test(each))).toBe(true);
  });
});

describe('it is refused', () => {
  test('where a slot would be left without a holder', async () => {
    const domain = await running(pool('web', 3));
    // Without standbys each slot has one candidate.
    for (const { id, index } of domain.core.views(domain.nowMs).slots) {
      const holder = { node: index + 1, functionId: index + 1 };
      domain.report(holder.node, {
        slots: [{ id, state: 'holding', epoch: '1', holder, candidates: [holder], reason: '' }],
        failovers: [],
      });
    }
    expect(ask(domain, { node: 'a' })).toMatchObject({
      ok: false,
      code: 'NOT_READY',
      message: expect.stringContaining(
        'Slot 0 of web, which web#1 holds there, would be left without a holder',
      ),
    });
    expect(viewOf(domain, 'a')?.maintenance).toBeNull();
    expect(ask(domain, { node: 'a', force: true })).toMatchObject({ ok: true });
  });

  test('where the council would be left without a majority', async () => {
    const domain = await running(pool('web', 1));
    expect(ask(domain, { node: 'b' })).toMatchObject({ ok: true });
    expect(ask(domain, { node: 'c' })).toMatchObject({
      ok: false,
      message: expect.stringContaining('Without c a of the council would be left'),
    });
    expect(ask(domain, { node: 'c', force: true })).toMatchObject({ ok: true });
  });

  test('for a node that there is not, and when it cannot be written', async () => {
    const domain = await running();
    expect(ask(domain, { node: 'z' })).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    domain.diskFull = true;
    expect(ask(domain, { node: 'c' })).toMatchObject({ ok: false, code: 'STORE_FULL' });
    expect(viewOf(domain, 'c')?.maintenance).toBeNull();
  });
});
