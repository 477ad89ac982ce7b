// SPDX-License-Identifier: Apache-2.0

import { functionId, nodeId } from '@vnfpool/core';
import type { DeclaredPool } from '@vnfpool/core/declared';
import type { UpgradeView } from '@vnfpool/core/management';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain, healthy } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c'];
const web = pool('web', 1, 1, 1);
const newer: DeclaredPool = { ...web, function: { ...web.function, arguments: ['new.mjs'] } };
const RULES = { batch: 1, gateMs: 5_000, deadlineMs: 60_000, onFailure: 'rollback', surplus: true } as const;

let requestId = 0;

function apply(domain: FakeDomain, declared: DeclaredPool): void {
  domain.give({
    type: 'apply',
    requestId: ++requestId,
    declared: set(NODES, [declared]),
    text: '',
    file: 'set.yaml',
  });
}

function ask(domain: FakeDomain, action: 'pause' | 'resume' | 'rollback', of = 'web'): unknown {
  domain.give({ type: 'upgrade', requestId: ++requestId, pool: of, action });
  return domain.replies.at(-1);
}

function hold(domain: FakeDomain, holder: number, epoch: number): void {
  const id = domain.core.views(domain.nowMs).slots[0]?.id ?? '';
  const candidates = [1, 2, 3].map((each) => ({ node: each, functionId: each }));
  domain.report(holder, {
    slots: [
      {
        id,
        state: 'holding',
        epoch: String(epoch),
        holder: { node: holder, functionId: holder },
        candidates,
        reason: '',
      },
    ],
    failovers: [],
  });
}

/** Three nodes; web#1 holds the slot. */
async function running(declared: DeclaredPool = web): Promise<FakeDomain> {
  const domain = await FakeDomain.start();
  NODES.forEach((name, index) => domain.register(name, index + 1));
  apply(domain, declared);
  hold(domain, 1, 1);
  domain.orders = [];
  return domain;
}

/** Lets the clock run until something was ordered, at most for ten deadlines. */
function untilOrdered(domain: FakeDomain): string[] {
  domain.orders = [];
  for (let count = 0; count < 10 && ordered(domain).length === 0; count++) domain.expire();
  return ordered(domain);
}

const ordered = (domain: FakeDomain) =>
  domain.orders.filter(
    (each) => !each.startsWith('configure') && !/^assign .* (spare|standby|active)$/.test(each),
  );
const upgrade = (domain: FakeDomain): UpgradeView | null | undefined =>
  domain.core.views(domain.nowMs).pools[0]?.upgrade;
const told = (domain: FakeDomain) =>
  domain.core
    .views(domain.nowMs)
    .events.filter(({ type }) => type.startsWith('upgrade.'))
    .map(({ type }) => type.slice(8))
    .toReversed();

function fail(domain: FakeDomain, id: number): void {
  const report = healthy({ healthy: false, failing: true, restarts: 3, reason: 'exit code 1' });
  domain.status(nodeId(id), functionId(id), report, 'Starting');
}

describe('an upgrade', () => {
  test('goes from instance to instance, each healthy for the time of the gate, the slot before its holder', async () => {
    const domain = await running();
    apply(domain, newer);
    expect(ordered(domain)).toEqual(['delete 3/3', 'add 3/3']);
    expect(upgrade(domain)).toMatchObject({ state: 'going', done: 0, total: 3, canRollBack: true });
    const before = domain.nowMs;
    expect(untilOrdered(domain)).toEqual(['delete 2/2', 'add 2/2']);
    expect(domain.nowMs - before).toBeGreaterThanOrEqual(RULES.gateMs - 10);
    expect(untilOrdered(domain)).toEqual(['assign 1/1 active handover to 2']);
    hold(domain, 2, 2);
    expect(ordered(domain).slice(1)).toEqual(['delete 1/1', 'add 1/1']);
    untilOrdered(domain);
    expect(upgrade(domain)).toBeNull();
    expect(domain.rows('upgrades')).toEqual([]);
    expect(told(domain)).toEqual([
      'begun',
      'turn',
      'instance-done',
      'turn',
      'instance-done',
      'turn',
      'instance-done',
      'ended',
    ]);
    domain.orders = [];
    apply(domain, newer);
    expect(domain.orders).toEqual([]);
  });

  test('an instance that is unhealthy for a moment has to be healthy for the whole time again', async () => {
    const domain = await running();
    apply(domain, newer);
    domain.nowMs += 4_000;
    domain.status(nodeId(3), functionId(3), healthy({ healthy: false }));
    domain.status(nodeId(3), functionId(3));
    domain.orders = [];
    domain.nowMs += 4_000;
    domain.give({ type: 'registrar', address: '10.0.0.8', port: 3863 });
    expect(upgrade(domain)?.instances[2]).toMatchObject({ version: 'new', state: 'gate' });
    expect(untilOrdered(domain)).toEqual(['delete 2/2', 'add 2/2']);
  });

  test.each([
    ['ends again and again', (domain: FakeDomain) => fail(domain, 3), 'ends again and again (exit code 1)'],
    [
      'ended once within its gate',
      (domain: FakeDomain) => domain.status(nodeId(3), functionId(3), healthy({ restarts: 1 })),
      'ended before its time at the gate was over',
    ],
    [
      'does not get healthy in time',
      (domain: FakeDomain) => {
        domain.status(nodeId(3), functionId(3), healthy({ healthy: false }), 'Starting');
        for (let count = 0; count < 9 && upgrade(domain)?.state === 'going'; count++) domain.expire();
      },
      'was not healthy for long enough within 60 s',
    ],
  ])('is rolled back when the new instance %s', async (_, break_, why) => {
    const domain = await running();
    apply(domain, newer);
    domain.orders = [];
    break_(domain);
    expect(ordered(domain)).toEqual(['delete 3/3', 'add 3/3']);
    expect(upgrade(domain)).toMatchObject({ state: 'rolling-back', goal: 'former' });
    expect(upgrade(domain)?.reason).toContain(why);
    untilOrdered(domain);
    expect(upgrade(domain)).toMatchObject({ state: 'rolled-back', done: 3, total: 3 });
    expect(told(domain)).toEqual(['begun', 'turn', 'rolling-back', 'turn', 'instance-done', 'rolled-back']);
    expect(domain.core.explain('web', domain.nowMs)?.lines.join(' ')).toContain('not what is declared');
    // A try again by command; the same file changes nothing.
    domain.orders = [];
    apply(domain, newer);
    expect(domain.orders).toEqual([]);
    expect(ask(domain, 'resume')).toMatchObject({ ok: true });
    expect(ordered(domain)).toEqual(['delete 3/3', 'add 3/3']);
  });

  test('stops there when the pool says so, until somebody decides', async () => {
    const domain = await running();
    apply(domain, { ...newer, upgrade: { ...RULES, onFailure: 'stop' } });
    domain.orders = [];
    fail(domain, 3);
    expect(untilOrdered(domain)).toEqual([]);
    expect(upgrade(domain)).toMatchObject({
      state: 'stopped',
      next: 'waits for a word: resume, or rollback',
    });
    expect(ask(domain, 'rollback')).toMatchObject({ ok: true });
    expect(ordered(domain)).toEqual(['delete 3/3', 'add 3/3']);
    untilOrdered(domain);
    expect(upgrade(domain)?.state).toBe('rolled-back');
    apply(domain, web);
    expect(upgrade(domain)).toBeNull();
  });

  test('stops when the former version fails as well: there is nowhere left to go', async () => {
    const domain = await running();
    apply(domain, newer);
    fail(domain, 3);
    fail(domain, 3);
    expect(upgrade(domain)).toMatchObject({ state: 'stopped', goal: 'former' });
  });

  test('a new version that has passed its gate and fails later is found as well', async () => {
    const domain = await running();
    apply(domain, newer);
    expect(untilOrdered(domain)).toEqual(['delete 2/2', 'add 2/2']);
    fail(domain, 3);
    expect(upgrade(domain)).toMatchObject({ state: 'rolling-back' });
  });

  test('a manager that dies in the middle goes on from its records; the gate begins anew', async () => {
    const domain = await running();
    apply(domain, newer);
    expect(untilOrdered(domain)).toEqual(['delete 2/2', 'add 2/2']);
    await domain.restart();
    expect(upgrade(domain)).toMatchObject({ state: 'going', done: 1 });
    NODES.forEach((name, index) => domain.register(name, index + 1));
    hold(domain, 1, 1);
    expect(ordered(domain)).toEqual([]);
    expect(untilOrdered(domain)).toEqual(['assign 1/1 active handover to 2']);
    await domain.restart();
    NODES.forEach((name, index) => domain.register(name, index + 1));
    expect(ask(domain, 'rollback')).toMatchObject({ ok: true });
    hold(domain, 2, 2);
    expect(ordered(domain)).toContain('delete 3/3');
    expect(untilOrdered(domain)).toContain('assign 2/2 active handover to 1');
  });

  test('an answer that was lost with the manager does not leave an instance at the gate for ever', async () => {
    const domain = await running();
    apply(domain, newer);
    domain.disk.get('told')?.delete('3');
    await domain.restart();
    NODES.forEach((name, index) => domain.register(name, index + 1));
    hold(domain, 1, 1);
    // It is asked by being told: the node refuses another specification.
    expect(ordered(domain)).toEqual(['add 3/3']);
    expect(untilOrdered(domain)).toEqual(['delete 2/2', 'add 2/2']);
  });

  test('an instance that runs another version than anybody knows of is replaced', async () => {
    const domain = await running();
    domain.disk.get('told')?.delete('3');
    await domain.restart();
    domain.anotherVersion = '3/3';
    NODES.forEach((name, index) => domain.register(name, index + 1));
    hold(domain, 1, 1);
    expect(untilOrdered(domain)).toEqual(['delete 3/3', 'add 3/3']);
  });

  test('is not begun by what cannot be written', async () => {
    const domain = await running();
    domain.diskFull = true;
    apply(domain, newer);
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, code: 'STORE_FULL' });
    expect(upgrade(domain)).toBeNull();
    expect(ordered(domain)).toEqual([]);
  });

  test('begins at once with the new version where nothing runs, and can go back from there', async () => {
    const domain = await FakeDomain.start();
    apply(domain, web);
    apply(domain, newer);
    NODES.forEach((name, index) => domain.register(name, index + 1));
    expect(ordered(domain).filter((each) => each.startsWith('delete'))).toEqual([]);
    expect(upgrade(domain)).toMatchObject({ done: 0, total: 3, next: 'waits: web#1 has to prove itself' });
    fail(domain, 2);
    expect(upgrade(domain)).toMatchObject({ state: 'rolling-back' });
  });
});

describe('a word', () => {
  test('pauses and resumes: what was begun goes on, nothing else begins', async () => {
    const domain = await running();
    apply(domain, newer);
    expect(ask(domain, 'pause')).toMatchObject({ ok: true });
    expect(untilOrdered(domain)).toEqual([]);
    expect(upgrade(domain)).toMatchObject({ state: 'paused', done: 1 });
    expect(ask(domain, 'resume')).toMatchObject({ ok: true });
    expect(ordered(domain)).toEqual(['delete 2/2', 'add 2/2']);
  });

  test('is refused when it makes no sense', async () => {
    const domain = await running();
    expect(ask(domain, 'pause', 'db')).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    expect(ask(domain, 'pause')).toMatchObject({ ok: false, code: 'NOT_READY' });
    apply(domain, newer);
    expect(ask(domain, 'resume')).toMatchObject({ ok: false, code: 'NOT_READY' });
    expect(ask(domain, 'rollback')).toMatchObject({ ok: true });
    expect(ask(domain, 'rollback')).toMatchObject({ ok: false, code: 'NOT_READY' });
    domain.diskFull = true;
    expect(ask(domain, 'pause')).toMatchObject({ ok: false, code: 'STORE_FULL' });
    expect(upgrade(domain)?.state).toBe('rolling-back');
  });
});
