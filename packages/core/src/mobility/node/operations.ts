// SPDX-License-Identifier: Apache-2.0
import { type Ack, AckCode, type Operation } from '@vnfpool/wire/mobility';
import { ackOf, reasonParts } from '../answer.ts';
import { fitFunctionReport } from '../fit-reports.ts';
import type { MobilityNodeInput } from '../types.ts';
import { agentOrder, answerGet } from './orders.ts';
import type { NodeEndpointState } from './state.ts';

/** Answers a GET; hands other operations to the agent, whose answer gives the ACK later: null. */
export function takeOperation(state: NodeEndpointState, message: Operation): Ack | null {
  if (message.command === 'get') {
    const { nodeId, functions, ownInformation, managerKnowsExtensions } = state;
    return answerGet(message, nodeId, functions, ownInformation, managerKnowsExtensions);
  }
  const order = agentOrder(message, state.lastOperation + 1);
  if (!('type' in order)) return state.refusal(message, order);
  if (state.operations.size >= state.options.operationsMax) {
    state.event('queue-full', `${state.operations.size} operations wait for the agent`);
    const refusal = { code: AckCode.insufficientResources, text: 'too many operations wait' };
    return state.refusal(message, refusal);
  }
  state.lastOperation++;
  const functionId = order.type === 'configure' ? 0 : order.functionId;
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
  const knows = state.managerKnowsExtensions;
  const { text = '', error, status, report } = answer;
  const reason = reasonParts(text, error, knows);
  const extensions = {
    ...reason.extensions,
    ...(report && knows ? { functionReport: fitFunctionReport(report) } : {}),
  };
  const part = {
    id: functionId,
    ...(status ? { information: { status } } : {}),
    ...(reason.text === undefined ? {} : { text: reason.text }),
    ...(Object.keys(extensions).length > 0 ? { extensions } : {}),
  };
  state.finish(ackOf(message, { id: state.nodeId, functions: [part] }, answer.code));
  // One function's operations run one after the other, in the order of their numbers.
  for (const next of state.operations.values()) {
    if (next.functionId === functionId) return state.tell(next.order);
  }
}

function waitsFor(state: NodeEndpointState, functionId: number): boolean {
  for (const pending of state.operations.values()) if (pending.functionId === functionId) return true;
  return false;
}
