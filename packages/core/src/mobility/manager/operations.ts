// SPDX-License-Identifier: Apache-2.0
import {
  AckCode,
  ALL_FUNCTIONS,
  CONFIGURATION_PARTS_MAX,
  type Extensions,
  encodeFunctionSpecification,
  encodeSetConfiguration,
  encodeSlotAssignment,
  encodeStateOrder,
  type FunctionPart,
  type MobilityMessage,
  NODE_SCOPE,
  OpType,
  type WantedOption,
} from '@vnfpool/wire/mobility';
import type { NodeId } from '../../identity.ts';
import type { Refusal } from '../answer.ts';
import { configurationParts } from '../configuration-parts.ts';
import type { MobilityManagerInput } from '../types.ts';
import { plainPeer, type TransferCommand, transferOf } from './transfer-orders.ts';

export type Command =
  | Extract<MobilityManagerInput, { type: 'add' | 'delete' | 'get' | 'state-order' }>
  | TransferCommand;

/** Sub-OP-Type 0 asks for all of an OP-Type, which is ours: a plain peer is asked for each that the draft has. */
const ALL_OF_IT = [0];
const NODE_SUB_TYPES = [1, 2, 3, 10, 11, 20, 21, 30, 31, 32, 40];
const FUNCTION_SUB_TYPES = [1, 2, 3, 10, 11, 20, 21, 31, 32, 40, 50];

/** GET of all functions, after which the manager knows what a node runs. */
export function synchronisation(node: NodeId): Build {
  return get(node, ALL_FUNCTIONS, true);
}

type Build = (sequence: number) => MobilityMessage;

/**
 * The messages of a command, of which the last one's answer is that of the command, or why there can be none. Throws `WireError`
 * for documents out of shape.
 */
export function operationOf(command: Command, knowsExtensions: boolean): readonly Build[] | Refusal {
  switch (command.type) {
    case 'get':
      return [get(command.node, command.functionId, knowsExtensions)];
    case 'delete':
      return [
        (sequence) => ({
          type: 'operation',
          command: 'delete',
          sequence,
          nodes: [{ id: command.node, functions: [{ id: command.functionId, ...cancelling(command) }] }],
        }),
      ];
    case 'add':
      return add(command, knowsExtensions);
    case 'state-order':
      return knowsExtensions
        ? [addAtNodeScope(command.node, { stateOrder: encodeStateOrder(command.order) })]
        : plainPeer();
    case 'move':
    case 'copy':
    case 'move-session': {
      const build = transferOf(command, knowsExtensions);
      return typeof build === 'function' ? [build] : build;
    }
  }
}

/** A plain peer never takes state, so it never has to be told this. */
function cancelling({ cancels }: Extract<Command, { type: 'delete' }>): { extensions?: Extensions } {
  return cancels ? { extensions: { transfer: { token: cancels, role: 'destination' } } } : {};
}

function add(
  command: Extract<Command, { type: 'add' }>,
  knowsExtensions: boolean,
): readonly Build[] | Refusal {
  const { prepare } = command;
  if (prepare && command.functionId === NODE_SCOPE) {
    return { code: AckCode.failed, text: 'a transfer is prepared for one function', error: undefined };
  }
  const configuration = command.configuration && encodeSetConfiguration(command.configuration);
  const parts = configuration ? configurationParts(configuration) : [];
  if (parts.length > 0 && parts.length <= CONFIGURATION_PARTS_MAX && knowsExtensions)
    return parts.map((part) => addAtNodeScope(command.node, { configurationPart: part }));
  const documents: Extensions = {
    ...(command.specification && { specification: encodeFunctionSpecification(command.specification) }),
    ...(command.assignment && { assignment: encodeSlotAssignment(command.assignment) }),
    ...(configuration && { configuration }),
  };
  const large = (Object.entries(documents) as [string, Uint8Array][]).find(
    ([key, octets]) => octets.length > (key === 'assignment' ? 4096 : 32_768),
  );
  if (large) {
    return {
      code: AckCode.insufficientResources,
      text: `${large[0]} of ${large[1].length} octets is too large`,
      error: undefined,
    };
  }
  // A plain peer chooses the program by name; without one there is nothing that it could do.
  const isPlainAdd = command.functionId !== NODE_SCOPE && command.name !== undefined && !prepare;
  if (!knowsExtensions && !isPlainAdd) return plainPeer();
  const extensions: Extensions = {
    ...documents,
    ...(prepare && { transfer: { token: prepare.token, role: 'destination' } }),
  };
  const part: FunctionPart = {
    id: command.functionId,
    ...(command.name === undefined ? {} : { information: { name: command.name } }),
    ...(knowsExtensions && Object.keys(extensions).length > 0 ? { extensions } : {}),
  };
  return [
    (sequence) => ({
      type: 'operation',
      command: 'add',
      sequence,
      // Whose state it will be stands behind: a second Node ID has no place in the draft's ADD.
      nodes: [{ id: command.node, functions: [part] }, ...(prepare ? [{ id: prepare.from }] : [])],
    }),
  ];
}

function addAtNodeScope(node: NodeId, extensions: Extensions): Build {
  return (sequence) => ({
    type: 'operation',
    command: 'add',
    sequence,
    nodes: [{ id: node, functions: [{ id: NODE_SCOPE, extensions }] }],
  });
}

function get(node: NodeId, id: number, knowsExtensions: boolean): Build {
  const [opType, plain] =
    id === NODE_SCOPE
      ? [OpType.nodeInformation, NODE_SUB_TYPES]
      : [OpType.functionInformation, FUNCTION_SUB_TYPES];
  const wanted = (knowsExtensions ? ALL_OF_IT : plain).map((subType): WantedOption => ({ opType, subType }));
  return (sequence) => ({
    type: 'operation',
    command: 'get',
    sequence,
    nodes: [{ id: node, functions: [{ id, wanted }] }],
  });
}
