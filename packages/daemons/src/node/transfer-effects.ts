// SPDX-License-Identifier: Apache-2.0
import type { FunctionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import type { MobilityNodeInput, MobilityNodeOutput } from '@vnfpool/core/mobility';
import type { EffectHandlers } from '@vnfpool/runtime/driver';

const FAILED = 128;

const plainOrder = (operation: number): MobilityNodeInput => ({
  type: 'answer',
  operation,
  code: FAILED,
  text: 'an order without a token',
});

type TransferOrder = Extract<MobilityNodeOutput, { readonly type: 'move' | 'copy' | 'move-session' }>;

/** What an agent does with the manager's orders of transfers. */
export function transferEffects(
  agent: (input: AgentInput) => void,
  give: (input: MobilityNodeInput) => void,
): EffectHandlers<TransferOrder> {
  const transfer = (
    mode: 'move' | 'copy',
    order: MobilityNodeOutput & { readonly type: 'move' | 'copy' },
    targetFunctionId: FunctionId,
  ): void => {
    const { operation, functionId, destination, token } = order;
    // The endpoint refuses plain orders unless it is made to admit them.
    if (token === null) give(plainOrder(operation));
    else agent({ type: 'transfer', operation, functionId, mode, targetFunctionId, destination, token });
  };
  return {
    move: (order) => transfer('move', order, order.functionId),
    copy: (order) => transfer('copy', order, order.copyId ?? order.functionId),
    'move-session': ({ token, ...order }) => {
      if (token !== null) agent({ ...order, token });
      else give(plainOrder(order.operation));
    },
  };
}
