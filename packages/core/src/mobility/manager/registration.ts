// SPDX-License-Identifier: Apache-2.0
import { AckCode, MobilityError, type Registration } from '@vnfpool/wire/mobility';
import type { ConnectionId } from '../types.ts';
import { sendKeepAlive } from './keep-alive.ts';
import { incarnationOf, type ManagedNode } from './managed-node.ts';
import { accept, close } from './membership.ts';
import type { Connection, ManagerEndpointState } from './state.ts';

/** Takes a REGISTRATION; one for an ID whose node seems to live waits until that node answers or does not. */
export function takeRegistration(
  state: ManagerEndpointState,
  id: ConnectionId,
  connection: Connection,
  message: Registration,
): void {
  const hello = message.nodes[0]?.extensions?.hello;
  if (hello && hello.version !== 1) {
    const text = `extension version ${hello.version} is not understood`;
    const code = AckCode.administrativelyProhibited;
    return state.refuse(id, message, { code, text, error: MobilityError.versionNotUnderstood });
  }
  const node = state.nodes.get(connection.identity.node);
  if (node === undefined || node.connection === null || node.connection === id) {
    return accept(state, id, connection, message);
  }
  const { keepAliveIntervalMs } = state.options;
  const { bootTime, instance } = incarnationOf(message);
  const isSame = bootTime === node.bootTime && instance === node.instance;
  const isFresh = node.state === 'registered' || state.nowMs - node.lastHeardMs <= keepAliveIntervalMs;
  if (isSame || !isFresh) return accept(state, id, connection, message);
  if (node.challenger) return refuseSecond(state, id, message, node);
  // Someone who lives has this ID: ask them before handing it over.
  connection.deadlineMs = null;
  node.challenger = { connection: id, message, deadlineMs: state.nowMs + keepAliveIntervalMs };
  sendKeepAlive(state, node);
}

export function refuseSecond(
  state: ManagerEndpointState,
  id: ConnectionId,
  message: Registration,
  node: ManagedNode,
): void {
  const text = `node id ${node.identity.node} is in use by another node that answers`;
  state.event('second-node', node, id, text);
  state.refuse(id, message, { code: AckCode.failed, text, error: MobilityError.nodeIdInUse });
  close(state, id, text);
}
