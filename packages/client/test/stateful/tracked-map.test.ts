// SPDX-License-Identifier: Apache-2.0
import { type JsonValue, TrackedMap } from '@vnfpool/client';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';

// Many runs: a busy machine may take its time.
vi.setConfig({ testTimeout: 30_000 });

const encoder = new TextEncoder();

async function octets(
  map: TrackedMap,
  kind: 'snapshot' | 'delta' | 'last',
  between = () => {},
): Promise<string> {
  let text = '';
  for await (const chunk of map.export(kind)) {
    text += new TextDecoder().decode(chunk);
    between();
  }
  return text;
}

async function* stream(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield encoder.encode(text);
}

function contents(map: TrackedMap): unknown {
  return Object.fromEntries(map.entries());
}

test('octets as they are documented', async () => {
  const map = new TrackedMap();
  map.set('a', 1);
  map.set('b', { x: ['é'] });
  expect(await octets(map, 'snapshot')).toBe('["clear"]\n["set","a",1]\n["set","b",{"x":["é"]}]\n');
  map.set('c', null);
  map.set('a', 2);
  map.set('a', 3);
  map.delete('b');
  map.delete('never there');
  expect(await octets(map, 'delta')).toBe('["set","c",null]\n["set","a",3]\n["delete","b"]\n');
  expect(await octets(map, 'last')).toBe('');
});

test('a snapshot replaces, a delta changes', async () => {
  const map = new TrackedMap();
  map.set('old', 1);
  await map.import('snapshot', stream('["set","a"', ',1]\n["set","b",2]\n'));
  expect(contents(map)).toEqual({ a: 1, b: 2 });
  await map.import('delta', stream('["delete","a"]\n["set","c",3]\n'));
  expect(contents(map)).toEqual({ b: 2, c: 3 });
  map.discard();
  expect(map.size).toBe(0);
});

/** What one side does while the other is brought up to date. */
const step = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', '__proto__', ''),
  value: fc.option(fc.jsonValue({ maxDepth: 1 }), { nil: undefined, freq: 3 }),
});

test('snapshot, deltas and last give equal maps, whatever changes meanwhile, and if some deltas break off', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step),
      fc.array(fc.record({ during: fc.array(step), breaksOff: fc.boolean() }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      async (before, rounds, changesMax) => {
        const source = new TrackedMap({ changesMax });
        const destination = new TrackedMap();
        const change = ({ key, value }: { key: string; value: unknown }): void => {
          if (value === undefined) source.delete(key);
          else source.set(key, value as JsonValue);
        };
        const move = async (
          kind: 'snapshot' | 'delta' | 'last',
          changes: typeof before,
          breaksOff = false,
        ) => {
          const exported = source.export(kind);
          const chunks: Uint8Array[] = [];
          for await (const chunk of exported) {
            chunks.push(chunk);
            // In the middle: what is written may be old already.
            for (const each of changes) change(each);
            if (breaksOff) break;
          }
          if (chunks.length === 0) for (const each of changes) change(each);
          if (breaksOff && chunks.length > 0) return;
          await destination.import(
            kind,
            (async function* () {
              yield* chunks;
            })(),
          );
        };
        for (const each of before) change(each);
        await move('snapshot', before);
        for (const { during, breaksOff } of rounds) await move('delta', during, breaksOff);
        await move('last', []);
        const sorted = (map: TrackedMap) =>
          JSON.stringify([...map.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)));
        expect(sorted(destination)).toBe(sorted(source));
      },
    ),
  );
});

describe('bounds', () => {
  test('more changes than are remembered: the next delta is all of it', async () => {
    const map = new TrackedMap({ changesMax: 2 });
    await octets(map, 'snapshot');
    for (const key of ['a', 'b', 'c']) map.set(key, 0);
    expect(await octets(map, 'delta')).toBe('["clear"]\n["set","a",0]\n["set","b",0]\n["set","c",0]\n');
    const copy = new TrackedMap();
    copy.set('gone', 1);
    await copy.import('delta', stream('["clear"]\n["set","a",0]\n'));
    expect(contents(copy)).toEqual({ a: 0 });
  });

  test('a map takes so many entries, by itself and by import, and keeps what it has', async () => {
    const map = new TrackedMap({ entriesMax: 2 });
    map.set('a', 1);
    map.set('b', 1);
    map.set('a', 2);
    expect(() => map.set('c', 1)).toThrow('2 entries');
    const three = '["set","c",1]\n["set","d",1]\n["set","e",1]\n';
    await expect(map.import('snapshot', stream(three))).rejects.toMatchObject({ code: 'overloaded' });
    await expect(map.import('delta', stream(three))).rejects.toMatchObject({ code: 'overloaded' });
    expect(contents(map)).toEqual({ a: 2, b: 1 });
  });

  test('an entry of more than 1 MiB is not exported, nor imported', async () => {
    const map = new TrackedMap();
    map.set('a', 'x'.repeat(1_100_000));
    await expect(octets(map, 'snapshot')).rejects.toMatchObject({ code: 'overloaded' });
    await expect(map.import('snapshot', stream('x'.repeat(1_100_000)))).rejects.toMatchObject({
      code: 'limit',
    });
  });
});

test.each([
  ['no JSON', '["set"\n'],
  ['no change', '["add","a",1]\n'],
  ['a key that is no text', '["set",1,1]\n'],
  ['a change with too much', '["delete","a",1]\n'],
  ['no list', '{"clear":1}\n'],
  ['a line without an end', '["set","a",1]'],
])('%s is refused, and nothing of it taken in', async (_name, text) => {
  const map = new TrackedMap();
  map.set('here', 1);
  for (const kind of ['snapshot', 'delta'] as const)
    await expect(map.import(kind, stream('["set","b",2]\n', text))).rejects.toThrow();
  expect(contents(map)).toEqual({ here: 1 });
});

test('what a delta would have is counted: each key once between exports', async () => {
  const map = new TrackedMap();
  await octets(map, 'snapshot');
  map.changedBytes();
  map.set('key', 'value');
  map.set('key', 'other');
  const counted = map.changedBytes();
  const { length } = await octets(map, 'delta');
  expect(Math.abs(counted - length)).toBeLessThan(5);
  expect(map.changedBytes()).toBe(0);
});

test('a map of one type takes in no other', async () => {
  const map = new TrackedMap({ isValue: (value) => typeof value === 'string' });
  await map.import('snapshot', stream('["set","a","x"]\n'));
  await expect(map.import('snapshot', stream('["set","a","y"]\n["set","b",1]\n'))).rejects.toThrow(
    'not one of ours',
  );
  expect(map.get('a')?.toUpperCase()).toBe('X');
});
