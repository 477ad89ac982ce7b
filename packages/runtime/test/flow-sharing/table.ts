// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '@vnfpool/platform';
import {
  type ConntrackFailure,
  type ExpectationKey,
  type InsertOptions,
  isWanted,
} from '@vnfpool/platform/conntrack';
import type { KernelCopyTable, SharedFlowFilter } from '@vnfpool/runtime/flow-sharing';
import {
  type FlowEntry,
  type FlowExpectation,
  type FlowKey,
  PLAIN_FLOW_WORDS,
  sharedExpectationBody,
  sharedExpectationKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowValue,
} from '@vnfpool/wire/flow-state';
import { expect } from 'vitest';

export const entryOf = (flow: FlowEntry): readonly [string, Uint8Array] => [
  sharedFlowKey(flow),
  sharedFlowValue(sharedFlowBody(flow), flow.timeoutSeconds),
];

export const expectedOf = (expectation: FlowExpectation): readonly [string, Uint8Array] => [
  sharedExpectationKey(expectation),
  sharedFlowValue(sharedExpectationBody(expectation), expectation.timeoutSeconds),
];
const keyIn = (original: FlowKey['original'], zone: number): string =>
  sharedFlowKey({ original, zone, zoneDirection: 'both' });
const refusal = (index: number, code: string): ConntrackFailure => ({
  index,
  error: new PlatformError(code, code, { call: 'test' }),
});

/** The flow that these numbers say. */
function flowOfNumbers(numbers: Int32Array): FlowEntry {
  const at = (place: number): number => (numbers[place] ?? 0) >>> 0;
  const address = (place: number): Uint8Array =>
    Uint8Array.of(at(place) >>> 24, (at(place) >> 16) & 0xff, (at(place) >> 8) & 0xff, at(place) & 0xff);
  const tuple = (place: number): FlowEntry['original'] => ({
    source: address(place),
    destination: address(place + 1),
    protocol: at(0),
    layer4: { kind: 'ports', source: at(place + 2) >>> 16, destination: at(place + 2) & 0xffff },
  });
  const tcp = at(9);
  return {
    original: tuple(1),
    reply: tuple(4),
    status: at(7),
    timeoutSeconds: at(8),
    zone: 0,
    zoneDirection: 'both',
    mark: 0,
    tcp:
      numbers[9] === -1
        ? null
        : {
            state: tcp >>> 24,
            originalScale: (tcp >> 16) & 0xff,
            replyScale: (tcp >> 8) & 0xff,
            originalFlags: (tcp >> 4) & 0x0f,
            replyFlags: tcp & 0x0f,
          },
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
  };
}

/** As the kernel's: a listing has to end before anything else is asked. */
export class Table implements KernelCopyTable {
  readonly flows = new Map<string, FlowEntry>();
  readonly calls: string[] = [];
  #isListing = false;
  refuses: (entry: FlowEntry) => string | null = () => null;
  /** As the kernel does, it tells them without their zone. */
  readonly expecting = new Map<string, FlowExpectation>();
  refusesToExpect: string | null = null;
  /** What flows are to be put in with. */
  secondsMin = 300;
  onRemove: () => void = () => undefined;

  constructor(...flows: FlowEntry[]) {
    for (const flow of flows) this.flows.set(sharedFlowKey(flow), flow);
  }

  *dump(filter: SharedFlowFilter): Generator<FlowEntry[]> {
    this.#isListing = true;
    for (const flow of this.flows.values()) if (isWanted(flow, filter)) yield [flow];
    this.#isListing = false;
  }

  insert(entries: readonly FlowEntry[], options: InsertOptions): ConntrackFailure[] {
    expect(this.#isListing).toBe(false);
    expect(options).toEqual({ ifExists: 'replace', timeoutSecondsMin: this.secondsMin });
    return entries.flatMap((entry, index) => {
      const { master } = entry;
      const hasMaster = master === null || this.flows.has(keyIn(master, 0));
      const code = this.refuses(entry) ?? (hasMaster ? null : 'ENOENT');
      this.calls.push(`insert ${entry.original.source.join('.')}`);
      if (code === null) this.flows.set(sharedFlowKey(entry), entry);
      return code === null ? [] : [refusal(index, code)];
    });
  }

  insertPlain(
    numbers: Int32Array,
    count: number,
    { timeoutSecondsMin }: { readonly timeoutSecondsMin?: number },
  ): ConntrackFailure[] {
    expect(timeoutSecondsMin).toBe(this.secondsMin);
    return Array.from({ length: count }, (_, place) => place).flatMap((index) => {
      const entry = flowOfNumbers(numbers.subarray(index * PLAIN_FLOW_WORDS));
      const isThere = this.flows.has(sharedFlowKey(entry));
      if (isThere || this.refuses(entry) !== null) return [refusal(index, isThere ? 'EEXIST' : 'ENOMEM')];
      this.calls.push(`insert ${entry.original.source.join('.')}`);
      this.flows.set(sharedFlowKey(entry), entry);
      return [];
    });
  }

  count(): number {
    return this.flows.size;
  }

  expectations(): FlowExpectation[] {
    if (this.refusesToExpect === 'EPERM') throw new PlatformError('EPERM', 'no', { call: 'test' });
    return [...this.expecting.values()].map((each) => ({ ...each, zone: 0 }));
  }

  expect(all: readonly FlowExpectation[]): ConntrackFailure[] {
    return all.flatMap((each, index) => {
      const code = this.flows.has(keyIn(each.master, each.zone)) ? this.refusesToExpect : 'ENOENT';
      if (code !== null) return [refusal(index, code)];
      this.calls.push(`expect ${each.tuple.source.join('.')}`);
      this.expecting.set(sharedExpectationKey(each), each);
      return [];
    });
  }

  unexpect(keys: readonly ExpectationKey[]): ConntrackFailure[] {
    return keys.flatMap((key, index) => {
      this.calls.push(`unexpect ${key.tuple.source.join('.')}`);
      return this.expecting.delete(sharedExpectationKey(key)) ? [] : [refusal(index, 'ENOENT')];
    });
  }

  remove(keys: readonly FlowKey[]): ConntrackFailure[] {
    expect(this.#isListing).toBe(false);
    for (const key of keys) {
      this.calls.push(`remove ${key.original.source.join('.')}`);
      this.flows.delete(sharedFlowKey(key));
      this.onRemove();
    }
    return [];
  }

  renew(keys: readonly FlowKey[], timeoutSeconds: number): ConntrackFailure[] {
    expect(this.#isListing).toBe(false);
    return keys.flatMap((key, index) => {
      const flow = this.flows.get(sharedFlowKey(key));
      if (flow === undefined) return [refusal(index, 'ENOENT')];
      this.flows.set(sharedFlowKey(key), { ...flow, timeoutSeconds });
      return [];
    });
  }
}
