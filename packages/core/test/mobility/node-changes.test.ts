// SPDX-License-Identifier: Apache-2.0
import type { MobilityNodeInput } from '@vnfpool/core/mobility';
import { describe, expect, test } from 'vitest';
import { functionId, nodeId } from '../../src/identity.ts';
import { type Host, World } from './world.ts';

const T = 1000;

function managed(): { world: World; a: Host } {
  const world = new World();
  const a = world.host('node-a', 10, { information: { capacityGhz: 2.4 } });
  world.toHost(a, { type: 'start' });
  world.run(100);
  return { world, a };
}

function change(
  world: World,
  a: Host,
  rest: Omit<MobilityNodeInput & { type: 'node-changed' }, 'type'>,
): void {
  world.toHost(a, { type: 'node-changed', ...rest });
}

/** Addresses as the manager learnt them, in order. */
function addresses(world: World): string[] {
  return world.outputs.flatMap((output) =>
    output.type === 'node-registered' || output.type === 'node-moved' ? output.addresses : [],
  );
}

function updates(world: World): number {
  return world.traffic.filter(({ message }) => message.type === 'status-update').length;
}

describe('a live node whose address changes', () => {
  test('comes back over a new connection as who it was: functions, orders and numbers go on', () => {
    const { world, a } = managed();
    a.agentMs = 50;
    world.toManager({
      type: 'add',
      requestId: 1,
      node: nodeId(10),
      functionId: functionId(101),
      name: 'HSS',
    });
    world.run(20);
    change(world, a, { addresses: ['203.0.113.7'] });
    world.reset(world.linkOf(a));
    world.run(200);
    expect(addresses(world)).toEqual(['192.0.2.10', '203.0.113.7']);
    expect(world.of('node-registered').map(({ node, resumed }) => [node, resumed])).toEqual([
      [10, false],
      [10, true],
    ]);
    expect(world.of('node-functions')).toHaveLength(1);
    expect(world.of('operation-result')).toMatchObject([{ requestId: 1, code: 0 }]);
    expect(a.executed).toEqual(['HSS']);
  });

  test('tells with its address where its state and its leases are taken, on a connection that lives and in REGISTRATION', () => {
    const leaseEndpoint = (address: string) =>
      ({
        v: 1,
        name: 'node-a',
        address,
        port: 7000,
        key: `${'A'.repeat(43)}=`,
        version: '1',
        fence: 'none',
      }) as const;
    const { world, a } = managed();
    change(world, a, {
      addresses: ['203.0.113.7'],
      statePort: 50_001,
      leaseEndpoint: leaseEndpoint('203.0.113.7'),
    });
    world.run(50);
    expect(world.of('node-moved')).toMatchObject([
      { addresses: ['203.0.113.7'], statePort: 50_001, leaseEndpoint: { address: '203.0.113.7' } },
    ]);
    // The address stays, the port does not.
    change(world, a, { addresses: ['203.0.113.7'], statePort: 50_002 });
    world.run(50);
    expect(world.of('node-moved').at(-1)).toMatchObject({ addresses: ['203.0.113.7'], statePort: 50_002 });
    world.reset(world.linkOf(a));
    world.run(200);
    expect(world.of('node-registered').at(-1)).toMatchObject({
      resumed: true,
      addresses: ['203.0.113.7'],
      statePort: 50_002,
      leaseEndpoint: { address: '203.0.113.7' },
    });
  });

  test('is known by its last address, though an older report was lost and is sent again', () => {
    const { world, a } = managed();
    change(world, a, { addresses: ['203.0.113.1'] });
    a.reachable = false;
    world.reset(world.linkOf(a));
    change(world, a, { addresses: ['203.0.113.2'] });
    a.reachable = true;
    world.run(2 * T);
    expect(addresses(world).at(-1)).toBe('203.0.113.2');
  });

  test('has one report of it under way: addresses in between are left out', () => {
    const { world, a } = managed();
    const before = updates(world);
    for (let last = 1; last <= 9; last++) change(world, a, { addresses: [`203.0.113.${last}`] });
    world.run(50);
    expect(updates(world) - before).toBe(2);
    expect(addresses(world)).toEqual(['192.0.2.10', '203.0.113.1', '203.0.113.9']);
  });

  test('tells nothing when it is the same', () => {
    const { world, a } = managed();
    const before = updates(world);
    change(world, a, { addresses: ['192.0.2.10'], information: { capacityGhz: 2.4 } });
    world.run(2 * T);
    expect(updates(world)).toBe(before);
  });
});

test('where a node takes state is told in its REGISTRATION; without a port there is none', () => {
  const world = new World();
  for (const [at, statePort] of [51_000, undefined].entries()) {
    const host = world.host(`node-${at}`, 10 + at, statePort === undefined ? {} : { statePort });
    world.toHost(host, { type: 'start' });
  }
  world.run(100);
  expect(world.of('node-registered').map((told) => told.statePort)).toEqual([51_000, null]);
});

describe('resources of a node', () => {
  test('are told when they change, at most once a second, the newest', () => {
    const { world, a } = managed();
    for (let load = 1; load <= 40; load++) {
      change(world, a, { information: { capacityGhz: 2.4, load } });
      world.run(100);
    }
    world.run(T);
    const told = world.of('node-information');
    expect(told.length).toBeGreaterThanOrEqual(4);
    expect(told.length).toBeLessThanOrEqual(6);
    expect(told.at(-1)).toEqual({
      type: 'node-information',
      node: 10,
      information: { capacityGhz: 2.4, load: 40 },
    });
  });

  test('do not go with what is urgent, however often that is', () => {
    const { world, a } = managed();
    for (let load = 1; load <= 40; load++) {
      change(world, a, { information: { load } });
      world.toHost(a, {
        type: 'function-changed',
        functionId: functionId(101),
        status: load % 2 === 0 ? 'Running' : 'Terminating',
        report: null,
      });
      world.run(100);
    }
    expect(world.of('function-status')).toHaveLength(40);
    expect(world.of('node-information').length).toBeLessThanOrEqual(5);
  });

  test('go in one STATUS-UPDATE with the loads of all functions', () => {
    const { world, a } = managed();
    const ids = Array.from({ length: 20 }, (_, i) => functionId(100 + i));
    const tell = (load: number): void => {
      for (const id of ids) {
        world.toHost(a, {
          type: 'function-changed',
          functionId: id,
          status: 'Running',
          report: null,
          information: { load },
        });
      }
      change(world, a, { information: { capacityGhz: 2.4, load } });
    };
    tell(0);
    world.run(2 * T);
    const before = updates(world);
    for (let load = 1; load <= 30; load++) {
      tell(load);
      world.run(100);
    }
    const count = updates(world) - before;
    expect(count).toBeGreaterThanOrEqual(3);
    expect(count).toBeLessThanOrEqual(4);
    expect(
      world
        .of('function-status')
        .slice(-20)
        .map((told) => told.functionId),
    ).toEqual(ids);
  });

  test('are known by the last report, though an older one was lost and is sent again', () => {
    const { world, a } = managed();
    change(world, a, { information: { load: 1 } });
    a.reachable = false;
    world.reset(world.linkOf(a));
    change(world, a, { information: { load: 2 } });
    a.reachable = true;
    world.run(5 * T);
    const told = world.outputs.filter(
      (output) => output.type === 'node-registered' || output.type === 'node-information',
    );
    expect(told.at(-1)?.information).toMatchObject({ load: 2 });
  });

  test('reports too large for one message go in several, and none is lost', () => {
    const { world, a } = managed();
    const before = updates(world);
    for (let i = 0; i < 12; i++) {
      world.toHost(a, {
        type: 'function-changed',
        functionId: functionId(100 + i),
        status: 'Running',
        report: {
          v: 1,
          pid: 1,
          address: null,
          port: null,
          incarnation: '0000000000000001',
          healthy: true,
          restarts: 0,
          failing: false,
          reason: '',
          output: Array(10).fill('\u0001'.repeat(200)),
        },
      });
    }
    world.run(50);
    expect(updates(world) - before).toBeGreaterThan(2);
    expect(world.of('function-status').map((told) => told.functionId)).toEqual(
      Array.from({ length: 12 }, (_, i) => 100 + i),
    );
  });
});
