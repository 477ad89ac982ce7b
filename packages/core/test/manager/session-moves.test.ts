// SPDX-License-Identifier: Apache-2.0
import { functionId, nodeId } from '@vnfpool/core';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain, healthy } from './fake-mobility.ts';

const A = nodeId(1);
const edge = set(['a', 'b', 'c'], [pool('proxy', 2, 1), pool('web', 1)]);
const ratio = [{ type: 'ratio', ratio: 0.3 }] as const;

/** proxy#1 and proxy#2 hold a slot each, proxy#3 stands by. */
async function running(): Promise<FakeDomain> {
  const domain = await FakeDomain.start();
  ['a', 'b', 'c'].forEach((name, index) => domain.register(name, index + 1));
  domain.give({ type: 'apply', requestId: 1, declared: edge, text: '', file: 'set.yaml' });
  const { slots } = domain.core.views(domain.nowMs);
  for (const { id, pool: of, index } of slots) {
    if (of !== 'proxy') continue;
    const holder = { node: index + 1, functionId: index + 1 };
    const state = { id, state: 'holding', epoch: '1', holder, candidates: [holder], reason: '' } as const;
    domain.report(index + 1, { slots: [state], failovers: [] });
  }
  domain.orders = [];
  return domain;
}

function ask(domain: FakeDomain, from = 'proxy#1', to = 'proxy#2'): unknown {
  domain.give({ type: 'move-sessions', requestId: 9, from, to, sessions: ratio });
  return domain.replies.at(-1);
}

const told = (domain: FakeDomain) => domain.orders.filter((order) => !/^(configure|assign)/.test(order));
const last = (domain: FakeDomain) => domain.rows('events').at(-1);
const source = (domain: FakeDomain, reason: string) => domain.status(A, functionId(1), healthy({ reason }));

describe('sessions that move from one instance to another', () => {
  test('the destination is asked first, then the source; answered when they are on their way', async () => {
    const domain = await running();
    expect(ask(domain)).toEqual({ ok: true, sessions: 3 });
    expect(told(domain)).toEqual(['expect 2/2 from 1', 'ratio of 1/1 to 2/2']);
    expect(last(domain)).toMatchObject({
      type: 'sessions.move-ordered',
      message: '3 sessions of proxy#1 go to proxy#2: it was asked for.',
    });
  });

  test('the last word of the source tells how it ended', async () => {
    const domain = await running();
    ask(domain);
    source(domain, '3 sessions go to node 2');
    expect(last(domain)?.type).toBe('sessions.move-ordered');
    expect(ask(domain)).toMatchObject({
      ok: false,
      message: 'Sessions of proxy#1 are on their way already.',
    });
    source(domain, '3 sessions moved to node 2');
    expect(last(domain)).toMatchObject({
      type: 'sessions.moved',
      subject: 'instance proxy#1',
      message: '3 sessions of proxy#1 moved to proxy#2.',
    });
    ask(domain);
    source(domain, '3 sessions go to node 2');
    source(domain, 'sessions not moved to node 2: the connection is gone');
    expect(last(domain)).toMatchObject({
      type: 'sessions.move-failed',
      message: 'Sessions of proxy#1 stay: sessions not moved to node 2: the connection is gone.',
    });
  });

  test('none is meant: the destination expects nothing any more', async () => {
    const domain = await running();
    domain.sessions = 0n;
    expect(ask(domain)).toEqual({ ok: true, sessions: 0 });
    expect(told(domain).at(-1)).toBe('cancel 2/2');
    domain.sessions = 1n;
    expect(ask(domain)).toEqual({ ok: true, sessions: 1 });
  });

  test('a node that refuses is named, and nothing goes on', async () => {
    const domain = await running();
    domain.refuse = 'state';
    expect(ask(domain)).toMatchObject({ ok: false, code: 'NOT_READY', message: 'proxy#2 refused: not now.' });
    domain.refuse = false;
    expect(ask(domain)).toMatchObject({ ok: true });
  });

  test.each([
    ['proxy#1', 'proxy#9', 'There is no instance proxy#9.'],
    ['proxy#9', 'proxy#1', 'There is no instance proxy#9.'],
    ['proxy#1', 'proxy#1', 'proxy#1 has its sessions already.'],
    ['proxy#1', 'web#1', 'web#1 is of another pool: sessions go between instances of one.'],
    ['proxy#1', 'proxy#3', 'proxy#3 holds no slot: it would not serve them.'],
  ])('refused: from %s to %s', async (from, to, message) => {
    const domain = await running();
    expect(ask(domain, from, to)).toMatchObject({ ok: false, message });
    expect(told(domain)).toEqual([]);
  });

  test('refused: of an instance that is not ready, or moves as a whole', async () => {
    const domain = await running();
    domain.status(A, functionId(1), healthy({ healthy: false }));
    expect(ask(domain)).toMatchObject({ ok: false, message: 'proxy#1 is not ready.' });
  });
});
