// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { RecordingError, recordedWorkload } from '../../src/evaluate/recorded.ts';
import { type Step, WORKLOAD_NAMES, type Workload, workloadOf } from '../../src/evaluate/workload.ts';

function first(count: number, workload: Workload): Step[] {
  const steps: Step[] = [];
  for (const step of workload.steps()) {
    steps.push(step);
    if (steps.length === count) break;
  }
  return steps;
}

describe.each(WORKLOAD_NAMES)('%s', (name) => {
  const options = { seed: 7, rate: 1_000, keys: 50 };

  test('equal seeds give equal steps, others other ones', () => {
    const workload = workloadOf(name, options);
    expect(workload.fill()).toEqual(workloadOf(name, options).fill());
    expect(first(2_000, workload)).toEqual(first(2_000, workloadOf(name, options)));
    expect(first(2_000, workload)).not.toEqual(first(2_000, workloadOf(name, { ...options, seed: 8 })));
  });

  test('only what is there changes, is read or goes; a key is born once', () => {
    const workload = workloadOf(name, options);
    const there = new Set<string>();
    const born = new Set<string>();
    for (const { key, op, value } of [...workload.fill(), ...first(5_000, workload)]) {
      if (op === 'write' && !there.has(key)) {
        expect(born.has(key)).toBe(false);
        born.add(key);
        there.add(key);
      }
      expect(there.has(key)).toBe(true);
      expect(value.length).toBeLessThanOrEqual(workload.octetsMax);
      if (op === 'remove') there.delete(key);
      expect(there.size).toBeLessThanOrEqual(50);
    }
    expect(there.size).toBeGreaterThanOrEqual(49);
  });

  test('time never goes back, and the rate is as asked', () => {
    const steps = first(20_000, workloadOf(name, options));
    let beforeMs = 0;
    for (const { atMs } of steps) {
      expect(atMs).toBeGreaterThanOrEqual(beforeMs);
      beforeMs = atMs;
    }
    expect((steps.length * 1_000) / beforeMs).toBeGreaterThan(800);
    expect((steps.length * 1_000) / beforeMs).toBeLessThan(1_250);
  });
});

describe('a recording', () => {
  const text = [
    '{"at": 100, "key": "a", "value": "AQI="}',
    '{"at": 101.5, "key": "ü", "value": "AQ=="}',
    '',
    '{"at": 109, "key": "a", "value": null}',
  ].join('\n');
  const told = (steps: readonly Step[]): unknown => steps.map(({ atMs, op, key }) => [atMs, op, key]);

  test('is played from its first update on, and again', () => {
    const workload = recordedWorkload(text, 'x.jsonl');
    expect(workload.octetsMax).toBe(2);
    const steps = first(5, workload);
    expect(told(steps)).toEqual([
      [0, 'write', 'a'],
      [1.5, 'write', 'Ã¼'],
      [9, 'remove', 'a'],
      [10, 'write', 'a'],
      [11.5, 'write', 'Ã¼'],
    ]);
    expect([...(steps[0] as Step).value]).toEqual([1, 2]);
  });

  test('goes at another rate when asked', () => {
    expect(told(first(3, recordedWorkload(text, 'x.jsonl', 600)))).toEqual([
      [0, 'write', 'a'],
      [0.75, 'write', 'Ã¼'],
      [4.5, 'remove', 'a'],
    ]);
  });

  test('leaves out what removes nothing', () => {
    const removes = '{"at": 0, "key": "a", "value": null}\n{"at": 1, "key": "b", "value": ""}';
    expect(told(first(2, recordedWorkload(removes, 'x.jsonl')))).toEqual([
      [1, 'write', 'b'],
      [3, 'write', 'b'],
    ]);
  });

  test('may know of values only how large they are', () => {
    const sizes = '{"at": 0, "key": "1", "octets": 300}\n{"at": 2, "key": "1", "octets": 0}';
    const workload = recordedWorkload(sizes, 'x.jsonl');
    expect(workload.octetsMax).toBe(300);
    const [large, none] = first(2, workload);
    expect([large?.op, large?.value.length, none?.op, none?.value.length]).toEqual([
      'write',
      300,
      'write',
      0,
    ]);
    // One octet again and again would say nothing of what it costs to send.
    expect(new Set(large?.value).size).toBe(256);
  });

  test.each([
    ['', 'x.jsonl: there is no update in it'],
    ['{"at": 0, "key": "a", "octets": 1, "value": null}', 'line 1: "value" or "octets", not both'],
    ['{"at": 0, "key": "a", "octets": -1}', 'line 1: "octets" is a whole number from 0 to 65532'],
    ['{"at": 0, "key": "a", "octets": 65533}', 'line 1: "octets" is a whole number from 0 to 65532'],
    ['{', 'line 1 is no JSON'],
    ['null', 'line 1: "at" is a time in ms, 0 or more'],
    ['{"at": -1, "key": "a", "value": null}', 'line 1: "at" is a time in ms, 0 or more'],
    ['\n{"at": 0, "value": null}', 'line 2: "key" is a text'],
    ['{"at": 0, "key": "", "value": null}', 'line 1: "key" has 1 to 1024 octets'],
    ['{"at": 0, "key": "a"}', 'line 1: "value" is base64, or null for a key that was removed'],
    ['{"at": 0, "key": "a", "value": "*"}', 'line 1: "value" is base64, or null for a key that was removed'],
    [
      '{"at": 2, "key": "a", "value": ""}\n{"at": 1, "key": "a", "value": ""}',
      'x.jsonl: update 2: its time is before that of the one above',
    ],
  ])('%s is refused', (wrong, why) => {
    expect(() => recordedWorkload(wrong, 'x.jsonl')).toThrow(new RecordingError(why));
  });
});
