// SPDX-License-Identifier: Apache-2.0
import {
  AckCode,
  type Extensions,
  type FunctionPart,
  MobilityError,
  type MobilityMessage,
  type NodePart,
} from '@vnfpool/wire/mobility';
import type { Refusal } from '../answer.ts';
import type { MobilityManagerInput } from '../types.ts';

/** Orders to the source of a transfer. */
export type TransferCommand = Extract<MobilityManagerInput, { type: 'move' | 'copy' | 'move-session' }>;

/** The message of MOVE, COPY or MOVE_SESSION, or why it cannot be one. */
export function transferOf(
  command: TransferCommand,
  knowsExtensions: boolean,
): ((sequence: number) => MobilityMessage) | Refusal {
  const { type, node, destination, token } = command;
  if (destination.node === node) return { code: AckCode.failed, text: 'source and destination are one node' };
  if (type === 'move-session' && command.sessions.length === 0) {
    return { code: AckCode.failed, text: 'no sessions are named' };
  }
  // Without its token the order would let somebody in whom nobody checks.
  if (token !== null && !knowsExtensions) return plainPeer();
  const extensions: { extensions?: Extensions } = token ? { extensions: transferExtension(token) } : {};
  const functions = functionsOf(command, extensions);
  const to: NodePart = {
    id: destination.node,
    ...(destination.addresses.length > 0 ? { addresses: destination.addresses } : {}),
    ...(destination.port === null ? {} : { ports: [destination.port] }),
    ...(type === 'move-session' ? { sessions: command.sessions } : {}),
    ...(functions.length > 0 ? { functions } : extensions),
  };
  return (sequence) => ({ type: 'operation', command: type, sequence, nodes: [{ id: node }, to] });
}

/** Why an order that needs our extensions does not go to a plain peer. */
export function plainPeer(): Refusal {
  return {
    code: AckCode.failed,
    text: 'the node does not know our extensions',
    error: MobilityError.versionNotUnderstood,
  };
}

/** The function, with the token, then what it is at the destination, where that is another one. */
function functionsOf(command: TransferCommand, extensions: { extensions?: Extensions }): FunctionPart[] {
  if (command.functionId === null) return [];
  const there =
    command.type === 'copy'
      ? command.copyId
      : command.type === 'move-session'
        ? command.targetFunctionId
        : undefined;
  return [{ id: command.functionId, ...extensions }, ...(there === undefined ? [] : [{ id: there }])];
}

function transferExtension(token: Uint8Array): Extensions {
  return { transfer: { token, role: 'source' } };
}
