// SPDX-License-Identifier: Apache-2.0
import type { SlotCandidate, SlotDefinition } from '@vnfpool/wire/mobility';
import type { NodeLeasesOutput } from '../lease/index.ts';
import type { KeeperInput } from './slot-keeper-types.ts';

type Granted = NodeLeasesOutput & { readonly type: 'granted' };

/** For whoever carries state: what happens to a slot whose state is shared. */
export type StateOutput =
  /**
   * The function is to have the slot's state before anything of the slot is raised: answered by `state-taken`, in whatever time. With
   * `isResumed` it serves already, and the process before had the state: the copies begin anew under another epoch.
   */
  | {
      readonly type: 'take-state';
      readonly slot: string;
      readonly epoch: number;
      readonly functionId: number;
      /** Those that may take the slot over next: each has confirmed this epoch before more is let out, or is removed. */
      readonly listed: readonly SlotCandidate[];
      /** The holder before; null: there was none, nor any state. */
      readonly previous: SlotCandidate | null;
      /** The holder before has let go, and its last updates are on their way. */
      readonly isReleased: boolean;
      /** It came in by the last resort. */
      readonly isLossy: boolean;
      readonly isResumed: boolean;
    }
  /** A value stands with this list, under another epoch; no earlier one can come through any more. */
  | {
      readonly type: 'listed';
      readonly slot: string;
      readonly epoch: number;
      readonly listed: readonly SlotCandidate[];
      /** Of the last word on the list that it has regard to. */
      readonly serial: number;
    }
  /** The slot is held here no more, and its fence is closed. */
  | { readonly type: 'leave-state'; readonly slot: string };

/** Slots that were granted, and whose function does not have their state yet: nothing of them is raised before. */
export class StateTakings {
  /** By slot, with the epoch of the grant. */
  readonly #waiting = new Map<string, number>();

  /** Undefined: the slot's state is not shared. */
  take(definition: SlotDefinition | undefined, granted: Granted): StateOutput | undefined {
    if (definition?.sharing === undefined) return undefined;
    this.#waiting.set(granted.slot, granted.epoch);
    return takeState(granted, granted.epoch, false);
  }

  /** Whether this is the answer that the slot waits for. */
  told({ slot, epoch }: KeeperInput & { readonly type: 'state-taken' }): boolean {
    return this.#waiting.get(slot) === epoch && this.#waiting.delete(slot);
  }

  isWaitedFor(slot: string): boolean {
    return this.#waiting.has(slot);
  }

  /** The slot is held no more. */
  forget(slot: string): void {
    this.#waiting.delete(slot);
  }
}

export function takeState(granted: Granted, epoch: number, isResumed: boolean): StateOutput {
  const { slot, functionId, candidates, previous, fencedBy, lossMark } = granted;
  return {
    type: 'take-state',
    slot,
    epoch,
    functionId,
    listed: candidates.map(plain),
    previous: previous && plain(previous),
    isReleased: fencedBy === 'release',
    isLossy: lossMark,
    isResumed,
  };
}

/** As it is said outside of leases. */
export function plain({ node, functionId }: SlotCandidate): SlotCandidate {
  return { node, functionId };
}
