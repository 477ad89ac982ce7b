// SPDX-License-Identifier: Apache-2.0
import { functionId, nodeId } from '@vnfpool/core';
import type { HandManager, HandOrder } from '@vnfpool/daemons/hand-manager';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import type { HandCommand } from './hand-command.ts';

export type Transfer = Extract<HandCommand, { type: 'move' | 'copy' | 'move-session' }>;

/** What a function was started with: a destination needs it too. */
export interface Program {
  readonly name: string | null;
  readonly specification: FunctionSpecification | null;
}

/** Whether the destination is to be prepared, so that both ends know one token. */
export function isPrepared(command: Transfer): boolean {
  return !command.plain && command.token === null;
}

/** The function at the destination. */
export function targetOf({ copyId, function: source }: Transfer): number | null {
  return copyId ?? source;
}

/**
 * ADD at the destination: the function is made to take its state from the source, or, as it runs, to take sessions.
 */
export function prepareOrder(
  command: Transfer,
  { name, specification }: Program,
  token: Uint8Array,
): HandOrder {
  return {
    type: 'add',
    node: nodeId(command.to.node),
    functionId: functionId(targetOf(command) ?? 0),
    ...(name === null ? {} : { name }),
    ...(specification === null ? {} : { specification }),
    prepare: { token, from: nodeId(command.node) },
  };
}

/** Ends what the destination was prepared for: a function that waits for its state, or for sessions. */
export function cancelOrder(command: Transfer, token: Uint8Array): HandOrder {
  const target = {
    type: 'delete',
    node: nodeId(command.to.node),
    functionId: functionId(targetOf(command) ?? 0),
  } as const;
  return command.type === 'move-session' ? { ...target, cancels: token } : target;
}

/** The order to the source. Where it is not said, the destination is where it told the manager that it takes state. */
export function transferOrder(
  command: Transfer,
  manager: Pick<HandManager, 'node'>,
  token: Uint8Array | null,
): HandOrder {
  const { type, node, to, copyId, sessions } = command;
  const told = manager.node(to.node);
  const destination = {
    node: nodeId(to.node),
    addresses: to.address === null ? (told?.addresses ?? []) : [to.address],
    port: to.port ?? told?.statePort ?? null,
  };
  const common = { node: nodeId(node), destination, token };
  const of = command.function === null ? null : functionId(command.function);
  if (type === 'move-session') {
    const there = of === null || copyId === null ? {} : { targetFunctionId: functionId(copyId) };
    return { type, ...common, sessions, functionId: of, ...there };
  }
  const source = { ...common, functionId: of ?? functionId(0) };
  if (type === 'move') return { type, ...source };
  return { type, ...source, ...(copyId === null ? {} : { copyId: functionId(copyId) }) };
}
