// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from '@vnfpool/core';
import type { FailoverRecord, SlotState } from '@vnfpool/wire/mobility';
import { beforeEach, describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

/* Whom a slot was taken from, where the node that took it does not know: its council was decided on without a majority. */

const GENERATION = 2 ** 32;
const [A, B, C] = [1, 2, 3];

let domain: FakeDomain;
let slot = '';

beforeEach(async () => {
  domain = await FakeDomain.start();
  const declared = set(['a', 'b', 'c'], [pool('web', 1, 2, 0)]);
  declared.nodes.forEach(({ name }, index) => domain.register(name, index + 1));
  domain.give({ type: 'apply', requestId: 1, declared, text: '', file: 'set.yaml' });
  slot = views().slots[0]?.id ?? '';
});

const views = () => domain.core.views(domain.nowMs);
/** The pool's instances are numbered as their nodes. */
const on = (node: number) => ({ node, functionId: node });

function told(by: number, state: SlotState['state'], epoch: number, holder: number | null): void {
  const candidate = holder === null ? null : on(holder);
  const one = { id: slot, state, epoch: String(epoch), holder: candidate, candidates: [], reason: '' };
  domain.report(by, { slots: [one], failovers: [] });
}

function recorded(to: number, epoch: number, change: Partial<FailoverRecord> = {}): void {
  const record: FailoverRecord = {
    id: `${slot}/${epoch}`,
    slot,
    epoch: String(epoch),
    from: null,
    to: on(to),
    cause: 'lease-expired',
    fencedBy: 'timeout',
    steps: [{ name: 'detected', atMs: 1_050_000 }],
    ...change,
  };
  domain.report(to, { slots: [], failovers: [record] });
}

describe('a record that says from nobody, of a slot that was held', () => {
  const first = GENERATION + 2;
  const forced = 2 * GENERATION + 2;

  test.each<[string, () => void]>([
    ['the record comes first', () => undefined],
    ['the new holder has told of itself', () => told(C, 'holding', forced, C)],
    [
      'members of the forced council know of nobody, and then the new holder has told of itself',
      () => {
        told(C, 'free', forced - 1, null);
        told(C, 'holding', forced, C);
      },
    ],
    [
      'its holder is known to hold it no more',
      () => {
        for (const node of [B, C]) told(node, 'free', first, A);
      },
    ],
  ])('is completed by who was seen to hold it last: %s', (_, before) => {
    told(A, 'holding', first, A);
    domain.give({ type: 'node-lost', node: A as NodeId, reason: 'No answer.' });
    before();
    recorded(C, forced);
    const [{ name } = { name: '' }] = views().instances.filter(({ node }) => node === 'a');
    expect(views().failovers[0]).toMatchObject({
      from: name,
      fromNode: 'a',
      toNode: 'c',
      class: 'node',
      evidence: 'a does not answer the manager either',
    });
    expect(domain.rows('failovers').at(-1)).toEqual(views().failovers[0]);
    expect(views().events.find(({ type }) => type === 'failover')?.message).toContain(` from ${name} `);
  });

  test('also by a manager that was started anew since', async () => {
    told(A, 'holding', first, A);
    for (const node of [B, C]) told(node, 'free', first, null);
    await domain.restart();
    domain.register('b', B);
    domain.register('c', C);
    told(C, 'free', forced - 1, null);
    recorded(C, forced);
    expect(views().failovers[0]).toMatchObject({ fromNode: 'a', toNode: 'c' });
  });

  test('by the latest holder, though it was told of only when its lease had run out', () => {
    told(A, 'holding', first, A);
    told(C, 'free', first + 3, B);
    recorded(C, forced);
    expect(views().failovers[0]).toMatchObject({ fromNode: 'b' });
  });

  test('is left as it is where nobody was ever told of', () => {
    recorded(C, forced);
    expect(views().failovers[0]).toMatchObject({ from: null, fromNode: null });
  });

  test('is left as it is where only later holders are known', () => {
    told(C, 'holding', forced, C);
    told(B, 'holding', forced + 4, B);
    recorded(C, forced);
    expect(views().failovers[0]).toMatchObject({ from: null, fromNode: null });
  });
});

test('what a record says counts, whatever the manager has heard', () => {
  told(A, 'holding', GENERATION + 2, A);
  recorded(C, GENERATION + 9, { from: on(B) });
  expect(views().failovers[0]).toMatchObject({ fromNode: 'b', toNode: 'c' });
});

test('the birth of a slot is no failover, whoever was seen', () => {
  told(A, 'holding', GENERATION + 2, A);
  recorded(A, GENERATION + 9, { cause: 'genesis', fencedBy: 'none' });
  expect(views().failovers).toEqual([]);
});
