// SPDX-License-Identifier: Apache-2.0
import { encodeSlotReport, type SlotReport, type SlotState } from '@vnfpool/wire/mobility';
import { isSame } from '../../same.ts';

/** Octets of extension 9. */
const REPORT_BYTES_MAX = 32_768;

/** What a message told of slots, to be settled with its ACK. */
export interface SlotsTold {
  readonly serial: number;
  /** Ids of failover records. */
  readonly failovers: readonly string[];
  readonly slots: readonly SlotState[];
}

/**
 * What the manager is told of slots: those that it knows otherwise, in the order of their ids, and everything else with each
 * message. One message at a time is on its way, and what changes meanwhile, or does not fit, goes with the next. Failover records
 * go with the last of the slots, the oldest first, until they are acknowledged.
 */
export class SlotTelling {
  #report: SlotReport | null = null;
  /** As the manager has them, by id. */
  readonly #known = new Map<string, SlotState>();
  /** Id of the last slot that `now` told; empty: it begins anew. */
  #toldUpTo = '';
  #isDue = false;
  /** Since the message that is on its way was made. */
  #hasChanged = false;
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
    this.#known.clear();
    this.#underWay = 0;
  }

  get isDue(): boolean {
    return this.#isDue && this.#underWay === 0;
  }

  /** The next message; undefined: there is nothing to tell, or what is no slot is too much for one. */
  take(): { readonly octets: Uint8Array; readonly told: SlotsTold } | undefined {
    this.#isDue = false;
    this.#hasChanged = false;
    const fitted = this.#report && fit(this.#report, inOrder(this.#news(this.#report)));
    if (!fitted) return undefined;
    this.#serial += 1;
    this.#underWay = this.#serial;
    const { octets, slots, failovers } = fitted;
    return { octets, told: { serial: this.#serial, slots, failovers } };
  }

  /** @param isTaken the manager has it; else nothing of it is told again until something changes */
  settle({ serial, slots, failovers }: SlotsTold, isTaken: boolean): void {
    const left = this.#report?.failovers.filter(({ id }) => !failovers.includes(id)) ?? [];
    if (isTaken && this.#report) this.#report = { ...this.#report, failovers: left };
    // Of an earlier connection, and told anew since.
    if (serial !== this.#underWay) return;
    this.#underWay = 0;
    if (!isTaken || !this.#report) return;
    for (const slot of slots) this.#known.set(slot.id, slot);
    const news = this.#news(this.#report);
    // What did not fit follows now.
    const hasMoreRecords = left.length > 0 && failovers.length > 0;
    if (news.length > 0 || this.#hasChanged || hasMoreRecords) this.#isDue = true;
    else this.#forgetOthers(this.#report);
  }

  /**
   * As many slots as fit, those that the manager knows, too, so that it has all of them right after some calls whatever it
   * made of what it was told; without failover records. Undefined: nothing.
   */
  now(): Uint8Array | undefined {
    if (this.#report === null) return undefined;
    const report = { ...this.#report, failovers: [] };
    const rest = inOrder(report.slots).filter(({ id }) => id > this.#toldUpTo);
    const fitted = fit(report, rest) ?? fit(report, []);
    this.#toldUpTo = fitted && fitted.slots.length < rest.length ? (fitted.slots.at(-1)?.id ?? '') : '';
    return fitted?.octets;
  }

  /** The manager knows them otherwise, or not yet. */
  #news({ slots }: SlotReport): SlotState[] {
    return slots.filter((slot) => !isSame(this.#known.get(slot.id), slot));
  }

  /** Slots that are no more, so that what is known is bounded by what there is. */
  #forgetOthers({ slots }: SlotReport): void {
    if (this.#known.size === slots.length) return;
    const current = new Set(slots.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!current.has(id)) this.#known.delete(id);
  }
}

type Fitted = Omit<SlotsTold, 'serial'> & { readonly octets: Uint8Array };

/** As much as fits: all the slots of `rest` with as many records as there is room for, else the first of them. */
function fit(report: SlotReport, rest: readonly SlotState[]): Fitted | undefined {
  const encoded = (some: readonly SlotState[], failovers: number): Uint8Array | undefined => {
    const octets = encodeSlotReport({
      ...report,
      slots: some,
      failovers: report.failovers.slice(0, failovers),
    });
    return octets.length <= REPORT_BYTES_MAX ? octets : undefined;
  };
  let count = countThatFits(rest);
  if (count === rest.length) {
    for (let records = report.failovers.length; ; records = Math.floor(records / 2)) {
      const octets = encoded(rest, records);
      const failovers = report.failovers.slice(0, records).map(({ id }) => id);
      if (octets) return { octets, failovers, slots: rest };
      if (records === 0) break;
    }
    count -= 1;
  }
  // What is told beside slots has its part of the room.
  for (; count > 0; count = Math.floor(count * 0.9)) {
    const some = rest.slice(0, count);
    const octets = encoded(some, 0);
    if (octets) return { octets, failovers: [], slots: some };
  }
  const [first] = rest;
  if (first?.sharing === undefined) return undefined;
  // Of one with so many standbys that they fill a message who holds it at least.
  const { sharing: _sharing, ...plain } = first;
  const octets = encoded([plain], 0);
  return octets && { octets, failovers: [], slots: [first] };
}

function inOrder(slots: readonly SlotState[]): SlotState[] {
  return slots.toSorted((a, b) => (a.id < b.id ? -1 : 1));
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
