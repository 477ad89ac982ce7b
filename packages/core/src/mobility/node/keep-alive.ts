// SPDX-License-Identifier: Apache-2.0
import {
  type Ack,
  type KeepAlive,
  OpType,
  selectFunctionInformation,
  selectNodeInformation,
} from '@vnfpool/wire/mobility';
import { ackOf } from '../answer.ts';
import { subTypes } from './orders.ts';
import type { NodeEndpointState } from './state.ts';

/** The answer to a KEEP-ALIVE: what it asks for, and what is known of slots. */
export function answerKeepAlive(state: NodeEndpointState, message: KeepAlive): Ack {
  const [part] = message.nodes;
  state.useTiming(part?.extensions);
  const information = selectNodeInformation(
    state.ownInformation,
    subTypes(part?.wanted ?? [], OpType.nodeInformation),
  );
  const functions = (part?.functions ?? []).map(({ id, wanted }) => {
    const known = state.functions.describe(id, false)?.information ?? { status: 'Unknown' as const };
    const values = selectFunctionInformation(known, subTypes(wanted ?? [], OpType.functionInformation));
    return { id, ...(values && { information: values }) };
  });
  // Failover records go where an ACK tells that they arrived.
  const slotReport = state.managerKnowsExtensions ? state.slots.now() : undefined;
  return ackOf(message, {
    id: state.nodeId,
    ...(information && { information }),
    ...(slotReport && { extensions: { slotReport } }),
    ...(functions.length > 0 ? { functions } : {}),
  });
}
