// SPDX-License-Identifier: Apache-2.0
import type { MobilityMessage } from '@vnfpool/wire/mobility';
import type { NodeId } from '../../identity.ts';
import { cutText, type Refusal, refusalOf } from '../answer.ts';
import type {
  ConnectionId,
  ManagerOptions,
  MobilityEvent,
  MobilityManagerOutput,
  PeerIdentity,
} from '../types.ts';
import type { Expectation, ManagedNode } from './managed-node.ts';

export interface Connection {
  readonly id: ConnectionId;
  readonly identity: PeerIdentity;
  /** Closed when not registered until then; null once registered, or while a challenger waits. */
  deadlineMs: number | null;
}

/** What all parts of the manager's endpoint share, and how they speak: outputs gather here in order. */
export class ManagerEndpointState {
  readonly options: Required<ManagerOptions>;
  readonly connections: Map<ConnectionId, Connection> = new Map();
  readonly nodes: Map<NodeId, ManagedNode> = new Map();
  /** Nodes that left: should the same process come back, its numbers and ours go on. One for each Node ID at most. */
  readonly departed: Map<NodeId, ManagedNode> = new Map();
  nowMs = 0;
  #outputs: MobilityManagerOutput[] = [];

  constructor(options: Required<ManagerOptions>) {
    this.options = options;
  }

  /** What has gathered since the last call. */
  drain(): MobilityManagerOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** The node that is registered on this connection. */
  registered(id: ConnectionId): ManagedNode | undefined {
    const connection = this.connections.get(id);
    const node = connection && this.nodes.get(connection.identity.node);
    return node?.connection === id ? node : undefined;
  }

  tell(...outputs: readonly MobilityManagerOutput[]): void {
    this.#outputs.push(...outputs);
  }

  send(connection: ConnectionId, message: MobilityMessage): void {
    this.tell({ type: 'send', connection, message });
  }

  event(
    event: MobilityEvent['event'],
    node: ManagedNode | NodeId | null,
    connection: ConnectionId | null,
    reason: string,
  ): void {
    const id = typeof node === 'object' && node !== null ? node.identity.node : node;
    this.tell({ type: 'event', event, node: id, connection, reason });
  }

  /** Answers a message that is not carried out; an ACK gets no answer. */
  refuse(id: ConnectionId, message: MobilityMessage, refusal: Refusal): void {
    const identity = this.connections.get(id)?.identity;
    this.event('refused', identity?.node ?? null, id, refusal.text);
    if (message.type === 'ack') return;
    const knows = (message.nodes[0]?.extensions?.hello ?? this.registered(id)?.instance ?? null) !== null;
    this.send(id, refusalOf(message, identity?.node ?? 0, refusal, knows));
  }

  /** Sends what the node's queue lets out. */
  pump(node: ManagedNode): void {
    if (node.connection === null) return;
    const admits = ({ type }: Expectation): boolean =>
      !node.synchronising || (type !== 'request' && type !== 'part');
    for (const message of node.outbox.release(this.nowMs, admits)) this.send(node.connection, message);
  }

  /** An ERROR to the node; dropped when its queue is full. */
  report(node: ManagedNode, text: string): void {
    const nodes = [{ id: node.identity.node, text: cutText(text) }];
    node.outbox.push({ type: 'error' }, (sequence) => ({ type: 'error', sequence, nodes }));
    this.pump(node);
  }
}
