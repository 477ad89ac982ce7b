// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { DiscardError, invalid, type UnrecognizedParameter } from '../parameters/tlv.ts';
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
import { MessageBody, type MessageCodec } from './message-codec.ts';
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

const CODECS: { readonly [T in AsapMessage['type']]: MessageCodec<Extract<AsapMessage, { type: T }>> } = {
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

// The table pairs each type with its own codec; the compiler cannot follow that through an index.
type AnyCodec = MessageCodec<AsapMessage>;
const BY_CODE: ReadonlyMap<number, AnyCodec> = new Map(
  Object.values(CODECS).map((codec) => [codec.code, codec as unknown as AnyCodec]),
);

/** Octets of the header: type, flags, length. */
const HEADER_BYTES = 4;

/** A message, and the parameters in it that we do not know and may skip. */
export interface DecodedAsap {
  readonly message: AsapMessage;
  readonly unrecognized: readonly UnrecognizedParameter[];
}

/**
 * A message as it goes on the wire, with its final padding; the length field does not count that padding.
 * A value that does not fit its field throws `WireError`.
 */
export function encodeAsap(message: AsapMessage): Uint8Array {
  const codec = CODECS[message.type] as unknown as AnyCodec;
  const writer = new ByteWriter();
  writer
    .u8(codec.code)
    .u8(codec.flags?.(message) ?? 0)
    .u16(0);
  codec.write(writer, message);
  const length = writer.length;
  if (length > 0xffff) throw new WireError('limit', 0, `message of ${length} octets exceeds 65535`);
  return writer.patchU16(2, length).pad(4).finish();
}

/**
 * Decodes one whole message, with or without its final padding, whether or not its length counts that padding.
 * Octet strings in it share memory with `bytes`. Throws `WireError`; it is a `DiscardError` when the sender may
 * be told what was wrong.
 */
export function decodeAsap(bytes: Uint8Array): DecodedAsap {
  const reader = new ByteReader(bytes);
  const code = reader.u8();
  const flags = reader.u8();
  const length = reader.u16();
  if (length < HEADER_BYTES)
    throw invalid('length', 2, `message length ${length}`, bytes.subarray(0, HEADER_BYTES));
  const body = reader.sub(length - HEADER_BYTES);
  if (reader.remaining > 3)
    throw new WireError('trailing', reader.offset, `${reader.remaining} octets behind the message`);
  const codec = BY_CODE.get(code);
  if (codec === undefined) throw unknownMessage(code, bytes.subarray(0, length));
  const messageBody = new MessageBody(flags, body);
  try {
    const message = codec.read(messageBody);
    return { message, unrecognized: messageBody.unrecognized };
  } catch (failure) {
    // An error is never answered by an error: two peers that misread each other would go on for ever.
    if (code === error.code && failure instanceof DiscardError) {
      throw new DiscardError(failure.code, failure.offset, 'malformed ASAP_ERROR', null);
    }
    throw failure;
  }
}

/**
 * Octets that a message takes on a stream, from its first four: the length rounded up to a multiple of 4.
 * A length below 4 throws `WireError`: the stream cannot be followed any further.
 */
export function asapFrameLength(header: Uint8Array): number {
  const reader = new ByteReader(header);
  reader.skip(2);
  const length = reader.u16();
  if (length < HEADER_BYTES) throw new WireError('length', 2, `message length ${length}`);
  return Math.ceil(length / 4) * 4;
}

/** Bit 0x40 asks for a report; bit 0x80 is reserved and changes nothing. @see RFC 5354 §4 */
function unknownMessage(code: number, whole: Uint8Array): DiscardError {
  const report = (code & 0x40) === 0 ? null : { code: 0x2, info: whole };
  return new DiscardError('unknown', 0, `unknown message type 0x${code.toString(16)}`, report);
}
