// SPDX-License-Identifier: Apache-2.0
import { parseSlotReport, type SlotReport, type SlotState } from '@vnfpool/wire/mobility';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SlotsTold, SlotTelling } from '../../src/mobility/node/slot-telling.ts';

/** Such as the manager's end has it: what was told last of each slot, and every record. */
class Heard {
  readonly slots = new Map<string, string>();
  readonly records: string[] = [];
  muteMs = -1;
  messages = 0;

  take(octets: Uint8Array): void {
    expect(octets.length).toBeLessThanOrEqual(32_768);
    const { slots, failovers, muteMs } = parseSlotReport(octets);
    for (const { id, reason } of slots) this.slots.set(id, reason);
    this.records.push(...failovers.map(({ id }) => id));
    this.muteMs = muteMs;
    this.messages += 1;
  }
}

const slotId = (n: number): string => n.toString(16).padStart(16, '0');

function slot(n: number, reason: string): SlotState {
  return { id: slotId(n), state: 'free', epoch: '1', holder: null, candidates: [], reason };
}

function record(n: number): SlotReport['failovers'][number] {
  return {
    id: `${slotId(0)}/${n}`,
    slot: slotId(0),
    epoch: String(n),
    from: null,
    to: { node: 1, functionId: 1 },
    cause: 'genesis',
    fencedBy: 'none',
    steps: [],
  };
}

function drain(telling: SlotTelling, heard: Heard): void {
  for (let rounds = 0; telling.isDue; rounds++) {
    if (rounds > 1_000) throw new Error('it tells without end');
    const next = telling.take();
    if (next === undefined) return;
    heard.take(next.octets);
    telling.settle(next.told, true);
  }
}

test('whatever changes, is refused, and is begun anew on the way: in the end all is told, and each record once it was taken', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('change' as const), slot: fc.nat(59), length: fc.nat(900) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('fail' as const) }) },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constantFrom('send' as const, 'ack' as const, 'refuse' as const) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('begin' as const) }) },
  );
  let again = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 120 }), (steps) => {
      const telling = new SlotTelling();
      let heard = new Heard();
      const slots = Array.from({ length: 60 }, (_, n) => slot(n, 'x'.repeat(700)));
      let failovers: SlotReport['failovers'] = [];
      let [serial, messages] = [0, 0];
      const change = (): void => telling.change({ v: 1, muteMs: serial, slots: [...slots], failovers });
      const settle = (told: SlotsTold, isTaken: boolean): void => {
        telling.settle(told, isTaken);
        if (!isTaken) return;
        messages += 1;
        failovers = failovers.filter(({ id }) => !told.failovers.includes(id));
      };
      const underWay: { octets: Uint8Array; told: SlotsTold; by: Heard }[] = [];
      change();
      for (const each of steps) {
        if (each.do === 'change') {
          serial += 1;
          slots[each.slot] = slot(each.slot, `${serial} ${'y'.repeat(each.length)}`);
          change();
        } else if (each.do === 'fail') {
          serial += 1;
          failovers = [...failovers, record(serial)];
          change();
        } else if (each.do === 'begin') {
          // To another manager. What was sent before may be heard, and acknowledged, all the same.
          telling.begin();
          heard = new Heard();
        } else if (each.do === 'send') {
          const next = telling.isDue ? telling.take() : undefined;
          if (next) underWay.push({ ...next, by: heard });
        } else {
          const next = underWay.shift();
          if (next && each.do === 'ack') next.by.take(next.octets);
          if (next) settle(next.told, each.do === 'ack');
        }
      }
      for (const { octets, told, by } of underWay) {
        by.take(octets);
        settle(told, true);
      }
      // What was refused waits for the next change.
      serial += 1;
      change();
      drain(telling, heard);
      expect(heard.muteMs).toBe(serial);
      expect(new Map(heard.slots)).toEqual(new Map(slots.map(({ id, reason }) => [id, reason])));
      for (const { id } of failovers) expect(heard.records).toContain(id);
      // Sixty slots need two messages; what changed behind them, or was told anew, needs more.
      if (messages > 3) again += 1;
    }),
  );
  // Of one hundred runs.
  expect(again).toBeGreaterThan(5);
});

test('a thousand slots go in messages that each can have, the records behind the last of them', () => {
  const telling = new SlotTelling();
  const heard = new Heard();
  const slots = Array.from({ length: 1_000 }, (_, n) => slot(n, 'its lease ran out'));
  telling.change({ v: 1, muteMs: 0, slots: slots.toReversed(), failovers: [1, 2].map(record) });
  drain(telling, heard);
  expect([heard.slots.size, heard.records]).toEqual([1_000, [record(1).id, record(2).id]]);
  expect(heard.messages).toBeLessThan(8);
  expect(telling.isDue).toBe(false);
});

test('what changes is told alone, and what goes and comes is told anew', () => {
  const telling = new SlotTelling();
  const told: string[][] = [];
  const change = (slots: readonly SlotState[]): void => {
    telling.change({ v: 1, muteMs: 0, slots, failovers: [] });
    const next = telling.take();
    told.push(parseSlotReport(next?.octets ?? new Uint8Array()).slots.map(({ id }) => id));
    if (next) telling.settle(next.told, true);
  };
  change([slot(1, ''), slot(2, ''), slot(3, '')]);
  change([slot(1, ''), slot(2, 'free'), slot(3, '')]);
  change([slot(1, ''), slot(3, '')]);
  change([slot(1, ''), slot(2, 'free'), slot(3, '')]);
  const [first, second, third] = [1, 2, 3].map(slotId);
  expect(told).toEqual([[first, second, third], [second], [], [second]]);
});

test('asked again and again it tells of all slots in turn, whether they were told or not', () => {
  const telling = new SlotTelling();
  const heard = new Heard();
  const slots = Array.from({ length: 1_000 }, (_, n) => slot(n, 'its lease ran out'));
  telling.change({ v: 1, muteMs: 0, slots: slots.toReversed(), failovers: [record(1)] });
  drain(telling, heard);
  heard.slots.clear();
  for (let asked = 0; asked < 8; asked++) heard.take(telling.now() ?? new Uint8Array());
  expect([heard.slots.size, heard.records]).toEqual([1_000, [record(1).id]]);
});

test('of a slot whose standbys fill a message who holds it is told, and the others are', () => {
  const telling = new SlotTelling();
  const heard = new Heard();
  const standby = { isListed: true, state: 'following', lagUpdates: 0, lagMs: 0, lagBytes: 0 } as const;
  const standbys = Array.from({ length: 400 }, (_, n) => ({ ...standby, node: n + 1, roundTripMs: null }));
  const told = { keys: 1, bytes: 1, sequence: 1, updatesPerSecond: 0, waiting: 0, isLossy: false };
  const sharing: SlotState['sharing'] = { ...told, standbys };
  const large = { ...slot(1, 'large'), sharing };
  telling.change({ v: 1, muteMs: 0, slots: [slot(0, 'a'), large, slot(2, 'c')], failovers: [] });
  drain(telling, heard);
  expect([...heard.slots.values()]).toEqual(['a', 'large', 'c']);
});
