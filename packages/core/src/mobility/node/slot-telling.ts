// SPDX-License-Identifier: Apache-2.0
import { encodeSlotReport, type SlotReport, type SlotState } from '@vnfpool/wire/mobility';

/** Octets of extension 9. */
const REPORT_BYTES_MAX = 32_768;

/** What a message told of slots, to be settled with its ACK. */
export interface SlotsTold {
  readonly serial: number;
  /** Ids of failover records. */
  readonly failovers: readonly string[];
  /** Id of the last slot that was told, where others follow; null: none do. */
  readonly upTo: string | null;
}

/**
 * What the manager is told of slots. One message at a time is on its way, and what changes meanwhile goes with the next; of more
 * slots than a message can have the others follow, in the order of their ids. Failover records go with the last of them, the
 * oldest first, until they are acknowledged.
 */
export class SlotTelling {
  #report: SlotReport | null = null;
  #isDue = false;
  /** Since what is being told began to be told. */
  #hasChanged = false;
  /** Told already, in messages that are over. */
  #upTo: string | null = null;
  #serial = 0;
  /** Number of the message that is on its way; 0: none is. */
  #underWay = 0;

  change(report: SlotReport): void {
    this.#report = report;
    this.#isDue = true;
    this.#hasChanged = true;
  }

  /** Everything is to be told from the beginning; whatever is on its way counts no more. */
  begin(): void {
    this.#isDue ||= this.#report !== null;
    this.#upTo = null;
    this.#underWay = 0;
  }

  get isDue(): boolean {
    return this.#isDue && this.#underWay === 0;
  }

  /** The next message; undefined: there is nothing to tell, or what is no slot is too much for one. */
  take(): { readonly octets: Uint8Array; readonly told: SlotsTold } | undefined {
    this.#isDue = false;
    if (this.#upTo === null) this.#hasChanged = false;
    const fitted = this.#report && fit(this.#report, this.#upTo);
    if (!fitted) {
      this.#upTo = null;
      return undefined;
    }
    this.#serial += 1;
    this.#underWay = this.#serial;
    const { octets, upTo, failovers } = fitted;
    return { octets, told: { serial: this.#serial, failovers, upTo } };
  }

  /** @param isTaken the manager has it; else nothing of it is told again until something changes */
  settle({ serial, failovers, upTo }: SlotsTold, isTaken: boolean): void {
    const left = this.#report?.failovers.filter(({ id }) => !failovers.includes(id)) ?? [];
    if (isTaken && this.#report) this.#report = { ...this.#report, failovers: left };
    // Of an earlier connection, and told anew since.
    if (serial !== this.#underWay) return;
    this.#underWay = 0;
    this.#upTo = isTaken ? upTo : null;
    if (!isTaken) return;
    // What did not fit follows now.
    const hasMoreRecords = left.length > 0 && failovers.length > 0;
    if (upTo !== null || this.#hasChanged || hasMoreRecords) this.#isDue = true;
  }

  /** Everything in one message, without failover records, or, where that is too much, without slots; undefined: nothing. */
  now(): Uint8Array | undefined {
    if (this.#report === null) return undefined;
    const report = { ...this.#report, failovers: [] };
    const isAll = countThatFits(report.slots) === report.slots.length;
    for (const slots of isAll ? [report.slots, []] : [[]]) {
      const octets = encodeSlotReport({ ...report, slots });
      if (octets.length <= REPORT_BYTES_MAX) return octets;
    }
    return undefined;
  }
}

type Fitted = Omit<SlotsTold, 'serial'> & { readonly octets: Uint8Array };

/** As much as fits, behind the slot `after`: all the slots with as many records as there is room for, else some of the slots. */
function fit(report: SlotReport, after: string | null): Fitted | undefined {
  const rest = report.slots
    .filter(({ id }) => after === null || id > after)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const encoded = (slots: readonly SlotState[], failovers: number): Uint8Array | undefined => {
    const octets = encodeSlotReport({ ...report, slots, failovers: report.failovers.slice(0, failovers) });
    return octets.length <= REPORT_BYTES_MAX ? octets : undefined;
  };
  let count = countThatFits(rest);
  if (count === rest.length) {
    for (let records = report.failovers.length; ; records = Math.floor(records / 2)) {
      const octets = encoded(rest, records);
      const failovers = report.failovers.slice(0, records).map(({ id }) => id);
      if (octets) return { octets, failovers, upTo: null };
      if (records === 0) break;
    }
    count -= 1;
  }
  // What is told beside slots has its part of the room.
  for (; count > 0; count = Math.floor(count * 0.9)) {
    const octets = encoded(rest.slice(0, count), 0);
    if (octets) return { octets, failovers: [], upTo: rest[count - 1]?.id ?? null };
  }
  const [first] = rest;
  if (first?.sharing === undefined) return undefined;
  // Of one with so many standbys that they fill a message who holds it at least.
  const { sharing: _sharing, ...plain } = first;
  const octets = encoded([plain], 0);
  return octets && { octets, failovers: [], upTo: first.id };
}

/** How many of them fit, with nothing beside them, as far as characters tell; at least one. */
function countThatFits(slots: readonly SlotState[]): number {
  let length = 0;
  for (const [index, slot] of slots.entries()) {
    length += JSON.stringify(slot).length + 1;
    if (length > REPORT_BYTES_MAX) return Math.max(1, index);
  }
  return slots.length;
}
