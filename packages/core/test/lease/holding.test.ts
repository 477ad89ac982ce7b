// SPDX-License-Identifier: Apache-2.0
import { epochOf } from '@vnfpool/core';
import type { LeaseOutput } from '@vnfpool/core/lease';
import { describe, expect, test } from 'vitest';
import { Bench, COUNCIL, held, LEASE_MS, SLOT, START_MS } from './harness.ts';

describe('taking a slot', () => {
  test('follows prepare, promise, accept, accepted; the accepted round is the epoch', () => {
    const bench = held();
    expect(bench.last('granted')).toMatchObject({
      node: 1,
      slot: SLOT,
      epoch: epochOf(1, 1),
      functionId: 16,
      cause: 'genesis',
      fencedBy: 'none',
      previous: null,
      detectedAtMs: START_MS,
      atMs: START_MS + 4 * bench.delayMs,
    });
  });

  test('was seen as free when the last lease ended, not at an earlier false alarm', () => {
    const bench = held();
    bench.isLost = (from, to) => from === 2 || to === 2;
    bench.run(2 * LEASE_MS);
    bench.isLost = () => false;
    bench.run(5 * LEASE_MS);
    const stoppedAtMs = bench.nowMs;
    bench.stop(1);
    bench.run(3 * LEASE_MS);
    const granted = bench.last('granted');
    expect(granted.node).not.toBe(1);
    expect(granted.detectedAtMs).toBeGreaterThan(stoppedAtMs);
  });

  test("sends first to the others, persists its own member's record, and only then counts it", () => {
    const bench = held();
    const kinds = bench.events
      .filter(({ node, atMs }) => node === 1 && atMs === START_MS)
      .map(({ output }) => output.type)
      .filter((type) => type !== 'observed');
    expect(kinds).toEqual(['persist', 'send', 'send', 'persist']);
  });

  test('opens the fence only after the agent has said that everything is ready', () => {
    const bench = new Bench([1, 2, 3]);
    bench.isObedient = false;
    bench.startAll();
    bench.run(LEASE_MS);
    expect(bench.all('fence-until')).toEqual([]);
    expect(bench.all('lost')).toEqual([]);
    bench.input(1, { type: 'activate', slot: SLOT, epoch: bench.last('granted').epoch });
    expect(bench.all('fence-until')).toHaveLength(1);
  });

  test('ignores an activation of another epoch', () => {
    const bench = new Bench([1, 2, 3]);
    bench.isObedient = false;
    bench.startAll();
    bench.run(20);
    const { epoch } = bench.last('granted');
    expect(bench.input(1, { type: 'activate', slot: SLOT, epoch: epoch + 1 })).toEqual([]);
    expect(bench.input(1, { type: 'activate', slot: SLOT, epoch: epoch - 1 })).toEqual([]);
  });

  test('needs a majority: one node of three takes nothing', () => {
    const bench = new Bench([1, 2, 3]);
    bench.isLost = () => true;
    bench.startAll();
    bench.run(10 * LEASE_MS);
    expect(bench.all('granted')).toEqual([]);
    expect(bench.sent.filter(({ message }) => message.type === 'renew')).toEqual([]);
  });

  test('works with a council of one', () => {
    const bench = held([1]);
    bench.run(10 * LEASE_MS);
    expect(bench.all('granted')).toHaveLength(1);
    expect(bench.all('lost')).toEqual([]);
  });

  test('works for a node that is no member', () => {
    const bench = new Bench([1, 2, 3], [4, 5]).startAll();
    bench.run(20);
    expect(bench.last('granted').node).toBe(4);
    bench.run(5 * LEASE_MS);
    expect(bench.all('granted')).toHaveLength(1);
  });

  test('takes nothing unless the highest value of its majority lists it', () => {
    const bench = held([1, 2, 3], [1, 2]);
    bench.stop(1);
    bench.stop(2);
    bench.start(2);
    bench.ready(3, 0);
    bench.run(20 * LEASE_MS);
    expect(bench.all('granted', 3)).toEqual([]);
  });

  test('is open to an unlisted candidate as last resort, only after the declared time; one that lacks no state leaves no mark', () => {
    const bench = new Bench([1, 2, 3], [1, 2]);
    bench.slotOptions = { lastResort: { rule: 'after', afterMs: 1000 } };
    bench.startAll();
    bench.run(20);
    bench.ready(2, 1, 1n, false);
    bench.stop(1);
    bench.ready(3, 0);
    bench.run(LEASE_MS + 900);
    expect(bench.all('granted', 3)).toEqual([]);
    bench.run(1000);
    expect(bench.last('granted')).toMatchObject({ node: 3, lossMark: false });
  });
});

describe('a lease at its holder', () => {
  test('counts from before the first sending, less drift', () => {
    const bench = held();
    // Accept was sent when the promises were in.
    const sentMs = bench.sent.find(({ message }) => message.type === 'accept')?.atMs ?? 0;
    expect(bench.last('fence-until').untilMs).toBeCloseTo(sentMs + LEASE_MS * 0.99, 6);
  });

  test('is renewed every third of it, each time counted from the renewal', () => {
    const bench = held();
    bench.run(3.4 * (LEASE_MS / 3));
    const sent = [
      ...new Set(bench.sent.filter(({ message }) => message.type === 'renew').map(({ atMs }) => atMs)),
    ];
    expect(sent).toHaveLength(3);
    const untilMs = bench
      .all('fence-until')
      .slice(1)
      .map((output) => output.untilMs);
    for (const [index, atMs] of sent.entries()) expect(untilMs[index]).toBeCloseTo(atMs + LEASE_MS * 0.99, 6);
  });

  test('a repeated request keeps serial and first send time', () => {
    const bench = held();
    let dropped = 0;
    bench.isLost = (_from, _to, messages) => {
      const isDropped = messages.some(({ type }) => type === 'renewed') && dropped < 2;
      if (isDropped) dropped += 1;
      return isDropped;
    };
    bench.run(1.5 * (LEASE_MS / 3));
    const renewals = bench.sent.filter(({ message, to }) => message.type === 'renew' && to === 2);
    expect(renewals).toHaveLength(2);
    expect(new Set(renewals.map(({ message }) => message.serial)).size).toBe(1);
    expect(bench.last('fence-until').untilMs).toBeCloseTo((renewals[0]?.atMs ?? 0) + LEASE_MS * 0.99, 6);
  });

  test('does not grow by answers to an earlier serial', () => {
    const bench = held();
    const before = bench.all('fence-until').length;
    bench.isLost = (from) => from !== 1;
    bench.run(LEASE_MS / 2);
    const renewal = bench.sent.findLast(({ message }) => message.type === 'renew');
    if (renewal === undefined) throw new Error('no renewal');
    const { slot, serial, round } = renewal.message;
    const stale = { type: 'renewed', slot, serial: serial - 1, round, incarnation: 1n } as const;
    bench.input(1, bench.datagram(2, 1, [stale]));
    expect(bench.all('fence-until')).toHaveLength(before);
    bench.input(1, bench.datagram(2, 1, [{ ...stale, serial }]));
    expect(bench.all('fence-until')).toHaveLength(before + 1);
  });

  test('does not grow by answers to another incarnation, by strangers, or by a member that answers twice', () => {
    const bench = new Bench([1, 2, 3, 4, 5]).startAll();
    bench.run(20);
    const before = bench.all('fence-until').length;
    bench.isLost = () => true;
    bench.run(LEASE_MS / 2);
    const renewal = bench.sent.findLast(({ message }) => message.type === 'renew');
    if (renewal === undefined) throw new Error('no renewal');
    const { slot, serial, round } = renewal.message;
    const yes = { type: 'renewed', slot, serial, round, incarnation: 1n } as const;
    bench.input(1, bench.datagram(2, 1, [yes]));
    bench.input(1, bench.datagram(2, 1, [yes, yes]));
    bench.input(1, bench.datagram(9, 1, [yes]));
    bench.input(1, bench.datagram(3, 1, [{ ...yes, incarnation: 7n }]));
    expect(bench.all('fence-until')).toHaveLength(before);
    bench.input(1, bench.datagram(3, 1, [yes]));
    expect(bench.all('fence-until')).toHaveLength(before + 1);
  });

  test('ends by itself when it cannot be renewed: fence closed, role lost, no renewal any more', () => {
    const bench = held();
    bench.isLost = (from, to) => from === 1 || to === 1;
    const { untilMs } = bench.last('fence-until');
    bench.run(LEASE_MS);
    const close = bench.last('fence-close', 1);
    expect(close).toMatchObject({ reason: 'expired', atMs: untilMs });
    expect(bench.last('lost', 1)).toMatchObject({ reason: 'expired', atMs: untilMs });
    bench.run(5 * LEASE_MS);
    const late = bench.sent.filter(
      ({ from, atMs, message }) => from === 1 && atMs > untilMs && message.type === 'renew',
    );
    expect(late).toEqual([]);
  });

  test('brings a member that missed the round up to it', () => {
    const bench = new Bench([1, 2, 3]);
    bench.isLost = (_, to) => to === 3;
    bench.startAll();
    bench.run(50);
    bench.isLost = () => false;
    bench.run(LEASE_MS);
    bench.isLost = (from, to) => from === 2 || to === 2;
    bench.run(5 * LEASE_MS);
    expect(bench.all('granted').map(({ node }) => node)).toEqual([1]);
    expect(bench.all('lost')).toEqual([]);
  });
});

describe('failover', () => {
  test('the first candidate holds within the lease and a few milliseconds of the last renewal', () => {
    const bench = held();
    bench.run(LEASE_MS);
    bench.stop(1);
    const stoppedMs = bench.nowMs;
    bench.run(2 * LEASE_MS, () => bench.all('granted', 2).length > 0);
    const granted = bench.last('granted');
    expect(granted).toMatchObject({
      node: 2,
      cause: 'lease-expired',
      fencedBy: 'timeout',
      previous: { node: 1, functionId: 16 },
    });
    expect(granted.atMs - stoppedMs).toBeLessThan(LEASE_MS + 8 * bench.delayMs);
    expect(granted.epoch).toBeGreaterThan(bench.all('granted', 1)[0]?.epoch ?? 0);
  });

  test('a lower rank waits, so that the first is not disturbed', () => {
    const bench = held();
    bench.ready(2, 3);
    bench.run(LEASE_MS);
    bench.stop(1);
    bench.run(3 * LEASE_MS);
    expect(bench.all('granted').map(({ node }) => node)).toEqual([1, 3]);
  });

  test('a candidate that is no member learns the time left from refusals', () => {
    const bench = held([1, 2, 3], [1, 4]);
    bench.run(2 * LEASE_MS);
    bench.stop(1);
    const stoppedMs = bench.nowMs;
    bench.run(3 * LEASE_MS, () => bench.all('granted', 4).length > 0);
    expect(bench.last('granted').atMs - stoppedMs).toBeLessThan(LEASE_MS * 1.2);
  });
});

describe('a holder that changes its value', () => {
  test('prepares a higher round for itself; fence open, functions told of the new epoch', () => {
    const bench = held();
    const first = bench.last('granted');
    bench.candidates = [1, 3];
    for (const node of [1, 2, 3]) bench.input(node, bench.configuration());
    bench.run(20);
    expect(bench.last('renumbered')).toMatchObject({
      node: 1,
      formerEpoch: first.epoch,
      epoch: first.epoch + 1,
    });
    expect(bench.last('renumbered').candidates.map(({ node }) => node)).toEqual([1, 3]);
    expect(bench.last('fence-until')).toMatchObject({ epoch: first.epoch + 1 });
    expect(bench.all('fence-close')).toEqual([]);
    bench.run(5 * LEASE_MS);
    expect(bench.all('renumbered')).toHaveLength(1);
    expect(bench.all('granted')).toHaveLength(1);
  });

  test('does so at once when a living member refuses for a higher promise', () => {
    const bench = held();
    const { epoch } = bench.last('granted');
    // Member 3 loses sight of the holder and promises its own candidate.
    bench.isLost = (from, to) => (from === 1 && to === 3) || (from === 3 && to === 2);
    bench.run(LEASE_MS + 60);
    bench.isLost = () => false;
    bench.run(LEASE_MS);
    expect(bench.all('renumbered', 1).length).toBeGreaterThan(0);
    expect(bench.last('renumbered', 1).epoch).toBeGreaterThan(epoch);
    expect(bench.all('lost')).toEqual([]);
    expect(bench.all('granted').map(({ node }) => node)).toEqual([1]);
  });
});

describe('a stall', () => {
  test('accuses nobody in this step: others wait one renewal', () => {
    const bench = held();
    bench.run(LEASE_MS);
    const engine = bench.engines.get(2);
    const dueMs = engine?.nextDeadline() ?? 0;
    // The whole of node 2 stood still; renewals wait in its socket.
    const lateMs = dueMs + LEASE_MS;
    const outputs = engine?.expire(lateMs) ?? [];
    expect(outputs.filter(({ type }) => type === 'send')).toEqual([]);
    let nowMs = lateMs;
    let sent: LeaseOutput[] = [];
    while (engine !== undefined && sent.length === 0 && nowMs < lateMs + LEASE_MS) {
      nowMs = engine.nextDeadline() ?? Number.POSITIVE_INFINITY;
      sent = engine.expire(nowMs).filter(({ type }) => type === 'send');
    }
    expect(nowMs).toBeCloseTo(lateMs + LEASE_MS / 3, 6);
  });

  test('lets the last holder go first', () => {
    const bench = held();
    bench.run(LEASE_MS);
    const engine = bench.engines.get(1);
    const lateMs = (engine?.nextDeadline() ?? 0) + 2 * LEASE_MS;
    const outputs = engine?.expire(lateMs) ?? [];
    const types = outputs.map(({ type }) => type).filter((type) => type !== 'observed' && type !== 'persist');
    expect(types).toEqual(['fence-close', 'lost', 'send', 'send']);
  });
});

describe('the council', () => {
  test('a request for a lower version is refused; the refusal carries the higher one in its head', () => {
    const bench = held();
    const renew = { type: 'renew', slot: SLOT, serial: 1, round: 1 } as const;
    const datagram = bench.datagram(1, 2, [renew]);
    const header = { ...datagram.header, council: { ...COUNCIL, number: 0 } };
    const outputs = bench.input(2, { ...datagram, header });
    expect(outputs).toMatchObject([
      { type: 'rejected', reason: 'council-mismatch', from: 1 },
      { type: 'send', to: 1, messages: [{ type: 'refuse', reason: 'council' }] },
    ]);
  });

  test('a datagram for another node, or of another sender than its key says, is rejected', () => {
    const bench = held();
    const renew = { type: 'renew', slot: SLOT, serial: 1, round: 1 } as const;
    const wrong = bench.datagram(1, 3, [renew]);
    expect(bench.input(2, wrong)).toEqual([{ type: 'rejected', reason: 'misaddressed', from: 1 }]);
    const forged = bench.datagram(1, 2, [renew]);
    expect(bench.input(2, { ...forged, from: 3 } as typeof forged)).toEqual([
      { type: 'rejected', reason: 'misaddressed', from: 3 },
    ]);
  });
});

describe('views', () => {
  test('tell who holds a slot, and that nobody does', () => {
    const bench = held();
    bench.run(LEASE_MS);
    expect(bench.last('observed', 3)).toMatchObject({
      state: 'held',
      holder: { node: 1 },
      epoch: epochOf(1, 1),
    });
    bench.stop(1);
    bench.stop(2);
    bench.run(2 * LEASE_MS);
    expect(bench.last('observed', 3)).toMatchObject({
      state: 'free',
      holder: { node: 1 },
      isReleased: false,
    });
  });

  test('of a slot that was let go tell that it was, and of the epoch that ended, also who missed its beginning', () => {
    const bench = held([1, 2, 3], [1]);
    bench.isLost = (_from, to) => to === 3;
    bench.candidates = [1, 2];
    for (const node of [1, 2, 3]) bench.input(node, bench.configuration());
    bench.run(LEASE_MS / 4);
    expect(bench.last('renumbered').epoch).toBe(epochOf(1, 2));
    bench.isLost = () => false;
    bench.input(1, { type: 'candidate-gone', slot: SLOT, functionId: 16 });
    bench.run(LEASE_MS / 4);
    for (const node of [1, 2, 3])
      expect(bench.last('observed', node), `node ${node}`).toMatchObject({
        state: 'free',
        // The release covers the round that was begun for a successor.
        epoch: epochOf(1, 3),
        isReleased: true,
      });
  });
});
