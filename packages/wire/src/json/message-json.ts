// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8, toHex, WireError } from '../bytes/index.ts';
import { parseStrictJson } from '../mobility/json.ts';
import type { FinalPadding } from '../parameters/tlv.ts';
import { FieldError, type Json, properties } from './field.ts';
import { unrecognized as unrecognizedFields } from './parameter-fields.ts';
import { PROTOCOLS, type ProtocolCodec, type WireProtocol } from './protocols.ts';
import { octets as octetsField, oneOf } from './value-fields.ts';

/**
 * A message in plain JSON. Octets are hexadecimal digits, integers of 64 bits decimal digits, pool handles and
 * documents `{ hex, text }`.
 */
export interface MessageJson {
  readonly protocol: WireProtocol;
  /** Whether lengths count the final padding. Absent with `octets`, and where nothing is padded. */
  readonly padding?: FinalPadding;
  readonly message: Json;
  /** Parameters that are not known and were skipped. */
  readonly unrecognized?: Json;
  /**
   * The octets as they were, hexadecimal; only where the fields alone would give others: skipped parameters or
   * options, another order, reserved bits, padding that is not zero or not there.
   */
  readonly octets?: string;
}

export const WIRE_PROTOCOLS: readonly WireProtocol[] = ['asap', 'enrp', 'csp', 'mobility', 'pfsync'];

const KEYS = new Set(['protocol', 'padding', 'message', 'unrecognized', 'octets']);
const protocolField = oneOf(...WIRE_PROTOCOLS);

/** One whole message in JSON. Throws what the protocol's decoder throws, a `WireError`. */
export function messageToJson(protocol: WireProtocol, octets: Uint8Array): MessageJson {
  const codec = PROTOCOLS[protocol];
  const decoded = codec.decode(octets);
  const message = codec.fields.toJson(decoded.message);
  const skipped =
    decoded.unrecognized.length === 0
      ? {}
      : { unrecognized: unrecognizedFields.toJson(decoded.unrecognized) };
  const padding = codec.paddings.find((form) => same(octets, tryEncode(codec, decoded.message, form)));
  if (padding === undefined) return { protocol, message, ...skipped, octets: toHex(octets) };
  return codec.paddings.length > 1 ? { protocol, padding, message } : { protocol, message };
}

/**
 * The octets of a message in JSON. Without `padding` the standard's form. `octets` are taken as they are, but
 * only if they still decode to the fields beside them. `protocol`: the only one accepted. Throws `WireError`; it
 * is a `FieldError` when one field is to blame.
 */
export function messageFromJson(value: unknown, protocol?: WireProtocol): Uint8Array {
  const line = readLine(value, protocol);
  const codec = PROTOCOLS[line.protocol];
  const message = codec.fields.fromJson(line.message, 'message');
  const skipped = unrecognizedFields.fromJson(line.unrecognized ?? [], 'unrecognized');
  const padding = oneOf(...codec.paddings).fromJson(line.padding ?? 'excluded', 'padding');
  if (line.octets === undefined) {
    if (skipped.length > 0) throw new FieldError('unrecognized', 'needs the octets of the message beside it');
    return codec.encode(message, padding);
  }
  const octets = octetsField.fromJson(line.octets, 'octets');
  const decoded = decodeAgain(codec, octets);
  if (
    !sameJson(codec.fields.toJson(decoded.message), codec.fields.toJson(message)) ||
    !sameJson(unrecognizedFields.toJson(decoded.unrecognized), unrecognizedFields.toJson(skipped))
  )
    throw new FieldError('octets', 'say something else than the fields; leave them out to encode the fields');
  return octets;
}

/** The octets of a message in JSON text, in which no key may stand twice. Throws as `messageFromJson`. */
export function messageFromJsonText(text: string, protocol?: WireProtocol): Uint8Array {
  return messageFromJson(parseStrictJson(encodeUtf8(text)), protocol);
}

type Line = { readonly [K in Exclude<keyof MessageJson, 'protocol'>]?: unknown } & {
  readonly protocol: WireProtocol;
};

/** A line whose keys are known and whose protocol is the wanted one; nothing more is checked. */
function readLine(value: unknown, wanted: WireProtocol | undefined): Line {
  const line = properties(value, 'line');
  const told = line['error'];
  if (typeof told === 'string') throw new FieldError('line', `tells an error: ${told.slice(0, 200)}`);
  const stranger = Object.keys(line).find((key) => !KEYS.has(key));
  if (stranger !== undefined) throw new FieldError(stranger.slice(0, 64), 'is not known');
  const protocol = protocolField.fromJson(line['protocol'] ?? wanted, 'protocol');
  if (wanted !== undefined && protocol !== wanted) throw new FieldError('protocol', `must be ${wanted}`);
  return { ...line, protocol };
}

function decodeAgain(codec: ProtocolCodec<unknown>, octets: Uint8Array): ReturnType<typeof codec.decode> {
  try {
    return codec.decode(octets);
  } catch (error) {
    if (error instanceof WireError) throw new FieldError('octets', `are not a message: ${error.message}`);
    throw error;
  }
}

/** What was decoded need not be something we would send. */
function tryEncode(
  codec: ProtocolCodec<unknown>,
  message: unknown,
  padding: FinalPadding,
): Uint8Array | undefined {
  try {
    return codec.encode(message, padding);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function same(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((octet, i) => octet === b[i]);
}

/** Both come from the same fields, so equal values have equal text. */
function sameJson(a: Json, b: Json): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
