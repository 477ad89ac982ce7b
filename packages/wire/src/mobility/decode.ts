// SPDX-License-Identifier: Apache-2.0
import { ByteReader, WireError } from '../bytes/index.ts';
import { formatIp } from '../parameters/ip-text.ts';
import { MobilityDecodeError } from './decode-error.ts';
import { type Extensions, MobilityError } from './extensions.ts';
import { readExtension } from './extensions-codec.ts';
import { FRAME_HEADER_BYTES, mobilityFrameBytes } from './frame.ts';
import type {
  FunctionInformation,
  NodeInformation,
  SessionInformation,
  WantedOption,
} from './information.ts';
import { readFunctionInformation, readNodeInformation } from './information-codec.ts';
import { COMMANDS, MessageType, type MobilityMessage, TEXT_BYTES_MAX } from './message.ts';
import { OpType, VendorSubType } from './option.ts';
import { readSession } from './session-codec.ts';

/**
 * Decodes one whole frame. Throws `MobilityDecodeError`. Unknown options are skipped; documents, tokens and
 * contact addresses share memory with `frame`.
 */
export function decodeMobility(frame: Uint8Array): MobilityMessage {
  const header: Header = { messageType: 0, subType: 0, code: 0, sequence: 0 };
  const context = new Context();
  try {
    const reader = readHeader(frame, header);
    const kind = kindOf(header);
    while (reader.remaining > 0) readOption(reader, kind, context);
    const message = { ...kind, sequence: header.sequence, nodes: context.nodes } as MobilityMessage;
    requireMandatory(message);
    return message;
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    const nodeId = context.nodes.at(0)?.id;
    throw new MobilityDecodeError(cause, { ...header, nodeId, errorNumber: MobilityError.malformed });
  }
}

interface Header {
  messageType: number;
  subType: number;
  code: number;
  sequence: number;
}

type Kind =
  | { type: Exclude<MobilityMessage['type'], 'operation' | 'ack'> }
  | { type: 'operation'; command: (typeof COMMANDS)[number] }
  | { type: 'ack'; subType: number; code: number };

interface FunctionContext {
  id: number;
  information?: FunctionInformation;
  wanted?: WantedOption[];
  text?: string;
  extensions?: Extensions;
}

interface NodeContext {
  id: number;
  addresses?: string[];
  ports?: number[];
  information?: NodeInformation;
  wanted?: WantedOption[];
  sessions?: SessionInformation[];
  text?: string;
  extensions?: Extensions;
  functions?: FunctionContext[];
}

/** Where options belong: to the Node ID and the Function ID that were read last. */
class Context {
  readonly nodes: NodeContext[] = [];

  get node(): NodeContext | undefined {
    return this.nodes.at(-1);
  }

  get part(): FunctionContext | undefined {
    return this.node?.functions?.at(-1);
  }
}

function readHeader(frame: Uint8Array, header: Header): ByteReader {
  const reader = new ByteReader(frame);
  header.messageType = reader.u8();
  header.subType = reader.u8();
  reader.skip(2);
  const bytes = mobilityFrameBytes(frame.subarray(0, FRAME_HEADER_BYTES));
  header.code = reader.u8();
  header.sequence = (reader.u8() << 16) | reader.u16();
  if (bytes !== frame.length) {
    throw new WireError('length', 2, `Length tells ${bytes} octets, the frame has ${frame.length}`);
  }
  return reader;
}

/** Sub-Type counts in OPERATION and ACK only, Code in ACK only; elsewhere they are ignored. */
function kindOf({ messageType, subType, code }: Header): Kind {
  const type = TYPES.get(messageType);
  if (type === undefined) throw new WireError('unknown', 0, `message type ${messageType}`);
  if (type === 'ack') return { type, subType, code };
  if (type !== 'operation') return { type };
  const command = COMMANDS[subType - 1];
  if (command === undefined) throw new WireError('unknown', 1, `command ${subType}`);
  return { type, command };
}

const TYPES: ReadonlyMap<number, MobilityMessage['type']> = new Map(
  Object.entries(MessageType).map(([type, number]) => [number, type as MobilityMessage['type']]),
);

function readOption(reader: ByteReader, kind: Kind, context: Context): void {
  const opType = reader.u8();
  const subType = reader.u8();
  const value = reader.sub(reader.u16());
  if (opType <= OpType.functionId && subType !== 0) return;
  if (opType === OpType.nodeId) {
    context.nodes.push({ id: fixed(value, 4).u32() });
    return;
  }
  if (opType === 0 || opType > OpType.vendor) return;
  // A plain peer may leave the Node IDs out of the ACK of MOVE_SESSION; elsewhere they come first.
  if (isAckOfMoveSession(kind) && context.node === undefined) context.nodes.push({ id: 0 });
  if (context.node === undefined) return;
  if (opType === OpType.functionId) {
    (context.node.functions ??= []).push({ id: fixed(value, 4).u32() });
  } else if (opType !== OpType.vendor && isRequest(kind)) {
    const target = context.part ?? context.node;
    (target.wanted ??= []).push({ opType, subType });
  } else {
    readValue(opType, subType, value, context.node, context.part);
  }
}

function readValue(
  opType: number,
  subType: number,
  value: ByteReader,
  node: NodeContext,
  part: FunctionContext | undefined,
): void {
  switch (opType) {
    case OpType.ipv4Address:
    case OpType.ipv6Address: {
      const octets = fixed(value, opType === OpType.ipv4Address ? 4 : 16).rest();
      (node.addresses ??= []).push(formatIp(octets));
      return;
    }
    case OpType.port:
      (node.ports ??= []).push(fixed(value, 2).u16());
      return;
    case OpType.nodeInformation: {
      const field = readNodeInformation(subType, value);
      if (field) node.information = { ...node.information, ...field };
      return;
    }
    case OpType.functionInformation: {
      const field = part && readFunctionInformation(subType, value);
      if (field) part.information = { ...part.information, ...field };
      return;
    }
    case OpType.sessionInformation: {
      const session = readSession(subType, value);
      if (session) (node.sessions ??= []).push(session);
      return;
    }
    default:
      readVendor(subType, value, part ?? node);
  }
}

function readVendor(subType: number, value: ByteReader, target: FunctionContext | NodeContext): void {
  if (subType === VendorSubType.text) {
    if (value.remaining > TEXT_BYTES_MAX) {
      throw new WireError('limit', value.offset, `text of ${value.remaining} octets`);
    }
    target.text = value.utf8(value.remaining);
  } else if (subType === VendorSubType.extension) {
    const offset = value.offset;
    const extension = readExtension(value);
    if (extension === undefined) return;
    const [key = ''] = Object.keys(extension);
    if (target.extensions && key in target.extensions) {
      throw new WireError('duplicate', offset, `extension ${key} twice in one context`);
    }
    target.extensions = { ...target.extensions, ...extension };
  }
}

function fixed(value: ByteReader, bytes: number): ByteReader {
  if (value.remaining !== bytes) {
    throw new WireError('length', value.offset, `option of ${value.remaining} octets, must be ${bytes}`);
  }
  return value;
}

/** Messages whose options ask for values instead of telling them. */
function isRequest(kind: Kind): boolean {
  return kind.type === 'keep-alive' || (kind.type === 'operation' && kind.command === 'get');
}

function isAckOfMoveSession(kind: Kind): boolean {
  return kind.type === 'ack' && COMMANDS[kind.subType - 1] === 'move-session';
}

function requireMandatory(message: MobilityMessage): void {
  const { nodes } = message;
  const missing = (what: string): WireError => new WireError('missing', 8, `${what} is mandatory`);
  if (nodes.length === 0 && !(message.type === 'ack' && isAckOfMoveSession(message)))
    throw missing('Node ID');
  if (message.type !== 'operation') return;
  const moves =
    message.command === 'move' || message.command === 'copy' || message.command === 'move-session';
  if (moves && nodes.length < 2) throw missing('Destination Node ID');
  if (message.command === 'move-session') {
    if (!nodes.some((node) => node.sessions)) throw missing('Session information');
  } else if (!nodes.some((node) => node.functions)) {
    throw missing('Function ID');
  }
}
