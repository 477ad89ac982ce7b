// SPDX-License-Identifier: Apache-2.0

import { nodeId } from '@vnfpool/core';
import type { DeclaredSet } from '@vnfpool/core/declared';
import type { TrafficReport } from '@vnfpool/core/management';
import type { SlotState } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain, healthy } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c'];
const edge = set(NODES, [pool('web', 1, 1, 1)]);

function apply(domain: FakeDomain, declared: DeclaredSet, requestId = 1): void {
  domain.give({ type: 'apply', requestId, declared, text: 'set: edge', file: 'set.yaml' });
}

/** Three nodes, the set applied, web#1 holds the slot in epoch 1. */
async function running(declared: DeclaredSet = edge): Promise<FakeDomain> {
  const domain = await FakeDomain.start();
  domain.give({ type: 'registrar', address: '10.0.0.9', port: 3863 });
  NODES.forEach((name, index) => domain.register(name, index + 1));
  apply(domain, declared);
  hold(domain, 1, 1, 1);
  return domain;
}

function slotId(domain: FakeDomain): string {
  return domain.core.views(domain.nowMs).slots[0]?.id ?? '';
}

function hold(domain: FakeDomain, node: number, functionId: number, epoch: number): void {
  const candidate = { node, functionId };
  domain.report(node, {
    slots: [
      {
        id: slotId(domain),
        state: 'holding',
        epoch: String(epoch),
        holder: candidate,
        candidates: [candidate],
        reason: '',
      },
    ],
    failovers: [],
  });
}

function failover(domain: FakeDomain, epoch: number, at: number): void {
  const steps = (['detected', 'decided', 'committed', 'switched', 'serving'] as const).map((name, index) => ({
    name,
    atMs: at + index * 10,
  }));
  const record = {
    id: `${slotId(domain)}/${epoch}`,
    slot: slotId(domain),
    epoch: String(epoch),
    from: { node: 1, functionId: 1 },
    to: { node: 2, functionId: 2 },
    cause: 'lease-expired',
    fencedBy: 'timeout',
    steps,
  } as const;
  domain.report(2, { slots: [], failovers: [record] });
}

describe('applying', () => {
  test('when a node was heard: its news, or its latest answer to a keep-alive', async () => {
    const domain = await running();
    const heardAt = (heard: number | null) =>
      domain.core.views(domain.nowMs, () => heard).nodes[0]?.lastHeardAt ?? Number.NaN;
    expect(heardAt(domain.nowMs + 700) - heardAt(domain.nowMs)).toBe(700);
    expect(heardAt(0)).toBe(heardAt(null));
    expect(heardAt(null)).toBeLessThanOrEqual(heardAt(domain.nowMs));
  });

  test('a node is mute for as long as it said, though it says nothing when that is over', async () => {
    const domain = await running();
    domain.report(1, { slots: [], failovers: [], muteMs: 500 });
    const mute = () => domain.core.views(domain.nowMs).nodes[0]?.muteMs;
    expect(mute()).toBe(500);
    domain.nowMs += 400;
    expect(mute()).toBe(100);
    domain.nowMs += 400;
    expect(mute()).toBe(0);
  });

  test('a node that stalls for longer than a pool bears is said so, once, and again after it fitted', async () => {
    const domain = await running();
    const stall = (maxMs: number) =>
      domain.report(1, { slots: [], failovers: [], stalls: { p99Ms: 5, maxMs } });
    const told = () => domain.rows('events').filter(({ type }) => type === 'node.stalls');
    const advice =
      'a stalled for up to 150 ms in the last minutes (99 of 100 times at most 5 ms), and a lease of 300 ms bears 100 ms: profile calm fits.';
    stall(80);
    expect(told()).toEqual([]);
    stall(150);
    stall(150);
    expect(told()).toMatchObject([{ subject: 'node a', message: `For pool web, ${advice}` }]);
    expect(domain.core.explain('web', domain.nowMs)?.lines).toContain(advice);
    expect(domain.core.views(domain.nowMs).nodes[0]?.stalls).toEqual({ p99Ms: 5, maxMs: 150 });
    stall(80);
    stall(150);
    expect(told()).toHaveLength(2);
  });

  test('places, starts and assigns; the views say that everything is there', async () => {
    const domain = await running();
    const view = domain.core.views(domain.nowMs);
    expect(domain.replies).toEqual([
      { ok: true, applied: { set: 'edge', generation: 1, changes: expect.any(Array) } },
    ]);
    expect(view.pools).toMatchObject([
      { name: 'web', health: 'whole', slotsHeld: 1, standbysReady: 1, sparesReady: 1 },
    ]);
    expect(
      view.instances.map(({ name, node, role, slot, status }) => `${name} ${node} ${role} ${slot} ${status}`),
    ).toEqual(['web#1 a active 0 running', 'web#2 b standby null running', 'web#3 c spare null running']);
    expect(
      view.nodes.map(({ name, status, council, fence }) => `${name} ${status} ${council} ${fence}`),
    ).toEqual(['a registered true nft', 'b registered true nft', 'c registered true nft']);
    expect(view.slots).toMatchObject([
      { pool: 'web', index: 0, epoch: 1, holder: 'web#1', node: 'a', standbys: ['web#2'] },
    ]);
    expect(view.sets).toMatchObject([
      { name: 'edge', generation: 1, health: 'whole', councils: [{ name: 'main', reachable: 3 }] },
    ]);
  });

  test('the same again changes nothing and orders nothing', async () => {
    const domain = await running();
    domain.orders = [];
    apply(domain, structuredClone(edge), 2);
    expect(domain.replies.at(-1)).toEqual({ ok: true, applied: { set: 'edge', generation: 1, changes: [] } });
    expect(domain.orders).toEqual([]);
  });

  test('numbers are on disk before a node hears of them', async () => {
    const domain = await FakeDomain.start();
    NODES.forEach((name, index) => domain.register(name, index + 1));
    const outputs = domain.core.handle(
      { type: 'apply', requestId: 1, declared: edge, text: '', file: '' },
      10,
    );
    expect(outputs.some(({ type }) => type === 'mobility' || type === 'reply')).toBe(false);
    expect(outputs.filter(({ type }) => type === 'persist').length).toBeGreaterThan(0);
  });

  test('a full disk refuses the declaration; what stood stands, and the numbers are not given again', async () => {
    const domain = await running();
    domain.orders = [];
    domain.diskFull = true;
    apply(domain, set(NODES, [pool('web', 1, 1, 1), pool('calc', 3)]), 2);
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, code: 'STORE_FULL' });
    expect(domain.core.views(domain.nowMs).pools.map(({ name }) => name)).toEqual(['web']);
    expect(domain.orders).toEqual([]);
    domain.diskFull = false;
    domain.expire();
    apply(domain, set(NODES, [pool('web', 1, 1, 1), pool('calc', 3)]), 3);
    expect(domain.replies.at(-1)).toMatchObject({ ok: true });
    const ids = domain
      .rows('instances')
      .filter((row) => row.pool === 'calc')
      .map(({ functionId }) => functionId);
    expect(Math.min(...ids)).toBeGreaterThan(6);
    expect(domain.rows('events').map(({ type }) => type)).toContain('declaration.refused');
  });

  test('another set is refused', async () => {
    const domain = await running();
    apply(domain, { ...edge, name: 'other' }, 3);
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, code: 'OTHER_SET' });
  });

  test('the address of a node itself is no address of a slot', async () => {
    const domain = await running();
    const [address = ''] = [...domain.core.views(domain.nowMs).nodes].flatMap((node) => node.address ?? []);
    expect(address).not.toBe('');
    const declared = set(NODES, [{ ...pool('web', 1, 1, 1), addresses: [`${address}/24`] }]);
    const refusal = {
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining(`Address ${address} of slot web/0 is that of a itself`),
    };
    // A plan is told as much.
    expect(domain.core.refusal(declared, domain.nowMs)).toMatchObject(refusal);
    apply(domain, declared, 2);
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, ...refusal });
  });

  test('an address goes from one slot to another only by way of nobody', async () => {
    const addressed = (name: string, addresses: string[]) => ({ ...pool(name, 1, 1, 1), addresses });
    const web = set(NODES, [addressed('web', ['192.0.2.1/24'])]);
    const renamed = set(NODES, [addressed('shop', ['192.0.2.1/24'])]);
    const domain = await running(web);

    apply(domain, renamed, 2);
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, code: 'ADDRESS_IN_USE' });

    // Given up; but one node has not heard of it, and may act for the slot as before.
    domain.give({ type: 'node-lost', node: nodeId(3), reason: 'silent' });
    apply(domain, set(NODES, []), 3);
    apply(domain, renamed, 4);
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, code: 'ADDRESS_IN_USE' });
    expect(domain.replies.at(-1)).toMatchObject({ message: expect.stringContaining('c') });

    domain.give({ type: 'node-back', node: nodeId(3) });
    apply(domain, renamed, 5);
    expect(domain.replies.at(-1)).toMatchObject({ ok: true });
  });

  test('a pool taken out of the file ends', async () => {
    const domain = await running();
    domain.orders = [];
    apply(domain, set(NODES, []), 2);
    expect(domain.orders.filter((order) => order.startsWith('delete')).sort()).toEqual([
      'delete 1/1',
      'delete 2/2',
      'delete 3/3',
    ]);
    expect(domain.rows('instances')).toEqual([]);
    expect(domain.rows('slots')).toEqual([]);
  });
});

describe('a restart of the manager', () => {
  test('disturbs nothing when nothing changed', async () => {
    const domain = await running();
    const before = domain.core.views(domain.nowMs);
    await domain.restart();
    NODES.forEach((name, index) => domain.register(name, index + 1));
    hold(domain, 1, 1, 1);
    expect(domain.orders).toEqual([]);
    const after = domain.core.views(domain.nowMs);
    expect(after.instances).toEqual(before.instances);
    expect(after.slots).toEqual(before.slots);
    expect(after.pools).toEqual(before.pools);
  });

  test('starts again what a node has lost, and only there', async () => {
    const domain = await running();
    await domain.restart();
    domain.running.delete('3/3');
    domain.register('a', 1);
    domain.register('b', 2);
    domain.register('c', 3, 8n);
    expect(domain.orders.filter((order) => order.startsWith('add'))).toEqual(['add 3/3']);
    expect(domain.orders.filter((order) => order.startsWith('delete'))).toEqual([]);
  });

  test('deletes what nobody placed, once the node has told everything', async () => {
    const domain = await running();
    domain.running.set('3/77', { node: 3 as never, functionId: 77 as never });
    await domain.restart();
    NODES.forEach((name, index) => domain.register(name, index + 1));
    expect(domain.orders).toEqual(['delete 3/77']);
  });
});

test('a set that is too large for its nodes to be told is refused, and what runs goes on', async () => {
  const domain = await running();
  const pools = Array.from({ length: 20 }, (_, n) => ({
    ...pool(`pool-${n}`, 63),
    redundancy: { model: 'n-way' as const, slots: 63, standbys: 0, spares: 0, instances: 3 },
  }));
  apply(domain, set(NODES, [...edge.pools, ...pools]), 2);
  expect(domain.replies.at(-1)).toMatchObject({
    ok: false,
    code: 'TOO_LARGE',
    message: expect.stringMatching(/a configuration of \d{6} octets; at most 393216 are possible/),
  });
  expect(domain.core.views(domain.nowMs).pools.map(({ name }) => name)).toEqual(['web']);
  apply(domain, set(NODES, [...edge.pools, ...pools.slice(0, 3)]), 3);
  expect(domain.replies.at(-1)).toMatchObject({ ok: true });
  expect(domain.core.views(domain.nowMs).slots).toHaveLength(1 + 3 * 63);
});

describe('slots', () => {
  /** Nodes say in turn what they see of the slot in epoch 1, whose holder is web#1; and who holds it then, for the manager. */
  async function nodesThatSay() {
    const domain = await running();
    const say = (node: number, told: SlotState['state']) =>
      domain.report(node, {
        slots: [
          {
            id: slotId(domain),
            state: told,
            epoch: '1',
            holder: told === 'free' ? null : { node: 1, functionId: 1 },
            candidates: [],
            reason: '',
          },
        ],
        failovers: [],
      });
    return { domain, say, holder: () => domain.core.views(domain.nowMs).slots[0]?.holder };
  }

  test('the highest epoch wins; an older report is ignored', async () => {
    const domain = await running();
    hold(domain, 2, 2, 5);
    hold(domain, 1, 1, 4);
    expect(domain.core.views(domain.nowMs).slots).toMatchObject([{ epoch: 5, holder: 'web#2' }]);
    expect(domain.rows('holdings')).toMatchObject([{ epoch: 5, holder: { node: 2, functionId: 2 } }]);
  });

  test('a slot is shown free when a majority of the council has seen its lease run out, not before', async () => {
    const domain = await running();
    const free = (node: number) =>
      domain.report(node, {
        slots: [{ id: slotId(domain), state: 'free', epoch: '1', holder: null, candidates: [], reason: '' }],
        failovers: [],
      });
    const slot = () => domain.core.views(domain.nowMs).slots[0];
    free(2);
    expect(slot()).toMatchObject({ holder: 'web#1' });
    free(2);
    expect(slot()).toMatchObject({ holder: 'web#1' });
    free(3);
    expect(slot()).toMatchObject({ holder: null, epoch: 1 });
    expect(slot()?.reason).toMatch(/The lease of web#1 ran out/);
    hold(domain, 1, 1, 2);
    expect(slot()).toMatchObject({ holder: 'web#1', epoch: 2 });
  });

  test('a holder whose node is lost is shown as the last that is known, until somebody says more', async () => {
    const { domain, say } = await nodesThatSay();
    const slot = () => domain.core.views(domain.nowMs).slots[0];
    expect(slot()?.isUnheard).toBeUndefined();
    domain.give({ type: 'node-suspect', node: nodeId(1), reason: 'nothing heard.' });
    expect(slot()?.isUnheard).toBeUndefined();
    domain.give({ type: 'node-lost', node: nodeId(1), reason: 'nothing heard.' });
    expect(slot()).toMatchObject({ holder: 'web#1', isUnheard: true });
    expect(slot()?.reason).toMatch(
      /^web#1 held it when a was heard last: that node is lost, and nobody has said/,
    );
    say(2, 'free');
    say(3, 'free');
    expect(slot()?.holder).toBeNull();
    expect(slot()).not.toHaveProperty('isUnheard');
  });

  test('a member that was away tells what it knew last: what a majority saw run out is not held again by that', async () => {
    const { say, holder } = await nodesThatSay();
    say(2, 'free');
    say(3, 'free');
    expect(holder()).toBeNull();
    say(1, 'held');
    expect(holder()).toBeNull();
    // Those of the majority themselves: its holder was heard again.
    say(2, 'held');
    expect(holder()).toBe('web#1');
    say(2, 'free');
    expect(holder()).toBeNull();
    say(1, 'holding');
    expect(holder()).toBe('web#1');
  });

  test('a release that one has heard ends the epoch, also for what its holder told before and came later', async () => {
    const domain = await running();
    const say = (node: number, told: Partial<SlotState>) => {
      const holder = { node: 1, functionId: 1 };
      const plain = { id: slotId(domain), epoch: '1', holder, candidates: [], reason: '' };
      domain.report(node, { slots: [{ ...plain, state: 'free', ...told }], failovers: [] });
    };
    const holder = () => domain.core.views(domain.nowMs).slots[0]?.holder;
    say(3, { isReleased: true });
    expect(holder()).toBeNull();
    say(1, { state: 'holding' });
    say(2, { state: 'held' });
    say(1, {});
    say(1, { state: 'holding' });
    expect(holder()).toBeNull();
    say(3, { state: 'held', epoch: '2', holder: { node: 2, functionId: 2 } });
    expect(holder()).toBe('web#2');
    say(2, { state: 'holding', epoch: '2', holder: { node: 2, functionId: 2 } });
    say(1, { epoch: '3', isReleased: true });
    expect(holder()).toBeNull();
    say(2, { state: 'holding', epoch: '3', holder: { node: 2, functionId: 2 } });
    expect(holder()).toBeNull();
  });

  test('what others still say of an epoch that its own holder has ended is older, and nobody holds it again by that', async () => {
    const { domain, say, holder } = await nodesThatSay();
    say(1, 'free');
    expect(holder()).toBeNull();
    say(2, 'held');
    expect(holder()).toBeNull();
    say(1, 'holding');
    expect(holder()).toBe('web#1');
    say(1, 'free');
    hold(domain, 2, 2, 2);
    say(3, 'held');
    expect(holder()).toBe('web#2');
  });

  test('a failover is recorded once, with the outage that users saw, whichever comes first', async () => {
    for (const trafficFirst of [true, false]) {
      const domain = await running();
      const traffic: TrafficReport = {
        source: 'probe',
        pool: 'web',
        target: 't',
        intervalMs: 5,
        deadlineMs: 250,
        sent: 10,
        ok: 9,
        failed: 1,
        latencyMsP50: 1,
        latencyMsP99: 2,
        outages: [
          { lastOkAt: 4_800, firstOkAt: 5_060, failed: 12 },
          { lastOkAt: 90_000, firstOkAt: 99_000, failed: 9 },
        ],
        failingSince: null,
        series: [],
      };
      if (trafficFirst) domain.give({ type: 'traffic', report: traffic });
      failover(domain, 2, 5_000);
      failover(domain, 2, 5_000);
      if (!trafficFirst) domain.give({ type: 'traffic', report: traffic });
      const { failovers } = domain.core.views(domain.nowMs);
      expect(failovers).toMatchObject([
        { from: 'web#1', to: 'web#2', cause: 'the lease ran out', outageMs: 260, failedRequests: 12 },
      ]);
      expect(failovers[0]?.steps.at(-1)).toEqual({
        name: 'first-served',
        clock: 'wall',
        at: 5_060,
        source: 'probe',
      });
      expect(domain.rows('failovers')).toEqual(failovers);
      hold(domain, 2, 2, 99);
      expect(domain.core.views(domain.nowMs).slots[0]?.reason).toMatch(
        /^web#2 took it from web#1 because the lease ran out/,
      );

      // Failures are known only at their own deadlines: the same outage comes again with more of them.
      const again = { ...traffic, outages: [{ lastOkAt: 4_800, firstOkAt: 5_060, failed: 30 }] };
      domain.give({ type: 'traffic', report: again });
      const views = domain.core.views(domain.nowMs);
      expect(views.failovers).toMatchObject([{ outageMs: 260, failedRequests: 30 }]);
      expect(views.traffic[0]?.history.map(({ failed }) => failed)).toEqual([30, 9]);
    }
  });

  test('a hand-over tells the holder whom to pass the slot to, and ends with the new holder', async () => {
    const domain = await running();
    domain.orders = [];
    domain.give({ type: 'handover', requestId: 2, pool: 'web', index: 0 });
    expect(domain.replies.at(-1)).toEqual({ ok: true, to: 'web#2' });
    expect(domain.orders).toEqual(['assign 1/1 active handover to 2']);
    hold(domain, 2, 2, 2);
    expect(domain.core.views(domain.nowMs).instances.map(({ role }) => role)).toEqual([
      'standby',
      'active',
      'spare',
    ]);
    expect(domain.core.nextDeadline()).toBeUndefined();
  });

  test('a hand-over that a failover to somebody else has overtaken is forgotten', async () => {
    const domain = await running();
    domain.give({ type: 'handover', requestId: 2, pool: 'web', index: 0, to: 'web#2' });
    domain.orders = [];
    hold(domain, 3, 3, 2);
    expect(domain.orders.join()).not.toContain('handover');
    expect(domain.core.nextDeadline()).toBeUndefined();
  });

  test.each([
    ['an unknown pool', { pool: 'x', index: 0 }, 'NOT_FOUND'],
    ['an unknown slot', { pool: 'web', index: 7 }, 'NOT_FOUND'],
    ['a stranger', { pool: 'web', index: 0, to: 'calc#1' }, 'NOT_FOUND'],
    ['the holder itself', { pool: 'web', index: 0, to: 'web#1' }, 'NOT_READY'],
  ])('a hand-over to or of %s is refused', async (_, request, code) => {
    const domain = await running();
    domain.give({ type: 'handover', requestId: 2, ...request });
    expect(domain.replies.at(-1)).toMatchObject({ ok: false, code });
  });
});

describe('nodes', () => {
  test.each([
    ['with what depends on it', 7001],
    ['without: a port that was told before stays', null],
  ] as const)(
    'one whose address changed, told %s: all nodes are told where its leases are',
    async (_, statePort) => {
      const domain = await running();
      domain.orders = [];
      domain.give({
        type: 'node-moved',
        node: nodeId(2),
        addresses: ['10.0.0.22'],
        statePort,
        leaseEndpoint:
          statePort === null
            ? null
            : { v: 1, name: 'b', address: '10.0.0.22', port: 7000, key: 'k', version: '2', fence: 'nft' },
      });
      expect(domain.orders.filter((order) => order.includes('configure'))).toHaveLength(3);
      expect(domain.rows('nodes').find(({ name }) => name === 'b')?.endpoint).toMatchObject({
        address: '10.0.0.22',
        port: 7000,
        key: 'k',
        version: statePort === null ? '1' : '2',
      });
      const { nodes, events } = domain.core.views(domain.nowMs);
      expect(nodes.find(({ name }) => name === 'b')?.address).toBe('10.0.0.22');
      expect(events[0]).toMatchObject({
        type: 'node.moved',
        message: 'b is at 10.0.0.22 now, no longer at 10.0.0.2.',
      });
      domain.orders = [];
      domain.give({
        type: 'node-moved',
        node: nodeId(2),
        addresses: ['10.0.0.22'],
        statePort: null,
        leaseEndpoint: null,
      });
      expect(domain.orders).toEqual([]);
    },
  );

  test('a lost node keeps its instances and gets no orders; the pool says what is missing', async () => {
    const domain = await running();
    domain.orders = [];
    domain.give({ type: 'node-lost', node: 1 as never, reason: 'It was silent for 4 s.' });
    hold(domain, 2, 2, 2);
    const view = domain.core.views(domain.nowMs);
    expect(view.instances.map(({ name, node, status, role }) => `${name} ${node} ${status} ${role}`)).toEqual(
      ['web#1 a unknown spare', 'web#2 b running active', 'web#3 c running standby'],
    );
    expect(view.pools).toMatchObject([{ health: 'degraded', reason: 'It serves, but 1 spare is missing.' }]);
    expect(domain.orders.every((order) => !order.includes(' 1/'))).toBe(true);
  });

  test('an instance that fails its check gives way to another standby', async () => {
    const domain = await running();
    domain.status(2 as never, 2 as never, healthy({ healthy: false, reason: 'no answer' }));
    expect(domain.core.views(domain.nowMs).slots[0]?.standbys).toEqual(['web#3']);
    expect(domain.core.views(domain.nowMs).events[0]).toMatchObject({ type: expect.any(String) });
  });
});

describe('orders that are refused', () => {
  test('are tried again later and later, and not at all once the node has registered anew', async () => {
    const domain = await FakeDomain.start();
    domain.refuse = true;
    NODES.forEach((name, index) => domain.register(name, index + 1));
    apply(domain, edge);
    const first = domain.orders.filter((order) => order === 'add 1/1').length;
    expect(first).toBe(1);
    const gaps: number[] = [];
    for (let round = 0, before = domain.nowMs; round < 20 && gaps.length < 3; round++) {
      domain.orders = [];
      domain.expire();
      if (domain.orders.includes('add 1/1')) {
        gaps.push(domain.nowMs - before);
        before = domain.nowMs;
      }
    }
    expect(gaps[1]).toBeGreaterThan(gaps[0] as number);
    expect(gaps[2]).toBeGreaterThan(gaps[1] as number);
    expect(domain.core.views(domain.nowMs).instances[0]?.reason).toContain('a refused to add web#1');
    domain.refuse = false;
    domain.orders = [];
    domain.register('a', 1);
    expect(domain.orders).toContain('add 1/1');
  });
});
