// SPDX-License-Identifier: Apache-2.0

import { setImmediate as turn } from 'node:timers/promises';
import type { KeyUpdate } from '@vnfpool/core/replication';
import { PlatformError } from '@vnfpool/platform';
import type { ConntrackEvent } from '@vnfpool/platform/conntrack';
import {
  CANARY_EVERY_MS,
  CANARY_REFUSED_MS,
  CANARY_SILENT_MS,
  type FlowKernel,
  type FlowListener,
  FlowUpdates,
  type FlowUpdatesOptions,
  MASTER_AGAIN_MS,
} from '@vnfpool/runtime/flow-sharing';
import { StateError } from '@vnfpool/runtime/replication';
import { StillClock } from '@vnfpool/testkit/clocks';
import {
  type FlowEntry,
  type FlowExpectation,
  readSharedFlowKey,
  sharedExpectationBody,
  sharedExpectationKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowValue,
} from '@vnfpool/wire/flow-state';
import { describe, expect, test } from 'vitest';
import { Copy, established, expected, tcp, udp } from './flows.ts';

class Kernel implements FlowKernel {
  readonly table = new Map<string, FlowEntry>();
  listener: FlowListener | undefined;
  readonly expecting = new Set<FlowExpectation>();
  hasExpectations = true;
  /** What it refuses, for the time being. */
  readonly refuses = new Set<'dump' | 'find' | 'subscribe' | 'expectations'>();
  refusal: Error = new PlatformError('TIMEOUT', 'no answer', { call: 'test' });
  subscriptions = 0;
  lookedUp = 0;
  listings = 0;
  /** Before each piece of a listing. */
  onPiece: () => void = () => undefined;

  subscribe(listener: FlowListener): ReturnType<FlowKernel['subscribe']> {
    this.subscriptions++;
    this.#check('subscribe');
    this.listener = listener;
    return {
      includesOlder: true,
      flush: () => {
        for (const number of this.unread?.splice(0) ?? []) listener.canary?.(number);
      },
      close: () => {
        this.listener = undefined;
      },
    };
  }

  *dump(): Generator<FlowEntry[]> {
    this.listings++;
    const all = [...this.table.values()];
    for (let at = 0; at < all.length; at += 100) {
      this.onPiece();
      yield all.slice(at, at + 100);
    }
    this.#check('dump');
  }

  #check(what: 'dump' | 'find' | 'subscribe' | 'expectations'): void {
    if (this.refuses.has(what)) throw this.refusal;
  }

  /** Its subscription is dead. */
  deafen(error: Error): void {
    const { listener } = this;
    this.listener = undefined;
    listener?.failed(error);
  }

  find(key: Parameters<FlowKernel['find']>[0]): FlowEntry | undefined {
    this.lookedUp++;
    this.#check('find');
    return this.table.get(sharedFlowKey(key));
  }

  expectations(): FlowExpectation[] {
    if (!this.hasExpectations) throw new PlatformError('EINVAL', 'no such table', { call: 'test' });
    this.#check('expectations');
    return [...this.expecting];
  }

  expect(...expectations: FlowExpectation[]): void {
    for (const each of expectations) this.expecting.add(each);
    this.listener?.expectations?.(expectations.map((expectation) => ({ type: 'new', expectation })));
  }

  unexpect(...expectations: FlowExpectation[]): void {
    for (const each of expectations) this.expecting.delete(each);
    this.listener?.expectations?.(expectations.map((expectation) => ({ type: 'destroy', expectation })));
  }

  /** Nothing at all is told. */
  isSilent = false;
  /** What was told, and not read yet. */
  unread: number[] | null = null;
  singRefusal: PlatformError | null = null;
  sung = 0;

  sing(number: number): void {
    this.sung++;
    if (this.singRefusal !== null) throw this.singRefusal;
    if (this.unread !== null) this.unread.push(number);
    else if (!this.isSilent) this.listener?.canary?.(number);
  }

  close(): void {}

  put(...entries: FlowEntry[]): void {
    for (const entry of entries) this.table.set(sharedFlowKey(entry), entry);
  }

  tell(type: ConntrackEvent['type'], ...entries: FlowEntry[]): void {
    if (type === 'destroy') for (const entry of entries) this.table.delete(sharedFlowKey(entry));
    else this.put(...entries);
    if (!this.isSilent) this.listener?.events(entries.map((entry) => ({ type, entry })));
  }
}

function following(kernel: Kernel, options: Partial<FlowUpdatesOptions> = {}) {
  const copy = new Copy();
  const batches: (readonly KeyUpdate[])[] = [];
  const change = (updates: readonly KeyUpdate[]): Promise<void> => {
    batches.push(updates);
    copy.take(updates);
    return Promise.resolve();
  };
  const faults: string[] = [];
  const onFault = ({ message }: Error): void => {
    faults.push(message);
  };
  const updates = new FlowUpdates({ kernel, change, onFault, ...options });
  return { updates, copy, batches, faults };
}

const entryOf = (flow: FlowEntry): readonly [string, Uint8Array] => [
  sharedFlowKey(flow),
  sharedFlowValue(sharedFlowBody(flow), flow.timeoutSeconds),
];

test('the table as it is, then what comes, changes and goes', async () => {
  const kernel = new Kernel();
  kernel.put(tcp(1), tcp(2));
  const { updates, copy } = following(kernel);
  await updates.settle();
  expect(copy.sources).toEqual(['10.0.0.1', '10.0.0.2']);
  kernel.tell('new', tcp(3));
  kernel.tell('update', tcp(1, { mark: 7, tcp: null }));
  kernel.tell('destroy', tcp(2));
  await updates.settle();
  expect(copy.sources).toEqual(['10.0.0.1', '10.0.0.3']);
  expect(copy.flows.find(({ mark }) => mark === 7)?.tcp).toEqual(established);
  await updates.end();
  expect(kernel.listener).toBeUndefined();
  expect([kernel.listings, kernel.lookedUp]).toEqual([1, 0]);
});

test('where the other side has a copy it is told the difference; the time left is none', async () => {
  const kernel = new Kernel();
  kernel.put(tcp(1, { timeoutSeconds: 7 }), tcp(2, { mark: 4 }), tcp(3));
  const later = ['\u00e0', Uint8Array.of(1)] as const;
  const entries = [...[tcp(1), tcp(2), tcp(9)].map(entryOf), later];
  const { updates, batches } = following(kernel, { entries });
  await updates.settle();
  const told = batches.flat().map(({ key, value }) => [key, value !== null]);
  expect(new Map(told as [string, boolean][])).toEqual(
    new Map([
      [sharedFlowKey(tcp(2)), true],
      [sharedFlowKey(tcp(3)), true],
      [sharedFlowKey(tcp(9)), false],
    ]),
  );
  updates.close();
});

test('where there is no hurry the table is listed later, once; or when somebody waits for it', async () => {
  const clock = new StillClock();
  const late = new Kernel();
  late.put(tcp(1));
  const first = following(late, { clock, listAfterMs: 250 });
  late.tell('new', tcp(2));
  clock.pass(249);
  expect(late.listings).toBe(0);
  clock.pass(1);
  await first.updates.settle();
  expect([late.listings, first.copy.sources]).toEqual([1, ['10.0.0.1', '10.0.0.2']]);
  const awaited = new Kernel();
  awaited.put(tcp(1));
  const second = following(awaited, { clock, listAfterMs: 250 });
  await second.updates.end();
  expect([awaited.listings, second.copy.sources]).toEqual([1, ['10.0.0.1']]);
  const left = new Kernel();
  following(left, { clock, listAfterMs: 250 }).updates.close();
  clock.pass(1_000);
  expect([awaited.listings, left.listings]).toEqual([1, 0]);
});

test('what nobody would miss is not told: half-open and closed connections, datagrams without an answer', async () => {
  const kernel = new Kernel();
  const { updates, copy } = following(kernel);
  const state = (value: number) => ({ tcp: { ...established, state: value } });
  const sctp = (value: number) => ({
    original: { ...udp(8).original, protocol: 132 },
    reply: { ...udp(8).reply, protocol: 132 },
    sctp: { state: value, originalTag: 1, replyTag: 2 },
  });
  const translated = udp(4, {
    status: 0,
    reply: { ...udp(4).reply, destination: Uint8Array.of(192, 0, 2, 1) },
  });
  kernel.tell('new', tcp(1, state(1)), tcp(2, state(2)), udp(3, { status: 0 }), translated, udp(8, sctp(2)));
  await updates.settle();
  expect(copy.sources).toEqual(['10.0.0.4']);
  kernel.tell('update', tcp(1, state(3)), udp(3), udp(8, sctp(4)));
  await updates.settle();
  expect(copy.sources).toEqual(['10.0.0.1', '10.0.0.3', '10.0.0.4', '10.0.0.8']);
  kernel.tell('update', tcp(1, state(7)));
  await updates.settle();
  expect(copy.sources).toEqual(['10.0.0.3', '10.0.0.4', '10.0.0.8']);
  expect(updates.size).toBe(5);
  updates.close();
  const all = following(kernel, { choice: 'all' });
  await all.updates.settle();
  expect(all.copy.sources).toHaveLength(5);
});

test('while the other side is not ready, each flow waits once, as it is by then', async () => {
  const kernel = new Kernel();
  let goOn: () => void = () => undefined;
  const copy = new Copy();
  const sizes: number[] = [];
  const change = async (batch: readonly KeyUpdate[]): Promise<void> => {
    sizes.push(batch.length);
    copy.take(batch);
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
  };
  const { updates } = following(kernel, { change });
  kernel.tell('new', tcp(1));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(sizes).toEqual([1]);
  for (let mark = 0; mark < 1000; mark++) kernel.tell('update', tcp(1, { mark }), tcp(2, { mark }));
  for (let n = 0; n < 1000; n++) {
    kernel.tell('new', tcp(3));
    kernel.tell('destroy', tcp(3));
  }
  expect(updates.pending).toBe(2);
  goOn();
  await new Promise(setImmediate);
  expect(sizes).toEqual([1, 2]);
  expect(copy.flows.map(({ mark }) => mark)).toEqual([999, 999]);
  goOn();
  updates.close();
});

test('events that were lost are made up for by a listing, which is said; what is heard meanwhile counts', async () => {
  const kernel = new Kernel();
  let overruns = 0;
  const { updates, copy } = following(kernel, { onOverrun: () => overruns++ });
  kernel.tell('new', ...Array.from({ length: 5000 }, (_, n) => tcp(n)));
  await updates.settle();
  expect(copy.values.size).toBe(5000);
  // Nobody says it.
  for (let n = 0; n < 1000; n++) kernel.table.delete(sharedFlowKey(tcp(n)));
  kernel.put(tcp(6000), tcp(6001));
  let pieces = 0;
  kernel.onPiece = () => {
    pieces++;
    if (pieces === 30) kernel.tell('destroy', tcp(1500));
    if (pieces === 35) kernel.tell('new', tcp(6002));
    // And once more, in the middle of it.
    if (pieces === 39) {
      kernel.table.delete(sharedFlowKey(tcp(1501)));
      kernel.listener?.overrun();
    }
  };
  kernel.listener?.overrun();
  await updates.settle();
  expect([overruns, updates.overruns, kernel.listings]).toEqual([2, 2, 3]);
  expect(new Set(copy.values.keys())).toEqual(new Set(kernel.table.keys()));
  updates.close();
});

test('events were lost until all was listed, and for 5 s at least: at the brink that is one time', async () => {
  const kernel = new Kernel();
  const clock = new StillClock();
  const { updates } = following(kernel, { clock });
  await updates.settle();
  expect([updates.overruns, updates.isOverrun]).toEqual([0, false]);
  kernel.put(tcp(1));
  // Once more, in the middle of the listing, which is done again.
  kernel.onPiece = () => {
    kernel.onPiece = () => undefined;
    kernel.listener?.overrun();
  };
  kernel.listener?.overrun();
  clock.pass(60_000);
  expect(updates.isOverrun).toBe(true);
  await updates.settle();
  clock.pass(4_999);
  expect([updates.overruns, updates.isOverrun]).toEqual([2, true]);
  clock.pass(1);
  expect([updates.overruns, updates.isOverrun]).toEqual([2, false]);
  updates.close();
});

test('what was refused for want of room is told again; nothing after the end', async () => {
  const kernel = new Kernel();
  const copy = new Copy();
  const codes: ('full' | 'overload' | 'closed' | null)[] = ['overload', 'full', null, 'closed'];
  const change = (batch: readonly KeyUpdate[]): Promise<void> => {
    const code = codes.shift() ?? null;
    if (code !== null) return Promise.reject(new StateError(code, code));
    copy.take(batch);
    return Promise.resolve();
  };
  const { updates, faults } = following(kernel, { change });
  kernel.tell('new', tcp(1));
  await updates.settle();
  expect([copy.sources, codes]).toEqual([['10.0.0.1'], ['closed']]);
  kernel.tell('new', tcp(2));
  await expect(updates.settle()).rejects.toThrow('closed');
  kernel.tell('new', tcp(3));
  await expect(updates.end()).rejects.toThrow('closed');
  expect([copy.sources, faults]).toEqual([['10.0.0.1'], ['closed']]);
});

describe('a copy that is full', () => {
  /** Takes what has room, in its order, up to the first that has none: as a slot's holder does. */
  function bounded(kernel: Kernel, { keysMax = 5, octetsMax = Number.POSITIVE_INFINITY } = {}) {
    const clock = new StillClock();
    const copy = new Copy();
    const tries: (readonly string[])[] = [];
    const sources = ({ key }: KeyUpdate): string => readSharedFlowKey(key).original.source.join('.');
    const change = (batch: readonly KeyUpdate[]): Promise<void> => {
      tries.push(batch.map(sources));
      for (const [place, update] of batch.entries()) {
        const { key, value } = update;
        const octets = [...copy.values].reduce(
          (sum, [each, { length }]) => sum + (each === key ? 0 : length),
          0,
        );
        const fits = copy.values.size < keysMax || copy.values.has(key);
        if (value !== null && (!fits || octets + value.length > octetsMax))
          return Promise.reject(new StateError('full', 'full', place));
        copy.take([update]);
      }
      return Promise.resolve();
    };
    const said: number[] = [];
    const onFull = (untold: number): void => void said.push(untold);
    const following_ = following(kernel, { change, onFull, clock });
    const turns = async (): Promise<void> => {
      for (let n = 0; n < 50; n++) await new Promise(setImmediate);
    };
    const pass = async (ms: number): Promise<void> => {
      clock.pass(ms);
      await turns();
    };
    return { ...following_, copy, tries, said, turns, pass };
  }

  test('is told of ends and changes first, which make room for what is new; the lack is said once, and its end', async () => {
    const kernel = new Kernel();
    const { updates, copy, faults, said, turns, pass } = bounded(kernel);
    kernel.tell('new', ...[1, 2, 3, 4, 5].map((n) => tcp(n)));
    await updates.settle();
    kernel.tell('new', tcp(6));
    await turns();
    expect([updates.pending, updates.unfit, said]).toEqual([1, 1, [1]]);
    kernel.tell('new', tcp(7));
    kernel.tell('update', tcp(4, { mark: 9 }));
    await pass(100);
    expect(copy.flows.find(({ mark }) => mark === 9)).toBeDefined();
    expect([copy.sources.length, updates.unfit]).toEqual([5, 2]);
    kernel.tell('destroy', tcp(1), tcp(2), tcp(3));
    await pass(100);
    expect(copy.sources).toEqual(['10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.7']);
    expect([updates.pending, said]).toEqual([0, [1]]);
    // Whatever goes on meanwhile.
    for (let mark = 0; mark < 50; mark++) {
      kernel.tell('update', tcp(5, { mark }));
      await pass(100);
    }
    expect([updates.unfit, said, faults]).toEqual([null, [1, 0], []]);
    updates.close();
  });

  test('at the brink, where single flows come and go, it is not said each time', async () => {
    const kernel = new Kernel();
    const { updates, copy, said, turns, pass } = bounded(kernel);
    kernel.tell('new', ...[1, 2, 3, 4, 5].map((n) => tcp(n)));
    for (let n = 6; n < 20; n++) {
      kernel.tell('new', tcp(n));
      await pass(100);
      kernel.tell('destroy', tcp(n - 5));
      await pass(1_000);
    }
    await turns();
    expect([copy.values.size, said]).toEqual([5, [1]]);
    updates.close();
  });

  test('hears nothing of a flow that it never had, neither changes nor its end', async () => {
    const kernel = new Kernel();
    const { updates, tries, turns, pass } = bounded(kernel);
    kernel.tell('new', ...[1, 2, 3, 4, 5].map((n) => tcp(n)));
    kernel.tell('new', tcp(6), tcp(7));
    await turns();
    kernel.tell('update', tcp(6, { mark: 1 }));
    await pass(100);
    kernel.tell('destroy', tcp(6), tcp(7));
    expect(updates.pending).toBe(0);
    tries.length = 0;
    await pass(10_000);
    expect(tries).toEqual([]);
    updates.close();
  });

  test('takes the changes that have room, whatever grew ahead of them', async () => {
    const kernel = new Kernel();
    const octets = entryOf(tcp(1))[1].length;
    const { updates, copy, said, turns } = bounded(kernel, { octetsMax: 4 * octets });
    kernel.tell('new', ...[1, 2, 3, 4].map((n) => tcp(n)));
    await updates.settle();
    const grown = { labels: new Uint8Array(16).fill(1) };
    kernel.tell('update', tcp(1, grown), tcp(2, grown), tcp(3, { status: 0x4 }), tcp(4, { status: 0x4 }));
    await turns();
    expect(copy.flows.map(({ status }) => status)).toEqual([6, 6, 4, 4]);
    expect([updates.unfit, said]).toEqual([2, [2]]);
    updates.close();
  });
});

test('of expectations that had no room nothing is told once they are no more, and those of a known master come after what ended', async () => {
  const kernel = new Kernel();
  const copy = new Copy();
  const told: (readonly KeyUpdate[])[] = [];
  let keysMax = 2;
  const clock = new StillClock();
  const change = (batch: readonly KeyUpdate[]): Promise<void> => {
    told.push(batch);
    for (const [place, update] of batch.entries()) {
      if (update.value !== null && copy.values.size >= keysMax)
        return Promise.reject(new StateError('full', 'full', place));
      copy.take([update]);
    }
    return Promise.resolve();
  };
  const { updates } = following(kernel, { change, clock });
  const turns = async (): Promise<void> => {
    for (let n = 0; n < 20; n++) await new Promise(setImmediate);
  };
  kernel.tell('new', tcp(1));
  await updates.settle();
  const [first, second] = [expected(11, tcp(1)), expected(12, tcp(1))];
  kernel.expect(first);
  kernel.expect(second);
  await turns();
  expect(copy.expectations).toEqual([first]);
  kernel.tell('new', tcp(2));
  kernel.unexpect(first);
  clock.pass(100);
  await turns();
  // Its removal made room for one of those that waited.
  expect(copy.values.size).toBe(2);
  kernel.unexpect(second);
  kernel.tell('destroy', tcp(2));
  keysMax = 10;
  told.length = 0;
  clock.pass(100);
  await turns();
  expect(copy.sources).toEqual(['10.0.0.1']);
  expect([copy.expectations, told.flat().length <= 1]).toEqual([[], true]);
  updates.close();
});

test('an update of a flow that nobody knew is looked up', async () => {
  const kernel = new Kernel();
  const { updates, copy } = following(kernel);
  await updates.settle();
  kernel.put(tcp(1, { mark: 3 }));
  kernel.listener?.events([{ type: 'update', entry: tcp(1, { mark: 3, tcp: null }) }]);
  kernel.listener?.events([{ type: 'update', entry: tcp(2, { tcp: null }) }]);
  await updates.settle();
  expect([copy.sources, kernel.lookedUp]).toEqual([['10.0.0.1'], 2]);
  expect(copy.flows[0]?.tcp).toEqual(established);
  updates.close();
});

test('flows that cannot be told are counted, and told of once', async () => {
  const kernel = new Kernel();
  const { updates, copy, faults } = following(kernel);
  const strange = (number: number): FlowEntry => tcp(number, { tcp: { ...established, state: 99 } });
  kernel.tell('new', strange(1), tcp(2), strange(3));
  kernel.listener?.failed(new Error('gone'));
  await expect(updates.settle()).rejects.toThrow('gone');
  expect(faults).toHaveLength(2);
  expect(updates.untellable).toBe(2);
  // What was heard before the end was told at once.
  expect(copy.sources).toEqual(['10.0.0.2']);
});

test('expected connections follow their masters: there at the beginning, coming, going, and in the zone of the master', async () => {
  const kernel = new Kernel();
  const [control, zoned] = [tcp(1), tcp(2, { zone: 7 })];
  const [first, second, third] = [expected(11, control), expected(12, zoned), expected(13, control)];
  kernel.put(control, zoned);
  kernel.expect(first);
  const { updates, copy, faults } = following(kernel);
  await updates.settle();
  expect(copy.expectations).toEqual([first]);
  kernel.expect(second, third);
  kernel.unexpect(first);
  await updates.settle();
  expect(copy.expectations).toEqual([{ ...second, zone: 7 }, third]);
  // The kernel lets go of what an ended connection has announced.
  kernel.tell('destroy', zoned);
  kernel.unexpect(second);
  await updates.settle();
  expect([copy.expectations, copy.flows.length, faults]).toEqual([[third], 1, []]);
  updates.close();
});

test('one whose master is not shared waits for it: not known, half-open, or of two zones', async () => {
  const kernel = new Kernel();
  const { updates, copy } = following(kernel);
  const late = tcp(1);
  kernel.expect(expected(11, late));
  await updates.settle();
  kernel.tell('new', { ...late, tcp: { ...established, state: 1 } });
  await updates.settle();
  expect([copy.values.size, updates.pending]).toEqual([0, 0]);
  kernel.tell('update', late);
  await updates.settle();
  expect(copy.expectations).toEqual([expected(11, late)]);
  kernel.tell('new', tcp(2, { zone: 1 }), tcp(2, { zone: 2 }));
  kernel.expect(expected(12, tcp(2)));
  await updates.settle();
  expect(copy.expectations).toHaveLength(1);
  updates.close();
});

test('of expectations the difference is told, and lost events are made up for', async () => {
  const kernel = new Kernel();
  const control = tcp(1);
  const [same, gone, late] = [11, 12, 13].map((n) => expected(n, control)) as [
    FlowExpectation,
    FlowExpectation,
    FlowExpectation,
  ];
  kernel.put(control);
  kernel.expecting.add({ ...same, timeoutSeconds: 1 });
  const entries = [
    entryOf(control),
    ...[same, gone].map(
      (each) => [sharedExpectationKey(each), sharedFlowValue(sharedExpectationBody(each), 300)] as const,
    ),
  ];
  const { updates, batches, copy } = following(kernel, { entries });
  await updates.settle();
  expect(batches.flat()).toEqual([{ key: sharedExpectationKey(gone), value: null }]);
  // Nobody says it.
  kernel.expecting.clear();
  kernel.expecting.add(late);
  kernel.listener?.overrun();
  await updates.settle();
  const told = batches.flat().slice(1);
  expect(new Map(told.map(({ key, value }) => [key, value !== null]))).toEqual(
    new Map([
      [sharedExpectationKey(late), true],
      [sharedExpectationKey(same), false],
    ]),
  );
  expect(copy.expectations).toEqual([late]);
  updates.close();
});

test('expectations that were refused for want of room are told again', async () => {
  const kernel = new Kernel();
  const copy = new Copy();
  let isFull = true;
  const change = (batch: readonly KeyUpdate[]): Promise<void> => {
    const wasFull = isFull;
    isFull = false;
    if (wasFull) return Promise.reject(new StateError('full', 'full'));
    copy.take(batch);
    return Promise.resolve();
  };
  kernel.put(tcp(1));
  kernel.expect(expected(11, tcp(1)));
  const { updates } = following(kernel, { change });
  await updates.settle();
  expect([copy.expectations.length, copy.flows.length]).toEqual([1, 1]);
  updates.close();
});

test('where the kernel has no expectations connections are told all the same, and it is said once', async () => {
  const kernel = new Kernel();
  kernel.hasExpectations = false;
  kernel.put(tcp(1));
  const former = expected(11, tcp(1));
  const value = sharedFlowValue(sharedExpectationBody(former), 300);
  const { updates, copy, faults, batches } = following(kernel, {
    entries: [[sharedExpectationKey(former), value]],
  });
  await updates.settle();
  kernel.listener?.overrun();
  await updates.settle();
  expect(copy.sources).toEqual(['10.0.0.1']);
  expect(batches.flat().filter(({ value: told }) => told === null)).toHaveLength(1);
  expect(faults).toEqual(['expected connections cannot be listed: no such table']);
  updates.close();
});

test('a master whose sequence numbers are shifted by what it has announced is looked up, as no event says so', async () => {
  const kernel = new Kernel();
  const { updates, copy } = following(kernel);
  kernel.tell('new', tcp(1));
  await updates.settle();
  const none = { position: 0, before: 0, after: 0 };
  const shifts = { original: { position: 70, before: 0, after: 1 }, reply: none };
  kernel.expect(expected(11, tcp(1)));
  // Behind the event.
  kernel.put(tcp(1, { shifts }));
  await updates.settle();
  expect([copy.flows.map((each) => each.shifts), copy.expectations.length]).toEqual([[shifts], 1]);
  kernel.expect(expected(12, tcp(2)));
  kernel.tell('new', tcp(2));
  kernel.put(tcp(2, { shifts }));
  await updates.settle();
  expect(copy.flows.map((each) => each.shifts)).toEqual([shifts, shifts]);
  updates.close();
});

test('so is one that announces while others are told, and, once more, one that is shifted later than it is looked up', async () => {
  const kernel = new Kernel();
  const clock = new StillClock();
  const copy = new Copy();
  const begun: (() => void)[] = [];
  const change = (updates: readonly KeyUpdate[]): Promise<void> => {
    copy.take(updates);
    return new Promise((resolve) => begun.push(resolve));
  };
  const updates = new FlowUpdates({ kernel, change, clock });
  const none = { position: 0, before: 0, after: 0 };
  const shifts = { original: { position: 70, before: 0, after: 1 }, reply: none };
  const settled = async (): Promise<void> => {
    const settling = updates.settle();
    let isOver = false;
    void settling.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      begun.shift()?.();
      await turn();
    }
    await settling;
  };
  await settled();
  kernel.tell('new', tcp(1));
  expect(begun).toHaveLength(1);
  kernel.expect(expected(11, tcp(1)));
  kernel.put(tcp(1, { shifts }));
  await settled();
  expect(copy.flows.map((each) => each.shifts)).toEqual([shifts]);
  kernel.tell('new', tcp(2), udp(3));
  kernel.expect(expected(12, tcp(2)), expected(13, udp(3)));
  await settled();
  kernel.put(tcp(2, { shifts }));
  expect(copy.flows.map((each) => each.shifts)).toContain(null);
  const lookedUp = kernel.lookedUp;
  clock.pass(MASTER_AGAIN_MS);
  await settled();
  expect(copy.flows.map((each) => each.shifts)).toEqual([shifts, shifts, null]);
  // Datagrams are not shifted; one that is may be again.
  expect(kernel.lookedUp - lookedUp).toBe(2);
  clock.pass(MASTER_AGAIN_MS);
  expect(kernel.lookedUp - lookedUp).toBe(2);
  updates.close();
});

describe('a flow that is announced', () => {
  const begun = tcp(1, { status: 0, tcp: { ...established, state: 1, replyScale: 0 } });
  const key = sharedFlowKey(begun);

  function announcing(kernel: Kernel) {
    const scene = following(kernel, { choice: 'mapped' });
    const announce = (): void => scene.copy.take([scene.updates.announce(key, begun)]);
    return { ...scene, announce };
  }

  test('is not told again when it begins, is when it changes, and when it ends', async () => {
    const kernel = new Kernel();
    const { updates, copy, batches, announce } = announcing(kernel);
    await updates.settle();
    announce();
    expect(updates.look(key)).toBeUndefined();
    kernel.tell('new', begun);
    await updates.settle();
    expect(batches).toEqual([]);
    expect(updates.look(key)).toEqual(begun);
    kernel.tell('update', tcp(1));
    await updates.settle();
    expect(copy.flows.map(({ tcp: now }) => now?.state)).toEqual([3]);
    updates.withdraw([key]);
    await updates.settle();
    expect(copy.sources).toEqual(['10.0.0.1']);
    kernel.tell('destroy', tcp(1));
    await updates.settle();
    expect(copy.sources).toEqual([]);
    updates.close();
  });

  test('stays through a listing that lacks it, and goes when it is withdrawn', async () => {
    const kernel = new Kernel();
    const { updates, copy, announce } = announcing(kernel);
    kernel.put(...Array.from({ length: 200 }, (_, n) => tcp(1_000 + n)));
    announce();
    kernel.listener?.overrun();
    await updates.settle();
    expect(copy.values.has(key)).toBe(true);
    updates.withdraw([key]);
    await updates.settle();
    expect(copy.values.has(key)).toBe(false);
    expect(copy.flows).toHaveLength(200);
    updates.close();
  });

  test('and that did not begin is taken back after two rounds; one that did stays', async () => {
    const kernel = new Kernel();
    const { updates, copy, announce } = announcing(kernel);
    await updates.settle();
    announce();
    updates.sweep();
    await updates.settle();
    expect(copy.values.has(key)).toBe(true);
    // Its event may have been lost.
    kernel.put(begun);
    updates.sweep();
    await updates.settle();
    expect(copy.values.has(key)).toBe(true);
    kernel.tell('destroy', begun);
    announce();
    updates.sweep();
    updates.sweep();
    await updates.settle();
    expect(copy.values.has(key)).toBe(false);
    updates.close();
  });
});

describe('a kernel that refuses for a while', () => {
  function refusing(kernel: Kernel, options: Partial<FlowUpdatesOptions> = {}) {
    const clock = new StillClock();
    const said: string[] = [];
    const onKernel = (error: Error | null): void => void said.push(error?.message ?? 'well');
    const scene = following(kernel, { clock, onKernel, ...options });
    const turns = async (): Promise<void> => {
      for (let n = 0; n < 20; n++) await new Promise(setImmediate);
    };
    const pass = async (ms: number): Promise<void> => {
      clock.pass(ms);
      await turns();
    };
    return { ...scene, said, turns, pass };
  }

  test('a listing is asked again, and tells what events that were lost would have', async () => {
    const kernel = new Kernel();
    kernel.put(tcp(1), tcp(2));
    const { updates, copy, faults, said, turns, pass } = refusing(kernel);
    await updates.settle();
    // Nobody says it.
    kernel.table.delete(sharedFlowKey(tcp(1)));
    kernel.put(tcp(3));
    kernel.refuses.add('dump');
    kernel.listener?.overrun();
    await turns();
    kernel.tell('new', tcp(4));
    kernel.tell('update', tcp(2, { mark: 7 }));
    await turns();
    expect(copy.sources).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']);
    expect(copy.flows.filter(({ mark }) => mark === 7)).toHaveLength(1);
    await pass(100);
    kernel.refuses.clear();
    await pass(200);
    expect(copy.sources).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4']);
    expect([kernel.listings, said, faults]).toEqual([4, ['no answer', 'well'], []]);
    await updates.end();
  });

  test('it is asked less and less often, but every 10 s, and who waits for the table goes on waiting', async () => {
    const kernel = new Kernel();
    kernel.put(tcp(1));
    kernel.refuses.add('dump');
    const { updates, said, turns, pass } = refusing(kernel);
    let isSettled = false;
    const settled = updates.settle().then(() => {
      isSettled = true;
    });
    await turns();
    const after: number[] = [];
    for (let atMs = 0; atMs < 60_000; atMs += 100) {
      const before = kernel.listings;
      await pass(100);
      if (kernel.listings > before) after.push(atMs + 100);
    }
    expect(after).toEqual([100, 300, 700, 1500, 3100, 6300, 12_700, 22_700, 32_700, 42_700, 52_700]);
    expect([said, isSettled]).toEqual([['no answer'], false]);
    kernel.refuses.clear();
    await pass(10_000);
    await settled;
    updates.close();
  }, 60_000);

  test('a subscription that failed is made anew, and the table is listed behind it', async () => {
    const kernel = new Kernel();
    const { updates, copy, faults, said, turns, pass } = refusing(kernel);
    kernel.tell('new', tcp(1), tcp(2));
    await updates.settle();
    kernel.refuses.add('subscribe');
    kernel.deafen(new PlatformError('EIO', 'no ear', { call: 'recv' }));
    kernel.tell('destroy', tcp(1));
    kernel.tell('new', tcp(3));
    await turns();
    await pass(100);
    expect([kernel.subscriptions, kernel.listings]).toEqual([2, 1]);
    kernel.refuses.clear();
    await pass(200);
    expect([kernel.subscriptions, kernel.listings, copy.sources]).toEqual([3, 2, ['10.0.0.2', '10.0.0.3']]);
    kernel.tell('new', tcp(4));
    await turns();
    expect(copy.sources).toHaveLength(3);
    expect([said, faults]).toEqual([['no ear', 'well'], []]);
    updates.close();
    expect(kernel.listener).toBeUndefined();
  });

  test('one that fails again and again is not made anew in a row', async () => {
    const kernel = new Kernel();
    const { updates, pass } = refusing(kernel);
    await updates.settle();
    for (let n = 0; n < 100; n++) {
      kernel.deafen(new PlatformError('EIO', 'no ear', { call: 'recv' }));
      await pass(100);
    }
    expect(kernel.subscriptions).toBeLessThan(12);
    updates.close();
  });

  test('what cannot be looked up is listed', async () => {
    const kernel = new Kernel();
    const { updates, copy, said, turns, pass } = refusing(kernel);
    await updates.settle();
    kernel.put(tcp(1, { mark: 3 }));
    kernel.refuses.add('find');
    kernel.listener?.events([{ type: 'update', entry: tcp(1, { mark: 3, tcp: null }) }]);
    // Not each of them: an answer that does not come is waited for.
    for (let n = 0; n < 5; n++) kernel.listener?.events([{ type: 'update', entry: tcp(2, { tcp: null }) }]);
    await turns();
    expect([kernel.lookedUp, copy.sources, said]).toEqual([1, [], ['no answer']]);
    await pass(100);
    expect([copy.sources, said]).toEqual([['10.0.0.1'], ['no answer', 'well']]);
    kernel.tell('new', tcp(3));
    await turns();
    kernel.expect(expected(11, tcp(3)));
    await turns();
    expect(said).toEqual(['no answer', 'well', 'no answer']);
    kernel.refuses.clear();
    await pass(10_000);
    expect([said.at(-1), copy.expectations.length]).toEqual(['well', 1]);
    expect(() => updates.look(sharedFlowKey(tcp(3)))).not.toThrow();
    kernel.refuses.add('find');
    expect(() => updates.look(sharedFlowKey(tcp(3)))).toThrow('no answer');
    await turns();
    const { listings } = kernel;
    for (let n = 0; n < 200; n++) {
      expect(() => updates.look(sharedFlowKey(tcp(3)))).toThrow('no answer');
      await pass(100);
    }
    expect([said.slice(5).includes('well'), kernel.listings - listings < 20]).toEqual([true, true]);
    updates.announce(sharedFlowKey(tcp(4)), tcp(4));
    for (let n = 0; n < 3; n++) updates.sweep();
    updates.close();
  });

  test('what is found and cannot be told is no refusal', async () => {
    const kernel = new Kernel();
    const { updates, said, faults } = refusing(kernel);
    kernel.tell('new', tcp(1));
    await updates.settle();
    kernel.put(tcp(1, { tcp: { ...established, state: 99 } }));
    expect(() => updates.look(sharedFlowKey(tcp(1)))).toThrow();
    await updates.settle();
    expect([said, faults]).toEqual([[], []]);
    updates.close();
  });

  test('expected connections that were listed before do not count as gone', async () => {
    const kernel = new Kernel();
    kernel.put(tcp(1));
    kernel.expecting.add(expected(11, tcp(1)));
    const { updates, copy, said, turns, pass } = refusing(kernel);
    await updates.settle();
    kernel.refuses.add('expectations');
    kernel.listener?.overrun();
    await turns();
    expect([copy.expectations.length, said]).toEqual([1, ['no answer']]);
    kernel.refuses.clear();
    await pass(100);
    expect([copy.expectations.length, said]).toEqual([1, ['no answer', 'well']]);
    updates.close();
  });

  test('who ends does not wait for it: what is known was told, and that it is not all is said', async () => {
    const kernel = new Kernel();
    const { updates, copy, turns } = refusing(kernel);
    await updates.settle();
    kernel.refuses.add('dump');
    kernel.listener?.overrun();
    await turns();
    kernel.tell('new', tcp(1));
    await expect(updates.end()).rejects.toThrow('no answer');
    expect(copy.sources).toEqual(['10.0.0.1']);
    expect(kernel.listener).toBeUndefined();
  });

  test('errors of our own end it', async () => {
    const kernel = new Kernel();
    const { updates, faults, said, turns } = refusing(kernel);
    await updates.settle();
    kernel.refusal = new TypeError('ours');
    kernel.refuses.add('dump');
    kernel.listener?.overrun();
    await turns();
    await expect(updates.settle()).rejects.toThrow('ours');
    expect([faults, said]).toEqual([['ours'], []]);
    updates.close();
  });
});

describe('a canary', () => {
  function sung(kernel: Kernel) {
    const clock = new StillClock();
    const said: string[] = [];
    const scene = following(kernel, {
      clock,
      onSilence: (isSilent) => void said.push(isSilent ? 'silent' : 'told'),
      onNoCanary: (error) => void said.push(error?.code ?? 'taken'),
      onKernel: (error) => void said.push(error?.message ?? 'well'),
    });
    const turns = async (): Promise<void> => {
      for (let n = 0; n < 20; n++) await new Promise(setImmediate);
    };
    /** Second by second. */
    const pass = async (ms: number): Promise<void> => {
      for (let atMs = 0; atMs < ms; atMs += CANARY_EVERY_MS) {
        clock.pass(CANARY_EVERY_MS);
        await turns();
      }
    };
    return { ...scene, clock, said, pass };
  }

  test('is put in each second, and says nothing while it is heard', async () => {
    const kernel = new Kernel();
    const { copy, said, pass, updates } = sung(kernel);
    await updates.settle();
    await pass(60_000);
    expect([kernel.sung, kernel.listings, said, updates.silentMs]).toEqual([60, 1, [], null]);
    expect(copy.values.size).toBe(0);
    updates.close();
    await pass(5_000);
    expect(kernel.sung).toBe(60);
  });

  test('that is not heard for 3 s is a silence, in which the table is listed each minute; it ends with a listing', async () => {
    const kernel = new Kernel();
    const { copy, said, pass, updates } = sung(kernel);
    await updates.settle();
    await pass(1_000);
    kernel.isSilent = true;
    await pass(1_000 + CANARY_SILENT_MS - 1_000);
    expect([said, updates.silentMs]).toEqual([[], null]);
    kernel.tell('new', tcp(1));
    await pass(1_000);
    expect([said, updates.silentMs, copy.sources]).toEqual([['silent'], CANARY_SILENT_MS, ['10.0.0.1']]);
    kernel.tell('new', tcp(2));
    await pass(59_000);
    expect([said, copy.sources]).toEqual([['silent'], ['10.0.0.1']]);
    await pass(1_000);
    expect(copy.sources).toEqual(['10.0.0.1', '10.0.0.2']);
    kernel.tell('new', tcp(3));
    kernel.tell('destroy', tcp(1));
    kernel.isSilent = false;
    // It is a silence until all is known.
    kernel.refuses.add('dump');
    await pass(1_000);
    expect([said, updates.silentMs]).toEqual([['silent', 'no answer'], 0]);
    kernel.refuses.clear();
    await pass(1_000);
    expect([said.slice(2).toSorted(), updates.silentMs]).toEqual([['told', 'well'], null]);
    expect(copy.sources).toEqual(['10.0.0.2', '10.0.0.3']);
    // What was made meanwhile never tells of itself.
    kernel.table.delete(sharedFlowKey(tcp(3)));
    await pass(60_000);
    expect(copy.sources).toEqual(['10.0.0.2']);
    updates.close();
  });

  test('who was held up himself hears first, and lost events are no silence', async () => {
    const kernel = new Kernel();
    const { clock, said, pass, updates } = sung(kernel);
    await updates.settle();
    kernel.unread = [];
    clock.pass(1_000);
    clock.pass(30_000);
    await pass(10_000);
    expect(said).toEqual([]);
    kernel.unread = null;
    kernel.isSilent = true;
    for (let n = 0; n < 5; n++) {
      await pass(2_000);
      kernel.listener?.overrun();
    }
    expect(said).toEqual([]);
    await pass(4_000);
    expect(said).toEqual(['silent']);
    updates.close();
  });

  test('that the kernel does not take says so once, and is no silence', async () => {
    const kernel = new Kernel();
    const { said, pass, updates } = sung(kernel);
    await updates.settle();
    kernel.singRefusal = new PlatformError('ENOMEM', 'full', { call: 'test' });
    await pass(1_000 + 3 * CANARY_REFUSED_MS);
    expect([said, kernel.sung, updates.silentMs]).toEqual([['ENOMEM'], 4, null]);
    kernel.singRefusal = null;
    await pass(CANARY_REFUSED_MS);
    expect(said).toEqual(['ENOMEM', 'taken']);
    updates.close();
  });

  test('is not asked of a kernel that refuses something else, which is no silence either', async () => {
    const kernel = new Kernel();
    const { said, pass, updates } = sung(kernel);
    await updates.settle();
    kernel.isSilent = true;
    await pass(2_000);
    kernel.refuses.add('dump');
    kernel.listener?.overrun();
    await new Promise(setImmediate);
    await pass(8_000);
    expect([said, kernel.sung]).toEqual([['no answer'], 2]);
    updates.close();
  });

  test('what was not told goes with the last word', async () => {
    const kernel = new Kernel();
    const { copy, pass, updates } = sung(kernel);
    await updates.settle();
    kernel.isSilent = true;
    await pass(5_000);
    kernel.tell('new', tcp(1));
    await updates.end();
    expect(copy.sources).toEqual(['10.0.0.1']);
  });
});
