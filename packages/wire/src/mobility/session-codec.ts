// SPDX-License-Identifier: Apache-2.0
import { type ByteReader, type ByteWriter, WireError } from '../bytes/index.ts';
import { formatFraction, formatInteger, parseFraction, parseInteger } from './decimal.ts';
import type { SessionInformation } from './information.ts';
import { OpType, writeOption } from './option.ts';

/** Sub-OP-Types of OP-Type 8. */
const SubType = { sipUri: 1, contact: 2, ratio: 3, count: 4 } as const;

export function writeSession(writer: ByteWriter, session: SessionInformation): void {
  const write = (subType: number, value?: () => void): void =>
    writeOption(writer, OpType.sessionInformation, subType, value);
  switch (session.type) {
    case 'sip-uri':
      return write(SubType.sipUri, () => writer.utf8(session.uri));
    case 'contact':
      return write(SubType.contact, () => writer.bytes(session.contact));
    case 'ratio':
      if (session.ratio > 1) throw new WireError('value', writer.length, `ratio ${session.ratio} above 1`);
      return write(SubType.ratio, () => writer.utf8(formatFraction(session.ratio, writer.length)));
    case 'count':
      return write(SubType.count, () => writer.utf8(formatInteger(session.count, writer.length)));
    case 'all':
      return write(session.subType);
  }
}

/** Undefined for an unknown Sub-OP-Type. */
export function readSession(subType: number, value: ByteReader): SessionInformation | undefined {
  const offset = value.offset;
  if (subType < SubType.sipUri || subType > SubType.count) return undefined;
  if (value.remaining === 0) return { type: 'all', subType };
  switch (subType) {
    case SubType.sipUri:
      return { type: 'sip-uri', uri: value.utf8(value.remaining) };
    case SubType.contact:
      return { type: 'contact', contact: value.rest() };
    case SubType.ratio: {
      const ratio = parseFraction(value.utf8(value.remaining), offset);
      if (ratio > 1) throw new WireError('value', offset, `ratio ${ratio} above 1`);
      return { type: 'ratio', ratio };
    }
    default:
      return { type: 'count', count: parseInteger(value.utf8(value.remaining), offset) };
  }
}
