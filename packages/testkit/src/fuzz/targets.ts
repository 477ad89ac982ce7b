// SPDX-License-Identifier: Apache-2.0

import { type ConntrackTuple, parseEntry, parseExpectation } from '@vnfpool/platform/conntrack';
import { parseQueued, readFirstPacket } from '@vnfpool/platform/packet-queue';
import { FrameError, Framer } from '@vnfpool/transport/framing';
import { asapFrameLength, decodeAsap } from '@vnfpool/wire/asap';
import { decodeUtf8, encodeUtf8, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  decodeCheckpoint,
  decodeSlotLabel,
  encodeCheckpoint,
  encodeSlotLabel,
} from '@vnfpool/wire/checkpoint';
import { decodeComponentStatus } from '@vnfpool/wire/csp';
import { decodeEnrp } from '@vnfpool/wire/enrp';
import {
  decodeFlowState,
  decodeSharedExpectation,
  decodeSharedFlow,
  encodeFlowState,
  PLAIN_FLOW_WORDS,
  readPlainFlow,
  readSharedFlowKey,
  sharedExpectationBody,
  sharedExpectationKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowValue,
} from '@vnfpool/wire/flow-state';
import { LineSplitter, parseAgentMessage, parseFunctionMessage } from '@vnfpool/wire/function-socket';
import { decodeGossip, decodePoolGossip, encodeGossip, encodePoolGossip } from '@vnfpool/wire/gossip';
import { messageFromJson, messageFromJsonText, messageToJson, type WireProtocol } from '@vnfpool/wire/json';
import { decodeLeaseDatagram, encodeLeaseDatagram } from '@vnfpool/wire/lease';
import { decodeMerge, encodeMerge } from '@vnfpool/wire/merge-link';
import {
  decodeMobility,
  encodeStateAnswer,
  encodeStateOrder,
  parseStateAnswer,
  parseStateOrder,
} from '@vnfpool/wire/mobility';
import { decodePfsync, encodePfsync } from '@vnfpool/wire/pfsync';
import { decodeReplica, decodeSealedValue, encodeReplica, encodeSealedHead } from '@vnfpool/wire/replication';
import { decodeForward, encodeForward } from '@vnfpool/wire/session-forward';
import { decodeStateMark, encodeStateMark } from '@vnfpool/wire/shared-state';
import { decodeSipMessage, encodeSipMessage, readSipEssentials } from '@vnfpool/wire/sip';
import { decodeState, encodeState } from '@vnfpool/wire/state-channel';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import { CHECKPOINT_OBJECTS, SLOT_LABELS } from './checkpoint-corpus.ts';
import { CORPUS } from './corpus.ts';
import { CONNTRACK_BODIES, EXPECTATION_BODIES } from './ctnetlink-corpus.ts';
import { FLOW_STREAMS, SHARED_EXPECTATIONS, SHARED_FLOWS } from './flow-corpus.ts';
import { GOSSIP_MESSAGES, POOL_FRAMES } from './gossip-corpus.ts';
import { MERGE_FRAMES } from './merge-corpus.ts';
import { joined } from './mutate.ts';
import { QUEUED_PACKETS } from './packet-corpus.ts';
import { REPLICA_FRAMES, SEALED_VALUES } from './replica-corpus.ts';
import { FORWARDS, SIP_MESSAGES } from './session-corpus.ts';
import { STATE_FRAMES } from './state-corpus.ts';
import { STATE_MARKS } from './state-mark-corpus.ts';
import { STATE_ORDERS } from './state-order-corpus.ts';
import { weightMax, weightOf } from './weight.ts';

/** Something that must take any octets whatever. */
export interface FuzzTarget {
  /** Good input to start from. */
  readonly corpus: readonly Uint8Array[];
  /** Repairs the length of a mutated message, so that more of it is read. */
  readonly fixLength?: (bytes: Uint8Array) => void;
  /** True: it was a message; false: refused by a typed error. Throws anything else: a finding. */
  readonly check: (bytes: Uint8Array, random: SeededRandom) => boolean;
}

/** What is wrong though nothing was thrown. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

function message(
  protocol: WireProtocol,
  decode: (bytes: Uint8Array) => unknown,
  uncounted: number,
): FuzzTarget {
  return {
    corpus: CORPUS[protocol],
    fixLength: (bytes) => setLength(bytes, bytes.length - uncounted),
    check: (bytes) => {
      const before = toHex(bytes);
      const decoded = orRefused(() => decode(bytes));
      if (decoded === undefined) return false;
      checkWeight(decoded, bytes);
      const again = orRefused(() => messageFromJson(messageToJson(protocol, bytes)));
      if (again === undefined) throw new Finding('decodes, but has no JSON form');
      if (toHex(again) !== before) throw new Finding(`JSON gives other octets: ${toHex(again)}`);
      if (toHex(bytes) !== before) throw new Finding('the decoder changed its input');
      return true;
    },
  };
}

const lease: FuzzTarget = {
  corpus: CORPUS.lease,
  check: (bytes) => {
    const decoded = orRefused(() => decodeLeaseDatagram(bytes));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    const again = decodeLeaseDatagram(encodeLeaseDatagram(decoded.header, decoded.messages));
    if (describe(again) !== describe(decoded)) throw new Finding('encoded again it says something else');
    return true;
  },
};

/** What one gateway tells another of its flows. */
const flows: FuzzTarget = {
  corpus: FLOW_STREAMS,
  check: (bytes) => {
    const decoded = orRefused(() => decodeFlowState(bytes));
    if (decoded === undefined) return false;
    const again = decodeFlowState(encodeFlowState(decoded));
    if (describe(again) !== describe(decoded)) throw new Finding('encoded again it says something else');
    checkWeight(decoded, bytes);
    return true;
  },
};

/** What firewalls with OpenBSD's pf tell each other of their states. */
const pfsyncMessage = message('pfsync', decodePfsync, 0);
const pfsync: FuzzTarget = {
  ...pfsyncMessage,
  check: (bytes, random) => {
    if (!pfsyncMessage.check(bytes, random)) return false;
    const again = toHex(encodePfsync(decodePfsync(bytes)));
    if (again !== toHex(bytes)) throw new Finding('encoded again it is other octets');
    return true;
  },
};

function isNotPlain(isPlain: boolean): false {
  if (isPlain) throw new Finding('numbers were made of what is no flow');
  return false;
}

/** What a holder of a slot tells a standby of a flow: an octet with the length of the key, the key, and the value. */
const sharedFlow: FuzzTarget = {
  corpus: SHARED_FLOWS,
  check: (bytes) => {
    const valueAt = 1 + (bytes[0] ?? 0);
    const text = String.fromCharCode(...bytes.subarray(1, valueAt));
    const numbers = new Int32Array(PLAIN_FLOW_WORDS);
    const isPlain = readPlainFlow(text, bytes.subarray(valueAt), numbers, 0);
    const key = orRefused(() => readSharedFlowKey(text));
    if (key === undefined) return isNotPlain(isPlain);
    if (sharedFlowKey(key) !== text) throw new Finding('the key made again is another');
    const flow = orRefused(() => decodeSharedFlow(key, bytes.subarray(valueAt)));
    if (flow === undefined) return isNotPlain(isPlain);
    if (isPlain && (numbers[7] !== flow.status || numbers[8] !== flow.timeoutSeconds))
      throw new Finding('as numbers it says something else');
    checkWeight(flow, bytes);
    const again = sharedFlowValue(sharedFlowBody(flow), flow.timeoutSeconds);
    if (describe(decodeSharedFlow(key, again)) !== describe(flow))
      throw new Finding('encoded again it says something else');
    return true;
  },
};

/** The same of an expectation. */
const sharedExpectation: FuzzTarget = {
  corpus: SHARED_EXPECTATIONS,
  check: (bytes) => {
    const valueAt = 1 + (bytes[0] ?? 0);
    const key = String.fromCharCode(...bytes.subarray(1, valueAt));
    const expectation = orRefused(() => decodeSharedExpectation(key, bytes.subarray(valueAt)));
    if (expectation === undefined) return false;
    checkWeight(expectation, bytes);
    if (sharedExpectationKey(expectation) !== key) throw new Finding('the key made again is another');
    const again = sharedFlowValue(sharedExpectationBody(expectation), expectation.timeoutSeconds);
    if (describe(decodeSharedExpectation(key, again)) !== describe(expectation))
      throw new Finding('encoded again it says something else');
    return true;
  },
};

const state: FuzzTarget = {
  corpus: STATE_FRAMES,
  fixLength: (bytes) => setLength(bytes, bytes.length - 4),
  check: (bytes) => {
    const decoded = orRefused(() => decodeState(bytes));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    if (describe(decodeState(encodeState(decoded))) !== describe(decoded))
      throw new Finding('encoded again it says something else');
    return true;
  },
};

const replication: FuzzTarget = {
  corpus: REPLICA_FRAMES,
  fixLength: (bytes) => setLength(bytes, bytes.length - 4),
  check: (bytes) => {
    const decoded = orRefused(() => decodeReplica(bytes));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    if (toHex(encodeReplica(decoded)) !== toHex(bytes)) throw new Finding('encoded again it is other octets');
    return true;
  },
};

/** A secret as its holder sealed it for standbys. */
const sealedValue: FuzzTarget = {
  corpus: SEALED_VALUES,
  check: (bytes) => {
    const decoded = orRefused(() => decodeSealedValue(bytes));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    const again = `${toHex(encodeSealedHead(decoded))}${toHex(decoded.octets)}`;
    if (again !== toHex(bytes)) throw new Finding('encoded again it is other octets');
    return true;
  },
};

/** What a holder keeps in a store, without its seal. */
const checkpoint: FuzzTarget = {
  corpus: CHECKPOINT_OBJECTS,
  check: (bytes) => {
    const decoded = orRefused(() => decodeCheckpoint(bytes));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    if (toHex(encodeCheckpoint(decoded)) !== toHex(bytes))
      throw new Finding('encoded again it is other octets');
    return true;
  },
};

/** What lies beside these: whose they are. */
const slotLabel: FuzzTarget = {
  corpus: SLOT_LABELS,
  check: (bytes) => {
    const label = orRefused(() => decodeSlotLabel(bytes));
    if (label === undefined) return false;
    checkWeight(label, bytes);
    if (describe(decodeSlotLabel(encodeSlotLabel(label))) !== describe(label))
      throw new Finding('the label encoded again says something else');
    return true;
  },
};

/** What a manager asks of the state of a slot, and what a node answers: a document, to be read as either. */
const stateOrder: FuzzTarget = {
  corpus: STATE_ORDERS,
  check: (bytes) => {
    const order = orRefused(() => parseStateOrder(bytes));
    if (order !== undefined && describe(parseStateOrder(encodeStateOrder(order))) !== describe(order))
      throw new Finding('the order encoded again says something else');
    const answer = orRefused(() => parseStateAnswer(bytes));
    if (answer !== undefined && describe(parseStateAnswer(encodeStateAnswer(answer))) !== describe(answer))
      throw new Finding('the answer encoded again says something else');
    checkWeight([order, answer], bytes);
    return order !== undefined || answer !== undefined;
  },
};

/** What lies beside the state of a slot in a store that shares it. */
const stateMark: FuzzTarget = {
  corpus: STATE_MARKS,
  check: (bytes) => {
    const text = Buffer.from(bytes).toString('latin1');
    const decoded = orRefused(() => decodeStateMark(text));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    if (encodeStateMark(decoded) !== text) throw new Finding('encoded again it is another mark');
    return true;
  },
};

/** A stream of ASAP messages: whatever the chunks, the same frames come out, none of them longer than allowed. */
const framer: FuzzTarget = {
  corpus: [joined(...CORPUS.asap), joined(...CORPUS.enrp), ...CORPUS.asap],
  check: (bytes, random) => {
    const whole = framesOf([bytes]);
    const cut: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(random.pick([3, 16, 1024]));
      cut.push(bytes.subarray(at, at + size));
      at += size;
    }
    const pieces = framesOf(cut);
    if (describe(pieces) !== describe(whole)) throw new Finding('other chunks give other frames');
    return !whole.failed;
  },
};

const FRAME_BYTES_MAX = 4096;

function framesOf(chunks: readonly Uint8Array[]): {
  readonly frames: readonly string[];
  readonly failed: boolean;
} {
  const stream = new Framer({ headerBytes: 4, frameBytes: asapFrameLength, frameBytesMax: FRAME_BYTES_MAX });
  const frames: string[] = [];
  try {
    for (const chunk of chunks) {
      stream.feed(chunk);
      for (let frame = stream.next(); frame !== null; frame = stream.next()) {
        if (frame.length > FRAME_BYTES_MAX) throw new Finding(`a frame of ${frame.length} octets`);
        frames.push(toHex(frame));
      }
    }
    return { frames, failed: false };
  } catch (error) {
    if (error instanceof FrameError) return { frames, failed: true };
    throw error;
  }
}

/** Lines of JSON, as `vnfpool wire encode` reads them. */
const json: FuzzTarget = {
  corpus: (['asap', 'enrp', 'csp', 'mobility'] as const).flatMap((protocol) =>
    CORPUS[protocol].map((bytes) => encodeUtf8(JSON.stringify(messageToJson(protocol, bytes)))),
  ),
  check: (bytes) => orRefused(() => messageFromJsonText(decodeUtf8(bytes))) !== undefined,
};

/** What a node agent and a function that it runs say to each other: lines, each to be read by either. */
const functionSocket: FuzzTarget = {
  corpus: [
    '{"op":"hello","v":1,"format":"kv/1"}\n{"op":"welcome","v":1,"name":"kv#1","role":"active","epoch":"8"}\n',
    '{"id":2,"op":"export","kind":"snapshot","data":"/run/x"}\n{"id":2,"ok":false,"error":"disk full"}\n',
    '{"id":1,"op":"role","role":"spare","epoch":"9"}\n{"id":1,"ok":true}\n{"op":"cancel","id":1}\n',
    '{"id":7,"op":"select","sessions":[{"type":"ratio","ratio":0.3}]}\n{"id":8,"op":"moved","forward":null}\n',
    '{"op":"hello","v":1,"sessions":true}\n{"id":9,"op":"expect"}\n{"op":"sessions","count":3}\n',
    '{"id":8,"op":"select","sessions":[{"type":"contact","contact":"::1"},{"type":"sip-uri","uri":"sip:a@b"}]}\n',
    '{"id":9,"ok":true,"count":3,"forward":{"address":"::1","port":7}}\n{"id":9,"op":"quiesce","scope":"sessions"}\n',
    '{"op":"hello","v":1,"merges":true}\n{"id":3,"op":"merge","data":"/run/x"}\n',
    '{"op":"hello","v":1,"shares":true}\n{"id":3,"op":"share","data":"/run/x","epoch":"9","own":false}\n',
    '{"op":"changes","bytesPerSecond":1.5}\n{"op":"health","ok":false,"reason":"é"}\n{"op":"refused","reason":""}\n',
  ].map(encodeUtf8),
  check: (bytes) => {
    const lines = orRefused(() => [...new LineSplitter().push(bytes)]) ?? [];
    const read = lines.flatMap((line) =>
      [parseAgentMessage, parseFunctionMessage].map((parse) => orRefused(() => parse(line))),
    );
    checkWeight(read, bytes);
    return read.some((message) => message !== undefined);
  },
};

/** Datagrams of sessions that moved while the address stayed, their MAC removed. */
const sessionForward: FuzzTarget = {
  corpus: FORWARDS,
  check: (bytes) => {
    const decoded = orRefused(() => decodeForward(bytes));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    if (toHex(encodeForward(decoded)) !== toHex(bytes)) throw new Finding('encoded again it is other octets');
    return true;
  },
};

/** What instances of a pool tell each other of mergeable state. */
const gossip: FuzzTarget = {
  corpus: GOSSIP_MESSAGES,
  check: (bytes) => {
    const decoded = orRefused(() => decodeGossip(bytes));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    if (toHex(encodeGossip(decoded)) !== toHex(bytes)) throw new Finding('encoded again it is other octets');
    return true;
  },
};

/** The same between two node agents, with the pool that it is of. */
const poolGossip: FuzzTarget = {
  corpus: POOL_FRAMES,
  fixLength: (bytes) => setLength(bytes, bytes.length - 4),
  check: (bytes) => {
    const decoded = orRefused(() => decodePoolGossip(bytes));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    if (toHex(encodePoolGossip(decoded)) !== toHex(bytes))
      throw new Finding('encoded again it is other octets');
    return true;
  },
};

/** What a function and its agent tell each other of mergeable state. */
const mergeLink: FuzzTarget = {
  corpus: MERGE_FRAMES,
  fixLength: (bytes) => setLength(bytes, bytes.length - 4),
  check: (bytes) => {
    const decoded = orRefused(() => decodeMerge(bytes));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    if (toHex(encodeMerge(decoded)) !== toHex(bytes)) throw new Finding('encoded again it is other octets');
    return true;
  },
};

/** A datagram of SIP: what was read can be written, and then says the same. */
const sip: FuzzTarget = {
  corpus: SIP_MESSAGES,
  check: (bytes) => {
    const decoded = orRefused(() => decodeSipMessage(bytes));
    if (decoded === undefined) return false;
    checkWeight(decoded, bytes);
    const again = decodeSipMessage(encodeSipMessage(decoded));
    if (describe(again) !== describe(decoded)) throw new Finding('encoded again it says something else');
    const essentials = orRefused(() => readSipEssentials(decoded));
    if (essentials !== undefined) checkWeight(essentials, bytes);
    return true;
  },
};

/** What the kernel tells of a connection, the packets of which are strangers'. */
const conntrack: FuzzTarget = {
  corpus: CONNTRACK_BODIES,
  check: (bytes) => {
    const entry = parseEntry(bytes);
    if (entry === undefined) return false;
    checkWeight(entry, bytes);
    checkEnds(entry.original);
    checkEnds(entry.reply);
    return true;
  },
};

/** The same of one that is expected. */
const expectation: FuzzTarget = {
  corpus: EXPECTATION_BODIES,
  check: (bytes) => {
    const expected = parseExpectation(bytes);
    if (expected === undefined) return false;
    checkWeight(expected, bytes);
    checkEnds(expected.tuple);
    checkEnds(expected.master);
    return true;
  },
};

function checkEnds({ source, destination }: ConntrackTuple): void {
  if (source.length !== destination.length) throw new Finding('its ends are of two families');
}

/** A packet of a stranger that waits in the kernel: all that is read of it lies within it. */
const firstPacket: FuzzTarget = {
  corpus: QUEUED_PACKETS,
  check: (bytes) => {
    const queued = parseQueued(bytes);
    const packet = queued && readFirstPacket(queued.bytes);
    if (queued === undefined || packet === undefined) return false;
    checkWeight(packet, bytes);
    const { tuple, head, tcp } = packet;
    if (head.length !== 8) throw new Finding(`its head has ${head.length} octets`);
    checkEnds(tuple);
    if (tcp !== null && (tcp.originalScale > 14 || tcp.originalFlags > 3))
      throw new Finding('no TCP asks for that');
    return true;
  },
};

/** Everything that reads what strangers send, by the name that `--decoder` takes. */
export const TARGETS: Readonly<Record<string, FuzzTarget>> = {
  asap: message('asap', decodeAsap, 0),
  enrp: message('enrp', decodeEnrp, 0),
  csp: message('csp', decodeComponentStatus, 0),
  mobility: message('mobility', decodeMobility, 4),
  lease,
  'state-channel': state,
  'flow-state': flows,
  'shared-expectation': sharedExpectation,
  'shared-flow': sharedFlow,
  'first-packet': firstPacket,
  conntrack,
  expectation,
  pfsync,
  replication,
  'sealed-value': sealedValue,
  checkpoint,
  'slot-label': slotLabel,
  'state-order': stateOrder,
  'state-mark': stateMark,
  'function-socket': functionSocket,
  'session-forward': sessionForward,
  gossip,
  'pool-gossip': poolGossip,
  'merge-link': mergeLink,
  sip,
  framer,
  json,
};

/** Undefined when a `WireError` refused it. */
function orRefused<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function checkWeight(decoded: unknown, bytes: Uint8Array): void {
  const weight = weightOf(decoded);
  if (weight > weightMax(bytes.length))
    throw new Finding(`${bytes.length} octets became a value of weight ${weight}`);
}

function setLength(bytes: Uint8Array, length: number): void {
  if (bytes.length >= 4 && length >= 0 && length <= 0xffff) bytes.set([length >> 8, length & 0xff], 2);
}

function describe(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}
