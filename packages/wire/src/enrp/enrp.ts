// SPDX-License-Identifier: Apache-2.0
import { type Decoded, frameLength, type MessageCodecs, MessageSet } from '../message/message-set.ts';
import type { FinalPadding } from '../parameters/tlv.ts';
import { type EnrpError, error } from './error.ts';
import { type HandleTableRequest, handleTableRequest } from './handle-table-request.ts';
import { type HandleTableResponse, handleTableResponse } from './handle-table-response.ts';
import { type HandleUpdate, handleUpdate } from './handle-update.ts';
import { type InitTakeover, initTakeover } from './init-takeover.ts';
import { type InitTakeoverAck, initTakeoverAck } from './init-takeover-ack.ts';
import { type ListRequest, listRequest } from './list-request.ts';
import { type ListResponse, listResponse } from './list-response.ts';
import { type Presence, presence } from './presence.ts';
import { type TakeoverServer, takeoverServer } from './takeover-server.ts';

/** Every ENRP message, told apart by `type`. @see RFC 5353 §2 */
export type EnrpMessage =
  | Presence
  | HandleTableRequest
  | HandleTableResponse
  | HandleUpdate
  | ListRequest
  | ListResponse
  | InitTakeover
  | InitTakeoverAck
  | TakeoverServer
  | EnrpError;

const CODECS: MessageCodecs<EnrpMessage> = {
  presence,
  'handle-table-request': handleTableRequest,
  'handle-table-response': handleTableResponse,
  'handle-update': handleUpdate,
  'list-request': listRequest,
  'list-response': listResponse,
  'init-takeover': initTakeover,
  'init-takeover-ack': initTakeoverAck,
  'takeover-server': takeoverServer,
  error,
};

const MESSAGES = new MessageSet<EnrpMessage>('ENRP', CODECS);

/** A message, and the parameters in it that we do not know and may skip. */
export type DecodedEnrp = Decoded<EnrpMessage>;

/**
 * A message as it goes on the wire, with its final padding; by `padding`, lengths count that padding or not (the
 * standard). A value that does not fit its field throws `WireError`.
 */
export function encodeEnrp(message: EnrpMessage, padding: FinalPadding = 'excluded'): Uint8Array {
  return MESSAGES.encode(message, padding);
}

/**
 * Decodes one whole message, with or without its final padding, whether or not its length counts that padding.
 * Octet strings in it share memory with `bytes`. Throws `WireError`; it is a `DiscardError` when the sender may
 * be told what was wrong.
 */
export function decodeEnrp(bytes: Uint8Array): DecodedEnrp {
  return MESSAGES.decode(bytes);
}

/**
 * Octets that a message takes on a stream, from its first four: the length rounded up to a multiple of 4.
 * A length below 4 throws `WireError`: the stream cannot be followed any further.
 */
export function enrpFrameLength(header: Uint8Array): number {
  return frameLength(header);
}
