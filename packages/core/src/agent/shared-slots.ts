// SPDX-License-Identifier: Apache-2.0
import type { SharingReport, SlotDefinition, SlotState } from '@vnfpool/wire/mobility';
import type { ReplicaPosition } from '@vnfpool/wire/replication';
import type { SlotId } from '../identity.ts';
import { type CandidateState, isWithStandbys } from '../lease/index.ts';
import type { Resident } from './agent.ts';

/** Slots whose state a function has itself, from having held them; good for one run of it. By slot: the epoch. */
export interface OwnStates {
  readonly incarnation: string;
  readonly epochs: Readonly<Record<string, number>>;
}

export const NO_OWN_STATES: OwnStates = { incarnation: '', epochs: {} };

/** Slots with shared state that a function may have at a time. */
const OWN_STATES_MAX = 64;

/** The function has all of the state of this slot, too. */
export function owning({ life, ownStates }: Resident, slot: SlotId, epoch: number): OwnStates {
  const { incarnation } = life;
  const { [slot]: _former, ...others } = incarnation === ownStates.incarnation ? ownStates.epochs : {};
  return {
    incarnation,
    epochs: Object.fromEntries([...Object.entries(others).slice(1 - OWN_STATES_MAX), [slot, epoch]]),
  };
}

/** What this node knows of slots whose state is shared. */
export class SharedSlots {
  /** Those of which there is a whole copy here, with how far it came. */
  readonly #copies = new Map<SlotId, ReplicaPosition | undefined>();
  readonly #reports = new Map<SlotId, SharingReport>();
  readonly #reported = new Map<SlotId, { readonly slot: SlotState; readonly told: SlotState }>();
  /** Those that are held here, and of which the function has had the state from this very process. */
  readonly #taken = new Set<SlotId>();

  copied(slot: SlotId, isWhole: boolean, position?: ReplicaPosition): void {
    if (isWhole) this.#copies.set(slot, position);
    else this.#copies.delete(slot);
  }

  reported(slot: SlotId, report: SharingReport | null): void {
    if (report === null) {
      this.#reports.delete(slot);
      this.#reported.delete(slot);
    } else this.#reports.set(slot, report);
  }

  taken(slot: SlotId): void {
    this.#taken.add(slot);
  }

  /** It is held here no more. */
  left(slot: SlotId): void {
    this.#taken.delete(slot);
  }

  /**
   * Whether the function that holds this slot is still to be given its state, as where this process goes on for another one: told
   * that it is active it would take it that nobody wants its state, and let out what standbys do not have.
   */
  isAwaited({ id, sharing }: SlotDefinition): boolean {
    return sharing !== undefined && !this.#taken.has(id as SlotId);
  }

  forget(slot: SlotId): void {
    this.#taken.delete(slot);
    this.#copies.delete(slot);
    this.#reports.delete(slot);
    this.#reported.delete(slot);
  }

  /** What a candidate has of the slot's state; undefined: it needs none of its own. */
  stateOf(definition: SlotDefinition, { life, ownStates, assignment }: Resident): CandidateState | undefined {
    if (!isWithStandbys(definition)) return undefined;
    const { id } = definition;
    const isSame = ownStates.incarnation === life.incarnation && life.leaseIncarnation === life.incarnation;
    const { slot, acceptedLoss } = assignment ?? {};
    const position = this.#copies.get(id as SlotId);
    return {
      hasCopy: this.#copies.has(id as SlotId),
      ownEpoch: isSame ? (ownStates.epochs[id] ?? null) : null,
      ...(position && { position }),
      ...(slot?.id === id && acceptedLoss !== undefined && { acceptedLoss: Number(acceptedLoss) }),
    };
  }

  /** With what is known of the standbys of slots that are held here; the same objects while nothing else is known. */
  withReports(slots: Iterable<SlotState>): SlotState[] {
    return Array.from(slots, (slot) => {
      const id = slot.id as SlotId;
      const report = this.#reports.get(id);
      if (report === undefined || slot.state !== 'holding') return slot;
      const known = this.#reported.get(id);
      if (known?.slot === slot && known.told.sharing === report) return known.told;
      const told = { ...slot, sharing: report };
      this.#reported.set(id, { slot, told });
      return told;
    });
  }
}
