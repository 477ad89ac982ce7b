// SPDX-License-Identifier: Apache-2.0

import { SeededRandom } from '@vnfpool/testkit/lease-world';
import { AssociationEnd, drawPlan, freshChecksum, poolHandle, World } from '@vnfpool/testkit/rserpool-world';
import { describe, expect, test } from 'vitest';

function two(heartbeatMs: number | null = null) {
  const random = new SeededRandom(1);
  const plan = drawPlan(random, { delayMsMin: 1, delayMsMax: 50, breakMs: 3_000, heartbeatMs });
  const world = new World(random, plan, {}, 10);
  const [near, far] = [world.process('near'), world.process('far')];
  near.begin();
  far.begin();
  const [a, b] = AssociationEnd.pair(world, near, far);
  const got: number[] = [];
  const closed: string[] = [];
  b.onFrame = (frame) => got.push((frame as Uint8Array)[0] ?? -1);
  a.onClose = (reason) => closed.push(`near: ${reason}`);
  b.onClose = (reason) => closed.push(`far: ${reason}`);
  const run = (forMs: number): void => {
    const untilMs = world.nowMs + forMs;
    while (world.schedule.step(untilMs));
  };
  const send = (...numbers: number[]): void => {
    for (const number of numbers) a.send(Uint8Array.of(number));
  };
  return { world, near, far, a, b, got, closed, run, send };
}

describe('an association', () => {
  test('keeps its order, and what was sent before the end arrives before it', () => {
    const { a, got, closed, run, send } = two();
    send(1, 2, 3);
    a.close('done');
    run(1_000);
    expect(got).toEqual([1, 2, 3]);
    expect(closed).toEqual(['near: done', 'far: closed by the peer']);
  });

  test('outlives a short cut without a loss', () => {
    const { world, near, far, got, closed, run, send } = two();
    send(1);
    const heal = world.network.cut([near], [far]);
    send(2);
    run(2_000);
    expect(got).toEqual([]);
    heal();
    run(3_000);
    expect(got).toEqual([1, 2]);
    expect(closed).toEqual([]);
  });

  test('breaks at one end in a long cut; the other end hears of it when it sends', () => {
    const { world, near, far, b, got, closed, run, send } = two();
    const heal = world.network.cut([near], [far]);
    send(1);
    run(10_000);
    heal();
    run(60_000);
    expect(closed).toEqual(['near: timed out']);
    b.send(Uint8Array.of(9));
    run(1_000);
    expect(closed).toEqual(['near: timed out', 'far: reset']);
    expect(got).toEqual([]);
  });

  test('breaks at both ends where there are heartbeats', () => {
    const { world, near, far, closed, run, send } = two(5_000);
    world.network.cut([near], [far]);
    send(1);
    run(20_000);
    expect(closed).toEqual(['near: timed out', 'far: no heartbeat']);
  });

  test('delivers what is never acknowledged, and breaks where it was sent', () => {
    const { world, near, far, got, closed, run, send } = two();
    world.network.cut([far], [near]);
    send(1, 2);
    run(10_000);
    expect(got).toEqual([1, 2]);
    expect(closed).toEqual(['near: not acknowledged']);
  });

  test('waits for a paused process, and dies with a killed one', () => {
    const { far, got, closed, run, send } = two();
    far.pause(2_000);
    send(1);
    run(1_000);
    expect(got).toEqual([]);
    run(2_000);
    expect(got).toEqual([1]);
    far.kill('crash');
    run(1_000);
    expect(closed).toEqual(['near: closed by the peer']);
  });

  test('tells nobody when the machine of the other end loses power, until it sends', () => {
    const { far, closed, run, send } = two();
    far.kill('power');
    run(60_000);
    expect(closed).toEqual([]);
    send(1);
    run(10_000);
    expect(closed).toEqual(['near: timed out']);
  });
});

test('the checksum from scratch is that of the example in the standard', () => {
  const homeRegistrar = 7;
  const pools = [
    { handle: poolHandle('EchoPool'), elements: [{ id: 0x12345678, homeRegistrar }] },
    { handle: poolHandle('web'), elements: [{ id: 0xaaaa0001, homeRegistrar }] },
  ];
  expect(freshChecksum(pools, homeRegistrar)).toBe(0xa593);
  expect(freshChecksum(pools.slice(0, 1), homeRegistrar)).toBe(0x29a5);
  expect(freshChecksum(pools, 8)).toBe(0xffff);
});
