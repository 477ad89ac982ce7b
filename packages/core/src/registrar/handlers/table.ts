// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
import { closeAssociation } from '../associations.ts';
import type { Association, RegistrarState } from '../state.ts';
import { handleDeregistration } from './deregistration.ts';
import { handleError } from './error.ts';
import { handleResolution } from './handle-resolution.ts';
import type { Handler } from './handler.ts';
import { handleKeepAliveAck } from './keep-alive-ack.ts';
import { handleRegistration } from './registration.ts';
import { handleUnreachable } from './unreachable.ts';

/** The messages that a registrar acts on; all others it counts and drops. @see RFC 5352 §4 */
const HANDLERS: { readonly [T in AsapMessage['type']]?: Handler<Extract<AsapMessage, { type: T }>> } = {
  registration: handleRegistration,
  deregistration: handleDeregistration,
  'handle-resolution': handleResolution,
  'endpoint-keep-alive-ack': handleKeepAliveAck,
  'endpoint-unreachable': handleUnreachable,
  error: handleError,
};

/** What needs the handlespace, which a registrar does not have before it has joined. */
const QUESTIONS: ReadonlySet<AsapMessage['type']> = new Set([
  'registration',
  'deregistration',
  'handle-resolution',
]);

/**
 * While we are joining, whoever asks for something is sent away by the end of its association, and hunts on. Not by a
 * refusal: to some elements that is final.
 */
export function dispatch(
  state: RegistrarState,
  association: Association,
  message: AsapMessage,
  nowMs: number,
): void {
  if (state.scope.phase !== 'running' && QUESTIONS.has(message.type)) {
    closeAssociation(state, association, state.scope.phase, nowMs);
    return;
  }
  // The table pairs each type with its own handler; the compiler cannot follow that through an index.
  const handler = HANDLERS[message.type] as Handler<AsapMessage> | undefined;
  if (handler === undefined) state.counters.unexpected += 1;
  else handler(state, association, message, nowMs);
}
