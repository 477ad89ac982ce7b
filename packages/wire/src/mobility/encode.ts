// SPDX-License-Identifier: Apache-2.0
import { ByteWriter, encodeUtf8, WireError } from '../bytes/index.ts';
import { parseIp } from '../parameters/ip-text.ts';
import { writeExtensions } from './extensions-codec.ts';
import { FRAME_HEADER_BYTES, MESSAGE_BYTES_MAX } from './frame.ts';
import type { WantedOption } from './information.ts';
import { writeFunctionInformation, writeNodeInformation } from './information-codec.ts';
import {
  COMMANDS,
  type FunctionPart,
  MessageType,
  type MobilityMessage,
  NODE_SCOPE,
  type NodePart,
  TEXT_BYTES_MAX,
} from './message.ts';
import { OpType, VendorSubType, writeOption } from './option.ts';
import { writeSession } from './session-codec.ts';

/** One for all messages: memory of its own for each would cost more than all the rest of it. */
const WRITER = new ByteWriter(MESSAGE_BYTES_MAX, 16_384);

/**
 * The octets of a message, which share a block with others. Throws `WireError` for values that do not fit their field (`value`) and for a
 * message beyond 65539 octets (`limit`).
 */
export function encodeMobility(message: MobilityMessage): Uint8Array {
  try {
    write(WRITER, message);
    return WRITER.take();
  } finally {
    // Of one that could not be written nothing is left.
    WRITER.reset();
  }
}

function write(writer: ByteWriter, message: MobilityMessage): void {
  writer.u8(MessageType[message.type]).u8(subTypeOf(message)).u16(0);
  writer.u8(message.type === 'ack' ? message.code : 0);
  if (message.sequence > 0xffffff) throw new WireError('value', 5, `sequence number ${message.sequence}`);
  writer.u8(message.sequence >>> 16).u16(message.sequence & 0xffff);
  const informationLast = isGetAck(message);
  for (const node of message.nodes) writeNode(writer, node, informationLast);
  writer.patchU16(2, writer.length - FRAME_HEADER_BYTES);
}

function subTypeOf(message: MobilityMessage): number {
  if (message.type === 'operation') return COMMANDS.indexOf(message.command) + 1;
  return message.type === 'ack' ? message.subType : 0;
}

/** The ACK of GET names the Function ID before all that was wanted, also at node scope. */
function isGetAck(message: MobilityMessage): boolean {
  return (
    message.type === 'ack' &&
    message.subType === COMMANDS.indexOf('get') + 1 &&
    message.nodes[0]?.functions?.[0]?.id === NODE_SCOPE
  );
}

function writeNode(writer: ByteWriter, node: NodePart, informationLast: boolean): void {
  writeOption(writer, OpType.nodeId, 0, () => writer.u32(node.id));
  for (const text of node.addresses ?? []) {
    const octets = parseIp(text);
    const opType = octets.length === 4 ? OpType.ipv4Address : OpType.ipv6Address;
    writeOption(writer, opType, 0, () => writer.bytes(octets));
  }
  for (const port of node.ports ?? []) writeOption(writer, OpType.port, 0, () => writer.u16(port));
  if (!informationLast && node.information) writeNodeInformation(writer, node.information);
  writeWanted(writer, node.wanted);
  for (const session of node.sessions ?? []) writeSession(writer, session);
  writeText(writer, node.text);
  if (node.extensions) writeExtensions(writer, node.extensions);
  for (const [i, part] of (node.functions ?? []).entries()) {
    writeOption(writer, OpType.functionId, 0, () => writer.u32(part.id));
    if (informationLast && i === 0 && node.information) writeNodeInformation(writer, node.information);
    writeFunction(writer, part);
  }
}

function writeFunction(writer: ByteWriter, part: FunctionPart): void {
  if (part.information) writeFunctionInformation(writer, part.information);
  writeWanted(writer, part.wanted);
  writeText(writer, part.text);
  if (part.extensions) writeExtensions(writer, part.extensions);
}

function writeWanted(writer: ByteWriter, wanted: readonly WantedOption[] = []): void {
  for (const { opType, subType } of wanted) writeOption(writer, opType, subType);
}

function writeText(writer: ByteWriter, text: string | undefined): void {
  if (text === undefined) return;
  const octets = encodeUtf8(text, writer.length);
  if (octets.length > TEXT_BYTES_MAX) {
    throw new WireError('limit', writer.length, `text of ${octets.length} octets, at most ${TEXT_BYTES_MAX}`);
  }
  writeOption(writer, OpType.vendor, VendorSubType.text, () => writer.bytes(octets));
}
