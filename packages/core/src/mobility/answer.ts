// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8, WireError } from '@vnfpool/wire/bytes';
import {
  type Ack,
  AckCode,
  COMMANDS,
  DocumentError,
  type Extensions,
  type MobilityDecodeError,
  MobilityError,
  type MobilityMessage,
  type NodePart,
  TEXT_BYTES_MAX,
} from '@vnfpool/wire/mobility';

/** An ACK that carries nothing but its code, a reason and, to a peer that knows extensions, an error number. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
  readonly error?: number | undefined;
}

export function subTypeOf(message: MobilityMessage): number {
  return message.type === 'operation' ? COMMANDS.indexOf(message.command) + 1 : 0;
}

export function ackOf(message: MobilityMessage, node: NodePart, code: number = AckCode.successful): Ack {
  return { type: 'ack', subType: subTypeOf(message), code, sequence: message.sequence, nodes: [node] };
}

export function refusalOf(
  message: MobilityMessage,
  node: number,
  refusal: Refusal,
  knowsExtensions: boolean,
): Ack {
  return ackOf(
    message,
    { id: node, ...reasonParts(refusal.text, refusal.error, knowsExtensions) },
    refusal.code,
  );
}

/** ACK 128 to a frame that did not decode; `node` is the registered one, else 0. */
export function malformedAck(error: MobilityDecodeError, node: number, knowsExtensions: boolean): Ack {
  return {
    type: 'ack',
    subType: error.subType,
    code: AckCode.failed,
    sequence: error.sequence,
    nodes: [{ id: error.nodeId ?? node, ...reasonParts(error.message, error.errorNumber, knowsExtensions) }],
  };
}

/** Text and error number as they stand behind a Node ID or a Function ID. */
export function reasonParts(
  text: string,
  error: number | undefined,
  knowsExtensions: boolean,
): { text?: string; extensions?: Extensions } {
  return {
    ...(text === '' ? {} : { text: cutText(text) }),
    ...(error === undefined || !knowsExtensions ? {} : { extensions: { error } }),
  };
}

/** What to answer to a document that does not parse. */
export function refusalOfDocument(error: unknown): Refusal {
  if (!(error instanceof WireError)) throw error;
  const number = error instanceof DocumentError ? error.errorNumber : MobilityError.malformed;
  const code =
    number === MobilityError.versionNotUnderstood ? AckCode.administrativelyProhibited : AckCode.failed;
  return { code, text: error.message, error: number };
}

/** The first text for people in a message, else ''. */
export function textOf(message: MobilityMessage): string {
  for (const part of parts(message)) if (part.text !== undefined) return part.text;
  return '';
}

/** The first error number in a message. */
export function errorOf(message: MobilityMessage): number | null {
  for (const part of parts(message)) if (part.extensions?.error !== undefined) return part.extensions.error;
  return null;
}

function* parts(message: MobilityMessage): Generator<{ text?: string; extensions?: Extensions }> {
  for (const node of message.nodes) {
    yield node;
    yield* node.functions ?? [];
  }
}

/** Well-formed text that fits option 9/1, cut between characters. */
export function cutText(text: string): string {
  let kept = '';
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const shown = point >= 0xd800 && point <= 0xdfff ? '\ufffd' : character;
    bytes += encodeUtf8(shown).length;
    if (bytes > TEXT_BYTES_MAX) break;
    kept += shown;
  }
  return kept;
}
