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
  PeerIdentity,
  TransferDestination,
  TransferToken,
} from './common-types.ts';

/*
 * Inputs and outputs of the manager's endpoint. Outputs are carried out in order; `send` on a connection that is gone
 * meanwhile is dropped without harm.
 */

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
      /** Only while the function waits for the state of the transfer with this token, which ends so. */
      readonly cancels?: TransferToken;
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
      /** The function that takes them; absent: the one of the same number. Not without `functionId`. */
      readonly targetFunctionId?: FunctionId;
      /** Their union; at least one. */
      readonly sessions: readonly SessionInformation[];
      readonly destination: TransferDestination;
      readonly token: TransferToken | null;
    }
  /** Something is to be done with the state of a slot, or is asked for. Only for nodes that know our extensions. */
  | {
      readonly type: 'state-order';
      readonly requestId: number;
      readonly node: NodeId;
      readonly order: StateOrder;
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
      /** It is being asked what it runs, also where it resumed with another process: `node-functions` follows, unless it goes before. */
      readonly isAsked: boolean;
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
  /** New addresses of a registered node, and what belongs to them; null: that was not told, and stays. */
  | {
      readonly type: 'node-moved';
      readonly node: NodeId;
      readonly addresses: readonly string[];
      readonly statePort: number | null;
      readonly leaseEndpoint: LeaseEndpoint | null;
    }
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
   * How an `add`, `delete`, `get`, `move`, `copy`, `move-session`, `state-order` or `deregister` ended; exactly one for each
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
      /** Only of `state-order`; null: the node did not say. */
      readonly stateAnswer?: StateAnswer | null;
      /** Only of GET: what was told of each function. */
      readonly functions?: readonly {
        readonly functionId: FunctionId;
        readonly information: FunctionInformation;
        readonly report: FunctionReport | null;
      }[];
    }
  /** Something to log and count. */
  | MobilityEvent;
