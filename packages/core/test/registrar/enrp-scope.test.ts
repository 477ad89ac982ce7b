// SPDX-License-Identifier: Apache-2.0
import type { HandleUpdate } from '@vnfpool/wire/enrp';
import { describe, expect, test } from 'vitest';
import { ScopeWorld } from './support/scope-world.ts';

function fill(world: ScopeWorld, at: string, ids: readonly number[]): void {
  for (const id of ids) world.register(id, at);
  world.run(20);
}

/** All registrars that are up see the same, and their checksums of each other agree. */
function expectAgreement(world: ScopeWorld, elements: readonly string[]): void {
  const up = [...world.sites.values()].filter(({ isUp }) => isUp);
  for (const { name } of up) {
    expect(world.pool(name), name).toEqual(elements);
    expect(world.view(name).peers, name).toHaveLength(up.length - 1);
    for (const peer of world.view(name).peers) {
      const other = up.find(
        ({ registrar }) => registrar.snapshot(world.now).registrarId === peer.registrarId,
      );
      expect(peer).toMatchObject({
        state: 'active',
        checksumComputed: other?.registrar.snapshot(world.now).checksum,
      });
    }
  }
}

describe('one handlespace', () => {
  test('registrations, changes and removals reach all', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3 });
    fill(world, 'a', [1, 2]);
    fill(world, 'b', [3]);
    expectAgreement(world, ['1@1', '2@1', '3@2']);
    world.deregister(2);
    world.register(3, 'c');
    world.run(20);
    expectAgreement(world, ['1@1', '3@3']);
  });

  test.each(['add', 'delete'] as const)('a lost %s is found by the audit', (action) => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3 });
    fill(world, 'a', [1, 2]);
    const isLost = (message: unknown): boolean =>
      (message as HandleUpdate).type === 'handle-update' && (message as HandleUpdate).action === action;
    world.drop = (from, to, message) => from === 'a' && to === 'b' && isLost(message);
    if (action === 'add') world.register(3, 'a');
    else world.deregister(2);
    world.run(20);
    world.drop = () => false;
    const right = action === 'add' ? ['1@1', '2@1', '3@1'] : ['1@1'];
    expect(world.pool('c')).toEqual(right);
    expect(world.pool('b')).not.toEqual(right);
    world.run(8000);
    expectAgreement(world, right);
    expect(world.events('b', 'audit-mismatch', 'audit-settled')).toEqual([
      'audit-mismatch: the checksums differ',
      'audit-settled: the checksums agree',
    ]);
    expect(world.view('c').counters.resynchronisations).toBe(0);
  });

  test('two scopes that began apart become one when they meet', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2 });
    fill(world, 'a', [1]);
    world.add('c', 3);
    world.start('c');
    fill(world, 'c', [2]);
    const { enrp } = world.site('c');
    world.give('b', {
      type: 'presence-heard',
      address: '10.1.0.3',
      message: {
        type: 'presence',
        sender: 3,
        receiver: 0,
        replyRequired: false,
        server: { registrarId: 3, transport: enrp },
      },
    });
    world.run(15_000);
    expectAgreement(world, ['1@1', '2@3']);
  });

  test('registrars with one identifier part ways, and their elements with them', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1 });
    fill(world, 'a', [1]);
    world.add('b', 1);
    world.start('b');
    fill(world, 'b', [2]);
    world.add('c', 3);
    world.start('c', ['a']);
    world.run(100);
    world.give('c', {
      type: 'presence-heard',
      address: '10.1.0.2',
      message: {
        type: 'presence',
        sender: 9,
        receiver: 0,
        replyRequired: false,
        server: { registrarId: 9, transport: world.site('b').enrp },
      },
    });
    world.run(60_000);
    const ids = ['a', 'b', 'c'].map((name) => world.view(name).registrarId);
    expect(new Set(ids).size).toBe(3);
    expect([...ids].filter((id) => id === 1).length).toBeLessThanOrEqual(1);
    expectAgreement(world, [`1@${ids[0]}`, `2@${ids[1]}`]);
  });

  test('and so when all that shows the one to the other is a presence by multicast', () => {
    const world = new ScopeWorld();
    for (const name of ['a', 'b']) {
      world.add(name, 1);
      world.start(name);
    }
    fill(world, 'a', [1]);
    fill(world, 'b', [2]);
    for (let cycle = 0; cycle < 4; cycle++) {
      const { registrarId: sender } = world.view('a');
      const server = { registrarId: sender, transport: world.site('a').enrp };
      const message = { type: 'presence', sender, receiver: 0, replyRequired: false, server } as const;
      world.give('b', { type: 'presence-heard', address: '10.1.0.1', message });
      world.run(15_000);
    }
    const ids = ['a', 'b'].map((name) => world.view(name).registrarId);
    expect(new Set(ids).size).toBe(2);
    expectAgreement(world, [`1@${ids[0]}`, `2@${ids[1]}`].sort());
  });
});

describe('RFC 5353 §3.5 takeover', () => {
  test.each([2, 3, 5])('with %i registrars: exactly one takes over, and all agree', (count) => {
    const world = new ScopeWorld();
    const ids = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].slice(0, count).map((name, i) => [name, i + 1]));
    world.scope(ids);
    fill(world, 'a', [1, 2, 3]);
    if (count > 2) fill(world, 'b', [4]);
    world.crash('a');
    world.run(15_000);
    const winners = [...world.sites.values()].filter(({ events }) =>
      events.some(({ event }) => event === 'takeover-won'),
    );
    expect(winners).toHaveLength(1);
    const winner = winners[0]?.registrar.snapshot(world.now).registrarId;
    expectAgreement(
      world,
      [1, 2, 3]
        .map((id) => `${id}@${winner}`)
        .concat(count > 2 ? ['4@2'] : [])
        .sort(),
    );
    for (const id of [1, 2, 3]) {
      expect(world.element(id).homeRegistrar).toBe(winner);
      expect(world.element(id).heard.filter(({ type }) => type === 'endpoint-keep-alive')).toMatchObject([
        { becomeHome: true },
      ]);
    }
    expect(winners[0]?.registrar.snapshot(world.now).counters).toMatchObject({
      adoptions: 3,
      adoptionsFailed: 0,
    });
    // They are watched now: one that leaves is gone everywhere.
    world.register(2, winners[0]?.name ?? '');
    world.run(10);
    world.deregister(2);
    world.run(10);
    for (const { name, isUp } of world.sites.values())
      if (isUp) expect(world.pool(name)).toHaveLength(count > 2 ? 3 : 2);
  });

  test('an element that died with its registrar is removed, one that does not answer too, and all are told', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3 });
    fill(world, 'a', [1, 2, 3]);
    world.element(1).isUp = false;
    world.element(2).answers = false;
    world.crash('a');
    world.run(20_000);
    expect(world.pool('b')).toHaveLength(1);
    expectAgreement(world, [`3@${world.element(3).homeRegistrar}`]);
  });

  test('an element whose life ran out while nobody could renew it is found all the same', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3 });
    world.element(1).change = { registrationLife: 2 };
    fill(world, 'a', [1]);
    world.crash('a');
    world.run(8000);
    expect(['1@2', '1@3']).toContain(world.pool('b')[0]);
    expect(world.element(1).heard.filter(({ type }) => type === 'endpoint-keep-alive')).toHaveLength(1);
  });

  test('an element that registers elsewhere in time is not asked', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3 });
    fill(world, 'a', [1, 2]);
    world.crash('a');
    world.run(1000);
    world.register(1, 'b');
    world.run(20_000);
    expect(world.element(1).heard.some(({ type }) => type === 'endpoint-keep-alive')).toBe(false);
    expectAgreement(world, ['1@2', `2@${world.element(2).homeRegistrar}`]);
  });

  test('a dead registrar without elements is just removed', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3 });
    world.crash('a');
    world.run(10_000);
    expect(world.peers('b')).toEqual(['3 active']);
    expect(world.trace.some((line) => line.endsWith('init-takeover'))).toBe(false);
  });

  test.each([
    ['highest', 3],
    ['lowest', 2],
  ] as const)('two initiators at once: the %s identifier goes on', (arbitration, winner) => {
    const world = new ScopeWorld({ arbitration });
    world.scope({ a: 1, b: 2, c: 3 });
    fill(world, 'a', [1]);
    world.crash('a');
    // No answer of the dead one can part them: both learn of the loss when their timers say so, at the same time.
    let held = true;
    world.drop = (from, to, message) =>
      held && from !== 'a' && to !== 'a' && message.type === 'init-takeover';
    world.run(7000);
    held = false;
    world.run(20_000);
    for (const name of ['b', 'c']) expect(world.pool(name)).toEqual([`1@${winner}`]);
    const started = ['b', 'c'].map((name) => world.view(name).counters);
    expect(started.map(({ takeoversStarted }) => takeoversStarted)).toEqual([1, 1]);
    expect(started.map(({ takeoversLost }) => takeoversLost).toSorted((a, b) => a - b)).toEqual([0, 1]);
    expectAgreement(world, [`1@${winner}`]);
  });

  test('a target that lives after all says so, and nobody takes it over', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3 });
    fill(world, 'a', [1]);
    // Only b does not hear it, until b asks all; and c is slow to agree.
    world.drop = (from, to, message) =>
      (from === 'c' && message.type === 'init-takeover-ack') ||
      (from === 'a' &&
        to === 'b' &&
        message.type === 'presence' &&
        !world.trace.includes('b>a init-takeover'));
    for (
      let second = 0;
      second < 40 && !world.site('b').events.some(({ event }) => event === 'takeover-started');
      second++
    )
      world.run(500);
    world.drop = () => false;
    world.run(10_000);
    expect(world.events('b', 'takeover-off')).toEqual(['takeover-off: the target lives']);
    expect(world.view('b').counters.takeoversWon + world.view('c').counters.takeoversWon).toBe(0);
    expectAgreement(world, ['1@1']);
  });

  test('the initiator dies before it is done: another one takes both over', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3, d: 4 });
    fill(world, 'a', [1]);
    fill(world, 'd', [2]);
    // Nobody acknowledges in time.
    world.drop = (_from, _to, message) => message.type === 'init-takeover-ack';
    world.crash('a');
    for (
      let step = 0;
      step < 200 && !world.site('d').events.some(({ event }) => event === 'takeover-started');
      step++
    )
      world.run(100);
    world.crash('d');
    world.drop = () => false;
    world.run(30_000);
    const home = world.element(1).homeRegistrar;
    expect([2, 3]).toContain(home);
    expect([2, 3]).toContain(world.element(2).homeRegistrar);
    expectAgreement(world, [`1@${home}`, `2@${world.element(2).homeRegistrar}`]);
  });

  test('two die at once: the living do not wait for the dead', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3, d: 4, e: 5 });
    fill(world, 'a', [1]);
    fill(world, 'b', [2]);
    world.crash('a');
    world.run(1500);
    world.crash('b');
    world.run(25_000);
    expectAgreement(world, [`1@${world.element(1).homeRegistrar}`, `2@${world.element(2).homeRegistrar}`]);
  });

  test('cut in two, and whole again: every element has one home, whoever it is', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3, d: 4 });
    fill(world, 'a', [1]);
    fill(world, 'c', [2]);
    const side = (name: string): boolean => 'ab'.includes(name);
    world.drop = (from, to) => from.length === 1 && to.length === 1 && side(from) !== side(to);
    world.run(20_000);
    world.drop = () => false;
    world.run(90_000);
    const [first, second] = world.pool('a');
    expect(first?.startsWith('1@')).toBe(true);
    expect(second?.startsWith('2@')).toBe(true);
    expectAgreement(world, world.pool('a'));
  });

  test('only so many elements are asked at once', () => {
    const world = new ScopeWorld({ adoptionsAtOnceMax: 2 });
    world.scope({ a: 1, b: 2 });
    fill(
      world,
      'a',
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    world.crash('a');
    world.run(20_000);
    expect(world.view('b').counters).toMatchObject({ adoptions: 20, adoptionsFailed: 0 });
    expect(world.pool('b')).toHaveLength(20);
  });
});

describe('announcements (RFC 5352 §3.6.1)', () => {
  test('all together about once a cycle; strangers do not make us announce less', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3, d: 4 });
    world.run(10_000);
    for (let id = 1000; id < 1300; id++) {
      world.give('a', {
        type: 'announcement-heard',
        message: { type: 'server-announce', registrarId: id, transports: [] },
      });
    }
    const count = (): number =>
      [...world.sites.values()].reduce((sum, { announced }) => sum + announced.length, 0);
    const before = count();
    world.run(60_000);
    expect(count() - before).toBeGreaterThan(50);
    expect(count() - before).toBeLessThan(72);
    expect(world.view('a').counters.announcementsUnknown).toBe(300);
  });

  test('stopped: no more announcements, presences, connects', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2 });
    world.give('a', { type: 'stop' });
    const before = [world.site('a').announced.length, world.view('a').counters.presencesSent];
    world.run(30_000);
    expect([world.site('a').announced.length, world.view('a').counters.presencesSent]).toEqual(before);
    expect(world.view('a').state).toBe('stopped');
  });
});
