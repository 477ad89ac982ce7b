// SPDX-License-Identifier: Apache-2.0
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST } from '../netlink/message.ts';
import { MessageWriter } from '../netlink/message-writer.ts';
import {
  type ConntrackEntry,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_FIXED_TIMEOUT,
  IPS_SEEN_REPLY,
} from './entry.ts';
import * as n from './numbers.ts';
import { type EntryStyle, familyOf, TCP_FLAG_LIBERAL, TCP_FLAGS_MASK, writeEntry } from './request.ts';

/**
 * A plain flow is so many numbers: protocol, source, destination, ports (source 16, destination 16), the same three of the reply, status,
 * timeout in seconds, TCP (state 8, scale of the original 8, of the reply 8, flags of the original 4, of the reply 4; -1 without). IPv4,
 * no zone, nothing else. They are those of the flow state that nodes exchange, so that a copy goes into the kernel without objects.
 */
export const PLAIN_FLOW_WORDS = 10;

const NO_TCP = -1;
const HAS_TCP = 1;
const IS_SOURCE_TRANSLATED = 2;
const IS_DESTINATION_TRANSLATED = 4;
const STATUS_TAKEN = IPS_SEEN_REPLY | IPS_ASSURED | IPS_FIXED_TIMEOUT;

/** Places of what differs between flows of a shape, in words from the beginning of the message. */
const SEQUENCE = 2;
const FLAGS = 1;
const SOURCE = 8;
const DESTINATION = 10;
const PROTOCOL = 13;
const SOURCE_PORT = 15;
const DESTINATION_PORT = 17;
/** From the original to the untranslated reply. */
const TUPLE_WORDS = 13;
const TRANSLATIONS = 5 + 2 * TUPLE_WORDS;
const TRANSLATION_WORDS = 10;
const MESSAGE_WORDS_MAX = 67;

/**
 * Writes plain flows as messages that make them, the same octets that `writeEntry` writes: a message of its shape as a model, made once by
 * `writeEntry`, and in it the numbers of the flow.
 */
export class PlainWriter {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #models: (Int32Array | undefined)[] = [];
  #at = 0;

  /** @param messagesMax in one datagram */
  constructor(messagesMax: number) {
    this.#words = new Int32Array(messagesMax * MESSAGE_WORDS_MAX);
    this.#bytes = new Uint8Array(this.#words.buffer);
  }

  /**
   * The datagram of the flows from place `start` on to before `end`, of which the last asks for an acknowledgement; valid until the next.
   * @param sequence of the first
   */
  datagram(numbers: Int32Array, start: number, end: number, sequence: number, style: EntryStyle): Uint8Array {
    this.#at = 0;
    for (let place = start; place < end; place++) {
      const flags = place === end - 1 ? NLM_F_ACK : 0;
      this.#write(numbers, place * PLAIN_FLOW_WORDS, sequence + place - start, flags, style);
    }
    return this.#bytes.subarray(0, 4 * this.#at);
  }

  #write(numbers: Int32Array, from: number, sequence: number, flags: number, style: EntryStyle): void {
    const source = numbers[from + 1] ?? 0;
    const destination = numbers[from + 2] ?? 0;
    const ports = numbers[from + 3] ?? 0;
    const replySource = numbers[from + 4] ?? 0;
    const replyDestination = numbers[from + 5] ?? 0;
    const replyPorts = numbers[from + 6] ?? 0;
    const status = numbers[from + 7] ?? 0;
    const tcp = numbers[from + 9] ?? NO_TCP;
    let shape = tcp === NO_TCP ? 0 : HAS_TCP;
    if (replySource !== destination || replyPorts >>> 16 !== (ports & 0xffff))
      shape |= IS_DESTINATION_TRANSLATED;
    if (replyDestination !== source || (replyPorts & 0xffff) !== ports >>> 16) shape |= IS_SOURCE_TRANSLATED;
    this.#models[shape] ??= modelOf(shape);
    const model = this.#models[shape] as Int32Array;

    const words = this.#words;
    const start = this.#at;
    const { length } = model;
    // A call takes longer than this.
    for (let word = 0; word < length; word++) words[start + word] = model[word] ?? 0;
    this.#at = start + length;
    words[start + FLAGS] = (model[FLAGS] ?? 0) | (flags << 16);
    words[start + SEQUENCE] = sequence;
    words[start + SOURCE] = swapped(source);
    words[start + DESTINATION] = swapped(destination);
    words[start + PROTOCOL] = numbers[from] ?? 0;
    words[start + SOURCE_PORT] = swapped16(ports >>> 16);
    words[start + DESTINATION_PORT] = swapped16(ports & 0xffff);
    const reply = start + TUPLE_WORDS;
    words[reply + SOURCE] = swapped(destination);
    words[reply + DESTINATION] = swapped(source);
    words[reply + PROTOCOL] = numbers[from] ?? 0;
    words[reply + SOURCE_PORT] = swapped16(ports & 0xffff);
    words[reply + DESTINATION_PORT] = swapped16(ports >>> 16);
    let at = start + TRANSLATIONS;
    if ((shape & IS_DESTINATION_TRANSLATED) !== 0) {
      putTranslation(words, at, replySource, replyPorts >>> 16);
      at += TRANSLATION_WORDS;
    }
    if ((shape & IS_SOURCE_TRANSLATED) !== 0) {
      putTranslation(words, at, replyDestination, replyPorts & 0xffff);
      at += TRANSLATION_WORDS;
    }
    words[at + 1] = swapped((status & STATUS_TAKEN) | IPS_CONFIRMED);
    const secondsMin = (status & IPS_FIXED_TIMEOUT) === 0 ? Math.max(1, style.timeoutSecondsMin) : 1;
    words[at + 3] = swapped(Math.max(secondsMin, numbers[from + 8] ?? 0));
    if (tcp === NO_TCP) return;
    words[at + 7] = (tcp >>> 24) & 0xff;
    words[at + 9] = (tcp >>> 16) & 0xff;
    words[at + 11] = (tcp >>> 8) & 0xff;
    const liberal = style.isLiberal ? TCP_FLAG_LIBERAL : 0;
    words[at + 13] = ((tcp >> 4) & 0x0f) | liberal | (TCP_FLAGS_MASK << 8);
    words[at + 15] = (tcp & 0x0f) | liberal | (TCP_FLAGS_MASK << 8);
  }
}

/** A translation's address and port stand twice, as the first and the last of a range. */
function putTranslation(words: Int32Array, at: number, address: number, port: number): void {
  words[at + 2] = swapped(address);
  words[at + 4] = swapped(address);
  words[at + 7] = swapped16(port);
  words[at + 9] = swapped16(port);
}

/** A message of any flow of the shape. */
function modelOf(shape: number): Int32Array {
  const [client, server, other] = [
    Uint8Array.of(1, 1, 1, 1),
    Uint8Array.of(2, 2, 2, 2),
    Uint8Array.of(3, 3, 3, 3),
  ];
  const protocol = 6;
  const ports = { kind: 'ports', source: 1, destination: 1 } as const;
  const entry: ConntrackEntry = {
    original: { source: client, destination: server, protocol, layer4: ports },
    reply: {
      source: (shape & IS_DESTINATION_TRANSLATED) === 0 ? server : other,
      destination: (shape & IS_SOURCE_TRANSLATED) === 0 ? client : other,
      protocol,
      layer4: ports,
    },
    status: 0,
    timeoutSeconds: 0,
    zone: 0,
    zoneDirection: 'both',
    mark: 0,
    tcp:
      (shape & HAS_TCP) === 0
        ? null
        : { state: 0, originalScale: 0, replyScale: 0, originalFlags: 0, replyFlags: 0 },
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
  };
  const writer = new MessageWriter(4 * MESSAGE_WORDS_MAX);
  const flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
  const start = writer.beginMessage(n.CT_NEW, flags, 0, familyOf(entry.original));
  writeEntry(writer, entry, { isLiberal: false, timeoutSecondsMin: 1 });
  writer.endMessage(start);
  return new Int32Array(writer.datagram.slice().buffer);
}

function swapped(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

function swapped16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}
