// SPDX-License-Identifier: Apache-2.0
import type { ManagedNode } from './managed-node.ts';
import type { ManagerEndpointState } from './state.ts';

/** Unanswered KEEP-ALIVE numbers remembered on one connection. */
const KEEP_ALIVES_MAX = 64;

/** Asks a node for a sign of life. */
export function sendKeepAlive(state: ManagerEndpointState, node: ManagedNode): void {
  if (node.connection === null) return;
  const sequence = node.outbox.allocate();
  if (node.keepAlives.size >= KEEP_ALIVES_MAX) node.keepAlives.clear();
  node.keepAlives.add(sequence);
  node.lastKeepAliveMs = state.nowMs;
  state.send(node.connection, { type: 'keep-alive', sequence, nodes: [{ id: node.identity.node }] });
}
