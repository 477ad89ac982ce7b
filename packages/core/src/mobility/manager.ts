// SPDX-License-Identifier: Apache-2.0
import type { Core } from '../core.ts';
import { Deadlines } from '../deadlines/index.ts';
import type { NodeId } from '../identity.ts';
import { nodeOf, takeInput } from './manager/inputs.ts';
import type { ManagedNode } from './manager/managed-node.ts';
import { close } from './manager/membership.ts';
import { type Connection, ManagerEndpointState } from './manager/state.ts';
import { expireNode, isDue, nodeDeadline } from './manager/supervision.ts';
import type { ManagerOptions, MobilityManagerInput, MobilityManagerOutput } from './types.ts';

/**
 * - `node`: whatever is next due for a node
 * - `registration`: a connection without one is closed
 */
type ManagerTimer = 'node' | 'registration';

/**
 * The manager's side of the service-mobility protocol, for all nodes: registration, supervision, and operations
 * that are carried out at most once.
 * @see draft-yokota-opsawg-virtnw-service-management-02 §5, §6
 */
export class MobilityManager implements Core<MobilityManagerInput, MobilityManagerOutput> {
  readonly #state: ManagerEndpointState;
  readonly #due = new Deadlines<ManagedNode | Connection, ManagerTimer>();

  constructor(options: ManagerOptions) {
    this.#state = new ManagerEndpointState({
      keepAliveIntervalMs: 1000,
      keepAliveMisses: 3,
      ackTimeoutMs: 5000,
      registrationTimeoutMs: 5000,
      operationsMax: 1024,
      plainNumbers: new Map(),
      ...options,
    });
    const { keepAliveIntervalMs } = this.#state.options;
    if (!(keepAliveIntervalMs >= 50 && keepAliveIntervalMs <= 60_000)) {
      throw new RangeError(`keepAliveIntervalMs must be 50 to 60000, got ${keepAliveIntervalMs}`);
    }
  }

  handle(input: MobilityManagerInput, nowMs: number): MobilityManagerOutput[] {
    const state = this.#state;
    state.nowMs = nowMs;
    const id = nodeOf(state, input);
    const before = id === undefined ? undefined : state.nodes.get(id);
    const connectionBefore = 'connection' in input ? state.connections.get(input.connection) : undefined;
    takeInput(state, input);
    this.#armNode(before);
    if (id !== undefined) this.#armNode(state.nodes.get(id));
    this.#armConnection(connectionBefore);
    if ('connection' in input) this.#armConnection(state.connections.get(input.connection));
    return state.drain();
  }

  expire(nowMs: number): MobilityManagerOutput[] {
    const state = this.#state;
    state.nowMs = nowMs;
    const taken: (ManagedNode | Connection)[] = [];
    for (let due = this.#due.take(nowMs); due !== undefined; due = this.#due.take(nowMs))
      taken.push(due.owner);
    for (const owner of taken) {
      if ('outbox' in owner) {
        if (state.nodes.get(owner.identity.node) === owner) expireNode(state, owner);
        this.#armNode(owner);
      } else {
        if (isDue(owner.deadlineMs, nowMs)) close(state, owner.id, 'no registration in time');
        this.#armConnection(owner);
      }
    }
    return state.drain();
  }

  /** When a node was heard last, by the driver's clock; null: it is not known. */
  lastHeardMs(node: NodeId): number | null {
    return this.#state.nodes.get(node)?.lastHeardMs ?? null;
  }

  nextDeadline(): number | undefined {
    return this.#due.next();
  }

  /** An input touches one node at most: only that one's deadline is looked at again. */
  #armNode(node: ManagedNode | undefined): void {
    if (node === undefined) return;
    const isThere = this.#state.nodes.get(node.identity.node) === node;
    const atMs = isThere ? nodeDeadline(this.#state, node) : Number.POSITIVE_INFINITY;
    if (atMs === Number.POSITIVE_INFINITY) this.#due.clear(node, 'node');
    else if (atMs !== this.#due.get(node, 'node')) this.#due.set(node, 'node', atMs);
  }

  #armConnection(connection: Connection | undefined): void {
    if (connection === undefined) return;
    const { deadlineMs, id } = connection;
    const isThere = this.#state.connections.get(id) === connection;
    if (deadlineMs === null || !isThere) this.#due.clear(connection, 'registration');
    else this.#due.set(connection, 'registration', deadlineMs);
  }
}
