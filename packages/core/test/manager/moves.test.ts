// SPDX-License-Identifier: Apache-2.0
import { functionId, nodeId } from '@vnfpool/core';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain, healthy } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c', 'd'];
const A = nodeId(1);
const D = nodeId(4);
const WEB1 = functionId(1);
const edge = set(NODES, [pool('web', 1, 1, 1)]);

/** Four nodes; web#1 on a holds the slot in epoch 1, d has nothing. */
async function running(declared = edge): Promise<FakeDomain> {
  const domain = await FakeDomain.start();
  NODES.forEach((name, index) => domain.register(name, index + 1));
  domain.give({ type: 'apply', requestId: 1, declared, text: '', file: 'set.yaml' });
  hold(domain, 1, 1);
  domain.orders = [];
  return domain;
}

/** `also`: nodes at which the lease admits the same instance. */
function hold(domain: FakeDomain, node: number, epoch: number, id = 1, also = [1, 4]): void {
  const slot = domain.core.views(domain.nowMs).slots[0]?.id ?? '';
  const holder = { node, functionId: id };
  const others = [2, 3].filter((each) => each !== id).map((each) => ({ node: each, functionId: each }));
  const mine = [...new Set([node, ...also])].map((each) => ({ node: each, functionId: id }));
  const candidates = [...mine, ...others];
  domain.report(node, {
    slots: [{ id: slot, state: 'holding', epoch: String(epoch), holder, candidates, reason: '' }],
    failovers: [],
  });
}

function move(domain: FakeDomain, to?: string): unknown {
  domain.give({ type: 'move', requestId: 9, instance: 'web#1', ...(to === undefined ? {} : { to }) });
  return domain.replies.at(-1);
}

const sending = (phase = 'transferring') =>
  healthy({
    transfer: {
      id: 'ab'.repeat(16),
      role: 'source',
      phase,
      bytes: 1000,
      bytesTotal: 4000,
      bytesPerSecond: 500,
      changePerSecond: 10,
      expectedPauseMs: 12,
      expectedEndMs: 6000,
      peer: 4,
    },
  });

const web1 = (domain: FakeDomain) =>
  domain.core.views(domain.nowMs).instances.find(({ name }) => name === 'web#1');
const told = (domain: FakeDomain) =>
  domain.orders.filter((order) => !order.startsWith('configure') && !order.startsWith('assign'));
const events = (domain: FakeDomain) => domain.rows('events').map(({ type }) => type);
const lastEvent = (domain: FakeDomain) => domain.rows('events').at(-1)?.message ?? '';

describe('a move', () => {
  test('it goes where there is room; both ends are told, and it is shown how it goes', async () => {
    const domain = await running();
    expect(move(domain)).toEqual({ ok: true, to: 'd' });
    expect(told(domain)).toEqual(['prepare 4/1 from 1', 'move 1/1 to 4']);
    domain.status(A, WEB1, sending());
    expect(web1(domain)).toMatchObject({
      node: 'a',
      move: { to: 'd', phase: 'sending', bytes: 1000, bytesTotal: 4000, expectedPauseMs: 12 },
    });
    expect(domain.rows('moves')).toMatchObject([{ functionId: 1, from: 'a', to: 'd' }]);
  });

  test('it belongs to its new node when it runs there and the slot is not held at the old one any more', async () => {
    const domain = await running();
    move(domain);
    domain.status(A, WEB1, sending());
    domain.status(D, WEB1);
    expect(web1(domain)).toMatchObject({ node: 'a', move: { phase: 'switching' } });
    hold(domain, 4, 2);
    expect(web1(domain)).toMatchObject({ node: 'd', slot: 0, role: 'active', status: 'running', move: null });
    expect(domain.rows('moves')).toEqual([]);
    expect(domain.rows('instances').find(({ functionId: id }) => id === 1)?.node).toBe('d');
    expect(events(domain)).toContain('instance.moved');
    // What is left at the source is no part of the set; the new copy is told nothing that it knows.
    expect(told(domain).slice(2)).toEqual(['delete 1/1']);
  });

  test('nobody is told of it before the lease of its slot admits it at its destination', async () => {
    const domain = await running();
    hold(domain, 1, 2, 1, []);
    expect(move(domain)).toEqual({ ok: true, to: 'd' });
    expect(told(domain)).toEqual([]);
    hold(domain, 1, 3);
    expect(told(domain)).toEqual(['prepare 4/1 from 1', 'move 1/1 to 4']);
  });

  test('where state is shared, the destination has a minute to get it', async () => {
    const web = pool('web', 1, 1, 1, { state: { via: 'socket', shares: true } });
    const domain = await running(set(NODES, [{ ...web, sharing: { methods: ['replicate'] } }]));
    hold(domain, 1, 2, 1, []);
    move(domain);
    const fromMs = domain.nowMs;
    while (web1(domain)?.move) domain.expire();
    expect(domain.nowMs - fromMs).toBeLessThanOrEqual(60_000);
    expect(domain.nowMs - fromMs).toBeGreaterThan(59_000);
  });

  test('a slot that nobody holds admits nobody: the move fails after 10 s', async () => {
    const domain = await running();
    hold(domain, 1, 2, 1, []);
    move(domain);
    const fromMs = domain.nowMs;
    while (web1(domain)?.move) domain.expire();
    expect(domain.nowMs - fromMs).toBeLessThanOrEqual(10_000);
    expect(domain.nowMs - fromMs).toBeGreaterThan(9_000);
    expect(told(domain)).toEqual([]);
    expect(lastEvent(domain)).toMatch(/did not move to d: its slot could not be told that it goes to d/);
  });

  test('of an instance that is not declared any more ends once that is written, and is told as such', async () => {
    const domain = await running();
    move(domain);
    domain.diskFull = true;
    domain.give({ type: 'apply', requestId: 2, declared: set(NODES, []), text: '', file: 'set.yaml' });
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, code: 'STORE_FULL' });
    expect(web1(domain)).toMatchObject({ node: 'a', move: { to: 'd' } });
    domain.diskFull = false;
    domain.give({ type: 'apply', requestId: 3, declared: set(NODES, []), text: '', file: 'set.yaml' });
    while (domain.rows('moves').length > 0 && domain.core.nextDeadline() !== undefined) domain.expire();
    expect(domain.rows('moves')).toEqual([]);
    const outcomes = events(domain).filter((type) => /move-(failed|cancelled)|moved/.test(type));
    expect(outcomes).toEqual(['instance.move-cancelled']);
  });

  test('a standby belongs there as soon as it runs', async () => {
    const domain = await running();
    domain.give({ type: 'move', requestId: 9, instance: 'web#2', to: 'd' });
    domain.status(D, functionId(2));
    expect(domain.rows('instances').find(({ functionId: id }) => id === 2)?.node).toBe('d');
  });

  test.each([
    ['no such instance', { instance: 'web#9', to: 'd' }, 'NOT_FOUND', /no instance web#9/],
    ['no such node', { instance: 'web#1', to: 'z' }, 'NOT_FOUND', /no node z; its nodes: a, b, c, d/],
    ['where it is', { instance: 'web#1', to: 'a' }, 'NOT_READY', /is on a already/],
    ['where another of its pool is', { instance: 'web#1', to: 'b' }, 'NOT_READY', /b has web#2/],
  ])('refused: %s', async (_, request, code, message) => {
    const domain = await running();
    domain.give({ type: 'move', requestId: 9, ...request });
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, code, message: expect.stringMatching(message) });
    expect(told(domain)).toEqual([]);
  });

  test('refused: what has the state of its node', async () => {
    const web = pool('web', 1, 1, 1);
    const state = { via: 'conntrack' as const };
    const domain = await running(set(NODES, [{ ...web, function: { ...web.function, state } }]));
    expect(move(domain)).toMatchObject({ ok: false, message: expect.stringMatching(/those of its node/) });
    expect(told(domain)).toEqual([]);
  });

  test('refused: while it moves, when nobody is free, what does not run, and a hand-over of its slot', async () => {
    const domain = await running();
    domain.give({ type: 'drain', requestId: 8, node: 'd' });
    expect(move(domain)).toMatchObject({ ok: false, message: expect.stringMatching(/not drained/) });
    expect(move(domain, 'd')).toMatchObject({ ok: false, message: 'd is drained.' });
    domain.give({ type: 'drain', requestId: 8, node: 'd', cancel: true });
    domain.status(A, WEB1, healthy({ healthy: false }));
    expect(move(domain)).toMatchObject({ ok: false, message: expect.stringMatching(/not ready/) });
    domain.status(A, WEB1);
    move(domain);
    expect(move(domain)).toMatchObject({ ok: false, message: 'web#1 moves to d already.' });
    domain.give({ type: 'handover', requestId: 7, pool: 'web', index: 0 });
    expect(domain.replies.at(-1)).toMatchObject({
      ok: false,
      message: expect.stringMatching(/its slot with it/),
    });
  });

  test('it fails: a node refuses, the source says so, the destination has gone; it stays, and can be moved again', async () => {
    const domain = await running();
    domain.refuse = 'state';
    move(domain);
    domain.refuse = false;
    expect(lastEvent(domain)).toBe('web#1 stays on a and did not move to d: d refused: not now.');
    domain.orders = [];

    expect(move(domain)).toMatchObject({ ok: true });
    domain.status(A, WEB1, sending());
    domain.status(A, WEB1, healthy({ reason: 'not transferred to node 4: the pause would be 9000 ms' }));
    expect(events(domain).filter((type) => type === 'instance.move-failed')).toHaveLength(2);
    expect(domain.rows('events').some(({ message }) => message.includes('9000 ms'))).toBe(true);
    expect(told(domain).at(-1)).toBe('delete 4/1');

    move(domain);
    domain.status(A, WEB1, sending());
    domain.status(D, WEB1, healthy(), 'Unknown');
    expect(web1(domain)?.move).not.toBeNull();
    domain.status(A, WEB1);
    expect(web1(domain)).toMatchObject({ node: 'a', move: null, status: 'running' });
  });

  test('the destination is lost: nothing is decided before the source has said what became of it', async () => {
    const domain = await running();
    move(domain);
    domain.status(A, WEB1, sending());
    domain.give({ type: 'node-lost', node: D, reason: 'silent' });
    expect(web1(domain)?.move).not.toBeNull();
    domain.status(A, WEB1, healthy(), 'Unknown', 'moved to node 4');
    expect(web1(domain)).toMatchObject({ node: 'd', move: null });
  });

  test('the destination is lost, and the source has crashed: nobody waits for ever', async () => {
    const domain = await running();
    move(domain);
    domain.status(A, WEB1, sending());
    domain.give({ type: 'node-lost', node: D, reason: 'silent' });
    domain.running.delete('1/1');
    domain.register('a', 1, 8n);
    expect(web1(domain)?.move).not.toBeNull();
    domain.nowMs += 60_000;
    domain.expire();
    expect(web1(domain)).toMatchObject({ node: 'a', move: null });
    expect(told(domain).at(-1)).toBe('add 1/1');
  });

  test('a manager that starts in the middle waits for the destination, though the source has crashed', async () => {
    const domain = await running();
    move(domain);
    await domain.restart();
    domain.running.delete('1/1');
    domain.register('a', 1, 8n);
    expect(web1(domain)).toMatchObject({ node: 'a', move: { to: 'd' } });
    domain.running.delete('4/1');
    domain.register('d', 4);
    expect(web1(domain)).toMatchObject({ node: 'a', move: null });
  });

  test('who holds the slot is the instance, also where a move was thought to have failed; it is not deleted', async () => {
    const domain = await running();
    move(domain);
    domain.status(A, WEB1, sending());
    domain.status(A, WEB1, healthy({ reason: 'not moved' }));
    domain.refuse = true;
    domain.running.set('4/1', { node: D, functionId: WEB1 });
    domain.orders = [];
    domain.status(D, WEB1);
    hold(domain, 4, 2);
    expect(web1(domain)).toMatchObject({ node: 'd', slot: 0 });
    expect(told(domain).filter((order) => order === 'delete 4/1').length).toBeLessThanOrEqual(1);
    expect(events(domain)).toContain('instance.found');
  });

  test('the source is lost while it sends, and its last word was of that: it stays where it may come back', async () => {
    const domain = await running();
    move(domain);
    domain.status(A, WEB1, sending());
    domain.give({ type: 'node-lost', node: A, reason: 'silent' });
    expect(web1(domain)?.move).not.toBeNull();
    domain.status(D, WEB1, healthy(), 'Unknown');
    expect(web1(domain)).toMatchObject({ node: 'a', move: null });
    expect(events(domain)).toContain('instance.move-failed');
  });

  test('the source is lost before it was told: it stays', async () => {
    const domain = await running();
    domain.give({ type: 'node-suspect', node: A, reason: 'silent' });
    move(domain);
    domain.give({ type: 'node-lost', node: A, reason: 'silent' });
    expect(web1(domain)).toMatchObject({ node: 'a', move: null });
  });

  test('cancelled: the destination gives up, and the source has it', async () => {
    const domain = await running();
    move(domain);
    domain.status(A, WEB1, sending());
    domain.give({ type: 'move', requestId: 10, instance: 'web#1', cancel: true });
    expect(domain.replies.at(-1)).toEqual({ ok: true, to: 'a' });
    expect(told(domain).at(-1)).toBe('cancel 4/1');
    domain.status(A, WEB1, healthy({ reason: 'not transferred' }));
    expect(events(domain)).toContain('instance.move-cancelled');
    domain.give({ type: 'move', requestId: 11, instance: 'web#1', cancel: true });
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, message: 'web#1 does not move.' });
  });

  test('cancelled too late: it goes on', async () => {
    const domain = await running();
    move(domain);
    domain.status(A, WEB1, sending());
    domain.hasTaken = true;
    domain.give({ type: 'move', requestId: 10, instance: 'web#1', cancel: true });
    expect(lastEvent(domain)).toMatch(/too late/);
    domain.status(D, WEB1);
    hold(domain, 4, 2);
    expect(web1(domain)).toMatchObject({ node: 'd', move: null });
  });

  test.each([
    ['it arrived meanwhile', 'd'],
    ['it did not', 'a'],
  ])('a manager that starts in the middle finds out: %s', async (_, at) => {
    const domain = await running();
    move(domain);
    domain.status(A, WEB1, sending());
    await domain.restart();
    if (at === 'd') {
      domain.running.delete('1/1');
      hold(domain, 4, 2);
    } else domain.running.delete('4/1');
    NODES.forEach((name, index) => domain.register(name, index + 1));
    expect(web1(domain)).toMatchObject({ node: at, move: null, status: 'running' });
    // What the destination was told the former manager knew; the node refuses what is not what it runs.
    expect(told(domain)).toEqual(at === 'd' ? ['add 4/1'] : []);
  });

  test('a full disk refuses it, and nobody is told anything', async () => {
    const domain = await running();
    domain.diskFull = true;
    expect(move(domain)).toMatchObject({ ok: false, code: 'STORE_FULL' });
    domain.diskFull = false;
    expect(web1(domain)?.move).toBeNull();
    expect(told(domain)).toEqual([]);
  });
});

describe('draining', () => {
  test('a node is emptied, says so, and stays empty after a restart of the manager', async () => {
    const domain = await running();
    domain.give({ type: 'drain', requestId: 8, node: 'a' });
    expect(domain.replies.at(-1)).toEqual({ ok: true });
    const node = () => domain.core.views(domain.nowMs).nodes.find(({ name }) => name === 'a');
    expect(node()?.drain).toMatchObject({ isOver: false, staying: [] });
    expect(told(domain)).toEqual(['prepare 4/1 from 1', 'move 1/1 to 4']);
    domain.status(D, WEB1);
    hold(domain, 4, 2);
    expect(node()).toMatchObject({ functions: [], drain: { isOver: true, staying: [] } });
    await domain.restart();
    expect(node()?.drain).not.toBeNull();
    domain.give({ type: 'drain', requestId: 9, node: 'a', cancel: true });
    expect(node()?.drain).toBeNull();
  });

  test('a move that fails is tried again, later each time, and not at once', async () => {
    const domain = await running();
    domain.refuse = 'state';
    domain.give({ type: 'drain', requestId: 8, node: 'a' });
    expect(told(domain)).toEqual(['prepare 4/1']);
    const waits: number[] = [];
    for (let round = 0; round < 3; round++) {
      const before = domain.nowMs;
      domain.expire();
      waits.push(domain.nowMs - before);
    }
    expect(told(domain)).toHaveLength(4);
    expect(waits.map((ms) => Math.round(ms / 1000))).toEqual([2, 4, 8]);
  });

  test('without a free node the slot is handed over, and the node may be switched off', async () => {
    const domain = await running();
    domain.give({ type: 'drain', requestId: 8, node: 'd' });
    domain.give({ type: 'drain', requestId: 8, node: 'a' });
    const node = () => domain.core.views(domain.nowMs).nodes.find(({ name }) => name === 'a');
    expect(node()?.drain).toMatchObject({ isOver: false, staying: ['web#1'] });
    expect(domain.orders.some((order) => order.includes('1/1 active handover to 2'))).toBe(true);
    hold(domain, 2, 2, 2);
    expect(node()?.drain).toMatchObject({ isOver: true, staying: ['web#1'] });
  });

  test('refused: who has not joined', async () => {
    const domain = await running();
    domain.give({ type: 'drain', requestId: 8, node: 'z' });
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, code: 'NOT_FOUND' });
  });
});
