// SPDX-License-Identifier: Apache-2.0
import { nodeId } from '@vnfpool/core';
import { type DeclaredSet, ONLY_COUNCIL } from '@vnfpool/core/declared';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c', 'd'];
const edge = set(NODES, [pool('web', 1, 1)]);

async function running(): Promise<FakeDomain> {
  const domain = await FakeDomain.start();
  NODES.forEach((name, index) => domain.register(name, index + 1));
  apply(domain, edge);
  tellAll(domain);
  return domain;
}

function apply(domain: FakeDomain, declared: DeclaredSet): void {
  domain.give({ type: 'apply', requestId: 1, declared, text: '', file: 'set.yaml' });
}

const council = (domain: FakeDomain) => domain.rows('sets')[0]?.councils[0];

/** Each of these nodes says that it does what it was told of the council. */
function tellAll(domain: FakeDomain, ids: readonly number[] = [1, 2, 3, 4], voiceless = 0): void {
  const record = council(domain);
  if (!record) throw new Error('no council');
  const members = record.members.map((name) => NODES.indexOf(name) + 1);
  const next = record.next?.version ?? null;
  for (const id of ids) {
    const report = { id: 1, version: record.version, members, next, voiceless, rival: null };
    domain.report(id, { slots: [], failovers: [], councils: [report] });
  }
}

function lose(domain: FakeDomain, ...ids: number[]): void {
  for (const id of ids) domain.give({ type: 'node-lost', node: nodeId(id), reason: 'silent' });
}

function force(domain: FakeDomain, ...members: string[]): unknown {
  domain.give({ type: 'force-council', requestId: 7, members, council: undefined });
  return domain.replies.at(-1);
}

const events = (domain: FakeDomain) =>
  domain.rows('events').filter(({ type }) => type.startsWith('council.'));
const view = (domain: FakeDomain) => domain.core.views(domain.nowMs).sets[0]?.councils[0];

describe('a council that is declared anew', () => {
  test('is announced, in force once all have it, and whole once all have their voice', async () => {
    const domain = await running();
    apply(domain, { ...edge, councils: [{ name: ONLY_COUNCIL, members: ['a', 'b', 'd'] }] });
    expect(domain.replies.at(-1)).toMatchObject({ ok: true });
    expect(view(domain)).toMatchObject({ version: '1.1', members: ['a', 'b', 'c'], next: ['a', 'b', 'd'] });
    tellAll(domain, [1, 2, 3]);
    expect(view(domain)?.version).toBe('1.1');
    tellAll(domain, [4]);
    expect(view(domain)).toMatchObject({ version: '1.2', members: ['a', 'b', 'd'], next: null });
    expect(council(domain)).toMatchObject({ former: { members: ['a', 'b', 'c'] } });
    tellAll(domain, [4], 1);
    expect(view(domain)?.voiceless).toEqual(['d']);
    expect(events(domain).map(({ message }) => message)).toEqual([
      'Council 1.2 is announced: a, b, d.',
      'Council 1.2 is in force: a, b, d.',
    ]);
  });

  test('goes on where it was after a crash of the manager', async () => {
    const domain = await running();
    apply(domain, { ...edge, councils: [{ name: ONLY_COUNCIL, members: ['a', 'b', 'd'] }] });
    const announced = council(domain)?.next?.version;
    expect(announced).toBeDefined();
    await domain.restart();
    NODES.forEach((name, index) => domain.register(name, index + 1));
    expect(council(domain)?.next?.version).toEqual(announced);
    tellAll(domain);
    expect(council(domain)?.version).toEqual(announced);
  });

  test('is in force as soon as one node works under it', async () => {
    const domain = await running();
    apply(domain, { ...edge, councils: [{ name: ONLY_COUNCIL, members: ['a', 'b', 'd'] }] });
    const next = council(domain)?.next;
    if (!next) throw new Error('nothing is announced');
    const report = {
      id: 1,
      version: next.version,
      members: [1, 2, 4],
      next: null,
      voiceless: 0,
      rival: null,
    };
    domain.report(4, { slots: [], failovers: [], councils: [report] });
    expect(council(domain)?.version).toEqual(next.version);
  });

  test('a slot that is made under it says so', async () => {
    const domain = await running();
    apply(domain, { ...edge, councils: [{ name: ONLY_COUNCIL, members: ['a', 'b', 'd'] }] });
    tellAll(domain);
    tellAll(domain);
    apply(domain, {
      ...edge,
      councils: [{ name: ONLY_COUNCIL, members: ['a', 'b', 'd'] }],
      pools: [...edge.pools, pool('calc', 1)],
    });
    const born = domain.rows('slots').map(({ pool: name, genesis }) => [name, genesis.council]);
    expect(born).toEqual([
      ['web', undefined],
      ['calc', { generation: 1, number: 2 }],
    ]);
  });
});

/** What this node says of the members, of which it hears nothing of some. */
function hear(domain: FakeDomain, id: number, silent: readonly number[]): void {
  const version = council(domain)?.version;
  if (!version) throw new Error('no council');
  const report = { id: 1, version, members: [1, 2, 3], next: null, voiceless: 0, rival: null, silent };
  domain.report(id, { slots: [], failovers: [], councils: [report] });
}

describe('a way that is cut while a majority is left', () => {
  const told = (domain: FakeDomain) =>
    events(domain).map(({ type, severity, subject, message }) => ({ type, severity, subject, message }));

  test('is told by its direction once it has lasted, and when it is open again', async () => {
    const domain = await running();
    hear(domain, 2, [1]);
    expect(events(domain)).toEqual([]);
    domain.expire();
    const silent = {
      type: 'council.member-silent',
      severity: 'warning',
      subject: 'node b',
      message: 'b hears nothing of a: lease datagrams (UDP) do not come from there to b.',
    };
    expect(told(domain)).toEqual([silent]);
    // Nothing is due any more, and it is told once.
    domain.expire();
    hear(domain, 2, [1]);
    expect(told(domain)).toEqual([silent]);
    hear(domain, 2, []);
    expect(told(domain)[1]).toEqual({
      type: 'council.member-heard',
      severity: 'info',
      subject: 'node b',
      message: 'b hears a again.',
    });
  });

  test('several of one node are one event', async () => {
    const domain = await running();
    hear(domain, 4, [1, 2, 3]);
    domain.expire();
    expect(told(domain).map(({ message }) => message)).toEqual([
      'd hears nothing of a, b, c: lease datagrams (UDP) do not come from there to d.',
    ]);
    hear(domain, 4, [2]);
    expect(told(domain)[1]?.message).toBe('d hears a, c again.');
  });

  test('is not told of a node that comes back, and is heard a moment later', async () => {
    const domain = await running();
    lose(domain, 1);
    hear(domain, 2, [1]);
    domain.register('a', 1);
    hear(domain, 2, []);
    domain.expire();
    expect(events(domain)).toEqual([]);
  });

  test('is not told as mended when one of both is gone', async () => {
    const domain = await running();
    hear(domain, 2, [1]);
    domain.expire();
    lose(domain, 1);
    expect(told(domain).map(({ type }) => type)).toEqual(['council.member-silent']);
  });
});

describe('without a majority', () => {
  test('it is said once, loudly, and when it is back', async () => {
    const domain = await running();
    lose(domain, 2);
    expect(events(domain)).toEqual([]);
    lose(domain, 3);
    expect(events(domain)).toMatchObject([{ type: 'council.majority-lost', severity: 'error' }]);
    expect(events(domain)[0]?.message).toMatch(/1 of the 3 members .* no majority.*vnfpool council force/);
    domain.register('b', 2);
    expect(events(domain).map(({ type }) => type)).toEqual([
      'council.majority-lost',
      'council.majority-back',
    ]);
  });

  test('members that are there and do not hear each other are none: who hears whom is said, and nobody is told to decide', async () => {
    const domain = await running();
    hear(domain, 1, [2, 3]);
    hear(domain, 4, [1, 2, 3]);
    // b and c have each other.
    expect(events(domain)).toEqual([]);
    expect(view(domain)?.cut).toEqual({
      together: 2,
      who: 'a hears nothing of b, c; d hears nothing of a, b, c',
    });
    hear(domain, 2, [3]);
    expect(events(domain)).toMatchObject([{ type: 'council.majority-lost', severity: 'error' }]);
    const [lost] = events(domain);
    expect(lost?.message).toMatch(
      /^3 of the 3 members .* can be reached, but at most 1 of them hear each other \(a hears nothing of b, c; b hears nothing of c; d .*\): no majority\./,
    );
    expect(lost?.message).not.toContain('force');
    const explained = domain.core.explainSlot('web', 0, domain.nowMs);
    expect(explained?.council).toMatch(
      /^3 of 3 .* answer \(2 are needed\), but a hears .*: no lease is granted/,
    );
    expect(explained?.candidates.map(({ rule }) => rule)).toEqual(explained?.candidates.map(() => 'council'));
    for (const id of [1, 2, 4]) hear(domain, id, []);
    expect(events(domain).map(({ type }) => type)).toEqual([
      'council.majority-lost',
      'council.majority-back',
    ]);
    expect(view(domain)?.cut).toBeNull();
  });

  test('an operator decides by name: recorded, of a higher generation, told to who is left', async () => {
    const domain = await running();
    lose(domain, 2, 3);
    domain.orders = [];
    expect(force(domain, 'a')).toMatchObject({ ok: true });
    expect(council(domain)).toMatchObject({
      version: { generation: 2, number: 1 },
      members: ['a'],
      isForced: true,
      forced: { over: '1.1', dead: ['b', 'c'] },
    });
    expect(view(domain)?.forced).toMatchObject({ over: '1.1', dead: ['b', 'c'] });
    expect(domain.orders.filter((order) => order.startsWith('configure'))).toHaveLength(2);
    const told = events(domain).find(({ type }) => type === 'council.forced');
    expect(told).toMatchObject({ severity: 'warning' });
    expect(told?.message).toMatch(/without b, c; if they live after all/);
    expect(events(domain).at(-1)?.type).toBe('council.majority-back');
    // When they are back, the declared council comes back by itself.
    tellAll(domain, [1, 4]);
    domain.register('b', 2);
    domain.register('c', 3);
    tellAll(domain);
    expect(view(domain)).toMatchObject({ version: '2.2', members: ['a', 'b', 'c'], forced: null });
  });

  test.each([
    ['who cannot be reached decides nothing', ['b'], 'b cannot be reached'],
    ['who can be reached is not dead', ['d'], 'a can be reached'],
    ['nobody knows it', ['x'], 'No node x has joined'],
    ['two are no council', ['a', 'd'], '1, 3 or 5 members, not 2'],
  ])('refused: %s', async (_, members, message) => {
    const domain = await running();
    lose(domain, 2, 3);
    const before = council(domain);
    expect(force(domain, ...members)).toMatchObject({ ok: false, message: expect.stringContaining(message) });
    expect(council(domain)).toEqual(before);
  });

  test('what could not be written did not happen', async () => {
    const domain = await running();
    lose(domain, 2, 3);
    domain.diskFull = true;
    expect(force(domain, 'a')).toMatchObject({ ok: false, code: 'STORE_FULL' });
    domain.diskFull = false;
    expect(view(domain)?.version).toBe('1.1');
  });
});

test('two councils of one generation are told as what they are', async () => {
  const domain = await running();
  const record = council(domain);
  if (!record) throw new Error('no council');
  const rival = { ...record.version, randomId: 'ffffffffffffffff' };
  const report = { id: 1, version: record.version, members: [1, 2, 3], next: null, voiceless: 0, rival };
  domain.report(1, { slots: [], failovers: [], councils: [report] });
  domain.report(1, { slots: [], failovers: [], councils: [report] });
  expect(events(domain)).toMatchObject([{ type: 'council.rival', severity: 'error', subject: 'node a' }]);
});

describe('several councils', () => {
  const two: DeclaredSet = {
    ...edge,
    councils: [
      { name: 'east', members: ['a', 'b', 'c'] },
      { name: 'west', members: ['b', 'c', 'd'] },
    ],
    pools: [
      { ...pool('web', 1, 1), council: 'east' },
      { ...pool('calc', 1, 1), council: 'west' },
    ],
  };

  async function both(): Promise<FakeDomain> {
    const domain = await FakeDomain.start();
    NODES.forEach((name, index) => domain.register(name, index + 1));
    apply(domain, two);
    return domain;
  }

  const decide = (domain: FakeDomain, council: string | undefined, ...members: string[]): unknown => {
    domain.give({ type: 'force-council', requestId: 7, members, council });
    return domain.replies.at(-1);
  };

  test('are shown with their names, and told apart when one loses its majority', async () => {
    const domain = await both();
    const councils = () => domain.core.views(domain.nowMs).sets[0]?.councils;
    expect(councils()).toMatchObject([
      { name: 'east', version: '1.1', members: ['a', 'b', 'c'], reachable: 3 },
      { name: 'west', version: '1.1', members: ['b', 'c', 'd'], reachable: 3 },
    ]);
    lose(domain, 3, 4);
    expect(events(domain)).toMatchObject([
      {
        type: 'council.majority-lost',
        message: expect.stringMatching(/^1 of the 3 members of council west 1\.1 .*--council west$/),
      },
    ]);
  });

  test('a person who decides says for which', async () => {
    const domain = await both();
    lose(domain, 3, 4);
    expect(decide(domain, undefined, 'b')).toMatchObject({
      ok: false,
      message: expect.stringContaining('east, west'),
    });
    expect(decide(domain, 'north', 'b')).toMatchObject({ ok: false, code: 'NOT_FOUND' });
    expect(decide(domain, 'west', 'b')).toMatchObject({ ok: true });
    expect(domain.rows('sets')[0]?.councils).toMatchObject([
      { id: 1, name: 'east', version: { generation: 1 }, members: ['a', 'b', 'c'] },
      { id: 2, name: 'west', version: { generation: 2 }, members: ['b'], forced: { dead: ['c', 'd'] } },
    ]);
  });

  test('a pool stays with its council for as long as there is the pool', async () => {
    const domain = await both();
    apply(domain, { ...two, pools: two.pools.map((each) => ({ ...each, council: 'east' })) });
    expect(domain.replies.at(-1)).toMatchObject({
      ok: false,
      message: expect.stringContaining('Slots of pool calc are granted by council west'),
    });
    expect(domain.rows('sets')[0]?.declared).toEqual(two);
  });

  test('survive a crash of the manager, and a number is given once', async () => {
    const domain = await both();
    const before = domain.rows('sets')[0]?.councils;
    await domain.restart();
    expect(domain.rows('sets')[0]?.councils).toEqual(before);
    NODES.forEach((name, index) => domain.register(name, index + 1));
    apply(domain, { ...two, councils: two.councils.slice(0, 1), pools: two.pools.slice(0, 1) });
    apply(domain, two);
    expect(domain.rows('sets')[0]?.councils.map(({ id, name }) => [id, name])).toEqual([
      [1, 'east'],
      [3, 'west'],
    ]);
    expect(events(domain).map(({ type }) => type)).toContain('council.dissolved');
  });
});
