// SPDX-License-Identifier: Apache-2.0
import { AttributeReader } from '../netlink/attribute-reader.ts';
import { attribute, be32, message, NLM_F_ACK, NLM_F_REQUEST } from '../netlink/message.ts';
import type { MessageWriter } from '../netlink/message-writer.ts';
import { familyHeader } from '../netlink/nftables.ts';

/*
 * Packets that a rule has handed to a program, and what the program says of them; numbers of
 * linux/netfilter/nfnetlink_queue.h. The number of the queue stands in the header of each message.
 */
const SUBSYSTEM = 3;
export const QUEUE_PACKET: number = SUBSYSTEM << 8;
const QUEUE_VERDICT = (SUBSYSTEM << 8) | 1;
const QUEUE_CONFIG = (SUBSYSTEM << 8) | 2;

const CONFIG_COMMAND = 1;
const CONFIG_PARAMETERS = 2;
const CONFIG_LENGTH = 3;
const CONFIG_MASK = 4;
const CONFIG_FLAGS = 5;
const COMMAND_BIND = 1;
const COPY_PACKET = 2;
/** Large segments come whole: what waits is let go as it was. */
const FLAG_WHOLE = 1 << 2;
/** When the queue is full the kernel lets packets go; ours drops them. */
const FLAG_FAIL_OPEN = 1 << 0;

const PACKET_HEADER = 1;
const PACKET_PAYLOAD = 10;
const VERDICT_HEADER = 2;

/** A packet that waits in the kernel. */
export interface QueuedPacket {
  /** Within its queue. */
  readonly id: number;
  /** From the IP header on, as far as was asked for. */
  readonly bytes: Uint8Array;
}

/** Nobody else may have the queue: `EPERM`. */
export function bindRequest(queue: number, sequence: number): Uint8Array {
  return config(queue, sequence, [attribute(CONFIG_COMMAND, Uint8Array.of(COMMAND_BIND, 0, 0, 0))]);
}

/** @param octets of each packet that are copied; @param packetsMax that wait, beyond which the kernel drops */
export function limitsRequest(
  queue: number,
  sequence: number,
  octets: number,
  packetsMax: number,
): Uint8Array {
  const parameters = new Uint8Array(5);
  new DataView(parameters.buffer).setUint32(0, octets);
  parameters[4] = COPY_PACKET;
  return config(queue, sequence, [
    attribute(CONFIG_PARAMETERS, parameters),
    be32(CONFIG_LENGTH, packetsMax),
    be32(CONFIG_MASK, FLAG_WHOLE | FLAG_FAIL_OPEN),
    be32(CONFIG_FLAGS, FLAG_WHOLE),
  ]);
}

function config(queue: number, sequence: number, parts: readonly Uint8Array[]): Uint8Array {
  const flags = NLM_F_REQUEST | NLM_F_ACK;
  return message(QUEUE_CONFIG, flags, sequence, [familyHeader(0, queue), ...parts]);
}

/** @param body of a message of type {@link QUEUE_PACKET}; undefined: it is none */
export function parseQueued(body: Uint8Array): QueuedPacket | undefined {
  let id = 0;
  let bytes: Uint8Array | undefined;
  const reader = new AttributeReader(body, 4);
  while (reader.next()) {
    // The packet's number comes first in a packed structure: 32 bits, protocol 16, hook 8.
    if (reader.type === PACKET_HEADER) id = reader.u32();
    else if (reader.type === PACKET_PAYLOAD) bytes = reader.bytes();
  }
  return bytes === undefined ? undefined : { id, bytes };
}

const NF_DROP = 0;
const NF_ACCEPT = 1;

/** Which asks for no answer. */
export function writeVerdict(writer: MessageWriter, queue: number, id: number, isAccepted: boolean): void {
  const start = writer.beginMessage(
    QUEUE_VERDICT,
    NLM_F_REQUEST,
    0,
    ((queue >> 8) << 16) | ((queue & 0xff) << 24),
  );
  const verdict = new Uint8Array(8);
  const view = new DataView(verdict.buffer);
  view.setUint32(0, isAccepted ? NF_ACCEPT : NF_DROP);
  view.setUint32(4, id);
  writer.bytes(VERDICT_HEADER, verdict);
  writer.endMessage(start);
}
