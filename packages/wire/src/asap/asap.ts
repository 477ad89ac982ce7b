// SPDX-License-Identifier: Apache-2.0
import { type Decoded, frameLength, type MessageCodecs, MessageSet } from '../message/message-set.ts';
import type { FinalPadding } from '../parameters/tlv.ts';
import { type BusinessCard, businessCard } from './business-card.ts';
import { type Cookie, type CookieEcho, cookie, cookieEcho } from './cookie.ts';
import { type Deregistration, deregistration } from './deregistration.ts';
import { type DeregistrationResponse, deregistrationResponse } from './deregistration-response.ts';
import { type EndpointKeepAlive, endpointKeepAlive } from './endpoint-keep-alive.ts';
import { type EndpointKeepAliveAck, endpointKeepAliveAck } from './endpoint-keep-alive-ack.ts';
import { type EndpointUnreachable, endpointUnreachable } from './endpoint-unreachable.ts';
import { type AsapError, error } from './error.ts';
import { type HandleResolution, handleResolution } from './handle-resolution.ts';
import { type HandleResolutionResponse, handleResolutionResponse } from './handle-resolution-response.ts';
import { type Registration, registration } from './registration.ts';
import { type RegistrationResponse, registrationResponse } from './registration-response.ts';
import { type ServerAnnounce, serverAnnounce } from './server-announce.ts';

/** Every ASAP message, told apart by `type`. @see RFC 5352 §2.2 */
export type AsapMessage =
  | Registration
  | Deregistration
  | RegistrationResponse
  | DeregistrationResponse
  | HandleResolution
  | HandleResolutionResponse
  | EndpointKeepAlive
  | EndpointKeepAliveAck
  | EndpointUnreachable
  | ServerAnnounce
  | Cookie
  | CookieEcho
  | BusinessCard
  | AsapError;

const CODECS: MessageCodecs<AsapMessage> = {
  registration,
  deregistration,
  'registration-response': registrationResponse,
  'deregistration-response': deregistrationResponse,
  'handle-resolution': handleResolution,
  'handle-resolution-response': handleResolutionResponse,
  'endpoint-keep-alive': endpointKeepAlive,
  'endpoint-keep-alive-ack': endpointKeepAliveAck,
  'endpoint-unreachable': endpointUnreachable,
  'server-announce': serverAnnounce,
  cookie,
  'cookie-echo': cookieEcho,
  'business-card': businessCard,
  error,
};

const MESSAGES = new MessageSet<AsapMessage>('ASAP', CODECS);

/** A message, and the parameters in it that we do not know and may skip. */
export type DecodedAsap = Decoded<AsapMessage>;

/**
 * A message as it goes on the wire, with its final padding; by `padding`, lengths count that padding or not (the
 * standard). A value that does not fit its field throws `WireError`.
 */
export function encodeAsap(message: AsapMessage, padding: FinalPadding = 'excluded'): Uint8Array {
  return MESSAGES.encode(message, padding);
}

/**
 * Decodes one whole message, with or without its final padding, whether or not its length counts that padding.
 * Octet strings in it share memory with `bytes`. Throws `WireError`; it is a `DiscardError` when the sender may
 * be told what was wrong.
 */
export function decodeAsap(bytes: Uint8Array): DecodedAsap {
  return MESSAGES.decode(bytes);
}

/**
 * Octets that a message takes on a stream, from its first four: the length rounded up to a multiple of 4.
 * A length below 4 throws `WireError`: the stream cannot be followed any further.
 */
export function asapFrameLength(header: Uint8Array): number {
  return frameLength(header);
}
