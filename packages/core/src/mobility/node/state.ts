// SPDX-License-Identifier: Apache-2.0

import type {
  Ack,
  Extensions,
  LeaseEndpoint,
  MobilityMessage,
  NodeInformation,
  Operation,
} from '@vnfpool/wire/mobility';
import { nodeId } from '../../identity.ts';
import { cutText, type Refusal, refusalOf } from '../answer.ts';
import { Backoff } from '../backoff.ts';
import { ConfigurationParts } from '../configuration-parts.ts';
import { Inbox } from '../inbox.ts';
import { Outbox } from '../outbox.ts';
import type { ConnectionId, MobilityEvent, MobilityNodeOutput, NodeOptions, OperationId } from '../types.ts';
import { NodeFunctions, type ToldGone } from './functions.ts';
import type { AgentOrder } from './orders.ts';
import { type SlotsTold, SlotTelling } from './slot-telling.ts';
import { TransferAdmission } from './transfer-admission.ts';

/** Where the endpoint is on its way to a manager. */
export type Phase =
  | { readonly name: 'idle'; readonly untilMs: number | null }
  | { readonly name: 'discovering'; readonly atMs: number }
  | { readonly name: 'connecting' }
  | {
      readonly name: 'registering';
      readonly connection: ConnectionId;
      readonly sequence: number;
      readonly deadlineMs: number;
    }
  | { readonly name: 'managed'; readonly connection: ConnectionId }
  | {
      readonly name: 'leaving';
      readonly connection: ConnectionId;
      readonly sequence: number;
      readonly deadlineMs: number;
    };

/** What a message of ours told, to be settled with its ACK. */
export interface Told {
  readonly gone: readonly ToldGone[];
  readonly slots: SlotsTold | null;
  readonly addresses: boolean;
  readonly information: boolean;
}

/** A message that tells nothing which its ACK would settle. */
export const TOLD_NOTHING: Told = {
  gone: [],
  slots: null,
  addresses: false,
  information: false,
};

/** An operation that the agent has been given or will be. */
export interface PendingOperation {
  readonly message: Operation;
  readonly functionId: number;
  readonly order: AgentOrder;
}

export type NodeEndpointOptions = NodeOptions &
  Required<Pick<NodeOptions, 'ackTimeoutMs' | 'loadIntervalMs' | 'operationsMax'>>;

/** STATUS-UPDATEs that wait or are unanswered; beyond, changes wait in the table of functions. */
const UPDATES_MAX = 256;

/** What all parts of the node's endpoint share, and how they speak: outputs gather here in order. */
export class NodeEndpointState {
  readonly options: NodeEndpointOptions;
  readonly backoff: Backoff;
  readonly functions: NodeFunctions = new NodeFunctions();
  readonly transfers: TransferAdmission;
  /** In the order of their numbers. */
  readonly operations: Map<OperationId, PendingOperation> = new Map();
  lastOperation = 0;
  phase: Phase = { name: 'idle', untilMs: null };
  isStopped = false;
  inbox: Inbox = new Inbox();
  readonly outbox: Outbox<Told> = new Outbox<Told>(UPDATES_MAX);
  /** 0: the manager has to give one. */
  nodeId: number;
  highestTerm: bigint;
  /** Extension 0 of the manager of the present numbers; null: a plain one; undefined: none yet. */
  managerInstance: bigint | null | undefined;
  keepAliveIntervalMs: number;
  keepAliveMisses: number;
  heardMs = 0;
  addresses: readonly string[];
  /** What belongs to them. */
  statePort: number | undefined;
  leaseEndpoint: LeaseEndpoint | undefined;
  information: NodeInformation;
  addressesDue = false;
  /** One report of each kind is on its way at a time: what changes meanwhile goes in the next one. */
  addressesInFlight = false;
  informationDue = false;
  informationInFlight = false;
  readonly configuration: ConfigurationParts = new ConfigurationParts();
  readonly slots: SlotTelling = new SlotTelling();
  /** Not before this moment are loads told again. */
  lazyAtMs = 0;
  nowMs = 0;
  #outputs: MobilityNodeOutput[] = [];

  constructor(options: NodeEndpointOptions) {
    this.options = options;
    this.backoff = new Backoff(options.random);
    this.transfers = new TransferAdmission(options.transfers ?? false, options.admitPlainTransfers ?? false);
    this.nodeId = options.nodeId;
    this.highestTerm = options.highestTerm;
    this.keepAliveIntervalMs = options.keepAliveIntervalMs ?? 1000;
    this.keepAliveMisses = options.keepAliveMisses ?? 3;
    this.addresses = options.addresses;
    this.statePort = options.statePort;
    this.leaseEndpoint = options.leaseEndpoint;
    this.information = options.information ?? {};
    if (options.lastSequence !== undefined) this.outbox.continueAfter(options.lastSequence);
  }

  get connection(): ConnectionId | null {
    return 'connection' in this.phase ? this.phase.connection : null;
  }

  get managerKnowsExtensions(): boolean {
    return (this.managerInstance ?? null) !== null;
  }

  /** What the node is, as a manager may ask for it. */
  get ownInformation(): NodeInformation {
    return { ...this.information, bootTime: this.options.bootTime };
  }

  /** What has gathered since the last call. */
  drain(): MobilityNodeOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  tell(output: MobilityNodeOutput): void {
    this.#outputs.push(output);
  }

  /** Sends to the manager if there is a connection to send it on. */
  send(message: MobilityMessage): void {
    const { connection } = this;
    if (connection !== null) this.tell({ type: 'send', connection, message });
  }

  close(connection: ConnectionId, reason: string): void {
    this.tell({ type: 'close', connection, reason });
  }

  event(event: MobilityEvent['event'], reason: string): void {
    const node = this.nodeId === 0 ? null : nodeId(this.nodeId);
    this.tell({ type: 'event', event, node, connection: this.connection, reason });
  }

  /** Keeps the answer, or `kept` in place of one that is too large for that, for a repeat, and sends it while there is a manager. */
  finish(ack: Ack, kept: Ack = ack): void {
    this.inbox.finish(kept);
    if (this.phase.name === 'managed' || this.phase.name === 'leaving') this.send(ack);
  }

  refusal(message: MobilityMessage, refusal: Refusal): Ack {
    this.event('refused', refusal.text);
    return refusalOf(message, this.nodeId, refusal, this.managerKnowsExtensions);
  }

  /** An ERROR to the manager; dropped when the queue is full. */
  report(text: string): void {
    const nodes = [{ id: this.nodeId, text: cutText(text) }];
    this.outbox.push(TOLD_NOTHING, (sequence) => ({
      type: 'error',
      sequence,
      nodes,
    }));
  }

  /** Takes the manager's T and M; values out of range are ignored. */
  useTiming(extensions: Extensions | undefined): void {
    const timing = extensions?.timing;
    if (timing === undefined || timing.intervalMs < 50 || timing.intervalMs > 60_000 || timing.misses < 1)
      return;
    this.keepAliveIntervalMs = timing.intervalMs;
    this.keepAliveMisses = timing.misses;
  }
}
