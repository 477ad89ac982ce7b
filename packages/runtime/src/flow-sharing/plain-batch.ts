// SPDX-License-Identifier: Apache-2.0
import {
  type ConntrackFailure,
  type InsertOptions,
  type PlainFilter,
  plainFilter,
} from '@vnfpool/platform/conntrack';
import { PLAIN_FLOW_WORDS, readPlainFlow } from '@vnfpool/wire/flow-state';
import type { SharedFlowFilter } from './flow-kernel.ts';

/** A flow of a copy: its key and its value. */
export type FlowOfCopy = readonly [key: string, value: Uint8Array];

/** Where plain flows are put in: a `Conntrack`. */
export interface PlainFlowTable {
  insertPlain(
    numbers: Int32Array,
    count: number,
    options: Pick<InsertOptions, 'timeoutSecondsMin'>,
  ): ConntrackFailure[];
}

/**
 * Flows that are to be put in together, as numbers: what most of a copy is, at a fraction of what an object for each would cost. Who takes
 * over does it once, with code that was never run; little of it soon is quick.
 */
export class PlainBatch {
  readonly #table: PlainFlowTable;
  readonly #timeoutSecondsMin: number;
  readonly #isWanted: PlainFilter;
  readonly #numbers: Int32Array;
  readonly #entries: FlowOfCopy[] = [];
  readonly #max: number;

  /** @param max flows of one batch */
  constructor(table: PlainFlowTable, filter: SharedFlowFilter, timeoutSecondsMin: number, max: number) {
    this.#table = table;
    this.#timeoutSecondsMin = timeoutSecondsMin;
    this.#isWanted = plainFilter(filter);
    this.#max = max;
    this.#numbers = new Int32Array(max * PLAIN_FLOW_WORDS);
  }

  get isFull(): boolean {
    return this.#entries.length >= this.#max;
  }

  /** Takes a flow, unless the batch is full. @returns false for one that is not plain, that the filter leaves out, or is none at all */
  add(entry: FlowOfCopy): boolean {
    const [key, value] = entry;
    const at = this.#entries.length * PLAIN_FLOW_WORDS;
    if (this.isFull || !readPlainFlow(key, value, this.#numbers, at) || !this.#isWanted(this.#numbers, at))
      return false;
    this.#entries.push(entry);
    return true;
  }

  /** Puts all of them in, and is empty then. @returns those that the kernel took, and those that it refused, whatever the reason */
  insert(): { readonly taken: readonly FlowOfCopy[]; readonly refused: readonly FlowOfCopy[] } {
    const entries = this.#entries.splice(0);
    if (entries.length === 0) return { taken: [], refused: [] };
    const options = { timeoutSecondsMin: this.#timeoutSecondsMin };
    const failures = this.#table.insertPlain(this.#numbers, entries.length, options);
    if (failures.length === 0) return { taken: entries, refused: [] };
    const places = new Set(failures.map(({ index }) => index));
    return {
      taken: entries.filter((_, place) => !places.has(place)),
      refused: entries.filter((_, place) => places.has(place)),
    };
  }
}
