// SPDX-License-Identifier: Apache-2.0
import { digestOf, EntryHash } from '../replication/entry-hash.ts';
import type { Entry } from './cell.ts';

const NOTHING = new Uint8Array(0);
const hash = new EntryHash();

/**
 * Two sums of 32 bits over entries of cells, whatever their order. What leaves is taken off as memory has it now, so that a sum goes on
 * differing from what is there once something of it was damaged, also when more is changed.
 */
export class EntrySum {
  high = 0;
  low = 0;

  /** @param id of its cell @param name of its replica */
  add(id: string, name: string, entry: Entry): void {
    take(id, name, entry);
    this.high = (this.high + hash.high) | 0;
    this.low = (this.low + hash.low) | 0;
  }

  takeOff(id: string, name: string, entry: Entry): void {
    take(id, name, entry);
    this.high = (this.high - hash.high) | 0;
    this.low = (this.low - hash.low) | 0;
  }

  addAll({ high, low }: EntrySum): void {
    this.high = (this.high + high) | 0;
    this.low = (this.low + low) | 0;
  }

  takeOffAll({ high, low }: EntrySum): void {
    this.high = (this.high - high) | 0;
    this.low = (this.low - low) | 0;
  }

  clear(): void {
    this.high = 0;
    this.low = 0;
  }

  isSameAs({ high, low }: EntrySum): boolean {
    return this.high === high && this.low === low;
  }

  get digest(): bigint {
    return digestOf(this.high, this.low);
  }
}

/** Of a cell whose entries these are. */
export function sumOf(id: string, entries: ReadonlyMap<string, Entry>): EntrySum {
  const sum = new EntrySum();
  for (const [name, entry] of entries) sum.add(id, name, entry);
  return sum;
}

/** Nothing before the first space has one, so that no two entries are the same text. */
function take(id: string, name: string, { version, value }: Entry): void {
  const what =
    value.kind === 'counter'
      ? `+${value.plus}-${value.minus}`
      : value.kind === 'register'
        ? `${value.time}`
        : '';
  hash.take(`${name}:${version}:${what} ${id}`, value.kind === 'register' ? value.value : NOTHING);
}
