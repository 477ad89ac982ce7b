// SPDX-License-Identifier: Apache-2.0
import type { StateOutput } from '@vnfpool/core/agent';
import type {
  SetConfiguration,
  SlotDefinition,
  SlotState,
  StateAnswer,
  StateOrder,
} from '@vnfpool/wire/mobility';
import { forget } from './forget.ts';
import type { RehearsedMethod } from './rehearsal.ts';
import { SharedSlot, type SharedSlotParts } from './shared-slot.ts';
import { StateTasks } from './state-tasks.ts';

const REPORT_MS = 1_000;

export interface SlotStatesParts extends Omit<SharedSlotParts, 'setName'> {
  /** Plays a take-over through, once for each method: what runs for the first time takes some ten times as long. */
  readonly rehearse?: (method: RehearsedMethod) => void;
}

/** All slots whose state is shared, and for which this node has a candidate. */
export class SlotStates {
  readonly #parts: SlotStatesParts;
  readonly #rehearsed = new Set<string>();
  readonly #slots = new Map<string, SharedSlot>();
  /** Also of those that are not here yet. */
  readonly #seen = new Map<string, SlotState>();
  readonly #tasks: StateTasks;
  #set = '';
  readonly #reporting: NodeJS.Timeout;

  constructor(parts: SlotStatesParts) {
    this.#parts = parts;
    this.#tasks = new StateTasks(parts.clock, (slot) => this.#slots.get(slot), forget);
    this.#reporting = setInterval(() => {
      for (const slot of this.#slots.values()) slot.report();
    }, REPORT_MS).unref();
  }

  /** Where copies are taken. */
  get port(): number {
    return this.#parts.server.address.port;
  }

  /** The set as the manager says it. */
  configure({ set, slots, nodes, councils }: SetConfiguration): void {
    const { self } = this.#parts;
    this.#set = set;
    const mine = slots.filter(
      ({ sharing, candidates }) => sharing !== undefined && candidates.some(({ node }) => node === self),
    );
    const ids = new Set(mine.map(({ id }) => id));
    for (const [id, slot] of this.#slots) {
      if (ids.has(id)) continue;
      this.#slots.delete(id);
      void slot.close();
    }
    const all = new Set(slots.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!all.has(id)) this.#seen.delete(id);
    for (const definition of mine) {
      const { id } = definition;
      const known = this.#slots.get(id);
      if (known !== undefined) {
        known.define(definition, nodes, councils);
        continue;
      }
      const parts = { ...this.#parts, setName: () => this.#set };
      const slot = new SharedSlot(parts, definition, nodes, councils);
      this.#slots.set(id, slot);
      this.#rehearse(definition);
      const seen = this.#seen.get(id);
      if (seen !== undefined) slot.observed(seen);
    }
  }

  #rehearse({ sharing }: SlotDefinition): void {
    if (sharing?.method !== 'replicate' && sharing?.method !== 'conntrack') return;
    if (this.#rehearsed.has(sharing.method)) return;
    this.#rehearsed.add(sharing.method);
    this.#parts.rehearse?.(sharing.method);
  }

  /** Who holds a slot, as the lease worker sees it. */
  observe(state: SlotState): void {
    this.#seen.set(state.id, state);
    this.#slots.get(state.id)?.observed(state);
  }

  /** What the lease worker says. */
  follow(output: StateOutput): void {
    const slot = this.#slots.get(output.slot);
    switch (output.type) {
      case 'take-state':
        if (slot !== undefined) slot.take(output);
        else this.#refuse(output);
        return;
      case 'listed':
        slot?.listed(output);
        return;
      case 'leave-state':
        slot?.leave();
        return;
    }
  }

  /** What the manager asks of the state of a slot, as far as it is. */
  answer(order: StateOrder): StateAnswer {
    return this.#tasks.answer(order);
  }

  /** Takes copies at another address, see `CopyServer.move`. */
  move(host: string): Promise<void> {
    return this.#parts.server.move(host);
  }

  async close(): Promise<void> {
    clearInterval(this.#reporting);
    this.#tasks.close();
    await Promise.all([...this.#slots.values()].map((slot) => slot.close()));
    await this.#parts.stores.close();
  }

  /** Its definition has gone meanwhile. */
  #refuse({ slot, epoch }: StateOutput & { readonly type: 'take-state' }): void {
    const reason = 'no state of it is shared here';
    this.#parts.post({ type: 'state-taken', slot, epoch, isTaken: false, reason });
  }
}
