// SPDX-License-Identifier: Apache-2.0

/*
 * Inputs and outputs of the two endpoints of the service-mobility protocol. Outputs are carried out in order;
 * `send` on a connection that is gone meanwhile is dropped without harm.
 */
import type {
  FunctionInformation,
  FunctionReport,
  FunctionSpecification,
  LeaseEndpoint,
  MobilityDecodeError,
  MobilityMessage,
  NodeInformation,
  RunningStatus,
  SetConfiguration,
  SlotAssignment,
  SlotReport,
} from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import type { FunctionId, NodeId } from '../identity.ts';

/** Number of one transport connection, chosen by the driver, never used twice. */
export type ConnectionId = number;
/** Number of one operation that the node's agent has to answer, chosen by the node endpoint. */
export type OperationId = number;

/** Whom the certificate of a connection names. */
export interface PeerIdentity {
  readonly node: NodeId;
  readonly name: string;
}

// ---------------------------------------------------------------- manager

export interface ManagerOptions {
  readonly random: Random;
  /** 64 random bits, new at each start of the process. */
  readonly instance: bigint;
  /** Term of this manager; above every term before it. */
  readonly term: bigint;
  /** T, 50 to 60000. Default 1000. */
  readonly keepAliveIntervalMs?: number;
  /** M. Default 3: a silent node is lost after at most T x (M + 1). */
  readonly keepAliveMisses?: number;
  /** Time-out of an ACK; then the connection is closed. Default 5000. */
  readonly ackTimeoutMs?: number;
  /** Time within which a connection must have registered. Default 5000. */
  readonly registrationTimeoutMs?: number;
  /** Operations a node may have waiting or unanswered; more are refused with 129. Default 1024. */
  readonly operationsMax?: number;
}

export type MobilityManagerInput =
  | { readonly type: 'connected'; readonly connection: ConnectionId; readonly identity: PeerIdentity }
  | { readonly type: 'message'; readonly connection: ConnectionId; readonly message: MobilityMessage }
  /** A whole frame that does not decode. */
  | { readonly type: 'malformed'; readonly connection: ConnectionId; readonly error: MobilityDecodeError }
  /** A length that no frame can have: answered with ERROR, then closed. */
  | { readonly type: 'unframeable'; readonly connection: ConnectionId; readonly reason: string }
  | { readonly type: 'disconnected'; readonly connection: ConnectionId }
  /**
   * Starts a function (specification), changes what it is for (assignment), or, with Function ID 0, tells the
   * node its set (configuration).
   */
  | {
      readonly type: 'add';
      readonly requestId: number;
      readonly node: NodeId;
      readonly functionId: FunctionId;
      readonly name?: string;
      /** Written with its keys in a fixed order, so an equal one is a repeat to the node. */
      readonly specification?: FunctionSpecification;
      readonly assignment?: SlotAssignment;
      readonly configuration?: SetConfiguration;
    }
  | {
      readonly type: 'delete';
      readonly requestId: number;
      readonly node: NodeId;
      readonly functionId: FunctionId;
    }
  | {
      readonly type: 'get';
      readonly requestId: number;
      readonly node: NodeId;
      readonly functionId: FunctionId;
    }
  /** Forces a node to leave; it keeps its functions and does not come back for 60 s. */
  | { readonly type: 'deregister'; readonly requestId: number; readonly node: NodeId };

export type MobilityManagerOutput =
  | { readonly type: 'send'; readonly connection: ConnectionId; readonly message: MobilityMessage }
  | { readonly type: 'close'; readonly connection: ConnectionId; readonly reason: string }
  /**
   * A REGISTRATION was accepted. `resumed` true: same function table as in the registration before. False: this
   * endpoint knows nothing of it; a node with our extensions is asked at once, see `node-functions`.
   */
  | {
      readonly type: 'node-registered';
      readonly node: NodeId;
      readonly name: string;
      readonly resumed: boolean;
      /** NTP timestamp; 0n: the node does not tell. */
      readonly bootTime: bigint;
      readonly addresses: readonly string[];
      readonly information: NodeInformation;
      /** Null for a plain peer. */
      readonly leaseEndpoint: LeaseEndpoint | null;
    }
  /**
   * After a registration that did not resume: the node has exactly these functions, each told by a
   * `function-status` before; others are gone. Operations wait until here. Plain peers are not asked.
   */
  | { readonly type: 'node-functions'; readonly node: NodeId; readonly functionIds: readonly FunctionId[] }
  /** A KEEP-ALIVE was missed or the connection was reset. */
  | { readonly type: 'node-suspect'; readonly node: NodeId; readonly reason: string }
  /** M misses: it does not answer. It may still run and serve. */
  | { readonly type: 'node-lost'; readonly node: NodeId; readonly reason: string }
  /** It answers again, on the same connection or after a resumed registration. */
  | { readonly type: 'node-back'; readonly node: NodeId }
  /** It de-registered or was forced to. */
  | { readonly type: 'node-left'; readonly node: NodeId; readonly reason: string }
  /** New addresses of a registered node. */
  | { readonly type: 'node-moved'; readonly node: NodeId; readonly addresses: readonly string[] }
  /** What a STATUS-UPDATE or an ACK told; `gone` true: the node has no such function any more. */
  | {
      readonly type: 'function-status';
      readonly node: NodeId;
      readonly functionId: FunctionId;
      readonly status: RunningStatus;
      readonly gone: boolean;
      readonly report: FunctionReport | null;
      readonly information: FunctionInformation;
      readonly reason: string;
    }
  /** Comes before the ACK that makes the node forget its failover records; the same record may come again. */
  | { readonly type: 'slot-report'; readonly node: NodeId; readonly report: SlotReport }
  /**
   * How an `add`, `delete`, `get` or `deregister` ended; exactly one for each request. What was sent to a node
   * that is lost ends only when it comes back or is de-registered.
   */
  | {
      readonly type: 'operation-result';
      readonly requestId: number;
      /**
       * Code of the ACK; below 128 success. 129: the queue is full. 131: the node went away for good, or is a
       * new incarnation, and whether it was carried out is not known.
       */
      readonly code: number;
      /** Number of extension 4. */
      readonly error: number | null;
      readonly text: string;
      readonly status: RunningStatus | null;
      readonly report: FunctionReport | null;
      /** Only of GET: what was told of each function. */
      readonly functions?: readonly {
        readonly functionId: FunctionId;
        readonly information: FunctionInformation;
        readonly report: FunctionReport | null;
      }[];
    }
  /** Something to log and count. */
  | MobilityEvent;

export interface MobilityEvent {
  readonly type: 'event';
  readonly event:
    | 'malformed'
    | 'refused'
    | 'duplicate'
    | 'unexpected-ack'
    | 'ack-timeout'
    | 'peer-error'
    | 'queue-full'
    | 'term-refused'
    | 'second-node'
    | 'replaced';
  readonly node: NodeId | null;
  readonly connection: ConnectionId | null;
  readonly reason: string;
}

// ------------------------------------------------------------------- node

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
  readonly addresses: readonly string[];
  readonly information?: NodeInformation;
  readonly leaseEndpoint?: LeaseEndpoint;
  /** T and M until the manager tells its own. Defaults 1000 and 3. */
  readonly keepAliveIntervalMs?: number;
  readonly keepAliveMisses?: number;
  /** Default 5000. */
  readonly ackTimeoutMs?: number;
  /** Least interval between reports of loads. Default 1000. */
  readonly loadIntervalMs?: number;
  /** Operations that may wait for the agent's answer; more are refused with 129. Default 256. */
  readonly operationsMax?: number;
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
  /** The agent's answer to `add`, `delete` or `configure`, within 1 s: accepted is enough. */
  | {
      readonly type: 'answer';
      readonly operation: OperationId;
      readonly code: number;
      /** Number of extension 4. */
      readonly error?: number;
      readonly text?: string;
      readonly status?: RunningStatus;
      readonly report?: FunctionReport;
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
  | {
      readonly type: 'node-changed';
      readonly addresses?: readonly string[];
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
  /** Stop a function. Of an absent one: code 0 and `Unknown`. */
  | { readonly type: 'delete'; readonly operation: OperationId; readonly functionId: FunctionId }
  | { readonly type: 'configure'; readonly operation: OperationId; readonly configuration: SetConfiguration }
  /** The manager has these failover records; they need not be told again. */
  | { readonly type: 'failovers-acknowledged'; readonly ids: readonly string[] }
  /** On disk before what follows. */
  | { readonly type: 'persist'; readonly nodeId: number; readonly highestTerm: bigint }
  | MobilityEvent;
