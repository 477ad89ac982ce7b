// SPDX-License-Identifier: Apache-2.0
import type { KeeperInput, KeeperOutput, StateOutput } from '@vnfpool/core/agent';
import type { LeaseInput } from '@vnfpool/core/lease';
import type { ProcessIdentity } from '@vnfpool/platform/processes';
import type {
  CouncilReport,
  FailoverRecord,
  HostPause,
  SetConfiguration,
  SlotState,
  StallReport,
} from '@vnfpool/wire/mobility';
import type { HandedOn } from './marker.ts';

/** What the lease worker is started with; it acts only once it is told to `begin`. */
export interface WorkerTask {
  readonly node: number;
  readonly folder: string;
  /** Where lease datagrams are taken; port 0: any. */
  readonly listen: { readonly address: string; readonly port: number };
  /** Link of the virtual addresses; null: none are raised and there is no fence. */
  readonly interface: string | null;
}

/** With the process whose end is that of the candidate; null: the main thread alone says when it ends. */
export type CandidateToWorker = Extract<LeaseInput, { type: 'candidate-state' }> & {
  readonly pid: number | null;
};

/** From the main thread. */
export type ToWorker =
  /** The node's lock is held: whoever acted before has ended. First of all. */
  | { readonly type: 'begin'; readonly goesOn: GoesOn | null }
  | { readonly type: 'configure'; readonly configuration: SetConfiguration }
  | CandidateToWorker
  | Extract<LeaseInput, { type: 'candidate-gone' | 'release' | 'hand-over' | 'list' }>
  | Extract<KeeperInput, { type: 'node-fenced' | 'state-taken' }>
  /** The node has another address: lease datagrams are taken there, at the same port. */
  | { readonly type: 'address'; readonly address: string }
  /** Ends the thread without letting go of anything; answered by `not-handed-on` while something is under way. */
  | { readonly type: 'hand-on'; readonly from: ProcessIdentity; readonly to: ProcessIdentity }
  /** Lets go of every slot and ends. */
  | { readonly type: 'stop' };

/** What an agent that takes the place of another one begins with. */
export interface GoesOn {
  readonly handedOn: HandedOn;
  readonly configuration: SetConfiguration;
}

/** What the main thread need not have asked for. */
export type WorkerNews = Exclude<FromWorker, { readonly type: 'loaded' | 'ready' | 'not-handed-on' }>;

/** To the main thread. */
export type FromWorker =
  /** Everything is loaded. */
  | { readonly type: 'loaded' }
  | {
      readonly type: 'ready';
      readonly port: number;
      readonly fence: 'bpf' | 'nft' | 'none';
      readonly guarantee: string;
      readonly realtime: string;
      readonly muteMs: number;
      /** How long nobody renewed, and until the fence could be moved on; null: it did not go on for another agent. */
      readonly goneOn: { readonly renewedMs: number; readonly fencedMs: number } | null;
    }
  /** Something is under way, and it goes on. */
  | { readonly type: 'not-handed-on' }
  | { readonly type: 'slot'; readonly state: SlotState; readonly muteMs: number }
  | { readonly type: 'failover'; readonly record: FailoverRecord }
  | { readonly type: 'council'; readonly report: CouncilReport }
  | Extract<KeeperOutput, { type: 'fence-node' }>
  | StateOutput
  | { readonly type: 'event'; readonly severity: 'info' | 'warning' | 'error'; readonly message: string }
  /** Somebody changed the fence, which was put right: what it was. */
  | { readonly type: 'fence-changed'; readonly message: string }
  /** How late the worker was called in the last minutes; told when it changes, at most every ten seconds. */
  | { readonly type: 'stalls'; readonly stalls: StallReport }
  /** The link of the virtual addresses has a carrier, or has lost it. */
  | { readonly type: 'link'; readonly name: string; readonly hasCarrier: boolean; readonly wallMs: number }
  /** The worker stood still. */
  | { readonly type: 'paused'; readonly pause: HostPause }
  /** Datagrams that were dropped, by reason; told when it changes, at most once a second. */
  | { readonly type: 'counters'; readonly counters: Readonly<Record<string, number>> };
