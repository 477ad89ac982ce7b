// SPDX-License-Identifier: Apache-2.0
import type { SlotRefusal } from '@vnfpool/wire/mobility';
import type { NodeLeasesOutput } from '../lease/index.ts';

/** Whoever knows a reason of its own. */
export interface RefusalSource {
  /** Undefined: none. */
  refusal(slot: string): SlotRefusal | undefined;
}

/** Slots for which this node is no candidate for the sake of its link, and why. */
export interface Barred {
  readonly type: 'barred';
  /** Replaces the former ones. */
  readonly slots: ReadonlySet<string>;
  readonly why: string;
}

/**
 * Why this node would not serve slots, whatever their functions say of themselves: its clock, its link, and what other sources
 * say. For people and the manager: who is ready is told to the lease engine elsewhere.
 */
export class SlotRefusals {
  readonly #first: RefusalSource;
  readonly #last: RefusalSource;
  readonly #isClockOutside: (slot: string) => boolean;
  #barred: Omit<Barred, 'type'> = { slots: new Set(), why: '' };
  /** By which the clock was found to be off; undefined: by a process before this one. */
  #deviation: number | undefined;

  /** @param first weighs more than clock and link, `last` less */
  constructor(first: RefusalSource, isClockOutside: (slot: string) => boolean, last: RefusalSource) {
    this.#first = first;
    this.#isClockOutside = isClockOutside;
    this.#last = last;
  }

  /** Undefined: it would serve the slot. */
  of(slot: string): SlotRefusal | undefined {
    return this.#first.refusal(slot) ?? this.#byClock(slot) ?? this.#byLink(slot) ?? this.#last.refusal(slot);
  }

  /** What the lease engines found out about this node's own clock. */
  judged({ isOutside, deviation }: NodeLeasesOutput & { type: 'clock' }): void {
    this.#deviation = isOutside ? deviation : undefined;
  }

  /** @returns the slots of which something else is to be said now */
  bar({ slots, why }: Barred): string[] {
    const former = this.#barred.slots;
    this.#barred = { slots, why };
    return [...new Set([...former, ...slots])].filter((slot) => former.has(slot) !== slots.has(slot));
  }

  #byClock(slot: string): SlotRefusal | undefined {
    if (!this.#isClockOutside(slot)) return undefined;
    const deviation = this.#deviation;
    const rate =
      deviation === undefined
        ? 'at another rate than the others do'
        : `${(Math.abs(deviation) * 100).toFixed(2)} % ${deviation > 0 ? 'faster' : 'slower'} than the others`;
    return { rule: 'clock', why: `its clock runs ${rate}, out of the bound` };
  }

  #byLink(slot: string): SlotRefusal | undefined {
    const { slots, why } = this.#barred;
    return slots.has(slot) ? { rule: 'link', why } : undefined;
  }
}
