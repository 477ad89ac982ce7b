// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import { silentAfterMs } from '@vnfpool/core/gossip';
import type { MergeablePeerReport, MergeableReport } from '@vnfpool/wire/mobility';
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
  const tell = (
    silentMs: readonly [number, number] | null,
    change: Partial<MergeableReport> = {},
    peer: Partial<MergeablePeerReport> = {},
  ): void => {
    const peers = (silentMs ?? []).map((ms, at) => ({ node: at + 2, behind: at * 5, silentMs: ms, ...peer }));
    const report = { pool: 'kv', cells: 4, bytes: 200, replicas: 3, trouble: '', peers, ...change };
    domain.report(1, { slots: [], failovers: [], ...(silentMs === null ? {} : { mergeable: [report] }) });
  };
  const views = () => domain.core.views(domain.nowMs);
  const events = () =>
    views()
      .events.filter(
        ({ type }) =>
          type.startsWith('pool.peer') || type === 'pool.merge-trouble' || type === 'pool.memory-damaged',
      )
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

test('who knows the same and has something else is an event, and is seen', async () => {
  const { tell, events, views, domain } = await world();
  const digests = (differed: number, agreedMs: number | null, isDiffering = false) => ({
    digests: { differed, agreedMs, isDiffering },
  });
  tell([0, 0], {}, { behindBytes: 70, ...digests(0, null) });
  expect(domain.core.explain('kv', domain.nowMs)?.lines).toContain(
    '  a has 4 pieces, 200 octets; b 0 steps behind, heard 0 s ago, not compared yet; c 5 steps (70 octets) behind, heard 0 s ago, not compared yet',
  );
  tell([0, 0], {}, digests(0, 1_000));
  expect(domain.core.explain('kv', domain.nowMs)?.lines[0]).not.toContain('something else');
  for (let times = 1; times <= 3; times++) tell([0, 0], {}, digests(times, 1_000, true));
  const words = (other: string) =>
    `a and ${other} know the same changes of the mergeable state of kv, and have something else: one of them is to be started again.`;
  expect(views().pools[0]?.sharing?.merged?.[0]?.peers[1]).toMatchObject(digests(3, 1_000, true));
  expect(domain.core.explain('kv', domain.nowMs)?.lines).toContain(
    '  a has 4 pieces, 200 octets; b 0 steps behind, heard 0 s ago, differed 3 times: it has something else; c 5 steps behind, heard 0 s ago, differed 3 times: it has something else',
  );
  tell([0, 0], {}, digests(3, 0));
  // Between two reports it was so, and is not any more.
  tell([0, 0], {}, digests(4, 0));
  const differs = (other: string) => `error pool.peer-differs pool kv: ${words(other)}`;
  const agrees = (other: string) =>
    `info pool.peer-agrees pool kv: a and ${other} have the same mergeable state of kv again.`;
  const both = [differs('b'), differs('c'), agrees('b'), agrees('c')];
  const inTurn = [differs('b'), agrees('b'), differs('c'), agrees('c')];
  expect(events()).toEqual([...both, ...inTurn]);
});

test('memory that was damaged is an event each time, though it is mended', async () => {
  const { tell, events, domain } = await world();
  tell([0, 0], { damaged: 0 });
  tell([0, 0], { damaged: 1 });
  tell([0, 0], { damaged: 1 });
  tell([0, 0], { damaged: 3 });
  // The replica there is another one.
  tell([0, 0], { damaged: 0 });
  const had = (what: string) =>
    `warning pool.memory-damaged pool kv: a had ${what} of the mergeable state of kv otherwise in its memory than it came: that is taken anew from other nodes.`;
  expect(events()).toEqual([had('a piece'), had('2 pieces')]);
  tell([0, 0], { damaged: 3 });
  expect(domain.core.explain('kv', domain.nowMs)?.lines).toContain(
    '  a has 4 pieces, 200 octets; b 0 steps behind, heard 0 s ago; c 5 steps behind, heard 0 s ago; its memory had 3 of them otherwise than they came',
  );
});
