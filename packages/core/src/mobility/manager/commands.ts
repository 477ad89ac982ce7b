// SPDX-License-Identifier: Apache-2.0
import { AckCode, encodeMobility, NODE_SCOPE } from '@vnfpool/wire/mobility';
import type { FunctionId, NodeId } from '../../identity.ts';
import { refusalOfDocument } from '../answer.ts';
import { leave } from './membership.ts';
import { type Command, operationOf } from './operations.ts';
import { tellResult } from './results.ts';
import type { ManagerEndpointState } from './state.ts';

/** Queues an operation for a node; one that cannot be sent ends at once. */
export function takeCommand(state: ManagerEndpointState, command: Command): void {
  const { requestId } = command;
  const node = state.nodes.get(command.node);
  if (node === undefined || node.state === 'lost' || node.leaving) {
    return tellResult(state, requestId, { code: AckCode.failed, text: 'the node is not registered' });
  }
  let builds: ReturnType<typeof operationOf>;
  try {
    builds = operationOf(command, node.instance !== null);
    // What cannot be written is refused here: where it is sent, nobody could answer.
    if (!('code' in builds) && command.type !== 'get') for (const build of builds) encodeMobility(build(1));
  } catch (error) {
    builds = refusalOfDocument(error);
  }
  if ('code' in builds) return tellResult(state, requestId, builds);
  const ahead = builds.slice(0, -1);
  const last = builds.at(-1);
  if (last === undefined || node.outbox.room <= ahead.length) {
    state.event('queue-full', node, node.connection, `${node.outbox.size} operations wait`);
    return tellResult(state, requestId, {
      code: AckCode.insufficientResources,
      text: 'too many operations wait',
    });
  }
  const asked =
    command.type === 'state-order'
      ? ({ command: 'add', functionId: NODE_SCOPE as FunctionId } as const)
      : { command: command.type, functionId: command.functionId };
  // How the last of them ends is how all of it does: a node that lacks one of the others refuses it.
  for (const part of ahead) node.outbox.push({ type: 'part' }, part);
  node.outbox.push({ type: 'request', requestId, ...asked }, last);
  state.pump(node);
}

/** Makes a node leave; one that cannot be told has left at once. */
export function forceToLeave(state: ManagerEndpointState, id: NodeId, requestId: number): void {
  const node = state.nodes.get(id);
  if (node === undefined || node.connection === null || node.leaving) {
    if (node) leave(state, node, 'forced to leave');
    return tellResult(state, requestId, { code: AckCode.successful, text: '' });
  }
  node.leaving = true;
  node.outbox.pushFirst({ type: 'deregister', requestId }, (sequence) => ({
    type: 'deregistration',
    sequence,
    nodes: [{ id }],
  }));
  state.pump(node);
}
