// SPDX-License-Identifier: Apache-2.0
import type { EnrpMessage } from '@vnfpool/wire/enrp';
import type { RegistrarState } from '../state.ts';
import { handleError } from './error.ts';
import { handleTableRequest } from './handle-table-request.ts';
import { handleTableResponse } from './handle-table-response.ts';
import { handleUpdate } from './handle-update.ts';
import type { EnrpHandler, From } from './handler.ts';
import { handleListRequest } from './list-request.ts';
import { handleListResponse } from './list-response.ts';
import { handlePresence } from './presence.ts';
import { handleInitTakeover, handleInitTakeoverAck, handleTakeoverServer } from './takeover.ts';

/** @see RFC 5353 §2 */
const HANDLERS: { readonly [T in EnrpMessage['type']]: EnrpHandler<Extract<EnrpMessage, { type: T }>> } = {
  presence: handlePresence,
  'handle-table-request': handleTableRequest,
  'handle-table-response': handleTableResponse,
  'handle-update': handleUpdate,
  'list-request': handleListRequest,
  'list-response': handleListResponse,
  'init-takeover': handleInitTakeover,
  'init-takeover-ack': handleInitTakeoverAck,
  'takeover-server': handleTakeoverServer,
  error: handleError,
};

export function dispatchEnrp(state: RegistrarState, from: From, message: EnrpMessage, nowMs: number): void {
  // The table pairs each type with its own handler; the compiler cannot follow that through an index.
  (HANDLERS[message.type] as EnrpHandler<EnrpMessage>)(state, from, message, nowMs);
}
