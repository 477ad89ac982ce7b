// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import { silentAfterMs } from '@vnfpool/core/gossip';
import type { MergeableReport } from '@vnfpool/wire/mobility';
import { expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

/* What nodes tell of mergeable state, and what becomes of it. */

const NODES = ['a', 'b', 'c'];
const counted: DeclaredPool = {
  ...pool('kv', 3, 0, 0, { state: { via: 'socket', merges: true } }),
  redundancy: { slots: 3, standbys: 0, spares: 0, instances: 3, slotsPerInstance: 3 },
  sharing: { methods: ['gossip'] },
};

async function world() {
  const domain = await FakeDomain.start();
  domain.give({ type: 'registrar', address: '10.0.0.9', port: 3863 });
  NODES.forEach((name, index) => domain.register(name, index + 1));
  domain.give({
    type: 'apply',
    requestId: 1,
    declared: set(NODES, [counted]),
    text: 'set: edge',
    file: 'set.yaml',
  });
  /** Node a tells of its state, and when it last heard b and c. */
  const tell = (silentMs: readonly [number, number] | null, change: Partial<MergeableReport> = {}): void => {
    const peers = (silentMs ?? []).map((ms, at) => ({ node: at + 2, behind: at * 5, silentMs: ms }));
    const report = { pool: 'kv', cells: 4, bytes: 200, replicas: 3, trouble: '', peers, ...change };
    domain.report(1, { slots: [], failovers: [], ...(silentMs === null ? {} : { mergeable: [report] }) });
  };
  const views = () => domain.core.views(domain.nowMs);
  const events = () =>
    views()
      .events.filter(({ type }) => type.startsWith('pool.peer') || type === 'pool.merge-trouble')
      .map(({ type, severity, subject, message }) => `${severity} ${type} ${subject}: ${message}`)
      .reverse();
  return { tell, views, events, domain };
}

test('how far it has spread stands in the pool, and in why it is as it is', async () => {
  const { tell, views, domain } = await world();
  expect(views().pools[0]?.sharing?.merged).toEqual([]);
  tell([0, 1_000]);
  expect(views().pools[0]?.sharing).toMatchObject({ method: 'gossip' });
  expect(views().pools[0]?.sharing?.merged).toEqual([
    {
      node: 'a',
      at: expect.any(Number),
      cells: 4,
      bytes: 200,
      replicas: 3,
      trouble: '',
      peers: [
        { node: 'b', behind: 0, silentMs: 0, isSilent: false },
        { node: 'c', behind: 5, silentMs: 1_000, isSilent: false },
      ],
    },
  ]);
  expect(domain.core.explain('kv', domain.nowMs)?.lines).toContain(
    '  a has 4 pieces, 200 octets; b 0 steps behind, heard 0 s ago; c 5 steps behind, heard 1 s ago',
  );
  tell(null);
  expect(views().pools[0]?.sharing?.merged).toEqual([]);
});

test('a peer that is silent, and heard again, is an event once each', async () => {
  const { tell, events } = await world();
  const longMs = silentAfterMs(2);
  tell([0, longMs - 1]);
  expect(events()).toEqual([]);
  tell([0, longMs]);
  tell([0, longMs + 1_000]);
  tell([0, 0]);
  tell([0, 0]);
  expect(events()).toEqual([
    'warning pool.peer-silent pool kv: a hears nothing of c of the mergeable state of kv: what c changes does not come to it.',
    'info pool.peer-heard pool kv: a hears c of the mergeable state of kv again.',
  ]);
});

test('what is wrong with it is an event when it begins', async () => {
  const { tell, events } = await world();
  tell([0, 0]);
  for (let times = 0; times < 2; times++) tell([0, 0], { trouble: 'too many lives' });
  tell([0, 0]);
  tell([0, 0], { trouble: 'too many lives' });
  const message = 'warning pool.merge-trouble pool kv: The mergeable state of kv at a: too many lives.';
  expect(events()).toEqual([message, message]);
});
