// SPDX-License-Identifier: Apache-2.0
import { ByteReader, WireError } from '../bytes/index.ts';
import {
  DiscardError,
  type FinalPadding,
  invalid,
  ParameterWriter,
  type UnrecognizedParameter,
} from '../parameters/tlv.ts';
import { MessageBody, type MessageCodec } from './message-codec.ts';

/** Octets of the header: type, flags, length. */
const HEADER_BYTES = 4;

/** A codec for each message type of a protocol. */
export type MessageCodecs<M extends { readonly type: string }> = {
  readonly [T in M['type']]: MessageCodec<Extract<M, { type: T }>>;
};

/** A message, and the parameters in it that we do not know and may skip. */
export interface Decoded<M> {
  readonly message: M;
  readonly unrecognized: readonly UnrecognizedParameter[];
}

/** The messages of one protocol, ASAP or ENRP: their common header, and what is done with unknown ones. @see RFC 5354 §2.1 */
export class MessageSet<M extends { readonly type: string }> {
  readonly #protocol: string;
  readonly #byType: ReadonlyMap<string, MessageCodec<M>>;
  readonly #byCode: ReadonlyMap<number, MessageCodec<M>>;
  readonly #errorCode: number;
  readonly #writers: { readonly [P in FinalPadding]: ParameterWriter } = {
    excluded: new ParameterWriter('excluded'),
    included: new ParameterWriter('included'),
  };

  constructor(protocol: string, codecs: MessageCodecs<M> & { readonly error: { readonly code: number } }) {
    // The table pairs each type with its own codec; the compiler cannot follow that through an index.
    const entries = Object.entries(codecs) as [string, MessageCodec<M>][];
    this.#protocol = protocol;
    this.#byType = new Map(entries);
    this.#byCode = new Map(entries.map(([, codec]) => [codec.code, codec]));
    this.#errorCode = codecs.error.code;
  }

  /**
   * The message with its final padding, which lengths count or not; it may share a block of memory with those before
   * and after it. Throws `WireError`.
   */
  encode(message: M, padding: FinalPadding): Uint8Array {
    const codec = this.#byType.get(message.type);
    if (codec === undefined)
      throw new WireError('unknown', 0, `no ${this.#protocol} message ${message.type}`);
    const writer = this.#writers[padding];
    // One before may have failed half-way.
    writer.reset();
    writer
      .u8(codec.code)
      .u8(codec.flags?.(message) ?? 0)
      .u16(0);
    codec.write(writer, message);
    writer.endContainer();
    const length = writer.length;
    if (length > 0xffff) throw new WireError('limit', 0, `message of ${length} octets exceeds 65535`);
    return writer.patchU16(2, length).pad(4).take();
  }

  /** One whole message. Throws `WireError`, and `DiscardError` when the sender may be told what was wrong. */
  decode(bytes: Uint8Array): Decoded<M> {
    const reader = new ByteReader(bytes);
    const code = reader.u8();
    const flags = reader.u8();
    const length = reader.u16();
    if (length < HEADER_BYTES)
      throw invalid('length', 2, `message length ${length}`, bytes.subarray(0, HEADER_BYTES));
    const body = new MessageBody(flags, reader.sub(length - HEADER_BYTES));
    if (reader.remaining > 3)
      throw new WireError('trailing', reader.offset, `${reader.remaining} octets behind the message`);
    const codec = this.#byCode.get(code);
    if (codec === undefined) throw unknownMessage(code, bytes.subarray(0, length));
    try {
      const message = codec.read(body);
      return { message, unrecognized: body.unrecognized };
    } catch (failure) {
      // An error is never answered by an error: two peers that misread each other would go on for ever.
      if (code === this.#errorCode && failure instanceof DiscardError) {
        throw new DiscardError(failure.code, failure.offset, `malformed ${this.#protocol}_ERROR`, null);
      }
      throw failure;
    }
  }
}

/**
 * Octets that a message takes on a stream, from its first four: the length rounded up to a multiple of 4.
 * A length below 4 throws `WireError`.
 */
export function frameLength(header: Uint8Array): number {
  const high = header[2];
  const low = header[3];
  if (high === undefined || low === undefined)
    throw new WireError('short', 2, `need 4 octets, have ${header.length}`);
  const length = high * 0x100 + low;
  if (length < HEADER_BYTES) throw new WireError('length', 2, `message length ${length}`);
  return Math.ceil(length / 4) * 4;
}

/** Bit 0x40 asks for a report; bit 0x80 is reserved and changes nothing. @see RFC 5354 §4 */
function unknownMessage(code: number, whole: Uint8Array): DiscardError {
  const report = (code & 0x40) === 0 ? null : { code: 0x2, info: whole };
  return new DiscardError('unknown', 0, `unknown message type 0x${code.toString(16)}`, report);
}
