// SPDX-License-Identifier: Apache-2.0
import type { SessionForward } from '@vnfpool/wire/function-socket';
import type {
  CookieSecrets,
  CouncilReport,
  FailoverCause,
  FailoverRecord,
  FunctionReport,
  FunctionSpecification,
  HealthCheck,
  HostPause,
  HostReport,
  MergeableReport,
  Role,
  SessionInformation,
  SetConfiguration,
  SharingReport,
  SlotAssignment,
  SlotState,
  StallReport,
  TransferReport,
} from '@vnfpool/wire/mobility';
import type { ReplicaPosition } from '@vnfpool/wire/replication';
import type { Random } from '../core.ts';
import type { FunctionId, NodeId, SlotId } from '../identity.ts';
import type { CandidateState } from '../lease/index.ts';
import type { TransferDestination, TransferToken } from '../mobility/types.ts';
import type { TransferEnd, Verdict } from '../state-transfer/types.ts';
import type { AdoptedFunction, FunctionRecord } from './keeping.ts';

export interface AgentOptions {
  readonly random: Random;
  readonly node: NodeId;
  /** Functions that may run here; an ADD beyond it is refused with 129. Default 256. */
  readonly functionsMax?: number;
}

/** One start of a function; a later start of the same function has a higher number. */
export type RunNumber = number;

export type AgentInput =
  /** From the mobility endpoint; each is answered by one `answer`. */
  | {
      readonly type: 'add';
      readonly operation: number;
      readonly functionId: FunctionId;
      readonly specification: FunctionSpecification | null;
      /** The specification's exact octets; equal octets are the same specification. */
      readonly specificationOctets: Uint8Array | null;
      readonly assignment: SlotAssignment | null;
    }
  /** As `add`, of a function that takes its state from another node; null: the manager does not say from which. */
  | {
      readonly type: 'prepare';
      readonly operation: number;
      readonly functionId: FunctionId;
      readonly specification: FunctionSpecification | null;
      readonly specificationOctets: Uint8Array | null;
      readonly assignment: SlotAssignment | null;
      readonly token: TransferToken;
      readonly from: NodeId | null;
    }
  /** Gives the function's state to another node, and with `move` ends it here then. */
  | {
      readonly type: 'transfer';
      readonly operation: number;
      readonly functionId: FunctionId;
      readonly mode: 'move' | 'copy';
      /** What it is called at the destination. */
      readonly targetFunctionId: FunctionId;
      readonly destination: TransferDestination;
      readonly token: TransferToken;
    }
  /** Gives some sessions of a function to another one that runs already. */
  | {
      readonly type: 'move-session';
      readonly operation: number;
      /** Null: of the only one here whose sessions can move. */
      readonly functionId: FunctionId | null;
      /** Their union. */
      readonly sessions: readonly SessionInformation[];
      readonly destination: TransferDestination;
      /** Of the function there; null: as here. */
      readonly targetFunctionId: FunctionId | null;
      readonly token: TransferToken;
    }
  /** The answer to `select-sessions`. */
  | { readonly type: 'sessions-selected'; readonly functionId: FunctionId; readonly count: number }
  /** The answer to `expect-sessions`. */
  | {
      readonly type: 'sessions-expected';
      readonly functionId: FunctionId;
      readonly forward: SessionForward | null;
    }
  /** To either, in place of the answer. */
  | { readonly type: 'sessions-refused'; readonly functionId: FunctionId; readonly reason: string }
  /** How a transfer goes, now and then. */
  | {
      readonly type: 'transfer-progress';
      readonly functionId: FunctionId;
      readonly report: TransferReport;
    }
  | { readonly type: 'transfer-ended'; readonly functionId: FunctionId; readonly end: TransferEnd }
  | {
      readonly type: 'delete';
      readonly operation: number;
      readonly functionId: FunctionId;
      /** Only while it waits for its state: the transfer is cancelled. */
      readonly ifWaiting?: boolean;
    }
  | { readonly type: 'configure'; readonly operation: number; readonly configuration: SetConfiguration }
  | { readonly type: 'failovers-acknowledged'; readonly ids: readonly string[] }
  /** A manager leads this node from now on; null: one that has no terms. */
  | { readonly type: 'managed'; readonly term: bigint | null }
  /** From the host. */
  | {
      readonly type: 'started';
      readonly functionId: FunctionId;
      readonly run: RunNumber;
      readonly pid: number;
      readonly address: string;
      readonly port: number | null;
    }
  /** The node has another address: functions that are reached at the former one are where it is now. */
  | { readonly type: 'readdressed'; readonly from: string; readonly to: string }
  | {
      readonly type: 'exited';
      readonly functionId: FunctionId;
      readonly run: RunNumber;
      /** `exit code 1`, `killed by SIGKILL`, `no such program`. */
      readonly reason: string;
    }
  /** Last lines of its output so far. */
  | {
      readonly type: 'output';
      readonly functionId: FunctionId;
      readonly run: RunNumber;
      readonly lines: readonly string[];
    }
  /** The answer to `check-health`; of a check of type `function` what the function says of itself, whenever it does. */
  | {
      readonly type: 'health';
      readonly functionId: FunctionId;
      readonly run: RunNumber;
      readonly ok: boolean;
      readonly reason: string;
      /** Its control group is frozen: somebody holds it still. */
      readonly isFrozen?: boolean;
      /** Its port refused the check's connection, or reset it. */
      readonly isRefused?: boolean;
    }
  /** A registrar asks whether it lives: now and then, and at once when a pool user could not reach it. */
  | { readonly type: 'doubted'; readonly functionId: FunctionId }
  /** Processor time that it used lately, as a fraction of one processor. */
  | {
      readonly type: 'load';
      readonly functionId: FunctionId;
      readonly run: RunNumber;
      readonly fraction: number;
    }
  /** What it says of its sessions. */
  | {
      readonly type: 'sessions';
      readonly functionId: FunctionId;
      readonly run: RunNumber;
      /** Whether single ones can be moved. */
      readonly movable: boolean;
      /** Null: it did not say yet. */
      readonly count: number | null;
    }
  /** Inputs that came together, in their order: what follows from them is told once. */
  | { readonly type: 'several'; readonly inputs: readonly AgentInput[] }
  /** From the lease worker. */
  | { readonly type: 'slot'; readonly state: SlotState; readonly muteMs: number }
  | { readonly type: 'failover'; readonly record: FailoverRecord }
  | { readonly type: 'council'; readonly report: CouncilReport }
  | { readonly type: 'stalls'; readonly stalls: StallReport }
  /** Mergeable state that is kept here; all of it, each time. */
  | { readonly type: 'mergeable'; readonly reports: readonly MergeableReport[] }
  /** Records that a former agent had not told a manager. */
  | { readonly type: 'restore-failovers'; readonly records: readonly FailoverRecord[] }
  /** What the host shows of itself. */
  | {
      readonly type: 'link';
      readonly name: string;
      readonly hasCarrier: boolean;
      readonly wallMs: number;
    }
  | ({ readonly type: 'paused' } & HostPause)
  /** Whether there is a copy here of a slot's shared state, from which a function could go on. */
  | {
      readonly type: 'copy';
      readonly slot: SlotId;
      readonly isWhole: boolean;
      /** Its last update; absent: not known. Told when the copy begins and when its holder is heard no more. */
      readonly position?: ReplicaPosition;
    }
  /** The function has all of the slot's state under this epoch, which is on disk before the slot is served. */
  | {
      readonly type: 'owns-state';
      readonly slot: SlotId;
      readonly functionId: FunctionId;
      readonly epoch: number;
    }
  /** How far the standbys of a slot are, told now and then; null: it is not held here. */
  | { readonly type: 'sharing'; readonly slot: SlotId; readonly report: SharingReport | null }
  /** Ends every function, holders' slots released first. */
  | { readonly type: 'stop' }
  /**
   * The first input of an agent that comes back to functions, by what `keep` last said of each; with the set's
   * configuration as it was then. Those that live are as they were, the others have ended.
   */
  | {
      readonly type: 'adopt';
      readonly configuration: SetConfiguration | null;
      readonly functions: readonly AdoptedFunction[];
      /** Held on from the agent before, which has handed them on; none after a restart. */
      readonly slots?: readonly SlotState[];
    }
  /** Gives every slot up and touches no function: the next agent comes back to them. */
  | { readonly type: 'leave' };

export type AgentOutput =
  | {
      readonly type: 'answer';
      readonly operation: number;
      readonly code: number;
      readonly error?: number;
      readonly text?: string;
      readonly status?: FunctionStatus;
      readonly report?: FunctionReport;
      /** Of `move-session`: how many were selected. */
      readonly sessions?: bigint;
    }
  | {
      readonly type: 'function-changed';
      readonly functionId: FunctionId;
      readonly status: FunctionStatus;
      readonly report: FunctionReport;
      readonly reason: string;
    }
  | {
      readonly type: 'slots-changed';
      readonly muteMs: number;
      readonly slots: readonly SlotState[];
      readonly failovers: readonly FailoverRecord[];
      /** Undefined: the lease worker has not said yet. */
      readonly councils?: readonly CouncilReport[];
      readonly stalls?: StallReport;
      /** Absent: nothing to tell. */
      readonly host?: HostReport;
      readonly mergeable?: readonly MergeableReport[];
    }
  /** Replaces the records that are kept for the next agent until a manager has them. */
  | { readonly type: 'keep-failovers'; readonly records: readonly FailoverRecord[] }
  /** Replaces what is kept of a function for the next agent; null: nothing. A start is kept before it happens. */
  | { readonly type: 'keep'; readonly functionId: FunctionId; readonly record: FunctionRecord | null }
  /** To the host, before the start of whoever is handed it, and when it is another one. Null: it has none any more. */
  | {
      readonly type: 'cookie-secrets';
      readonly functionId: FunctionId;
      readonly handed: (CookieSecrets & { readonly pool: string }) | null;
    }
  /** To the host. */
  | {
      readonly type: 'start';
      readonly functionId: FunctionId;
      readonly run: RunNumber;
      readonly name: string;
      readonly specification: FunctionSpecification;
    }
  | {
      readonly type: 'stop';
      readonly functionId: FunctionId;
      readonly run: RunNumber;
      readonly signal: string;
      readonly graceMs: number;
    }
  /** Make one check now and answer with `health`. Only a `command` is asked for without a port. */
  | {
      readonly type: 'check-health';
      readonly functionId: FunctionId;
      readonly run: RunNumber;
      readonly check: HealthCheck;
      readonly address: string;
      readonly port: number | null;
    }
  /** Tells the function what it is, when that changes and whenever it was started. */
  | {
      readonly type: 'role';
      readonly functionId: FunctionId;
      readonly run: RunNumber;
      readonly role: Role;
      /** Of the slot that it holds; 0 without one. */
      readonly epoch: string;
    }
  /** To those who move state; answered by one `transfer-ended` each. */
  | {
      readonly type: 'receive-state';
      readonly functionId: FunctionId;
      readonly token: TransferToken;
      readonly from: NodeId;
      /** It may hold a slot: its lease says when it serves, not the end of the transfer. */
      readonly isLeased: boolean;
    }
  | {
      readonly type: 'send-state';
      readonly functionId: FunctionId;
      readonly mode: 'move' | 'copy';
      readonly targetFunctionId: FunctionId;
      readonly destination: TransferDestination;
      readonly token: TransferToken;
      /** As at `receive-state`: while the outcome is in doubt the function may go on, for its lease is here. */
      readonly isLeased: boolean;
    }
  /** Asks the function; answered by `sessions-selected` or `sessions-refused`. */
  | {
      readonly type: 'select-sessions';
      readonly functionId: FunctionId;
      readonly sessions: readonly SessionInformation[];
    }
  /** Asks the function; answered by `sessions-expected` or `sessions-refused`. */
  | { readonly type: 'expect-sessions'; readonly functionId: FunctionId }
  /** To those who move state, as `send-state`: the sessions that the function has selected. */
  | {
      readonly type: 'send-sessions';
      readonly functionId: FunctionId;
      readonly targetFunctionId: FunctionId;
      readonly destination: TransferDestination;
      readonly selection: readonly SessionInformation[];
      readonly token: TransferToken;
    }
  /** As `receive-state`, beside the sessions that the function has. */
  | {
      readonly type: 'receive-sessions';
      readonly functionId: FunctionId;
      readonly token: TransferToken;
      readonly from: NodeId;
      /** Where the function takes packets of sessions that come to it; null: nowhere. */
      readonly forward: SessionForward | null;
    }
  /** What became of the other end is known: to a transfer whose outcome is not. */
  | { readonly type: 'settle-transfer'; readonly functionId: FunctionId; readonly verdict: Verdict }
  /** The function's state had moved, but it stays here after all: it goes on. */
  | { readonly type: 'keep-state'; readonly functionId: FunctionId }
  /** `isGone`: the function that was to take the state has ended. */
  | { readonly type: 'cancel-transfer'; readonly functionId: FunctionId; readonly isGone: boolean }
  /** To the lease worker. */
  | { readonly type: 'configure-leases'; readonly configuration: SetConfiguration }
  | {
      readonly type: 'candidate';
      readonly slot: SlotId;
      readonly functionId: FunctionId;
      readonly incarnation: string;
      readonly ready: boolean;
      readonly rank: number;
      /** Of the slot's shared state; absent: none is shared. */
      readonly state?: CandidateState;
      /** Of its process, whose end is the candidate's at once, whoever notices first; absent: more is to be done before. */
      readonly pid?: number;
    }
  | { readonly type: 'no-candidate'; readonly slot: SlotId; readonly functionId: FunctionId }
  | { readonly type: 'release'; readonly slot: SlotId; readonly cause: FailoverCause }
  | {
      readonly type: 'hand-over';
      readonly slot: SlotId;
      readonly to: { readonly node: NodeId; readonly functionId: FunctionId };
      readonly nonce: string;
    }
  /** To the registrar: registers, or changes the values of a registration. */
  | {
      readonly type: 'register';
      readonly poolHandle: string;
      readonly functionId: FunctionId;
      readonly address: string;
      readonly port: number;
      readonly policy: ElementPolicy;
    }
  | { readonly type: 'deregister'; readonly poolHandle: string; readonly functionId: FunctionId }
  | {
      readonly type: 'event';
      readonly severity: 'info' | 'warning' | 'error';
      readonly message: string;
      readonly functionId: FunctionId | null;
    };

export type FunctionStatus = 'Starting' | 'Running' | 'Terminating' | 'Unknown';

/** Policy and values of a pool element. */
export type ElementPolicy =
  | { readonly type: 'round-robin' }
  /** Load as a fraction, 0 to 1. */
  | { readonly type: 'least-used'; readonly load: number }
  /** Larger is preferred: the low 32 bits of the slot's epoch, so the latest holder wins. */
  | { readonly type: 'priority'; readonly priority: number };
