// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import type { Ack } from '@vnfpool/wire/mobility';
import { errorOf, subTypeOf, textOf } from '../answer.ts';
import type { Expectation, ManagedNode } from './managed-node.ts';
import { leave } from './membership.ts';
import {
  functionParts,
  functionsOf,
  reportsOfAck,
  sessionsOf,
  stateAnswerOf,
  type ToldFunction,
} from './reports.ts';
import { tellResult } from './results.ts';
import type { ManagerEndpointState } from './state.ts';

/** Takes an ACK: what it reports of slots and functions first, then what its message was for. */
export function takeAck(state: ManagerEndpointState, node: ManagedNode, ack: Ack): void {
  const isKeepAlive = node.keepAlives.delete(ack.sequence);
  const found = isKeepAlive ? undefined : node.outbox.find(ack.sequence);
  if (!isKeepAlive && found === undefined) {
    return state.event('unexpected-ack', node, node.connection, `to number ${ack.sequence}`);
  }
  const expected = found ? subTypeOf(found.message) : 0;
  if (ack.subType !== expected) {
    const text = `ACK to number ${ack.sequence} has Sub-Type ${ack.subType}, not ${expected}`;
    state.event('unexpected-ack', node, node.connection, text);
    return state.report(node, text);
  }
  const deletes = found?.tag.type === 'request' && found.tag.command === 'delete';
  const functions = parsed(state, node, () => functionsOf(ack));
  if (functions) parsed(state, node, () => state.tell(...reportsOfAck(node, ack, functions, deletes)));
  if (found === undefined) return;
  node.outbox.answered(ack.sequence);
  fulfil(state, node, found.tag, ack, functions);
  state.pump(node);
}

/** `functions`: those that the ACK tells of; undefined when a document in it does not parse, which has been told. */
type Fulfilment<Tag extends Expectation> = (
  state: ManagerEndpointState,
  node: ManagedNode,
  tag: Tag,
  ack: Ack,
  functions: readonly ToldFunction[] | undefined,
) => void;

/** What an ACK brings about, by what the manager waited for. */
const FULFILMENTS: {
  readonly [T in Expectation['type']]: Fulfilment<Extract<Expectation, { readonly type: T }>>;
} = {
  error: () => {},
  part: () => {},
  deregister: (state, node, tag, ack) => {
    tellResult(state, tag.requestId, { code: ack.code, text: textOf(ack) });
    leave(state, node, 'forced to leave');
  },
  synchronise: (state, node, _tag, ack, functions) => {
    node.synchronising = false;
    if (ack.code >= 128) {
      return state.event('refused', node, node.connection, `GET of all functions: code ${ack.code}`);
    }
    const functionIds = functions?.filter(({ isGone }) => !isGone).map(({ functionId }) => functionId);
    if (functionIds) state.tell({ type: 'node-functions', node: node.identity.node, functionIds });
  },
  request: (state, node, tag, ack, functions) => {
    const part = functionParts(ack).find((candidate) => candidate.id === tag.functionId);
    const result = { code: ack.code, error: errorOf(ack), text: textOf(ack) };
    const status = part?.information?.status ?? null;
    const documents = functions && {
      report: functions.find(({ functionId }) => functionId === tag.functionId)?.report ?? null,
      ...(tag.command === 'get' ? { functions: functions.filter(({ isGone }) => !isGone).map(toldOf) } : {}),
      ...(tag.command === 'move-session' ? { sessions: sessionsOf(ack) } : {}),
    };
    const stateAnswer = parsed(state, node, () => stateAnswerOf(ack));
    const told = stateAnswer ? { stateAnswer } : {};
    tellResult(state, tag.requestId, { ...result, status, ...documents, ...told });
  },
};

function toldOf({ functionId, information, report }: ToldFunction): Omit<ToldFunction, 'reason' | 'isGone'> {
  return { functionId, information, report };
}

function fulfil(
  state: ManagerEndpointState,
  node: ManagedNode,
  tag: Expectation,
  ack: Ack,
  functions: readonly ToldFunction[] | undefined,
): void {
  // The table pairs each expectation with its own function; the compiler cannot follow that through an index.
  (FULFILMENTS[tag.type] as Fulfilment<Expectation>)(state, node, tag, ack, functions);
}

/** A document in an ACK that does not parse is told to the peer as ERROR: an ACK gets no answer. */
function parsed<T>(state: ManagerEndpointState, node: ManagedNode, parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    state.event('malformed', node, node.connection, error.message);
    state.report(node, error.message);
    return undefined;
  }
}
