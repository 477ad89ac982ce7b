// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import { beforeEach, describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c'];
/** Six slots on three instances: each has two. */
const shared: DeclaredPool = {
  ...pool('web', 6),
  redundancy: { slots: 6, standbys: 0, spares: 0, instances: 3, slotsPerInstance: 3 },
};

describe('in an N-way pool, a slot that is handed over by hand', () => {
  let domain: FakeDomain;

  /** The instance of this number, which is on the node of this number, holds the slot. */
  function hold(index: number, by: number, epoch: number): void {
    const id = domain.core.views(domain.nowMs).slots.find((slot) => slot.index === index)?.id ?? '';
    const candidates = [1, 2, 3].map((number) => ({ node: number, functionId: number }));
    const holder = { node: by, functionId: by };
    domain.report(by, {
      slots: [{ id, state: 'holding', epoch: String(epoch), holder, candidates, reason: '' }],
      failovers: [],
    });
  }

  const handover = (to: string): void =>
    domain.give({ type: 'handover', requestId: 2, pool: 'web', index: 0, to });
  const holders = () =>
    domain.core
      .views(domain.nowMs)
      .slots.toSorted((a, b) => a.index - b.index)
      .map(({ holder }) => holder);
  const handedFrom = () => domain.core.views(domain.nowMs).slots.map((slot) => slot.handedFrom);
  const whyOf = (index: number) => domain.core.explainSlot('web', index, domain.nowMs)?.why;

  /** What is ordered when everybody has been ready for longer than it takes. */
  function orderedLater(): string[] {
    domain.orders = [];
    domain.nowMs += 20_000;
    domain.expire();
    return domain.orders.filter((order) => order.includes('handover'));
  }

  beforeEach(async () => {
    domain = await FakeDomain.start();
    domain.give({ type: 'registrar', address: '10.0.0.9', port: 3863 });
    NODES.forEach((name, index) => domain.register(name, index + 1));
    const file = 'set.yaml';
    domain.give({ type: 'apply', requestId: 1, declared: set(NODES, [shared]), text: 'set: edge', file });
    for (let index = 0; index < 6; index++) hold(index, (index % 3) + 1, 1);
    expect(orderedLater()).toEqual([]);
    handover('web#2');
    expect(domain.replies.at(-1)).toEqual({ ok: true, to: 'web#2' });
    hold(0, 2, 2);
  });

  test('stays there, and it is told why, also by a manager that begins anew', async () => {
    const why =
      /It was handed over by hand and stays where it was put, counted in the share of web#1; vnfpool handover web\/0 --to web#1 gives it back\./;
    expect(orderedLater()).toEqual([]);
    expect(whyOf(0)).toMatch(why);
    expect(whyOf(1)).not.toMatch(/by hand/);
    expect(handedFrom().filter((name) => name !== undefined)).toEqual(['web#1']);
    // A new lease of the same holder is no other holder.
    hold(0, 2, 3);
    expect(orderedLater()).toEqual([]);
    await domain.restart();
    NODES.forEach((name, index) => domain.register(name, index + 1, 7n));
    for (const [index, by] of [2, 2, 3, 1, 2, 3].entries()) hold(index, by, index === 0 ? 3 : 1);
    expect(orderedLater()).toEqual([]);
    expect(orderedLater()).toEqual([]);
    expect(whyOf(0)).toMatch(why);
    expect(holders()).toEqual(['web#2', 'web#2', 'web#3', 'web#1', 'web#2', 'web#3']);
  });

  test('is as any other when it is given back, or another takes it for another reason', () => {
    handover('web#1');
    hold(0, 1, 3);
    expect(whyOf(0)).not.toMatch(/by hand/);
    // As after a failure of its holder: now it is handed back.
    hold(0, 2, 4);
    expect(whyOf(0)).not.toMatch(/by hand/);
    expect(orderedLater()).toEqual([expect.stringMatching(/handover to 1$/)]);
  });

  test('passed on by hand once more, it counts in the share of whom it was taken from first', () => {
    handover('web#3');
    hold(0, 3, 3);
    expect(orderedLater()).toEqual([]);
    expect(whyOf(0)).toMatch(/share of web#1;/);
  });

  test('and taken by somebody else meanwhile, is as any other', () => {
    handover('web#3');
    hold(0, 1, 3);
    expect(whyOf(0)).not.toMatch(/by hand/);
    hold(0, 3, 4);
    expect(orderedLater()).toEqual([expect.stringMatching(/handover to 1$/)]);
  });
});
