// SPDX-License-Identifier: Apache-2.0
import {
  type Ack,
  AckCode,
  ALL_FUNCTIONS,
  type Extensions,
  NODE_SCOPE,
  type NodePart,
  type Operation,
  type RunningStatus,
  type SessionInformation,
  type StateTransfer,
} from '@vnfpool/wire/mobility';
import { functionId, nodeId } from '../../identity.ts';
import { type Refusal, reasonParts, subTypeOf } from '../answer.ts';
import type { MobilityNodeOutput, OperationId, TransferDestination } from '../types.ts';

/** Orders to the source of a transfer. */
export type TransferOrder = Extract<MobilityNodeOutput, { type: 'move' | 'copy' | 'move-session' }>;

/** A message to the source of a transfer. */
export type TransferOperation = Operation & { readonly command: TransferOrder['type'] };

export function isTransfer(message: Operation): message is TransferOperation {
  const { command } = message;
  return command === 'move' || command === 'copy' || command === 'move-session';
}

/**
 * Functions that a command may name, at least and at most. COPY may name the copy, too, and MOVE_SESSION the function
 * that takes the sessions.
 */
const FUNCTIONS = { move: [1, 1], copy: [1, 2], 'move-session': [0, 2] } as const;

/** What the agent has to do for MOVE, COPY or MOVE_SESSION, or why it is refused. */
export function transferOrder(message: TransferOperation, operation: OperationId): TransferOrder | Refusal {
  const [source, to] = message.nodes;
  const refused = (text: string): Refusal => ({ code: AckCode.failed, text });
  if (source === undefined || to === undefined || message.nodes.length > 2) {
    return refused(`${message.command} takes one source and one destination`);
  }
  if (to.id === source.id || to.id === 0) return refused('the destination is not another node');
  const ids = message.nodes.flatMap(({ functions = [] }) => functions.map(({ id }) => id));
  const [least, most] = FUNCTIONS[message.command];
  if (
    ids.length < least ||
    ids.length > most ||
    ids.some((id) => id === NODE_SCOPE || id === ALL_FUNCTIONS)
  ) {
    return refused(`${message.command} takes ${least === most ? most : `${least} to ${most}`} function IDs`);
  }
  const [id, targetId] = ids.map(functionId);
  const token = transferOf(message)?.token ?? null;
  const common = { operation, destination: destinationOf(to), token };
  if (message.command === 'move-session') {
    const sessions = message.nodes.flatMap((node) => node.sessions ?? []);
    const named = { functionId: id ?? null, targetFunctionId: targetId ?? null };
    return { type: 'move-session', ...named, sessions, ...common };
  }
  if (id === undefined) return refused(`${message.command} takes a function`);
  return message.command === 'move'
    ? { type: 'move', functionId: id, ...common }
    : { type: 'copy', functionId: id, copyId: targetId ?? null, ...common };
}

/** Extension 1, wherever in the message it stands. */
export function transferOf(message: Operation): StateTransfer | null {
  for (const node of message.nodes) {
    for (const part of [node, ...(node.functions ?? [])]) {
      if (part.extensions?.transfer) return part.extensions.transfer;
    }
  }
  return null;
}

/** What is said of the function that a transfer is about. */
export interface TransferAnswer {
  readonly code: number;
  readonly status: RunningStatus | undefined;
  readonly text: string;
  readonly error: number | undefined;
  readonly extensions: Extensions;
  readonly sessions: bigint | undefined;
}

/**
 * The ACK of a transfer order: both Node IDs in order, of an ADD only this node's, then the function it named, as
 * far as it named one.
 */
export function transferAck(message: Operation, answer: TransferAnswer, knowsExtensions: boolean): Ack {
  const { code, status, sessions } = answer;
  const reason = reasonParts(answer.text, answer.error, knowsExtensions);
  const extensions = { ...reason.extensions, ...(knowsExtensions ? answer.extensions : {}) };
  const said = {
    ...(reason.text === undefined ? {} : { text: reason.text }),
    ...(Object.keys(extensions).length > 0 ? { extensions } : {}),
  };
  const id = message.nodes.flatMap(({ functions = [] }) => functions).at(0)?.id;
  const selected: SessionInformation[] = sessions === undefined ? [] : [{ type: 'count', count: sessions }];
  const nodes: NodePart[] = message.nodes
    .slice(0, message.command === 'add' ? 1 : undefined)
    .map((node) => ({ id: node.id }));
  const last: NodePart = {
    id: nodes.at(-1)?.id ?? 0,
    ...(selected.length > 0 ? { sessions: selected } : {}),
    ...(id === undefined
      ? said
      : { functions: [{ id, ...(status === undefined ? {} : { information: { status } }), ...said }] }),
  };
  return {
    type: 'ack',
    subType: subTypeOf(message),
    code,
    sequence: message.sequence,
    nodes: [...nodes.slice(0, -1), last],
  };
}

function destinationOf({ id, addresses = [], ports = [] }: NodePart): TransferDestination {
  return { node: nodeId(id), addresses, port: ports[0] ?? null };
}
