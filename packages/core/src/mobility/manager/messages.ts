// SPDX-License-Identifier: Apache-2.0
import {
  type Ack,
  AckCode,
  MessageType,
  type MobilityDecodeError,
  type MobilityMessage,
  type Registration,
} from '@vnfpool/wire/mobility';
import { ackOf, cutText, malformedAck, refusalOf, refusalOfDocument, textOf } from '../answer.ts';
import type { ConnectionId } from '../types.ts';
import { takeAck } from './acknowledgement.ts';
import type { ManagedNode } from './managed-node.ts';
import { close, leave } from './membership.ts';
import { takeRegistration } from './registration.ts';
import { reportsOfUpdate } from './reports.ts';
import type { ManagerEndpointState } from './state.ts';
import { heard } from './supervision.ts';

/** Messages of a registered node that are carried out at most once. */
type Request = Exclude<MobilityMessage, Ack | Registration>;

/** Carries out a request that came for the first time. Gives its ACK; null: it has been sent. */
type Handler<M extends Request> = (
  state: ManagerEndpointState,
  node: ManagedNode,
  id: ConnectionId,
  message: M,
) => Ack | null;

const HANDLERS: { readonly [T in Request['type']]: Handler<Extract<Request, { readonly type: T }>> } = {
  'status-update': (state, node, id, message) => {
    try {
      const reports = reportsOfUpdate(node, message);
      node.addresses = message.nodes[0]?.addresses ?? node.addresses;
      state.tell(...reports);
      return ackOf(message, { id: node.identity.node });
    } catch (error) {
      const refusal = refusalOfDocument(error);
      state.event('malformed', node, id, refusal.text);
      return refusalOf(message, node.identity.node, refusal, node.instance !== null);
    }
  },
  error: (state, node, id, message) => {
    state.event('peer-error', node, id, textOf(message));
    return ackOf(message, { id: node.identity.node });
  },
  deregistration: (state, node, id, message) => {
    state.send(id, ackOf(message, { id: node.identity.node }));
    leave(state, node, 'de-registered');
    return null;
  },
  'keep-alive': refuseAsManager,
  operation: refuseAsManager,
};

function refuseAsManager(
  state: ManagerEndpointState,
  node: ManagedNode,
  id: ConnectionId,
  message: Request,
): Ack {
  const refusal = { code: AckCode.failed, text: `${message.type} is not for a manager` };
  state.event('refused', node, id, refusal.text);
  return refusalOf(message, node.identity.node, refusal, node.instance !== null);
}

export function takeMessage(state: ManagerEndpointState, id: ConnectionId, message: MobilityMessage): void {
  const connection = state.connections.get(id);
  if (connection === undefined) return;
  const node = state.registered(id);
  const told = message.nodes[0]?.id ?? 0;
  const own = connection.identity.node;
  if (told !== own && !(told === 0 && (message.type === 'registration' || message.type === 'ack'))) {
    const text = `node id ${told} is not yours`;
    return state.refuse(id, message, { code: AckCode.administrativelyProhibited, text });
  }
  if (node) heard(state, node);
  if (message.type === 'registration') return takeRegistration(state, id, connection, message);
  if (node === undefined) return state.refuse(id, message, { code: AckCode.failed, text: 'not registered' });
  if (message.type === 'ack') return takeAck(state, node, message);
  const arrival = node.inbox.classify(message.sequence);
  if (arrival.kind === 'new') return carryOut(state, node, id, message);
  state.event('duplicate', node, id, `number ${message.sequence} again: ${arrival.kind}`);
  if (arrival.kind === 'repeat') state.send(id, arrival.ack);
  if (arrival.kind === 'stale') {
    state.refuse(id, message, { code: AckCode.statusUnknown, text: 'sequence number is too old' });
  }
}

function carryOut(state: ManagerEndpointState, node: ManagedNode, id: ConnectionId, message: Request): void {
  node.inbox.begin(message.sequence);
  // The table pairs each type with its own handler; the compiler cannot follow that through an index.
  const ack = (HANDLERS[message.type] as Handler<Request>)(state, node, id, message);
  if (ack === null) return;
  node.inbox.finish(ack);
  state.send(id, ack);
}

/** A whole frame that did not decode is answered as far as it could be read. */
export function takeMalformed(
  state: ManagerEndpointState,
  id: ConnectionId,
  error: MobilityDecodeError,
): void {
  const connection = state.connections.get(id);
  if (connection === undefined) return;
  const node = state.registered(id);
  if (node) heard(state, node);
  state.event('malformed', connection.identity.node, id, error.message);
  if (error.messageType === MessageType.ack) return node && state.report(node, error.message);
  state.send(id, malformedAck(error, connection.identity.node, (node?.instance ?? null) !== null));
}

/** Where the next frame would begin is not known any more, so the connection ends. */
export function takeUnframeable(state: ManagerEndpointState, id: ConnectionId, reason: string): void {
  const connection = state.connections.get(id);
  if (connection === undefined) return;
  state.event('malformed', connection.identity.node, id, reason);
  const sequence = state.registered(id)?.outbox.allocate() ?? 1;
  const nodes = [{ id: connection.identity.node, text: cutText(reason) }];
  state.send(id, { type: 'error', sequence, nodes });
  close(state, id, reason);
}
