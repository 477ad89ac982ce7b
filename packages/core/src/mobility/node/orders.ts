// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import {
  type Ack,
  AckCode,
  ALL_FUNCTIONS,
  type DocumentPart,
  encodeMobility,
  type FunctionPart,
  MobilityError,
  NODE_SCOPE,
  type NodeInformation,
  type NodePart,
  type Operation,
  OpType,
  parseFunctionSpecification,
  parseSetConfiguration,
  parseSlotAssignment,
  parseStateOrder,
  selectFunctionInformation,
  selectNodeInformation,
  type WantedOption,
} from '@vnfpool/wire/mobility';
import { functionId, nodeId } from '../../identity.ts';
import { ackOf, type Refusal, refusalOf, refusalOfDocument } from '../answer.ts';
import type { MobilityNodeOutput, OperationId } from '../types.ts';
import type { NodeFunctions } from './functions.ts';
import { isTransfer, transferOrder } from './transfer-orders.ts';

export type AgentOrder = Extract<MobilityNodeOutput, { readonly operation: OperationId }>;

/** The piece of a set configuration that an ADD brings. */
export function configurationPartIn({ command, nodes }: Operation): DocumentPart | undefined {
  if (command !== 'add') return undefined;
  const parts = nodes.flatMap(({ functions = [] }) => functions);
  return parts.length === 1 && parts[0]?.id === NODE_SCOPE
    ? parts[0].extensions?.configurationPart
    : undefined;
}

/**
 * What the agent has to do for any command but GET, or why it is refused. Whether it may is asked elsewhere.
 * @param configuration what came in parts, of which the message has the last
 */
export function agentOrder(
  message: Operation,
  operation: OperationId,
  configuration?: Uint8Array,
): AgentOrder | Refusal {
  const parts = message.nodes.flatMap((node) => node.functions ?? []);
  const [part] = parts;
  if (isTransfer(message)) return transferOrder(message, operation);
  if (part === undefined || parts.length > 1 || part.id === ALL_FUNCTIONS) {
    return { code: AckCode.failed, text: `${message.command} takes one function` };
  }
  if (message.command === 'delete') {
    if (part.id === NODE_SCOPE) return { code: AckCode.failed, text: 'the node itself cannot be deleted' };
    const ifWaiting = part.extensions?.transfer !== undefined;
    return { type: 'delete', operation, functionId: functionId(part.id), ifWaiting };
  }
  try {
    const state = part.extensions?.stateOrder;
    if (part.id === NODE_SCOPE && state !== undefined)
      return { type: 'state-order', operation, order: parseStateOrder(state) };
    if (part.id === NODE_SCOPE) return configureOrder(part, operation, configuration);
    const transfer = part.extensions?.transfer;
    const add = addOrder(part, operation);
    if (transfer === undefined) return add;
    const from = message.nodes[1]?.id ?? 0;
    if (from === message.nodes[0]?.id)
      return { code: AckCode.failed, text: 'the source is not another node' };
    return { ...add, type: 'prepare', token: transfer.token, from: from === 0 ? null : nodeId(from) };
  } catch (error) {
    return refusalOfDocument(error);
  }
}

function configureOrder(
  part: FunctionPart,
  operation: OperationId,
  octets = part.extensions?.configuration,
): AgentOrder | Refusal {
  if (part.extensions?.transfer) return { code: AckCode.failed, text: 'the node itself takes no state' };
  if (octets === undefined)
    return { code: AckCode.failed, text: 'ADD at node scope needs a set configuration' };
  return { type: 'configure', operation, configuration: parseSetConfiguration(octets) };
}

function addOrder(
  part: FunctionPart,
  operation: OperationId,
): Extract<MobilityNodeOutput, { readonly type: 'add' }> {
  const { specification, assignment } = part.extensions ?? {};
  return {
    type: 'add',
    operation,
    functionId: functionId(part.id),
    name: part.information?.name ?? null,
    specification: specification ? parseFunctionSpecification(specification) : null,
    specificationOctets: specification ?? null,
    assignment: assignment ? parseSlotAssignment(assignment) : null,
  };
}

/** The answer to GET from what the endpoint knows. */
export function answerGet(
  message: Operation,
  node: number,
  functions: NodeFunctions,
  information: NodeInformation,
  knowsExtensions: boolean,
): Ack {
  const [part] = message.nodes.flatMap((entry) => entry.functions ?? []);
  const id = part?.id ?? NODE_SCOPE;
  const wanted = [...message.nodes.flatMap((entry) => entry.wanted ?? []), ...(part?.wanted ?? [])];
  const nodeValues = selectNodeInformation(information, subTypes(wanted, OpType.nodeInformation));
  if (id !== NODE_SCOPE && id !== ALL_FUNCTIONS && functions.describe(id, knowsExtensions) === undefined) {
    const refusal = { code: AckCode.failed, text: `no function ${id}`, error: MobilityError.unknownFunction };
    return refusalOf(message, node, refusal, knowsExtensions);
  }
  if (id === NODE_SCOPE) {
    if (nodeValues === undefined && wanted.length > 0) {
      return refusalOf(
        message,
        node,
        { code: AckCode.statusUnknown, text: 'nothing of it is known' },
        knowsExtensions,
      );
    }
    return ackOf(message, { id: node, ...(nodeValues && { information: nodeValues }), functions: [{ id }] });
  }
  const ids = id === ALL_FUNCTIONS ? functions.presentIds() : [id];
  const parts = ids.flatMap((each) => {
    const known = functions.describe(each, knowsExtensions);
    return known ? [selected(known, wanted)] : [];
  });
  return fitting(message, { id: node, ...(nodeValues && { information: nodeValues }), functions: parts });
}

/** Running status is told whether wanted or not. */
function selected(part: FunctionPart, wanted: readonly WantedOption[]): FunctionPart {
  const status = part.information?.status;
  const values = selectFunctionInformation(
    part.information ?? {},
    subTypes(wanted, OpType.functionInformation),
  );
  return { ...part, information: { ...values, ...(status === undefined ? {} : { status }) } };
}

export function subTypes(wanted: readonly WantedOption[], opType: number): number[] {
  return wanted.filter((option) => option.opType === opType).map(({ subType }) => subType);
}

/** An answer too large for one message loses the reports, then functions; then it says so with 129. */
function fitting(message: Operation, node: NodePart): Ack {
  const all = node.functions ?? [];
  const bare = all.map(({ id, information }) => ({ id, ...(information && { information }) }));
  const whole = [all, bare].map((functions) => ackOf(message, { ...node, functions })).find(fits);
  if (whole) return whole;
  for (let count = Math.floor(bare.length / 2); ; count = Math.floor(count / 2)) {
    const cut = ackOf(message, { ...node, functions: bare.slice(0, count) }, AckCode.insufficientResources);
    if (count === 0 || fits(cut)) return cut;
  }
}

function fits(ack: Ack): boolean {
  try {
    encodeMobility(ack);
    return true;
  } catch (error) {
    if (error instanceof WireError && error.code === 'limit') return false;
    throw error;
  }
}
