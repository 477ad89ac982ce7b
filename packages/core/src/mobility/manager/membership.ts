// SPDX-License-Identifier: Apache-2.0
import {
  type Ack,
  AckCode,
  type LeaseEndpoint,
  parseLeaseEndpoint,
  type Registration,
} from '@vnfpool/wire/mobility';
import { ackOf, refusalOfDocument } from '../answer.ts';
import { Inbox } from '../inbox.ts';
import type { ConnectionId } from '../types.ts';
import { incarnationOf, type ManagedNode, newManagedNode } from './managed-node.ts';
import { synchronisation } from './operations.ts';
import { abandon } from './results.ts';
import type { Connection, ManagerEndpointState } from './state.ts';

/*
 * How a node comes to be registered on a connection and ceases to be. One file, since each of these can follow
 * from each other: a new connection closes the old one, and one that ends lets in whoever waited for its place.
 */

/** Registers a node on this connection, in place of the one that it had. */
export function accept(
  state: ManagerEndpointState,
  id: ConnectionId,
  connection: Connection,
  message: Registration,
): void {
  const { nowMs } = state;
  const { identity } = connection;
  const part = message.nodes[0];
  let leaseEndpoint: LeaseEndpoint | null = null;
  try {
    const octets = part?.extensions?.leaseEndpoint;
    if (octets) leaseEndpoint = parseLeaseEndpoint(octets);
  } catch (error) {
    return state.refuse(id, message, refusalOfDocument(error));
  }
  const known = state.nodes.get(identity.node);
  const departed = state.departed.get(identity.node);
  const node = known ?? departed ?? newManagedNode(identity, state.options.operationsMax, nowMs);
  state.departed.delete(identity.node);
  const before = node.state;
  if (node.connection !== null && node.connection !== id) {
    state.event('replaced', node, node.connection, 'the node registered on a new connection');
    const old = node.connection;
    node.connection = null;
    close(state, old, 'replaced');
  }
  const { bootTime, instance } = incarnationOf(message);
  const resumed = known !== undefined && bootTime !== 0n && bootTime === node.bootTime;
  const anew = bootTime === 0n || bootTime !== node.bootTime || instance !== node.instance;
  // One that says nothing of itself may be new, or may remember our numbers: only going on suits both.
  const isUnknown = bootTime === 0n && instance === null;
  if (anew) startAnew(state, node, resumed, isUnknown);
  reserveNumbers(state, node, message, known !== undefined || node === departed);
  connection.deadlineMs = null;
  state.nodes.set(identity.node, node);
  Object.assign(node, {
    connection: id,
    state: 'registered',
    bootTime,
    instance,
    addresses: part?.addresses ?? [],
    misses: 0,
    lastHeardMs: nowMs,
    lastKeepAliveMs: nowMs,
    nextKeepAliveMs: nowMs + state.options.keepAliveIntervalMs,
    resetDeadlineMs: null,
    leaving: false,
    challenger: null,
  } satisfies Partial<ManagedNode>);
  node.keepAlives.clear();
  state.send(id, welcome(state, node, message));
  const asks = (anew || !known) && instance !== null;
  const { addresses } = node;
  const { name } = identity;
  const information = part?.information ?? {};
  state.tell({
    type: 'node-registered',
    node: identity.node,
    name,
    resumed,
    isAsked: asks || node.synchronising,
    bootTime,
    addresses,
    information,
    statePort: part?.ports?.[0] ?? null,
    leaseEndpoint,
  });
  if (resumed && before !== 'registered') state.tell({ type: 'node-back', node: identity.node });
  for (const unanswered of node.outbox.resend(nowMs)) state.send(id, unanswered);
  if (asks) synchronise(node);
  state.pump(node);
}

/** Another process, or another function table: nothing that was sent has a known outcome. */
function startAnew(
  state: ManagerEndpointState,
  node: ManagedNode,
  sameFunctions: boolean,
  keepsNumbers: boolean,
): void {
  node.inbox = new Inbox();
  // What was sent is given up first: numbers start anew only with nothing unanswered.
  for (const tag of node.outbox.dropSent())
    abandon(state, tag, AckCode.statusUnknown, 'the node started anew');
  if (!keepsNumbers) node.outbox.restart();
  node.synchronising = false;
  if (sameFunctions) return;
  for (const tag of node.outbox.dropWaiting())
    abandon(state, tag, AckCode.failed, 'not sent: the node started anew');
}

/** A plain node cannot tell that we are another process: our numbers go on where the last process may have been. */
function reserveNumbers(
  state: ManagerEndpointState,
  node: ManagedNode,
  message: Registration,
  hasNumbers: boolean,
): void {
  const { bootTime, instance } = incarnationOf(message);
  const id = node.identity.node;
  const reserve = (upTo: number): void => state.tell({ type: 'reserve-numbers', node: id, bootTime, upTo });
  node.outbox.reserveBy(instance === null ? reserve : null);
  const before = state.options.plainNumbers.get(id);
  if (!hasNumbers && instance === null && before?.bootTime === bootTime)
    node.outbox.continueAfter(before.upTo);
}

function synchronise(node: ManagedNode): void {
  node.synchronising = true;
  node.outbox.pushFirst({ type: 'synchronise' }, synchronisation(node.identity.node));
}

function welcome(state: ManagerEndpointState, node: ManagedNode, message: Registration): Ack {
  const { instance, term, keepAliveIntervalMs, keepAliveMisses } = state.options;
  const extensions = {
    hello: { version: 1, instance, term },
    timing: { intervalMs: keepAliveIntervalMs, misses: keepAliveMisses },
  };
  return ackOf(message, { id: node.identity.node, ...(node.instance === null ? {} : { extensions }) });
}

/** Ends a connection; what follows from that happens as if the peer had closed it. */
export function close(state: ManagerEndpointState, id: ConnectionId, reason: string): void {
  if (!state.connections.has(id)) return;
  state.tell({ type: 'close', connection: id, reason });
  disconnected(state, id);
}

export function disconnected(state: ManagerEndpointState, id: ConnectionId): void {
  const node = state.registered(id);
  const connection = state.connections.get(id);
  // It can only be for the ID that its certificate names.
  const challenged = connection && state.nodes.get(connection.identity.node);
  if (challenged?.challenger?.connection === id) challenged.challenger = null;
  state.connections.delete(id);
  if (node === undefined) return;
  node.connection = null;
  node.keepAlives.clear();
  if (node.leaving) return leave(state, node, 'forced to leave');
  const { challenger } = node;
  const next = challenger && state.connections.get(challenger.connection);
  if (challenger && next) return accept(state, challenger.connection, next, challenger.message);
  node.resetDeadlineMs = state.nowMs + state.options.keepAliveIntervalMs;
  suspect(state, node, 'connection was reset');
}

export function suspect(state: ManagerEndpointState, node: ManagedNode, reason: string): void {
  if (node.state !== 'registered') return;
  node.state = 'suspect';
  state.tell({ type: 'node-suspect', node: node.identity.node, reason });
}

/** Gives a silent node up until it comes back; what it was sent may still have been carried out. */
export function lose(state: ManagerEndpointState, node: ManagedNode, reason: string): void {
  node.state = 'lost';
  node.resetDeadlineMs = null;
  state.tell({ type: 'node-lost', node: node.identity.node, reason });
  const { connection } = node;
  node.connection = null;
  if (connection !== null) close(state, connection, reason);
  for (const tag of node.outbox.dropWaiting()) {
    // The question what the node runs is asked when it is back.
    if (tag.type === 'synchronise') node.synchronising = false;
    abandon(state, tag, AckCode.failed, `not sent: ${reason}`);
  }
}

/** Forgets a node that went of its own will or was made to. */
export function leave(state: ManagerEndpointState, node: ManagedNode, reason: string): void {
  state.nodes.delete(node.identity.node);
  state.departed.set(node.identity.node, node);
  node.synchronising = false;
  for (const tag of node.outbox.dropSent()) abandon(state, tag, AckCode.statusUnknown, reason);
  for (const tag of node.outbox.dropWaiting()) abandon(state, tag, AckCode.failed, `not sent: ${reason}`);
  state.tell({ type: 'node-left', node: node.identity.node, reason });
  if (node.connection !== null) close(state, node.connection, reason);
}
