// SPDX-License-Identifier: Apache-2.0
import type { StateAnswer, StateOrder } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { nodeId } from '../../src/identity.ts';
import { type Host, World } from './world.ts';

const A = nodeId(10);
const order: StateOrder = {
  v: 1,
  id: '00000000000000a1',
  slot: '00000000000000b1',
  from: 0,
  stop: false,
  task: 'checkpoint',
  isFull: false,
};
const answer: StateAnswer = { v: 1, id: order.id, isOver: false, fault: '' };

/** A node whose agent answers orders about states by `answers`, in order. */
function managed(answers: readonly StateAnswer[]): { world: World; a: Host; given: StateOrder[] } {
  const world = new World();
  const given: StateOrder[] = [];
  const left = [...answers];
  world.agent = (host, output) => {
    if (output.type !== 'state-order') return;
    given.push(output.order);
    const stateAnswer = left.shift();
    const { operation } = output;
    world.toHost(host, {
      type: 'answer',
      operation,
      ...(stateAnswer ? { code: 0, stateAnswer } : { code: 128, text: 'no slots here' }),
    });
  };
  const a = world.host('node-a', A);
  world.toHost(a, { type: 'start' });
  world.run(100);
  return { world, a, given };
}

describe('an order about the state of a slot', () => {
  test('comes as it was given, and its answer comes back', () => {
    const { world, given } = managed([answer, { ...answer, isOver: true, fault: 'disk full' }]);
    world.toManager({ type: 'state-order', requestId: 1, node: A, order });
    world.toManager({ type: 'state-order', requestId: 2, node: A, order: { ...order, stop: true } });
    world.run(50);
    expect(given).toEqual([order, { ...order, stop: true }]);
    expect(world.of('operation-result')).toMatchObject([
      { requestId: 1, code: 0, stateAnswer: answer },
      { requestId: 2, code: 0, stateAnswer: { isOver: true, fault: 'disk full' } },
    ]);
  });

  test('that is refused says why', () => {
    const { world } = managed([]);
    world.toManager({ type: 'state-order', requestId: 1, node: A, order });
    world.run(50);
    expect(world.of('operation-result')).toMatchObject([{ requestId: 1, code: 128, text: 'no slots here' }]);
  });

  test('whose answer is lost is not given twice: who asked hears that it was taken, and asks anew', () => {
    const { world, a, given } = managed([answer, answer]);
    world.toManager({ type: 'state-order', requestId: 1, node: A, order });
    // The order arrives; its answer does not.
    world.run(world.latencyMs);
    expect(given).toHaveLength(1);
    world.reset(world.linkOf(a));
    world.run(2_000);
    expect(given).toHaveLength(1);
    const [result] = world.of('operation-result');
    expect(result).toMatchObject({ requestId: 1, code: 0 });
    expect(result?.stateAnswer).toBeUndefined();
  });

  test('out of shape goes nowhere', () => {
    const { world, given } = managed([answer]);
    const wrong = { ...order, slot: 'kv/0' };
    world.toManager({ type: 'state-order', requestId: 1, node: A, order: wrong });
    world.run(50);
    expect(given).toEqual([]);
    expect(world.of('operation-result')).toMatchObject([{ code: 128, error: 1 }]);
  });
});
