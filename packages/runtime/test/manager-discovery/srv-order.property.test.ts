// SPDX-License-Identifier: Apache-2.0
import { type SrvRecord, srvOrder } from '@vnfpool/runtime/manager-discovery';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const record = (name: string, priority: number, weight: number): SrvRecord => ({
  name,
  port: 49_877,
  priority,
  weight,
});
const records = fc.array(
  fc.record({
    name: fc.domain(),
    port: fc.integer({ min: 1, max: 65_535 }),
    priority: fc.integer({ min: 0, max: 3 }),
    weight: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 65_535 })),
  }),
  { maxLength: 12 },
);
const fractions = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
const drawFrom = (stream: Iterator<number>) => () => stream.next().value as number;

test('every record comes once, in the order of priorities, whatever is drawn', () => {
  fc.assert(
    fc.property(records, fractions, (given, stream) => {
      const order = srvOrder(given, drawFrom(stream));
      expect(order).toHaveLength(given.length);
      expect(new Set(order)).toEqual(new Set(given));
      const priorities = order.map(({ priority }) => priority);
      expect(priorities).toEqual(priorities.toSorted((x, y) => x - y));
    }),
  );
});

test('the share of first places is the weight', () => {
  const given = [record('a', 0, 1), record('b', 0, 3), record('c', 1, 65_535)];
  const first = { a: 0, b: 0, c: 0 };
  const draws = 1_000;
  for (let draw = 0; draw < draws; draw += 1) {
    // Evenly spread over the whole range, in place of chance.
    const [chosen] = srvOrder(given, () => draw / draws);
    first[chosen?.name as keyof typeof first] += 1;
  }
  // 0 to 4 are drawn alike; the record of weight 1 takes 0 and 1 (RFC 2782: a running sum not below the mark).
  expect(first).toEqual({ a: 400, b: 600, c: 0 });
});

test('a record of weight 0 comes first when 0 is drawn, and only then', () => {
  const given = [record('heavy', 0, 10), record('light', 0, 0)];
  expect(srvOrder(given, () => 0)[0]?.name).toBe('light');
  expect(srvOrder(given, () => 0.1)[0]?.name).toBe('heavy');
  expect(srvOrder([record('x', 0, 0), record('y', 0, 0)], () => 0.99)).toHaveLength(2);
});
