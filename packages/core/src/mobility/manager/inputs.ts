// SPDX-License-Identifier: Apache-2.0
import type { NodeId } from '../../identity.ts';
import type { MobilityManagerInput } from '../types.ts';
import { forceToLeave, takeCommand } from './commands.ts';
import { disconnected } from './membership.ts';
import { takeMalformed, takeMessage, takeUnframeable } from './messages.ts';
import type { ManagerEndpointState } from './state.ts';

type Taker<Input extends MobilityManagerInput> = (state: ManagerEndpointState, input: Input) => void;

const TAKERS: {
  readonly [T in MobilityManagerInput['type']]: Taker<Extract<MobilityManagerInput, { readonly type: T }>>;
} = {
  connected: (state, { connection, identity }) => {
    const deadlineMs = state.nowMs + state.options.registrationTimeoutMs;
    state.connections.set(connection, { id: connection, identity, deadlineMs });
  },
  message: (state, { connection, message }) => takeMessage(state, connection, message),
  malformed: (state, { connection, error }) => takeMalformed(state, connection, error),
  unframeable: (state, { connection, reason }) => takeUnframeable(state, connection, reason),
  disconnected: (state, { connection }) => disconnected(state, connection),
  deregister: (state, { node, requestId }) => forceToLeave(state, node, requestId),
  add: takeCommand,
  delete: takeCommand,
  get: takeCommand,
  move: takeCommand,
  copy: takeCommand,
  'move-session': takeCommand,
  'state-order': takeCommand,
};

/** Takes an input. It touches only the node that it names, or whose connection it is of. */
export function takeInput(state: ManagerEndpointState, input: MobilityManagerInput): void {
  // The table pairs each input with its own function; the compiler cannot follow that through an index.
  (TAKERS[input.type] as Taker<MobilityManagerInput>)(state, input);
}

/** Which node an input is about; undefined: that of a connection which is not known. */
export function nodeOf(state: ManagerEndpointState, input: MobilityManagerInput): NodeId | undefined {
  if ('node' in input) return input.node;
  if ('identity' in input) return input.identity.node;
  return state.connections.get(input.connection)?.identity.node;
}
