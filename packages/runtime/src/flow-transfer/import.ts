// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import type { ConntrackFailure, InsertOptions } from '@vnfpool/platform/conntrack';
import {
  type FlowEntry,
  type FlowExpectation,
  type FlowKey,
  FlowStateDecoder,
  flowKeyOfText,
  flowKeyText,
} from '@vnfpool/wire/flow-state';
import type { FlowStateKind } from './export.ts';
import {
  type FlowInsertCounts,
  type FlowInsertTable,
  type FlowRefusal,
  insertFlows,
  partsOf,
  TIMEOUT_SECONDS_MIN,
} from './insert.ts';

/** More than a kernel keeps (`nf_conntrack_expect_max`) as it comes. */
const EXPECTATIONS_MAX = 4096;

/** Where flows go: a `Conntrack`. */
export interface FlowTable extends FlowInsertTable {
  remove(keys: readonly FlowKey[]): ConntrackFailure[];
  expect(expectations: readonly FlowExpectation[]): ConntrackFailure[];
}

/** What came of an import. */
export interface FlowImportResult {
  /** Flows put into the table. */
  readonly flows: number;
  /** Flows taken out of it. */
  readonly gone: number;
  /** Of the flows put in, those that go on without their helper, or without the flow that announced them. */
  readonly weakened: number;
  /** Expected flows that the kernel took, and that it did not take. */
  readonly expected: number;
  readonly notExpected: number;
  readonly refusedTotal: number;
  /** The first of those that were refused, at most 100. */
  readonly refused: readonly FlowRefusal[];
}

/**
 * Puts the flows that another gateway exports into the kernel, and keeps them alive until traffic comes: a flow that the
 * other side gives up is told of. It remembers the keys of what it put in, so that it can take all of it out again.
 */
export class FlowImporter {
  readonly #table: FlowTable;
  readonly #options: InsertOptions;
  readonly #inserted = new Set<string>();

  /** @param options `ifExists` is `replace`, `timeoutSecondsMin` 300 unless said otherwise */
  constructor(table: FlowTable, options: InsertOptions = {}) {
    this.#table = table;
    this.#options = { ifExists: 'replace', timeoutSecondsMin: TIMEOUT_SECONDS_MIN, ...options };
  }

  /** Flows of the other gateway that are here now. */
  get size(): number {
    return this.#inserted.size;
  }

  /**
   * Takes a whole stream. A snapshot takes the place of what was imported before. Single flows that the kernel refuses
   * do not end it.
   * @throws WireError when the octets are no flow state, or were cut off; what came before them stays until `discard`
   */
  async import(
    kind: FlowStateKind,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<FlowImportResult> {
    signal.throwIfAborted();
    if (kind === 'snapshot') await this.discard();
    const result: Counts = nothing();
    const decoder = new FlowStateDecoder();
    // What waits: first these go, then those come, then those whose master may be among them.
    let gone: FlowKey[] = [];
    let flows: FlowEntry[] = [];
    let children: FlowEntry[] = [];
    const expectations: FlowExpectation[] = [];
    const flush = async (withChildren: boolean): Promise<void> => {
      const [leaving, coming] = [gone, withChildren ? [...flows, ...children] : flows];
      [gone, flows] = [[], []];
      if (withChildren) children = [];
      for (const part of partsOf(leaving)) {
        this.#remove(part, result);
        await turn();
        signal.throwIfAborted();
      }
      for (const part of partsOf(coming)) {
        this.#insert(part, result);
        await turn();
        signal.throwIfAborted();
      }
    };
    for await (const chunk of chunks) {
      for (const record of decoder.push(chunk)) {
        if (record.kind === 'flow') {
          (record.entry.master === null ? flows : children).push(record.entry);
        } else if (record.kind === 'expectation') {
          // More than the kernel admits.
          if (expectations.length < EXPECTATIONS_MAX) expectations.push(record.expectation);
          else result.notExpected++;
        } else {
          // What goes after something came is not to go before it.
          if (flows.length + children.length > 0) await flush(true);
          gone.push(record.key);
        }
      }
      await flush(false);
    }
    decoder.finish();
    await flush(true);
    const refused = expectations.length === 0 ? 0 : this.#table.expect(expectations).length;
    result.expected = expectations.length - refused;
    result.notExpected += refused;
    return result;
  }

  /** Takes everything out again that was imported. */
  async discard(): Promise<void> {
    const keys = [...this.#inserted];
    this.#inserted.clear();
    for (const part of partsOf(keys)) {
      this.#table.remove(part.map(flowKeyOfText));
      await turn();
    }
  }

  #insert(entries: readonly FlowEntry[], result: Counts): void {
    const refused = insertFlows(this.#table, entries, this.#options, result);
    for (const [index, entry] of entries.entries()) {
      const text = flowKeyText(entry);
      // Replacing may have taken the old one away.
      if (refused.has(index)) this.#inserted.delete(text);
      else this.#inserted.add(text);
    }
  }

  #remove(keys: readonly FlowKey[], result: Counts): void {
    const failures = this.#table.remove(keys);
    result.gone += keys.length - failures.length;
    for (const key of keys) this.#inserted.delete(flowKeyText(key));
  }
}

interface Counts extends FlowInsertCounts {
  gone: number;
  expected: number;
  notExpected: number;
}

function nothing(): Counts {
  const counts = { flows: 0, gone: 0, weakened: 0, expected: 0, notExpected: 0, refusedTotal: 0 };
  return { ...counts, refused: [] };
}
