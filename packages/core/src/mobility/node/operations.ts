// SPDX-License-Identifier: Apache-2.0
import {
  type Ack,
  AckCode,
  type Extensions,
  encodeStateAnswer,
  NODE_SCOPE,
  type Operation,
} from '@vnfpool/wire/mobility';
import { ackOf, type Refusal, reasonParts } from '../answer.ts';
import { fitFunctionReport } from '../fit-reports.ts';
import type { MobilityNodeInput } from '../types.ts';
import { type AgentOrder, agentOrder, answerGet, configurationPartIn } from './orders.ts';
import type { NodeEndpointState } from './state.ts';
import { isTransfer, transferAck, transferOf } from './transfer-orders.ts';

/** Answers a GET; hands other operations to the agent, whose answer gives the ACK later: null. */
export function takeOperation(state: NodeEndpointState, message: Operation): Ack | null {
  if (message.command === 'get') {
    const { nodeId, functions, ownInformation, managerKnowsExtensions } = state;
    return answerGet(message, nodeId, functions, ownInformation, managerKnowsExtensions);
  }
  const part = configurationPartIn(message);
  const configuration = part && state.configuration.take(part);
  if (configuration === null) return ackOf(message, { id: state.nodeId });
  if (configuration && 'code' in configuration) return refused(state, message, configuration);
  const order = agentOrder(message, state.lastOperation + 1, configuration);
  if (!('type' in order)) return refused(state, message, order);
  const role = roleIn(order);
  const transfer = transferOf(message);
  if (role !== null) {
    const refusal = state.transfers.judge(message.command, transfer, role, state.nowMs);
    if (refusal) return refused(state, message, refusal);
  }
  if (state.operations.size >= state.options.operationsMax) {
    state.event('queue-full', `${state.operations.size} operations wait for the agent`);
    const refusal = { code: AckCode.insufficientResources, text: 'too many operations wait' };
    return refused(state, message, refusal);
  }
  state.lastOperation++;
  if (role !== null) state.transfers.use(transfer, state.nowMs);
  const functionId = 'functionId' in order ? (order.functionId ?? NODE_SCOPE) : NODE_SCOPE;
  const isFirst = !waitsFor(state, functionId);
  state.operations.set(order.operation, { message, functionId, order });
  if (isFirst) state.tell(order);
  return null;
}

/** Takes the agent's answer and gives it the next order for the same function. */
export function takeAnswer(
  state: NodeEndpointState,
  answer: Extract<MobilityNodeInput, { readonly type: 'answer' }>,
): void {
  const pending = state.operations.get(answer.operation);
  if (pending === undefined) return;
  state.operations.delete(answer.operation);
  const { message, functionId } = pending;
  const { stateAnswer: _stateAnswer, ...slim } = answer;
  // Who lacks what was said of a state asks for it anew.
  state.finish(answerAck(state, message, functionId, answer), answerAck(state, message, functionId, slim));
  // One function's operations run one after the other, in the order of their numbers.
  for (const next of state.operations.values()) {
    if (next.functionId === functionId) return state.tell(next.order);
  }
}

/** What this node is in the transfer that an order is part of; null: of none. */
function roleIn(order: AgentOrder): 'source' | 'destination' | null {
  switch (order.type) {
    case 'prepare':
      return 'destination';
    case 'move':
    case 'copy':
    case 'move-session':
      return 'source';
    default:
      return null;
  }
}

function answerAck(
  state: NodeEndpointState,
  message: Operation,
  functionId: number,
  answer: Extract<MobilityNodeInput, { readonly type: 'answer' }>,
): Ack {
  const knows = state.managerKnowsExtensions;
  const { code, text = '', error, status, report, sessions, stateAnswer } = answer;
  const told: Extensions = {
    ...(report && knows ? { functionReport: fitFunctionReport(report) } : {}),
    ...(stateAnswer && knows ? { stateAnswer: encodeStateAnswer(stateAnswer) } : {}),
  };
  if (isTransfer(message)) {
    return transferAck(message, { code, text, error, status, sessions, extensions: told }, knows);
  }
  const reason = reasonParts(text, error, knows);
  const extensions = { ...reason.extensions, ...told };
  const part = {
    id: functionId,
    ...(status ? { information: { status } } : {}),
    ...(reason.text === undefined ? {} : { text: reason.text }),
    ...(Object.keys(extensions).length > 0 ? { extensions } : {}),
  };
  return ackOf(message, { id: state.nodeId, functions: [part] }, code);
}

/** The ACK of a refused transfer names what the order named, and what the function is now. */
function refused(state: NodeEndpointState, message: Operation, refusal: Refusal): Ack {
  if (!isTransfer(message) && transferOf(message) === null) return state.refusal(message, refusal);
  state.event('refused', refusal.text);
  const knows = state.managerKnowsExtensions;
  const id = message.nodes.flatMap(({ functions = [] }) => functions).at(0)?.id ?? NODE_SCOPE;
  const status = state.functions.describe(id, knows)?.information?.status ?? 'Unknown';
  const { code, text, error } = refusal;
  const answer = { code, text, error, status, sessions: undefined, extensions: {} };
  return transferAck(message, answer, knows);
}

function waitsFor(state: NodeEndpointState, functionId: number): boolean {
  for (const pending of state.operations.values()) if (pending.functionId === functionId) return true;
  return false;
}
