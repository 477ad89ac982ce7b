// SPDX-License-Identifier: Apache-2.0
import type {
  LeaseCandidate,
  LeaseHeader,
  LeaseHolder,
  LeaseMessage,
  ReleaseReason,
} from '@vnfpool/wire/lease';
import type { CouncilDefinition, FailoverCause, SlotCandidate, SlotDefinition } from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import type { HandedOnLeases } from './handed-on.ts';
import type { CouncilRecord, LeaseRecord } from './record.ts';
import type { CandidateState } from './value.ts';

/** What one node's lease engine is made from. */
export interface LeaseEngineInit {
  readonly node: number;
  /** Never repeated by this node: each start of the agent has a new, higher one. */
  readonly incarnation: bigint;
  /** A moment (CLOCK_BOOTTIME, ms) at which the former process of this node had certainly ended. */
  readonly startedAtMs: number;
  /** What the journal restored, oldest first. */
  readonly restored: readonly LeaseRecord[];
  /**
   * What the process before has handed on, which had this incarnation. Without it this is a restart: all of the node's
   * leases are gone, and its member is mute for a while.
   */
  readonly handedOn?: HandedOnLeases;
  readonly random: Random;
  /** Bound of the relative rate of two clocks; default 0.01, range (0, 0.1]. */
  readonly driftBound?: number;
  /** Holders whose state nobody shares look for an heir, who follows without a decision; default false. */
  readonly namesHeirs?: boolean;
  /** How often clocks are compared, in ms; default 1,000. It takes some twenty of these to find a wrong one. */
  readonly clockWindowMs?: number;
}

/** Most slots a node takes part in; a configuration with more is rejected. */
export const SLOTS_MAX = 1024;

export type LeaseInput =
  /** The set as the manager says it; replaces the former one. */
  | {
      readonly type: 'configure';
      readonly council: CouncilDefinition;
      readonly slots: readonly SlotDefinition[];
    }
  /**
   * This node runs a function that may hold the slot; at most one a slot. `rank` counts those before it in
   * the queue, the holder not among them: 0 tries first. Another function
   * or another incarnation while the former holds means that the former has ended: the engine releases.
   */
  | {
      readonly type: 'candidate-state';
      readonly slot: string;
      readonly functionId: number;
      readonly functionIncarnation: bigint;
      readonly ready: boolean;
      readonly rank: number;
      /** What of the slot's shared state it has; absent: none is shared. */
      readonly state?: CandidateState;
    }
  /**
   * At the holder of a slot with shared state: these have it, and only they may take over. Answered by `renumbered` when that
   * changes the value; until then the former list counts. `isAnew`: under another epoch in any case.
   */
  | {
      readonly type: 'list';
      readonly slot: string;
      readonly epoch: number;
      readonly candidates: readonly SlotCandidate[];
      /** Of this word; grows from one to the next. */
      readonly serial: number;
      readonly isAnew?: boolean;
    }
  /** The function has ended or is no candidate any more. */
  | { readonly type: 'candidate-gone'; readonly slot: string; readonly functionId: number }
  /** After `granted`: function ready, address raised: the fence may open now. */
  | { readonly type: 'activate'; readonly slot: string; readonly epoch: number }
  /** After `fence-close`: the kernel has acknowledged it. */
  | { readonly type: 'fence-closed'; readonly slot: string; readonly epoch: number }
  /** Let go of the slot: answered by `fence-close`; the council hears of it after `fence-closed`. */
  | {
      readonly type: 'release';
      readonly slot: string;
      readonly reason: Exclude<ReleaseReason, 'abandoned' | 'handover' | 'clock' | 'expired'>;
    }
  /** Planned: pass the slot on. `nonce` (1 to 16 lower-case hexadecimal digits) tells orders apart. */
  | {
      readonly type: 'hand-over';
      readonly slot: string;
      readonly to: { readonly node: number; readonly functionId: number };
      readonly nonce: string;
    }
  | LeaseDatagram
  /** Several that were waiting, in order: they share one write to the disk. */
  | { readonly type: 'datagrams'; readonly datagrams: readonly LeaseDatagram[] };

/** Authenticated, fresh (see `ReplayWindow`) and decoded; `from` is who the key belongs to. */
export interface LeaseDatagram {
  readonly type: 'datagram';
  readonly from: number;
  readonly header: LeaseHeader;
  readonly messages: readonly LeaseMessage[];
}

export type LostReason =
  | ReleaseReason
  /** An operator decided on a council of a higher generation, or two did on two of the same. */
  | 'council-forced'
  | 'council-rival';

/** To be carried out in order; what follows a `persist` only once its records are durable. */
export type LeaseOutput =
  | { readonly type: 'persist'; readonly records: readonly LeaseRecord[] }
  /** May exceed one datagram: pack with `batchLeaseMessages`. Loss is expected. */
  | { readonly type: 'send'; readonly to: number; readonly messages: readonly LeaseMessage[] }
  /**
   * This node's function holds the slot; the lease is renewed from now on. The agent makes the function ready,
   * raises the address, then says `activate`.
   */
  | {
      readonly type: 'granted';
      readonly slot: string;
      readonly epoch: number;
      readonly functionId: number;
      readonly functionIncarnation: bigint;
      readonly cause: FailoverCause;
      /** How the former holder became silent. */
      readonly fencedBy: 'release' | 'timeout' | 'none';
      readonly previous: LeaseHolder | null;
      readonly candidates: readonly LeaseCandidate[];
      /** The holder came in by the last resort. */
      readonly lossMark: boolean;
      /** When this node first saw that the slot was free; own clock. */
      readonly detectedAtMs: number;
      readonly leaseUntilMs: number;
    }
  /** The holder goes on under a new epoch; fence and address stay as they are. */
  | {
      readonly type: 'renumbered';
      readonly slot: string;
      readonly epoch: number;
      readonly formerEpoch: number;
      readonly candidates: readonly LeaseCandidate[];
      /** Of the last word on the list that this has regard to; no value with an earlier one comes through any more. */
      readonly listSerial: number;
    }
  /** Open, or keep open, the fence until this moment of CLOCK_BOOTTIME. Only after `activate`. */
  | {
      readonly type: 'fence-until';
      readonly slot: string;
      readonly epoch: number;
      readonly untilMs: number;
    }
  /** Close the fence and answer `fence-closed` when the kernel has acknowledged it. */
  | {
      readonly type: 'fence-close';
      readonly slot: string;
      readonly epoch: number;
      readonly reason: LostReason;
    }
  /** The role is over: withdraw the address, tell the function. A `fence-close` has come before. */
  | { readonly type: 'lost'; readonly slot: string; readonly epoch: number; readonly reason: LostReason }
  /** What this node knows of a slot changed; a view, not a right. */
  | {
      readonly type: 'observed';
      readonly slot: string;
      readonly state: 'held' | 'free';
      readonly holder: LeaseHolder | null;
      readonly epoch: number;
      readonly candidates: readonly LeaseCandidate[];
      /** Its holder let it go, so that nobody acts under this epoch again. */
      readonly isReleased: boolean;
    }
  /** At the successor: a holder offers the slot; the engine answers `ready` if the candidate is ready. */
  | {
      readonly type: 'offered';
      readonly slot: string;
      readonly epoch: number;
      readonly nonce: string;
      /** Until when the candidate holds the slot at least, if it gets it by this offer; null: it does not want it. */
      readonly untilMs: number | null;
    }
  /** At the holder: the slot stays here. */
  | {
      readonly type: 'hand-over-failed';
      readonly slot: string;
      readonly nonce: string;
      readonly reason: 'not-holding' | 'unknown-candidate' | 'invalid-nonce' | 'no-answer' | 'lost';
    }
  /** Another council is in force here. */
  | { readonly type: 'council'; readonly council: CouncilRecord }
  /**
   * A clock, this node's or a peer's, was found to run at another rate than the others by more than half of what is
   * allowed, or is inside again. Whose it is neither votes nor holds in between.
   */
  | {
      readonly type: 'clock';
      readonly node: number;
      readonly isOutside: boolean;
      /** By which it is faster than the median: 0.01 is one in a hundred. */
      readonly deviation: number;
    }
  /** An input that was not acted on; counted by the driver. */
  | {
      readonly type: 'rejected';
      readonly reason:
        | 'council-lower'
        | 'council-mismatch'
        | 'council-rival'
        | 'misaddressed'
        | 'too-many-slots'
        | 'unknown-slot';
      readonly from: number;
    };
