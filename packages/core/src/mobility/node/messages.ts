// SPDX-License-Identifier: Apache-2.0
import {
  type Ack,
  AckCode,
  MessageType,
  type MobilityDecodeError,
  type MobilityMessage,
  type NodePart,
} from '@vnfpool/wire/mobility';
import { ackOf, cutText, malformedAck, subTypeOf, textOf } from '../answer.ts';
import type { ConnectionId } from '../types.ts';
import { answerKeepAlive } from './keep-alive.ts';
import { takeOperation } from './operations.ts';
import type { NodeEndpointState } from './state.ts';
import { settleUpdate } from './status-updates.ts';
import { drop, forcedToLeave, registrationAnswered } from './way-to-manager.ts';

/** Messages that are carried out at most once. */
type Request = Exclude<MobilityMessage, Ack>;

/** Carries out a request that came for the first time. Gives its ACK; null: it was sent, or comes later. */
type Handler<M extends Request> = (
  state: NodeEndpointState,
  message: M,
  connection: ConnectionId,
) => Ack | null;

const HANDLERS: { readonly [T in Request['type']]: Handler<Extract<Request, { readonly type: T }>> } = {
  'keep-alive': answerKeepAlive,
  operation: takeOperation,
  error: (state, message) => {
    state.event('peer-error', textOf(message));
    return ackOf(message, { id: state.nodeId });
  },
  deregistration: (state, message, connection) => {
    state.finish(ackOf(message, { id: state.nodeId }));
    forcedToLeave(state, connection);
    return null;
  },
  registration: refuseAsNode,
  'status-update': refuseAsNode,
};

function refuseAsNode(state: NodeEndpointState, message: Request): Ack {
  return state.refusal(message, { code: AckCode.failed, text: `${message.type} is not for a node` });
}

export function takeMessage(state: NodeEndpointState, message: MobilityMessage): void {
  state.heardMs = state.nowMs;
  if (message.type === 'ack') return takeAck(state, message);
  const { phase } = state;
  if (phase.name !== 'managed' && phase.name !== 'leaving') {
    return state.send(state.refusal(message, { code: AckCode.failed, text: 'not registered yet' }));
  }
  const told = message.nodes[0]?.id ?? 0;
  if (told !== state.nodeId && !(told === 0 && message.type === 'error')) {
    const text = `node id ${told} is not mine`;
    return state.send(state.refusal(message, { code: AckCode.administrativelyProhibited, text }));
  }
  const arrival = state.inbox.classify(message.sequence);
  if (arrival.kind === 'new') return carryOut(state, message, phase.connection);
  state.event('duplicate', `number ${message.sequence} again: ${arrival.kind}`);
  if (arrival.kind === 'repeat') state.send(asItIsNow(state, arrival.ack));
  if (arrival.kind === 'stale') {
    const refusal = { code: AckCode.statusUnknown, text: 'sequence number is too old' };
    state.send(state.refusal(message, refusal));
  }
}

/** How it ended is said again as it was; of its functions what is true now, since what became of them may have been told already. */
function asItIsNow({ functions, managerKnowsExtensions }: NodeEndpointState, ack: Ack): Ack {
  const nodes = ack.nodes.map((node): NodePart => {
    if (node.functions === undefined) return node;
    const parts = node.functions.map((part) =>
      part.information?.status === undefined ? part : functions.present(part.id, managerKnowsExtensions),
    );
    return { ...node, functions: parts };
  });
  return { ...ack, nodes };
}

function carryOut(state: NodeEndpointState, message: Request, connection: ConnectionId): void {
  state.inbox.begin(message.sequence);
  // The table pairs each type with its own handler; the compiler cannot follow that through an index.
  const ack = (HANDLERS[message.type] as Handler<Request>)(state, message, connection);
  if (ack !== null) state.finish(ack);
}

function takeAck(state: NodeEndpointState, ack: Ack): void {
  const { phase } = state;
  if ((phase.name === 'registering' || phase.name === 'leaving') && ack.sequence === phase.sequence) {
    if (phase.name === 'registering') return registrationAnswered(state, phase.connection, ack);
    return drop(state, 'de-registered');
  }
  const found = state.outbox.find(ack.sequence);
  if (found === undefined) return state.event('unexpected-ack', `to number ${ack.sequence}`);
  if (ack.subType !== subTypeOf(found.message)) {
    const text = `ACK to number ${ack.sequence} has Sub-Type ${ack.subType}`;
    state.event('unexpected-ack', text);
    return state.report(text);
  }
  state.outbox.answered(ack.sequence);
  settleUpdate(state, found.tag, ack);
}

/** A whole frame that did not decode is answered as far as it could be read. */
export function takeMalformed(state: NodeEndpointState, error: MobilityDecodeError): void {
  state.heardMs = state.nowMs;
  state.event('malformed', error.message);
  if (error.messageType === MessageType.ack) return state.report(error.message);
  state.send(malformedAck(error, state.nodeId, state.managerKnowsExtensions));
}

/** Where the next frame would begin is not known any more, so the connection ends. */
export function takeUnframeable(state: NodeEndpointState, reason: string): void {
  state.event('malformed', reason);
  const nodes = [{ id: state.nodeId, text: cutText(reason) }];
  state.send({ type: 'error', sequence: state.outbox.allocate(), nodes });
  drop(state, reason);
}
