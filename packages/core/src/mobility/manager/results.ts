// SPDX-License-Identifier: Apache-2.0
import { AckCode } from '@vnfpool/wire/mobility';
import type { Refusal } from '../answer.ts';
import type { MobilityManagerOutput } from '../types.ts';
import type { Expectation } from './managed-node.ts';
import type { ManagerEndpointState } from './state.ts';

type OperationResult = Extract<MobilityManagerOutput, { readonly type: 'operation-result' }>;

/** Tells how a request ended: once for each, whatever becomes of its node. */
export function tellResult(
  state: ManagerEndpointState,
  requestId: number,
  result: (Partial<OperationResult> & Pick<OperationResult, 'code' | 'text'>) | Refusal,
): void {
  const { error, ...rest } = result;
  state.tell({
    type: 'operation-result',
    requestId,
    status: null,
    report: null,
    ...rest,
    error: error ?? null,
  });
}

/** No ACK will come. A node that was to leave has got there. */
export function abandon(state: ManagerEndpointState, tag: Expectation, code: number, text: string): void {
  if (tag.type === 'request') tellResult(state, tag.requestId, { code, text });
  if (tag.type === 'deregister') tellResult(state, tag.requestId, { code: AckCode.successful, text });
}
