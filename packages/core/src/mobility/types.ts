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
  SessionInformation,
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

/** Where the source of a transfer finds the destination: its node, and where that node takes state. */
export interface TransferDestination {
  readonly node: NodeId;
  /** In text form; empty when the source has to find them out by itself. */
  readonly addresses: readonly string[];
  /** TCP port of the state channel; null when the source has to know it. */
  readonly port: number | null;
}

// ---------------------------------------------------------------- manager

/** Which numbers a plain node may have seen: it cannot tell by an instance that the manager is another process. */
export interface PlainNumbers {
  /** Of the registration that they belong to; 0n: the node does not tell. */
  readonly bootTime: bigint;
  /** None above it was used. */
  readonly upTo: number;
}

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
  /** What `reserve-numbers` put on disk last, by node. Default none. */
  readonly plainNumbers?: ReadonlyMap<NodeId, PlainNumbers>;
}

/** 16 octets, drawn by the driver for one transfer; valid 30 s, once, for one source, destination and function. */
export type TransferToken = Uint8Array;

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
      /**
       * Prepares a transfer at its destination: the function is made to take state from node `from`, which shows
       * this token. Only for nodes that know our extensions.
       */
      readonly prepare?: { readonly token: TransferToken; readonly from: NodeId };
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
  /**
   * Sent to `node`, the source: gives the function, or with `move-session` some of its sessions, to another node.
   * Its result tells that it was accepted; the end is a `function-status` of source and destination. `token`
   * null: a plain order, which a node with our extensions refuses (130, error 3) unless it admits plain peers.
   */
  | {
      readonly type: 'move';
      readonly requestId: number;
      readonly node: NodeId;
      readonly functionId: FunctionId;
      readonly destination: TransferDestination;
      readonly token: TransferToken | null;
    }
  /** As `move`, and the source goes on. */
  | {
      readonly type: 'copy';
      readonly requestId: number;
      readonly node: NodeId;
      readonly functionId: FunctionId;
      /** What the copy is called at the destination; absent: as the original. */
      readonly copyId?: FunctionId;
      readonly destination: TransferDestination;
      readonly token: TransferToken | null;
    }
  | {
      readonly type: 'move-session';
      readonly requestId: number;
      readonly node: NodeId;
      /** Null: sessions of whatever function of the node. */
      readonly functionId: FunctionId | null;
      /** Their union; at least one. */
      readonly sessions: readonly SessionInformation[];
      readonly destination: TransferDestination;
      readonly token: TransferToken | null;
    }
  /** Forces a node to leave; it keeps its functions and does not come back for 60 s. */
  | { readonly type: 'deregister'; readonly requestId: number; readonly node: NodeId };

export type MobilityManagerOutput =
  | { readonly type: 'send'; readonly connection: ConnectionId; readonly message: MobilityMessage }
  | { readonly type: 'close'; readonly connection: ConnectionId; readonly reason: string }
  /** On disk before what follows: a plain node gets messages with these numbers. One for some thousand messages. */
  | ({ readonly type: 'reserve-numbers'; readonly node: NodeId } & PlainNumbers)
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
      /** TCP port at which it takes the state of functions; null: it does not tell. */
      readonly statePort: number | null;
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
  /** A registered node has or uses other resources than it told before; only what the message said. */
  | { readonly type: 'node-information'; readonly node: NodeId; readonly information: NodeInformation }
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
   * How an `add`, `delete`, `get`, `move`, `copy`, `move-session` or `deregister` ended; exactly one for each
   * request. What was sent to a node that is lost ends only when it comes back or is de-registered.
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
      /** Only of MOVE_SESSION: how many were selected; null: the node did not say. */
      readonly sessions?: bigint | null;
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
  /** New addresses are told at once, other information with the loads, at most once in `loadIntervalMs`. */
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
      /** Their union. */
      readonly sessions: readonly SessionInformation[];
      readonly destination: TransferDestination;
      readonly token: TransferToken | null;
    }
  /** Stop a function. Of an absent one: code 0 and `Unknown`. */
  | { readonly type: 'delete'; readonly operation: OperationId; readonly functionId: FunctionId }
  | { readonly type: 'configure'; readonly operation: OperationId; readonly configuration: SetConfiguration }
  /** The manager has these failover records; they need not be told again. */
  | { readonly type: 'failovers-acknowledged'; readonly ids: readonly string[] }
  /** On disk before what follows. */
  | { readonly type: 'persist'; readonly nodeId: number; readonly highestTerm: bigint }
  | MobilityEvent;
