// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '@vnfpool/platform';
import type { ConntrackChanges, ConntrackFailure, InsertOptions } from '@vnfpool/platform/conntrack';
import {
  exportFlows,
  FlowImporter,
  type FlowStateKind,
  type FlowTable,
} from '@vnfpool/runtime/flow-transfer';
import { WireError } from '@vnfpool/wire/bytes';
import {
  decodeFlowState,
  encodeFlowState,
  type FlowEntry,
  type FlowExpectation,
  type FlowKey,
  type FlowRecord,
  flowKeyText,
  invertTuple,
} from '@vnfpool/wire/flow-state';
import { describe, expect, test } from 'vitest';

const never = new AbortController().signal;

function udp(number: number, rest: Partial<FlowEntry> = {}): FlowEntry {
  const original = {
    source: Uint8Array.of(10, 0, number >> 8, number & 0xff),
    destination: Uint8Array.of(192, 0, 2, 53),
    protocol: 17,
    layer4: { kind: 'ports' as const, source: 5000, destination: 53 },
  };
  return {
    original,
    reply: invertTuple(original),
    status: 2,
    timeoutSeconds: 30,
    zone: 0,
    zoneDirection: 'both',
    mark: 0,
    tcp: null,
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
    ...rest,
  };
}

/** What a helper expects of a flow. */
const announced = ({ original }: FlowEntry): FlowExpectation => ({
  master: original,
  tuple: invertTuple(original),
  mask: original,
  timeoutSeconds: 30,
  flags: 0,
  class: 0,
  zone: 0,
  helper: 'tftp',
  translation: null,
  function: null,
});
const keyOf = ({ original, zone, zoneDirection }: FlowKey): FlowKey => ({ original, zone, zoneDirection });
const flow = (entry: FlowEntry): FlowRecord => ({ kind: 'flow', entry });
const gone = (entry: FlowEntry): FlowRecord => ({ kind: 'gone', key: keyOf(entry) });

/** Compares one by one: the difference of two long lists takes minutes to print. */
function expectRecords(got: readonly FlowRecord[], wanted: readonly FlowRecord[]): void {
  expect(got.length).toBe(wanted.length);
  for (const [place, record] of got.entries()) expect(record).toEqual(wanted[place]);
}

/** A kernel that refuses what is told to be refused, and flows whose master is not there. */
class Table implements FlowTable {
  readonly entries = new Map<string, FlowEntry>();
  readonly options: InsertOptions[] = [];
  refuses: (entry: FlowEntry) => boolean = () => false;
  lacksHelpers = false;

  insert(entries: readonly FlowEntry[], options: InsertOptions): ConntrackFailure[] {
    this.options.push(options);
    const failures: ConntrackFailure[] = [];
    for (const [index, entry] of entries.entries()) {
      const { master } = entry;
      const masterKey = master && flowKeyText({ original: master, zone: 0, zoneDirection: 'both' });
      const code = this.refuses(entry)
        ? 'ENOMEM'
        : masterKey && !this.entries.has(masterKey)
          ? 'ENOENT'
          : this.lacksHelpers && entry.helper !== null
            ? 'EOPNOTSUPP'
            : null;
      if (code === null) this.entries.set(flowKeyText(entry), entry);
      else failures.push({ index, error: new PlatformError(code, code, { call: 'test' }) });
    }
    return failures;
  }

  remove(keys: readonly FlowKey[]): ConntrackFailure[] {
    const error = new PlatformError('ENOENT', 'not there', { call: 'test' });
    return keys.flatMap((key, index) => (this.entries.delete(flowKeyText(key)) ? [] : [{ index, error }]));
  }

  readonly expected: FlowExpectation[] = [];

  expect(expectations: readonly FlowExpectation[]): ConntrackFailure[] {
    const error = new PlatformError('ENOENT', 'no master', { call: 'test' });
    return expectations.flatMap((expectation, index) => {
      const isThere = this.entries.has(
        flowKeyText({ original: expectation.master, zone: 0, zoneDirection: 'both' }),
      );
      if (isThere) this.expected.push(expectation);
      return isThere ? [] : [{ index, error }];
    });
  }

  get sources(): string[] {
    return [...this.entries.values()]
      .map(({ original }) => original.source.join('.'))
      .toSorted((a, b) => (a < b ? -1 : 1));
  }
}

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.slice(at, at + size);
  }
}

const take = (
  importer: FlowImporter,
  kind: FlowStateKind,
  records: readonly FlowRecord[],
  size = 100,
): ReturnType<FlowImporter['import']> =>
  importer.import(kind, chunksOf(encodeFlowState(records), size), never);

describe('exporting flows', () => {
  const changes: ConntrackChanges = {
    changed: Array.from({ length: 4500 }, (_, n) => udp(n)),
    gone: Array.from({ length: 700 }, (_, n) => keyOf(udp(n + 5000))),
    isWhole: false,
  };
  const exported = async (
    kind: FlowStateKind,
  ): Promise<{ asked: unknown[]; records: FlowRecord[]; result: unknown }> => {
    const chunks: Uint8Array[] = [];
    const asked: unknown[] = [];
    const source = {
      changesInTurns: (isWhole: boolean): Promise<ConntrackChanges> => {
        asked.push(isWhole);
        return Promise.resolve(changes);
      },
      expectations: () => [announced(udp(1))],
    };
    const write = (chunk: Uint8Array): Promise<void> => {
      chunks.push(chunk);
      return Promise.resolve();
    };
    const result = await exportFlows(source, kind, write, never);
    const bytes = Buffer.concat(chunks);
    expect(result.bytes).toBe(bytes.length);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(256 * 1024);
    return { asked, records: decodeFlowState(bytes), result };
  };

  test('a delta says first what is gone, then what changed', async () => {
    const { asked, records, result } = await exported('delta');
    expect(asked).toEqual([false]);
    expectRecords(records, [
      ...changes.gone.map((key) => ({ kind: 'gone' as const, key })),
      ...changes.changed.map(flow),
    ]);
    expect(result).toMatchObject({ flows: 4500, gone: 700 });
  });

  test('what is expected is said in the last part alone, behind all flows', async () => {
    const { records, result } = await exported('last');
    expect(result).toMatchObject({ expectations: 1 });
    expect(records.at(-1)).toEqual({ kind: 'expectation', expectation: announced(udp(1)) });
    expect((await exported('delta')).result).toMatchObject({ expectations: 0 });
  });

  test('a snapshot asks for everything, and says what is there', async () => {
    const { asked, records, result } = await exported('snapshot');
    expect(asked).toEqual([true]);
    expectRecords(records, changes.changed.map(flow));
    expect(result).toMatchObject({ flows: 4500, gone: 0 });
  });

  test('ends when it is to, and when nobody takes it', async () => {
    const stop = new AbortController();
    const source = {
      changesInTurns: (): Promise<ConntrackChanges> => Promise.resolve(changes),
      expectations: () => [],
    };
    let chunks = 0;
    const write = (): Promise<void> => {
      if (++chunks === 2) stop.abort(new Error('enough'));
      return Promise.resolve();
    };
    await expect(exportFlows(source, 'delta', write, stop.signal)).rejects.toThrow('enough');
    expect(chunks).toBe(2);
    const broken = (): Promise<void> => Promise.reject(new Error('pipe'));
    await expect(exportFlows(source, 'delta', broken, never)).rejects.toThrow('pipe');
  });
});

describe('importing flows', () => {
  test('in the order of the stream, whatever the chunks', async () => {
    const [a, b, c] = [udp(1), udp(2), udp(3)] as const;
    const records = [gone(a), flow(a), gone(b), flow(b), flow(c), gone(c), gone(udp(4))];
    for (const size of [1, 7, 50, 10_000]) {
      const table = new Table();
      const importer = new FlowImporter(table);
      expect(await take(importer, 'delta', records, size)).toMatchObject({ flows: 3, refusedTotal: 0 });
      expect(table.sources, `chunks of ${size}`).toEqual(['10.0.0.1', '10.0.0.2']);
      expect(importer.size).toBe(2);
    }
  });

  test('entries replace others and outlive the pause between two rounds', async () => {
    const table = new Table();
    await take(new FlowImporter(table), 'delta', [flow(udp(1))]);
    await take(new FlowImporter(table, { ifExists: 'fail' }), 'delta', [flow(udp(2))]);
    expect(table.options).toEqual([
      { ifExists: 'replace', timeoutSecondsMin: 300 },
      { ifExists: 'fail', timeoutSecondsMin: 300 },
    ]);
  });

  test('a flow waits for its master', async () => {
    const table = new Table();
    const child = udp(1, { master: udp(2).original });
    const result = await take(new FlowImporter(table), 'snapshot', [flow(child), flow(udp(2))], 10);
    expect(result).toMatchObject({ flows: 2, refusedTotal: 0 });
  });

  test('what is expected comes behind the flows; without its master it is left out, and counted', async () => {
    const table = new Table();
    const records = [announced(udp(1)), announced(udp(9))].map((expectation) => ({
      kind: 'expectation' as const,
      expectation,
    }));
    const result = await take(new FlowImporter(table), 'last', [...records, flow(udp(1))], 10);
    expect(result).toMatchObject({ flows: 1, expected: 1, notExpected: 1, refusedTotal: 0 });
    expect(table.expected).toEqual([announced(udp(1))]);
  });

  test('one whose master is gone, or whose helper is not there, goes on without', async () => {
    const table = new Table();
    table.lacksHelpers = true;
    const orphan = udp(3, { master: udp(9).original });
    const helped = udp(4, { helper: 'ftp' });
    const result = await take(new FlowImporter(table), 'snapshot', [
      flow(orphan),
      flow(helped),
      flow(udp(5)),
    ]);
    expect(result).toMatchObject({ flows: 3, weakened: 2, refusedTotal: 0 });
    const taken = [...table.entries.values()].map(({ master, helper }) => ({ master, helper }));
    expect(taken).toEqual([1, 2, 3].map(() => ({ master: null, helper: null })));
  });

  test('refusals are counted, the first of them told', async () => {
    const table = new Table();
    table.refuses = ({ original }) => original.source[2] === 1;
    const importer = new FlowImporter(table);
    const all = Array.from({ length: 512 }, (_, n) => flow(udp(n)));
    const result = await take(importer, 'snapshot', all, 1000);
    expect([result.flows, result.refusedTotal, result.refused.length]).toEqual([256, 256, 100]);
    expect(result.refused[0]).toEqual({ key: keyOf(udp(256)), code: 'ENOMEM' });
    expect(importer.size).toBe(256);
  });

  test('a second snapshot takes the place of the first; discarding leaves what was there before', async () => {
    const table = new Table();
    table.insert([udp(7)], {});
    const importer = new FlowImporter(table);
    await take(importer, 'snapshot', [flow(udp(1)), flow(udp(2))]);
    await take(importer, 'snapshot', [flow(udp(2)), flow(udp(3))]);
    expect(table.sources).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.7']);
    await importer.discard();
    expect([table.sources, importer.size]).toEqual([['10.0.0.7'], 0]);
  });

  test('a stream that breaks off is an error, and what came of it can be taken out', async () => {
    const table = new Table();
    const importer = new FlowImporter(table);
    const bytes = encodeFlowState([flow(udp(1)), flow(udp(2))]);
    await expect(importer.import('snapshot', chunksOf(bytes.slice(0, -1), 30), never)).rejects.toThrow(
      WireError,
    );
    expect(table.entries.size).toBe(2);
    await importer.discard();
    expect(table.entries.size).toBe(0);
  });

  test('ends when it is to', async () => {
    const stop = new AbortController();
    const table = new Table();
    table.refuses = () => {
      stop.abort(new Error('enough'));
      return false;
    };
    const many = encodeFlowState(Array.from({ length: 3000 }, (_, n) => flow(udp(n))));
    const importer = new FlowImporter(table);
    await expect(importer.import('snapshot', chunksOf(many, 1 << 20), stop.signal)).rejects.toThrow('enough');
    expect(table.entries.size).toBe(1000);
  });
});
