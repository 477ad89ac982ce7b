// SPDX-License-Identifier: Apache-2.0
import { formatPlace } from '@vnfpool/core/relay';
import { DEFAULT_FORWARD_LIMITS } from '@vnfpool/core/session-forward';
import { expect, test } from 'vitest';
import { client, World } from './world.ts';

function open(names: readonly number[], clients: number, more: object = {}): World {
  const world = new World(names, {}, more);
  for (let each = 0; each < clients; each += 1) world.say(client(each), `hello ${each}`);
  world.carry();
  return world;
}

/** Each client says one thing; gives which instances the answers came by. */
function sayAll(world: World, clients: number, what = 'more'): number[] {
  world.answers.length = 0;
  for (let each = 0; each < clients; each += 1) world.say(client(each), `${what} ${each}`);
  world.carry();
  expect(world.answers.map(({ to, text }) => `${to} ${text}`).toSorted()).toEqual(
    Array.from({ length: clients }, (_, each) => `${formatPlace(client(each))} ${what} ${each}!`),
  );
  return [...new Set(world.answers.map(({ by }) => by))];
}

const counters = (world: World, name: number) => world.at(name).relay.counters;

test('each client has a session, with a backend that stays; backends share them evenly', () => {
  const world = open([1], 6);
  expect(world.answers).toHaveLength(6);
  sayAll(world, 6);
  expect([...world.heard.values()].every(({ size }) => size === 1)).toBe(true);
  const { table } = world.at(1).relay;
  expect([...table.choice.sessions.values()]).toEqual([2, 2, 2]);
  const [first] = table.sessions();
  expect(first).toMatchObject({ up: { packets: 2, bytes: 13 }, down: { packets: 2, bytes: 15 } });
});

test('at the bound a new client is not served and counted, others are; after its idle time a session makes room', () => {
  const world = open([1], 3, { sessionsMax: 2 });
  expect(world.answers).toHaveLength(2);
  expect(counters(world, 1).refused).toBe(1);
  world.pass(20_000);
  sayAll(world, 1);
  world.pass(20_000);
  expect(counters(world, 1).expired).toBe(1);
  world.say(client(9), 'now');
  world.carry();
  expect(world.answers.at(-1)).toMatchObject({ text: 'now!' });
  world.pass(60_000);
  expect(world.at(1).relay.table.size).toBe(0);
});

test('what a socket of a session that is over brings is counted and dropped', () => {
  const world = open([1], 1);
  world.at(1).relay.fromBackend(77, new Uint8Array(1), 0);
  expect(counters(world, 1).stray).toBe(1);
});

test('sessions move amid packets: the other instance serves them, the first one still talks to both sides', () => {
  const world = open([1, 2], 4);
  const moving = world.served(1).slice(0, 3);
  let said = 0;
  world.answers.length = 0;
  world.moveSessions(1, 2, moving, () => {
    for (let each = 0; each < 4; each += 1) world.say(client(each), `during ${(said += 1)}`);
  });
  world.carry();
  expect(world.answers).toHaveLength(8);
  expect(sayAll(world, 4)).toEqual([1]);
  expect([...world.heard.values()].every(({ size }) => size === 1)).toBe(true);
  expect([world.at(1).relay.table.served, world.at(2).relay.table.served]).toEqual([1, 3]);
  // Those before the move, too: counts go along.
  expect([...world.at(2).relay.table.sessions()].map(({ up }) => up.packets)).toEqual([4, 4, 4]);
  expect(world.at(2).relay.counters).toMatchObject({ movedIn: 3, toClients: 0, fromClients: 0 });
});

test('packets of moved sessions wait within a bound; what is beyond is dropped and counted', () => {
  const world = open([1, 2], 2, { heldMax: 3 });
  world.answers.length = 0;
  let said = 0;
  world.moveSessions(1, 2, world.served(1), () => {
    for (let each = 0; each < 2; each += 1) world.say(client(each), `${(said += 1)}`);
  });
  world.carry();
  expect(world.answers).toHaveLength(3);
  expect(counters(world, 1).heldDropped).toBe(1);
  // What waited does not count any more.
  world.at(1).relay.quiesce();
  for (let each = 0; each < 4; each += 1) world.say(client(0), 'again');
  expect(counters(world, 1).heldDropped).toBe(2);
});

test('a session ends at both when it was idle', () => {
  const world = open([1, 2], 2);
  world.moveSessions(1, 2, world.served(1));
  world.carry();
  world.pass(60_000);
  expect(world.instances.map(({ relay, links }) => [relay.table.size, links.open])).toEqual([
    [0, 0],
    [0, 0],
  ]);
  expect([counters(world, 1).expired, counters(world, 2).expired]).toEqual([2, 0]);
  world.answers.length = 0;
  sayAll(world, 2);
});

test('sessions that a holder has expired begin anew at the home', () => {
  const world = open([1, 2], 1);
  world.moveSessions(1, 2, world.served(1));
  world.carry();
  const [session] = world.at(2).relay.table.sessions();
  if (session) session.usedAt -= 1_000_000;
  world.at(2).relay.expire(world.nowMs);
  world.pass(2_000);
  sayAll(world, 1);
  expect(counters(world, 1).began).toBe(2);
});

test('the holder dies: the home has its sessions back after a while, with their backends', () => {
  const world = open([1, 2], 4);
  world.moveSessions(1, 2, world.served(1).slice(0, 2));
  world.carry();
  world.kill(2);
  world.say(client(0), 'lost');
  world.pass(DEFAULT_FORWARD_LIMITS.lostMs + 1_000);
  expect(counters(world, 1).takenBack).toBe(2);
  expect(world.answers.some(({ text }) => text === 'lost!')).toBe(false);
  sayAll(world, 4);
  expect([...world.heard.values()].every(({ size }) => size === 1)).toBe(true);
});

test('the destination dies before it is heard: what waited for it is served by the home', () => {
  const world = open([1, 2], 1);
  world.kill(2);
  world.moveSessions(1, 2, world.served(1));
  world.carry();
  world.answers.length = 0;
  world.say(client(0), 'held');
  world.pass(DEFAULT_FORWARD_LIMITS.lostMs);
  expect(world.answers).toMatchObject([{ text: 'held!', by: 1 }]);
});

test('sessions go back to where they were, and the way round is over', () => {
  const world = open([1, 2], 4);
  world.moveSessions(1, 2, world.served(1));
  world.carry();
  sayAll(world, 4);
  world.answers.length = 0;
  let said = 0;
  world.moveSessions(2, 1, world.served(2).slice(0, 2), () => world.say(client(0), `between ${(said += 1)}`));
  world.carry();
  expect(world.answers).toHaveLength(2);
  sayAll(world, 4);
  expect([world.at(1).relay.table.served, world.at(2).relay.table.served]).toEqual([2, 2]);
  world.moveSessions(2, 1, world.served(2));
  world.carry();
  const before = counters(world, 1).forwarded;
  sayAll(world, 4, 'home');
  expect(counters(world, 1).forwarded).toBe(before);
  expect([world.at(1).relay.table.served, world.at(2).relay.table.served]).toEqual([4, 0]);
  world.pass(100_000);
  expect(world.instances.map(({ relay, links }) => [relay.table.size, links.open])).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

test('sessions go on to a third: packets pass through the second', () => {
  const world = open([1, 2, 3], 3);
  world.moveSessions(1, 2, world.served(1));
  world.carry();
  world.moveSessions(2, 3, world.served(2), () => world.say(client(0), 'between'));
  world.carry();
  expect(sayAll(world, 3)).toEqual([1]);
  expect(world.instances.map(({ relay }) => relay.table.served)).toEqual([0, 0, 3]);
  world.kill(3);
  world.pass(DEFAULT_FORWARD_LIMITS.lostMs + 1_000);
  sayAll(world, 3);
  expect(world.instances.map(({ relay }) => relay.table.served)).toEqual([0, 3, 3]);
});

test.each([
  ['the home', 1],
  ['the holder', 2],
])('%s moves as a whole, and forwarding goes on', (_name, which) => {
  const world = open([1, 2, 3], 4);
  world.moveSessions(1, 2, world.served(1).slice(0, 2));
  world.carry();
  world.moveAll(which, 3);
  world.carry();
  sayAll(world, 4);
  world.pass(20_000);
  sayAll(world, 4, 'later');
  expect([...world.heard.values()].every(({ size }) => size === 1)).toBe(true);
});

test('the address comes to the holder: it serves directly, and needs its home no more', () => {
  const world = open([1, 2], 3);
  world.moveSessions(1, 2, world.served(1));
  world.carry();
  world.front = 2;
  expect(sayAll(world, 3)).toEqual([2]);
  expect(counters(world, 2).direct).toBe(3);
  world.pass(2_000);
  expect(world.instances.map(({ links }) => links.open)).toEqual([0, 0]);
  expect(world.at(1).relay.table.size).toBe(0);
  expect([...world.heard.values()].every(({ size }) => size === 1)).toBe(true);
});

test('while all stands still packets wait, and go on in order', () => {
  const world = open([1], 1);
  world.answers.length = 0;
  const { relay } = world.at(1);
  relay.quiesce();
  for (const each of ['a', 'b', 'c']) world.say(client(0), each);
  relay.expire(world.nowMs + 1_000_000);
  world.carry();
  expect(world.answers).toEqual([]);
  expect(relay.table.size).toBe(1);
  relay.resume(world.nowMs);
  world.say(client(0), 'd');
  world.carry();
  expect(world.answers.map(({ text }) => text)).toEqual(['a!', 'b!', 'c!', 'd!']);
});
