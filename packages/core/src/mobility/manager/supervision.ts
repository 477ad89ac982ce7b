// SPDX-License-Identifier: Apache-2.0
import { sendKeepAlive } from './keep-alive.ts';
import type { ManagedNode } from './managed-node.ts';
import { accept, close, lose, suspect } from './membership.ts';
import { refuseSecond } from './registration.ts';
import type { ManagerEndpointState } from './state.ts';

/** When something is next due for a node; `Infinity`: never. */
export function nodeDeadline(state: ManagerEndpointState, node: ManagedNode): number {
  let earliest = node.resetDeadlineMs ?? Number.POSITIVE_INFINITY;
  if (node.challenger) earliest = Math.min(earliest, node.challenger.deadlineMs);
  if (node.connection === null) return earliest;
  const ackMs = node.outbox.deadline(state.options.ackTimeoutMs) ?? Number.POSITIVE_INFINITY;
  return Math.min(earliest, node.nextKeepAliveMs, ackMs);
}

/** Does what is due for a node. */
export function expireNode(state: ManagerEndpointState, node: ManagedNode): void {
  const { nowMs } = state;
  if (isDue(node.resetDeadlineMs, nowMs)) lose(state, node, 'connection was reset and no new one came');
  if (node.challenger && isDue(node.challenger.deadlineMs, nowMs)) {
    const { connection: id, message } = node.challenger;
    node.challenger = null;
    const connection = state.connections.get(id);
    if (connection) return accept(state, id, connection, message);
  }
  if (node.connection === null) return;
  if (isDue(node.outbox.deadline(state.options.ackTimeoutMs) ?? null, nowMs)) {
    state.event('ack-timeout', node, node.connection, 'no ACK in time');
    close(state, node.connection, 'no ACK in time');
    return;
  }
  if (isDue(node.nextKeepAliveMs, nowMs)) supervise(state, node);
}

/** Whatever it said: it lives, and so nobody else gets its ID. */
export function heard(state: ManagerEndpointState, node: ManagedNode): void {
  node.lastHeardMs = state.nowMs;
  node.misses = 0;
  if (node.challenger) {
    const { connection, message } = node.challenger;
    node.challenger = null;
    refuseSecond(state, connection, message, node);
  }
  if (node.state !== 'suspect') return;
  node.state = 'registered';
  state.tell({ type: 'node-back', node: node.identity.node });
}

export function isDue(deadlineMs: number | null, nowMs: number): boolean {
  return deadlineMs !== null && deadlineMs <= nowMs;
}

function supervise(state: ManagerEndpointState, node: ManagedNode): void {
  const { keepAliveMisses, keepAliveIntervalMs } = state.options;
  node.misses = node.keepAlives.size > 0 && node.lastHeardMs < node.lastKeepAliveMs ? node.misses + 1 : 0;
  if (node.misses >= keepAliveMisses) {
    return lose(state, node, `${node.misses} KEEP-ALIVEs without an answer`);
  }
  if (node.misses > 0) suspect(state, node, `${node.misses} KEEP-ALIVE without an answer`);
  sendKeepAlive(state, node);
  node.nextKeepAliveMs = state.nowMs + keepAliveIntervalMs;
}
