// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { ScopeWorld } from './support/scope-world.ts';

function fill(world: ScopeWorld, at: string, count: number, pool = 'web'): void {
  for (let id = 1; id <= count; id++) world.register(id, at, pool);
  world.run(10);
}

describe('RFC 5353 §3.2 start', () => {
  test('alone it answers at once, and announces itself', () => {
    const world = new ScopeWorld();
    world.add('a', 1);
    world.start('a');
    expect(world.events('a')).toEqual(['joined: first of its scope']);
    world.register(1, 'a');
    world.run(3000);
    expect(world.pool('a')).toEqual(['1@1']);
    expect(world.site('a').announced.length).toBeGreaterThanOrEqual(3);
  });

  test('with a mentor: presence, list, table; and then all know each other', () => {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2 });
    world.register(7, 'a');
    world.run(10);
    world.add('c', 3);
    world.start('c', ['b']);
    world.run(20);
    expect(world.trace.filter((line) => line.startsWith('c>b')).slice(0, 2)).toEqual([
      'c>b presence',
      'c>b list-request',
    ]);
    expect(world.events('c', 'joined')).toEqual(['joined: with the table of a mentor']);
    world.run(3000);
    expect(world.pool('c')).toEqual(['7@1']);
    for (const name of ['a', 'b', 'c']) expect(world.view(name).peers).toHaveLength(2);
    for (const name of ['a', 'b', 'c'])
      expect(world.peers(name).every((peer) => peer.endsWith(' active'))).toBe(true);
  });

  test('a table comes in parts, within both bounds, and with what changes meanwhile', () => {
    const world = new ScopeWorld({ tableElementsMax: 16, tableBytesMax: 600 });
    world.add('a', 1);
    world.start('a');
    fill(world, 'a', 100);
    world.add('b', 2);
    world.start('b', ['a']);
    let parts = 0;
    let changed = false;
    for (let step = 0; step < 400 && world.view('b').state === 'joining'; step++) {
      world.run(0.5);
      parts = world.trace.filter((line) => line === 'a>b handle-table-response').length;
      if (parts < 3 || changed) continue;
      changed = true;
      for (const id of [1, 50, 99]) world.deregister(id);
      world.register(200, 'a');
      world.register(201, 'a', 'other');
    }
    expect(changed).toBe(true);
    expect(parts).toBeGreaterThan(7);
    world.run(50);
    expect(world.pool('b')).toEqual(world.pool('a'));
    expect(world.pool('b')).toHaveLength(98);
    expect(world.pool('b', 'other')).toEqual(['201@1']);
    expect(world.view('a').checksum).toBe(world.view('b').peers[0]?.checksumComputed);
  });

  test('while joining: whoever asks for something is sent away, without a refusal that some take for final', () => {
    const world = new ScopeWorld();
    world.add('a', 1);
    world.add('b', 2);
    world.crash('a');
    world.start('b', ['a']);
    const element = world.register(1, 'b');
    world.run(10);
    expect(element.heard).toEqual([]);
    expect(element.ends.size).toBe(0);
    expect(world.view('b')).toMatchObject({ state: 'joining', pools: [] });
    world.run(60_000);
    expect(world.view('b').state).toBe('running');
    world.register(1, 'b');
    world.run(10);
    expect(world.pool('b')).toEqual(['1@2']);
  });

  test('a mentor that refuses is asked again; three rounds, then we begin alone', () => {
    const world = new ScopeWorld();
    world.add('a', 1);
    world.add('b', 2);
    // Each is the mentor of the other.
    world.start('a', ['b']);
    world.start('b', ['a']);
    world.run(1000);
    expect(world.view('a').state).toBe('joining');
    expect(world.events('a', 'mentor-failed')[0]).toBe('mentor-failed: refused the peer list');
    world.run(14_000);
    expect([world.view('a').state, world.view('b').state]).toEqual(['running', 'running']);
    world.register(1, 'a');
    world.register(2, 'b');
    world.run(10);
    expect(world.pool('a')).toEqual(['1@1', '2@2']);
    expect(world.pool('b')).toEqual(['1@1', '2@2']);
  });

  test('a mentor that cannot be reached: the next one; none at all: three rounds, then alone', () => {
    const world = new ScopeWorld();
    world.add('a', 1);
    world.crash('a');
    world.scope({ b: 2 });
    world.add('c', 3);
    world.start('c', ['a', 'b']);
    world.run(50);
    expect(world.events('c', 'mentor-failed', 'joined')).toEqual([
      'mentor-failed: connection refused',
      'joined: with the table of a mentor',
    ]);
    world.add('d', 4);
    world.start('d', ['a']);
    world.run(12_000);
    expect(world.events('d', 'mentor-failed', 'joined')).toEqual([
      ...Array.from({ length: 3 }, () => 'mentor-failed: connection refused'),
      'joined: no mentor would have us',
    ]);
  });

  test.each([true, false])(
    'a mentor that dies during the download (noticed: %s): the next one from the beginning',
    (isNoticed) => {
      const world = new ScopeWorld({ tableElementsMax: 8 });
      world.scope({ a: 1, b: 2 });
      fill(world, 'a', 40);
      world.add('c', 3);
      world.start('c', ['a', 'b']);
      for (let step = 0; step < 200; step++) {
        if (world.trace.filter((line) => line === 'a>c handle-table-response').length >= 2) break;
        world.run(0.5);
      }
      world.crash('a', isNoticed);
      world.run(4000);
      expect(world.events('c', 'mentor-failed', 'joined')).toEqual([
        isNoticed ? 'mentor-failed: table: association lost' : 'mentor-failed: table: no answer',
        'joined: with the table of a mentor',
      ]);
      expect(world.pool('c')).toEqual(world.pool('b'));
      expect(world.pool('c')).toHaveLength(40);
    },
  );

  test('its own endpoint is no mentor', () => {
    const world = new ScopeWorld();
    world.add('a', 1);
    world.start('a', ['a']);
    expect(world.events('a')).toEqual(['joined: first of its scope']);
  });

  test('without a mentor, but with multicast: the first presence shows one', () => {
    const world = new ScopeWorld({ multicastPresence: true });
    world.scope({ a: 1 });
    world.run(6000);
    world.register(5, 'a');
    world.add('b', 2);
    world.start('b');
    expect(world.view('b').state).toBe('joining');
    world.run(3000);
    expect(world.events('b', 'joined')).toEqual(['joined: with the table of a mentor']);
    expect(world.pool('b')).toEqual(['5@1']);
  });
});

describe('a scope that was not whole at the start', () => {
  test('a mentor that comes later is found later, once, also under another address than it tells', () => {
    const world = new ScopeWorld();
    world.add('a', 1);
    world.crash('a');
    world.add('b', 2);
    world.start('b', ['a']);
    world.run(15_000);
    expect(world.view('b').state).toBe('running');
    const { enrp, asap } = world.site('a');
    world.site('a').isUp = true;
    // It is told of as something else than where it is reached.
    const server = { ...enrp, port: 19_901 };
    world.give('a', { type: 'start', server, asap: [asap], mentors: [] });
    world.register(1, 'a');
    world.run(60_000);
    expect(world.pool('b')).toEqual(['1@1']);
    const { peerAssociations } = world.view('b');
    world.run(300_000);
    expect(world.view('b').peerAssociations).toBe(peerAssociations);
    expect(world.peers('b')).toEqual(['1 active']);
  });
});
