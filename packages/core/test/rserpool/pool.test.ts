// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { WEB, World } from './world.ts';

const fast = { keepAlivePeriodMs: 1000, keepAliveTimeoutMs: 300 };

test('elements register, a user gets the least used, a change of load is heard of', () => {
  const world = new World();
  world.addRegistrar('pr');
  world.addElements('a', ['pr']);
  world.addElements('b', ['pr']);
  world.addUser('u', ['pr'], { staleMs: 1000 });
  world.register('a', 1, 100);
  world.register('b', 2, 200);
  world.advance(100);
  expect(world.story()).toEqual(expect.arrayContaining(['a 1 registered', 'b 2 registered']));
  expect(world.resolve('u')).toBe(1);
  world.element('a', {
    type: 'update',
    poolHandle: WEB,
    elementId: 1,
    policy: { type: 'least-used', load: 300 },
  });
  expect(world.resolve('u')).toBe(1);
  world.advance(1000);
  world.resolve('u');
  expect(world.resolve('u')).toBe(2);
});

test('equal loads are served by turns', () => {
  const world = new World();
  world.addRegistrar('pr');
  world.addElements('a', ['pr']);
  world.addUser('u', ['pr']);
  for (const id of [1, 2, 3]) world.register('a', id);
  world.advance(100);
  const chosen = Array.from({ length: 6 }, () => world.resolve('u'));
  expect(new Set(chosen.slice(0, 3))).toEqual(new Set([1, 2, 3]));
  expect(chosen.slice(3)).toEqual(chosen.slice(0, 3));
});

test('an element that is cut off and comes back in time stays registered', () => {
  const world = new World();
  world.addRegistrar('pr');
  world.addElements('a', ['pr']);
  world.register('a', 1);
  world.advance(100);
  world.story();
  world.cut('a');
  world.advance(5000);
  expect(world.members('pr')).toEqual([1]);
  expect(world.story()).toEqual([
    'pr 1 element-detached: association-lost',
    'a 1 detached',
    'pr 1 element-registered: renewed',
    'a 1 registered',
  ]);
});

test('an element whose host dies is removed after the grace time', () => {
  const world = new World();
  world.addRegistrar('pr');
  world.addElements('a', ['pr']);
  world.addElements('b', ['pr']);
  world.register('a', 1);
  world.register('b', 2);
  world.advance(100);
  world.frozen.add('a');
  world.cut('a');
  world.advance(1100);
  expect(world.members('pr')).toEqual([2]);
});

test('a frozen element fails its keep-alive, and registers again when it thaws', () => {
  const world = new World();
  world.addRegistrar('pr', fast);
  world.addElements('a', ['pr']);
  world.register('a', 1);
  world.advance(100);
  world.frozen.add('a');
  world.advance(1900);
  expect(world.members('pr')).toEqual([]);
  expect(world.story()).toContain('pr 1 element-removed: keep-alive-timeout');
  world.frozen.delete('a');
  world.advance(60_000);
  expect(world.members('pr')).toEqual([1]);
});

test('keep-alives are answered for days', () => {
  const world = new World();
  world.addRegistrar('pr', { keepAlivePeriodMs: 60_000, keepAliveTimeoutMs: 100 });
  world.addElements('a', ['pr']);
  world.register('a', 1, 0, 600_000);
  world.advance(86_400_000);
  expect(world.members('pr')).toEqual([1]);
  expect(world.story()).not.toContain('a 1 detached');
});

test('a user reports who it cannot reach: gone from its cache at once, from the registrar after the check', () => {
  const world = new World();
  world.addRegistrar('pr', { keepAlivePeriodMs: 0, keepAliveTimeoutMs: 300 });
  world.addElements('a', ['pr']);
  world.addElements('b', ['pr']);
  world.addUser('u', ['pr']);
  world.register('a', 1, 0);
  world.register('b', 2, 100);
  world.advance(100);
  expect(world.resolve('u')).toBe(1);
  world.frozen.add('a');
  world.user('u', { type: 'unreachable', poolHandle: WEB, elementId: 1 });
  expect(world.resolve('u')).toBe(2);
  world.advance(500);
  expect(world.members('pr')).toEqual([2]);
});

test('many failures of one event are one report; an element that answers stays', () => {
  const world = new World();
  world.addRegistrar('pr');
  world.addElements('a', ['pr']);
  world.addUser('u', ['pr']);
  world.register('a', 1);
  world.advance(100);
  for (let i = 0; i < 10; i++) world.user('u', { type: 'unreachable', poolHandle: WEB, elementId: 1 });
  world.advance(1000);
  expect(world.registrars.get('pr')?.snapshot(world.now).counters).toMatchObject({
    reports: 1,
    keepAlivesAnswered: 1,
  });
  expect(world.members('pr')).toEqual([1]);
});

test('the registrar dies: elements and users go to the next one', () => {
  const world = new World();
  world.addRegistrar('pr1');
  world.addRegistrar('pr2');
  world.addElements('a', ['pr1', 'pr2']);
  world.addUser('u', ['pr1', 'pr2']);
  world.register('a', 1);
  world.advance(100);
  expect(world.resolve('u')).toBe(1);
  world.crash('pr1');
  world.advance(1000);
  expect(world.members('pr2')).toEqual([1]);
  world.user('u', { type: 'purge', poolHandle: WEB });
  expect(world.resolve('u')).toBe(1);
});

test('the only registrar is away for a minute: everything comes back by itself', () => {
  const world = new World();
  world.addRegistrar('pr');
  world.addElements('a', ['pr'], { backoffMaxMs: 5000 });
  world.addUser('u', ['pr'], { backoffMaxMs: 5000 });
  world.register('a', 1);
  expect(world.resolve('u')).toBe(1);
  world.crash('pr');
  world.advance(60_000);
  expect(world.resolve('u')).toBe(1);
  world.down.delete('pr');
  world.advance(8000);
  expect(world.members('pr')).toEqual([1]);
});

test('deregistration is confirmed, and the association let go with the last element', () => {
  const world = new World();
  world.addRegistrar('pr');
  world.addElements('a', ['pr']);
  world.register('a', 1);
  world.register('a', 2);
  world.advance(100);
  world.element('a', { type: 'deregister', poolHandle: WEB, elementId: 1 });
  world.advance(10);
  expect(world.members('pr')).toEqual([2]);
  expect(world.registrars.get('pr')?.snapshot(world.now).associations).toBe(1);
  world.element('a', { type: 'deregister', poolHandle: WEB, elementId: 2 });
  world.advance(10);
  expect(world.story().filter((line) => line.startsWith('a') && line.endsWith(' deregistered'))).toEqual([
    'a 1 deregistered',
    'a 2 deregistered',
  ]);
  expect(world.registrars.get('pr')?.snapshot(world.now).associations).toBe(0);
});
