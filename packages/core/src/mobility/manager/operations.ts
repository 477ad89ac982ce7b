// SPDX-License-Identifier: Apache-2.0
import {
  ALL_FUNCTIONS,
  type Extensions,
  encodeFunctionSpecification,
  encodeSetConfiguration,
  encodeSlotAssignment,
  type FunctionPart,
  MobilityError,
  type MobilityMessage,
  NODE_SCOPE,
  OpType,
  type WantedOption,
} from '@vnfpool/wire/mobility';
import type { NodeId } from '../../identity.ts';
import type { Refusal } from '../answer.ts';
import type { MobilityManagerInput } from '../types.ts';

export type Command = Extract<MobilityManagerInput, { type: 'add' | 'delete' | 'get' }>;

const EVERYTHING: readonly WantedOption[] = [{ opType: OpType.functionInformation, subType: 0 }];
const NODE_EVERYTHING: readonly WantedOption[] = [{ opType: OpType.nodeInformation, subType: 0 }];

/** GET of all functions, after which the manager knows what a node runs. */
export function synchronisation(node: NodeId): (sequence: number) => MobilityMessage {
  return get(node, ALL_FUNCTIONS);
}

/** The message of a command, or why it cannot be one. Throws `WireError` for documents out of shape. */
export function operationOf(
  command: Command,
  knowsExtensions: boolean,
): ((sequence: number) => MobilityMessage) | Refusal {
  switch (command.type) {
    case 'get':
      return get(command.node, command.functionId);
    case 'delete':
      return (sequence) => ({
        type: 'operation',
        command: 'delete',
        sequence,
        nodes: [{ id: command.node, functions: [{ id: command.functionId }] }],
      });
    case 'add':
      return add(command, knowsExtensions);
  }
}

function add(
  command: Extract<Command, { type: 'add' }>,
  knowsExtensions: boolean,
): ((sequence: number) => MobilityMessage) | Refusal {
  const extensions: Extensions = {
    ...(command.specification && { specification: encodeFunctionSpecification(command.specification) }),
    ...(command.assignment && { assignment: encodeSlotAssignment(command.assignment) }),
    ...(command.configuration && { configuration: encodeSetConfiguration(command.configuration) }),
  };
  const documents = Object.entries(extensions) as [string, Uint8Array][];
  const large = documents.find(([key, octets]) => octets.length > (key === 'assignment' ? 4096 : 32_768));
  if (large) {
    return { code: 129, text: `${large[0]} of ${large[1].length} octets is too large`, error: undefined };
  }
  // A plain peer chooses the program by name; without one there is nothing that it could do.
  if (!knowsExtensions && (command.functionId === NODE_SCOPE || command.name === undefined)) {
    return {
      code: 128,
      text: 'the node does not know our extensions',
      error: MobilityError.versionNotUnderstood,
    };
  }
  const part: FunctionPart = {
    id: command.functionId,
    ...(command.name === undefined ? {} : { information: { name: command.name } }),
    ...(knowsExtensions && documents.length > 0 ? { extensions } : {}),
  };
  return (sequence) => ({
    type: 'operation',
    command: 'add',
    sequence,
    nodes: [{ id: command.node, functions: [part] }],
  });
}

function get(node: NodeId, id: number): (sequence: number) => MobilityMessage {
  const wanted = id === NODE_SCOPE ? NODE_EVERYTHING : EVERYTHING;
  return (sequence) => ({
    type: 'operation',
    command: 'get',
    sequence,
    nodes: [{ id: node, functions: [{ id, wanted }] }],
  });
}
