// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
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

export function dispatch(
  state: RegistrarState,
  association: Association,
  message: AsapMessage,
  nowMs: number,
): void {
  // The table pairs each type with its own handler; the compiler cannot follow that through an index.
  const handler = HANDLERS[message.type] as Handler<AsapMessage> | undefined;
  if (handler === undefined) state.counters.unexpected += 1;
  else handler(state, association, message, nowMs);
}
