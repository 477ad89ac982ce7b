// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage } from '@vnfpool/wire/lease';
import type { CouncilReport, FailoverRecord, SlotState } from '@vnfpool/wire/mobility';
import type { NodeLeaseRecord, NodeLeasesInput } from '../lease/index.ts';
import type { AddressInput, AddressOutput } from './address-upkeep.ts';
import type { Barred } from './slot-refusals.ts';
import type { StateOutput } from './state-takings.ts';

/** Moments of a take-over that the driver tells us by the clock; all but `raised` are steps of the record. */
export type KeeperStep = 'committed' | 'raised' | 'switched' | 'serving';

/** A slot that is being taken, by the epoch of its grant. */
export interface TakenSlot {
  readonly slot: string;
  readonly epoch: number;
}

export type KeeperInput =
  | NodeLeasesInput
  | AddressInput
  | Barred
  /** Everything before the `mark` of this step has been carried out, for all of these slots; `wallMs` is the wall clock now. */
  | {
      readonly type: 'marked';
      readonly slots: readonly TakenSlot[];
      readonly step: KeeperStep;
      readonly wallMs: number;
    }
  /** Nodes that no kernel silences: whoever takes over from them by time has them switched off first, where there is a hook. */
  | { readonly type: 'unfenced'; readonly nodes: ReadonlySet<number>; readonly hasHook: boolean }
  /** After `fence-node`: whether that node is off. */
  | {
      readonly type: 'node-fenced';
      readonly slot: string;
      readonly epoch: number;
      readonly isOff: boolean;
      /** Why not, or empty. */
      readonly reason: string;
    }
  /** After `take-state`: whether the function has the state and can serve. */
  | {
      readonly type: 'state-taken';
      readonly slot: string;
      /** That of `take-state`. */
      readonly epoch: number;
      readonly isTaken: boolean;
      /** Why not, or empty. */
      readonly reason: string;
    };

/** A slot and what it acts through. */
export interface KeeperSlot {
  readonly slot: string;
  /** Without prefix length. */
  readonly addresses: readonly string[];
  /** Links that are its own. */
  readonly links: readonly string[];
  /** Links of the node, by name, on which its addresses are beside the usual one. */
  readonly on: readonly string[];
  /** Links of the node, by name, into and out of which it forwards with the slot only; absent: none. */
  readonly forwarding?: readonly string[];
}

/** To be carried out in order, each only when the one before is done. */
export type KeeperOutput =
  | { readonly type: 'persist'; readonly records: readonly NodeLeaseRecord[] }
  | {
      readonly type: 'send';
      readonly councilId: number;
      readonly to: number;
      readonly messages: readonly LeaseMessage[];
    }
  /** Slots that must be under the fence, closed unless opened, with what is theirs. Replaces the former list. */
  | { readonly type: 'guard'; readonly slots: readonly KeeperSlot[] }
  | AddressOutput
  | StateOutput
  /** Open, or keep open, slots until moments of CLOCK_BOOTTIME: all that one step renewed, at once. */
  | { readonly type: 'open'; readonly ends: ReadonlyMap<string, number> }
  /** A slot may be opened soon until this moment of CLOCK_BOOTTIME, or a little later: what can be done ahead is done now. */
  | { readonly type: 'expect'; readonly untilMs: number }
  /** Close, and answer with `fence-closed` when the kernel has acknowledged it. */
  | { readonly type: 'close'; readonly slot: string; readonly epoch: number }
  /** Have a node switched off, and answer with `node-fenced`, in whatever time. */
  | { readonly type: 'fence-node'; readonly slot: string; readonly epoch: number; readonly node: number }
  /** Answered by `marked` at once. Slots that are taken together have their marks together: the time is that of the last of them. */
  | { readonly type: 'mark'; readonly slots: readonly TakenSlot[]; readonly step: KeeperStep }
  /** For the agent's main thread. */
  | { readonly type: 'slot'; readonly state: SlotState }
  | { readonly type: 'failover'; readonly record: FailoverRecord }
  | { readonly type: 'council'; readonly report: CouncilReport };
