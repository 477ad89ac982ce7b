// SPDX-License-Identifier: Apache-2.0
import type {
  FunctionInformation,
  FunctionReport,
  FunctionSpecification,
  LeaseEndpoint,
  MobilityDecodeError,
  MobilityMessage,
  NodeInformation,
  RunningStatus,
  SessionInformation,
  SetConfiguration,
  SlotAssignment,
  SlotReport,
  StateAnswer,
  StateOrder,
} from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import type { FunctionId, NodeId } from '../identity.ts';
import type {
  ConnectionId,
  MobilityEvent,
  OperationId,
  TransferDestination,
  TransferToken,
} from './common-types.ts';

/*
 * Inputs and outputs of the node's endpoint. Outputs are carried out in order; `send` on a connection that is gone
 * meanwhile is dropped without harm.
 */

export interface NodeOptions {
  readonly random: Random;
  /** 0 asks the manager for one. */
  readonly nodeId: number;
  /** Highest manager term on disk; 0n: none. */
  readonly highestTerm: bigint;
  /** NTP timestamp of the moment at which the function table was created. Not 0n. */
  readonly bootTime: bigint;
  /** 64 random bits, new at each start of the process. */
  readonly instance: bigint;
  /** Our numbers go on after this one: a process before, of the same boot time, may have used those up to it. */
  readonly lastSequence?: number;
  readonly addresses: readonly string[];
  readonly information?: NodeInformation;
  readonly leaseEndpoint?: LeaseEndpoint;
  /** TCP port of its state channel, told with its addresses. */
  readonly statePort?: number;
  /** T and M until the manager tells its own. Defaults 1000 and 3. */
  readonly keepAliveIntervalMs?: number;
  readonly keepAliveMisses?: number;
  /** Default 5000. */
  readonly ackTimeoutMs?: number;
  /** Least interval between reports of loads. Default 1000. */
  readonly loadIntervalMs?: number;
  /** Operations that may wait for the agent's answer; more are refused with 129. Default 256. */
  readonly operationsMax?: number;
  /** Whether the agent can move state; without it MOVE, COPY, MOVE_SESSION and prepared ADD are refused (128). */
  readonly transfers?: boolean;
  /** Whether MOVE, COPY and MOVE_SESSION without a token are given to the agent. Default false: 130, error 3. */
  readonly admitPlainTransfers?: boolean;
}

export type MobilityNodeInput =
  /** Begins to look for the manager. */
  | { readonly type: 'start' }
  | { readonly type: 'connected'; readonly connection: ConnectionId }
  /** The attempt that the last `connect` asked for came to nothing. */
  | { readonly type: 'connect-failed'; readonly reason: string }
  | { readonly type: 'disconnected'; readonly connection: ConnectionId }
  | { readonly type: 'message'; readonly connection: ConnectionId; readonly message: MobilityMessage }
  | { readonly type: 'malformed'; readonly connection: ConnectionId; readonly error: MobilityDecodeError }
  | { readonly type: 'unframeable'; readonly connection: ConnectionId; readonly reason: string }
  /** The agent's answer to an order (an output with `operation`), within 1 s: accepted is enough. */
  | {
      readonly type: 'answer';
      readonly operation: OperationId;
      readonly code: number;
      /** Number of extension 4. */
      readonly error?: number;
      readonly text?: string;
      /** Of the function; at the source, where there are two. */
      readonly status?: RunningStatus;
      readonly report?: FunctionReport;
      /** Of `move-session`: how many were selected. */
      readonly sessions?: bigint;
      /** Of `state-order`. */
      readonly stateAnswer?: StateAnswer;
    }
  /**
   * What a function is now. A new status, or `urgent`, is told at once, loads and the rest at most once in
   * `loadIntervalMs`. `Unknown` means gone.
   */
  | {
      readonly type: 'function-changed';
      readonly functionId: FunctionId;
      readonly status: RunningStatus;
      readonly report: FunctionReport | null;
      readonly information?: FunctionInformation;
      readonly reason?: string;
      readonly urgent?: boolean;
    }
  /** Told at once, and again until a report with these failover records has been acknowledged. */
  | { readonly type: 'slots-changed'; readonly report: SlotReport }
  /**
   * New addresses, with the state port and the lease endpoint that belong to them, are told at once, other information
   * with the loads, at most once in `loadIntervalMs`. What is absent stays.
   */
  | {
      readonly type: 'node-changed';
      readonly addresses?: readonly string[];
      readonly statePort?: number;
      readonly leaseEndpoint?: LeaseEndpoint;
      readonly information?: NodeInformation;
    }
  /** De-registers and closes; the functions are the agent's business. */
  | { readonly type: 'stop' };

export type MobilityNodeOutput =
  /** Open a connection to the manager; answer with `connected` or `connect-failed`. */
  | { readonly type: 'connect'; readonly reason: string }
  | { readonly type: 'send'; readonly connection: ConnectionId; readonly message: MobilityMessage }
  | { readonly type: 'close'; readonly connection: ConnectionId; readonly reason: string }
  | { readonly type: 'managed'; readonly nodeId: NodeId; readonly term: bigint | null }
  | { readonly type: 'unmanaged'; readonly reason: string }
  /**
   * Start or change a function. Identical specification octets for a live function make it a repeat (code 0 and
   * its status), other octets are refused (128), absent ones change the assignment only.
   */
  | {
      readonly type: 'add';
      readonly operation: OperationId;
      readonly functionId: FunctionId;
      readonly name: string | null;
      readonly specification: FunctionSpecification | null;
      readonly specificationOctets: Uint8Array | null;
      readonly assignment: SlotAssignment | null;
    }
  /**
   * As `add`, of a function that is to take its state from node `from` (null: not told), which will show the
   * token. It is `Starting` until the state is there. At most once for each token.
   */
  | {
      readonly type: 'prepare';
      readonly operation: OperationId;
      readonly functionId: FunctionId;
      readonly name: string | null;
      readonly specification: FunctionSpecification | null;
      readonly specificationOctets: Uint8Array | null;
      readonly assignment: SlotAssignment | null;
      readonly token: TransferToken;
      readonly from: NodeId | null;
    }
  /**
   * Give the function to another node, then end it here. Code 0 and the present status accept it; how it ended is
   * told by `function-changed`. An unknown function: 128, error 2. Token null: a plain peer's order.
   */
  | {
      readonly type: 'move';
      readonly operation: OperationId;
      readonly functionId: FunctionId;
      readonly destination: TransferDestination;
      readonly token: TransferToken | null;
    }
  /** As `move`, and go on here. */
  | {
      readonly type: 'copy';
      readonly operation: OperationId;
      readonly functionId: FunctionId;
      /** Null: named as the original. */
      readonly copyId: FunctionId | null;
      readonly destination: TransferDestination;
      readonly token: TransferToken | null;
    }
  | {
      readonly type: 'move-session';
      readonly operation: OperationId;
      /** Null: sessions of whatever function. */
      readonly functionId: FunctionId | null;
      /** The function that takes them; null: the one of the same number. */
      readonly targetFunctionId: FunctionId | null;
      /** Their union. */
      readonly sessions: readonly SessionInformation[];
      readonly destination: TransferDestination;
      readonly token: TransferToken | null;
    }
  /** Stop a function. Of an absent one: code 0 and `Unknown`. */
  | {
      readonly type: 'delete';
      readonly operation: OperationId;
      readonly functionId: FunctionId;
      /** Only while it waits for its state from another node; else refused. */
      readonly ifWaiting: boolean;
    }
  | { readonly type: 'configure'; readonly operation: OperationId; readonly configuration: SetConfiguration }
  /** Answered with the state's answer, as far as it is then. */
  | { readonly type: 'state-order'; readonly operation: OperationId; readonly order: StateOrder }
  /** The manager has these failover records; they need not be told again. */
  | { readonly type: 'failovers-acknowledged'; readonly ids: readonly string[] }
  /** On disk before what follows. */
  | { readonly type: 'persist'; readonly nodeId: number; readonly highestTerm: bigint }
  | MobilityEvent;
