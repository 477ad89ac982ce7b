// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Conntrack,
  type ConntrackEntry,
  ConntrackFollower,
  type ConntrackKey,
  type FollowerOptions,
  writeConntrackSetting,
} from '../../src/conntrack/index.ts';
import { createNamespace, inNamespace, type NetworkNamespace } from '../../src/namespaces/index.ts';
import { labMissing } from '../support/lab.ts';
import { masqueraded, plainUdp, various } from './entries.ts';

const nameOf = ({ original, zone }: ConntrackKey): string => JSON.stringify([original, zone]);

/** The table as somebody knows it who is only told of changes. */
class Copy {
  readonly entries = new Map<string, ConntrackEntry>();

  take(follower: ConntrackFollower): { changed: number; gone: number; isWhole: boolean } {
    const { changed, gone, isWhole } = follower.changes();
    for (const entry of changed) this.entries.set(nameOf(entry), entry);
    for (const key of gone) expect(this.entries.delete(nameOf(key))).toBe(true);
    return { changed: changed.length, gone: gone.length, isWhole };
  }
}

describe.skipIf(labMissing !== '')(`following connection tracking ${labMissing}`, () => {
  const closers: (() => void)[] = [];
  let namespace: NetworkNamespace;
  let table: Conntrack;

  beforeEach(() => {
    namespace = createNamespace();
    closers.push(() => namespace.close());
    inNamespace(namespace.fd, () => writeConntrackSetting('nf_conntrack_events', 1));
    table = inNamespace(namespace.fd, () => new Conntrack());
    closers.push(() => table.close());
  });
  afterEach(() => {
    for (const close of closers.splice(0).reverse()) close();
  });

  const follow = (options?: FollowerOptions): ConntrackFollower => {
    const follower = inNamespace(namespace.fd, () => new ConntrackFollower(options));
    closers.push(() => follower.close());
    return follower;
  };
  const expectSame = (copy: Copy): void => {
    const withoutTime = (entries: Iterable<ConntrackEntry>): unknown[] =>
      [...entries]
        .map((entry) => ({ ...entry, timeoutSeconds: 0 }))
        .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    expect(withoutTime(copy.entries.values())).toEqual(withoutTime([...table.dump()].flat()));
  };

  test('tells everything once, then what changed', () => {
    table.insert(various.map(([, entry]) => entry));
    const follower = follow();
    expect(follower.listsAlways).toBe(false);
    const copy = new Copy();
    expect(copy.take(follower)).toEqual({ changed: various.length, gone: 0, isWhole: true });
    expectSame(copy);
    expect(copy.take(follower)).toEqual({ changed: 0, gone: 0, isWhole: false });

    const [first, second] = various.map(([, entry]) => entry) as [ConntrackEntry, ConntrackEntry];
    table.remove([first]);
    table.insert([plainUdp(9), { ...second, mark: 5 }], { ifExists: 'replace' });
    expect(copy.take(follower)).toEqual({ changed: 2, gone: 1, isWhole: false });
    expectSame(copy);
  });

  test('what came and went in between is not told', () => {
    const follower = follow();
    follower.changes();
    table.insert([plainUdp(1)]);
    table.remove([plainUdp(1)]);
    expect(follower.changes()).toEqual({ changed: [], gone: [], isWhole: false });
  });

  test('lost events are made up for by listing', () => {
    const follower = follow({ receiveBufferBytes: 64 * 1024 });
    const copy = new Copy();
    table.insert(Array.from({ length: 1000 }, (_, n) => plainUdp(n)));
    copy.take(follower);
    table.remove(Array.from({ length: 900 }, (_, n) => plainUdp(n)));
    table.insert(Array.from({ length: 2000 }, (_, n) => plainUdp(5000 + n)));
    expect(copy.take(follower)).toEqual({ changed: 2100, gone: 900, isWhole: true });
    expect(follower.overruns).toBeGreaterThan(0);
    expectSame(copy);
    table.remove([plainUdp(5000)]);
    expect(copy.take(follower)).toEqual({ changed: 0, gone: 1, isWhole: false });
  });

  test('many changes are read by one listing', () => {
    const follower = follow();
    const copy = new Copy();
    copy.take(follower);
    table.insert(Array.from({ length: 1500 }, (_, n) => plainUdp(n)));
    expect(copy.take(follower)).toEqual({ changed: 1500, gone: 0, isWhole: true });
    expect(follower.overruns).toBe(0);
  });

  test('where older entries do not tell of themselves, it lists', () => {
    inNamespace(namespace.fd, () => writeConntrackSetting('nf_conntrack_events', 2));
    table.insert([plainUdp(1), plainUdp(2)]);
    const follower = follow();
    expect(follower.listsAlways).toBe(true);
    const copy = new Copy();
    copy.take(follower);
    table.remove([plainUdp(1)]);
    expect(copy.take(follower)).toEqual({ changed: 1, gone: 1, isWhole: true });
  });

  test('the whole is told to who asks for it', () => {
    const follower = follow();
    const copy = new Copy();
    table.insert([plainUdp(1)]);
    copy.take(follower);
    const { changed, isWhole } = follower.changes(true);
    expect([changed.length, isWhole]).toEqual([1, true]);
  });

  test('in turns it tells the same; one that was given up is made up for by listing', async () => {
    const follower = follow();
    table.insert(Array.from({ length: 5000 }, (_, n) => plainUdp(n)));
    const { changed } = await follower.changesInTurns(true);
    expect(changed).toHaveLength(5000);
    table.remove([plainUdp(1)]);
    expect((await follower.changesInTurns()).gone).toHaveLength(1);
    const given = new AbortController();
    const stopped = follower.changesInTurns(true, given.signal);
    given.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    table.remove([plainUdp(2)]);
    const { changed: all, gone, isWhole } = follower.changes();
    expect([all.length, gone.length, isWhole]).toEqual([4998, 1, true]);
  });

  test('an entry that leaves the filter is gone', () => {
    const follower = follow({ filter: { mark: { value: 42 } } });
    const copy = new Copy();
    table.insert([masqueraded(1), plainUdp(1)]);
    expect(copy.take(follower)).toEqual({ changed: 1, gone: 0, isWhole: true });
    table.insert([{ ...masqueraded(1), mark: 43 }], { ifExists: 'replace' });
    expect(copy.take(follower)).toEqual({ changed: 0, gone: 1, isWhole: false });
  });

  test('a copy is the table, whatever happened to it', () => {
    const step = fc.record({
      what: fc.constantFrom('insert', 'replace', 'remove', 'take'),
      number: fc.nat(7),
      mark: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        table.remove([...table.dump()].flat());
        const follower = inNamespace(namespace.fd, () => new ConntrackFollower());
        try {
          const copy = new Copy();
          for (const { what, number, mark } of steps) {
            const entry = { ...masqueraded(30_000 + number), mark };
            if (what === 'take') copy.take(follower);
            else if (what === 'remove') table.remove([entry]);
            else table.insert([entry], { ifExists: what === 'replace' ? 'replace' : 'fail' });
          }
          copy.take(follower);
          expectSame(copy);
        } finally {
          follower.close();
        }
      }),
      { numRuns: 30 },
    );
  });
});
