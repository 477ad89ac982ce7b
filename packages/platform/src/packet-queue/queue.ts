// SPDX-License-Identifier: Apache-2.0
import { isPlatformError, PlatformError } from '../errors.ts';
import {
  AF_NETLINK,
  MSG_DONTWAIT,
  NETLINK_CAP_ACK,
  SO_RCVBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
} from '../libc/constants.ts';
import { errnoError } from '../libc/errno.ts';
import { libc } from '../libc/libc.ts';
import { native } from '../libc/native.ts';
import { NLMSG_ERROR, parseMessages, viewOf } from '../netlink/message.ts';
import { MessageWriter } from '../netlink/message-writer.ts';
import { NETLINK_NETFILTER } from '../netlink/socket.ts';
import { READABLE, type Watch, watch } from '../readiness/index.ts';
import {
  bindRequest,
  limitsRequest,
  parseQueued,
  QUEUE_PACKET,
  type QueuedPacket,
  writeVerdict,
} from './messages.ts';

const EAGAIN = 11;
const ENOBUFS = 105;
const RECEIVE = 'long recv(int, void *, size_t, int)';
const RECEIVE_BYTES = 64 * 1024;
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
/** Packets read before others get their turn in the event loop. */
const PACKETS_A_TURN = 256;
const VERDICTS_A_TIME = 256;
/** Numbers are tried from here on: other programs begin at 0. */
const NUMBER_FIRST = 30_000;
const NUMBERS = 64;

export interface PacketQueueOptions {
  /** Packets that wait for a verdict at most; the kernel drops further ones. */
  readonly packetsMax: number;
  /** Octets of each that are copied, from the IP header on. */
  readonly octets: number;
}

export interface PacketQueueListener {
  /** In order. Each waits until it is accepted or dropped. */
  packets(packets: readonly QueuedPacket[]): void;
  /** Nothing more comes, and what waits is dropped. */
  failed(error: Error): void;
}

/**
 * Packets that rules hand to this process, in the namespace of the calling thread, read in the event loop; it keeps the process alive.
 * The kernel drops what waits when the queue is closed, or the process ends.
 */
export class PacketQueue {
  /** For the rule. */
  readonly number: number;
  readonly #fd: number;
  readonly #kernel = new Uint8Array(12);
  readonly #buffer = new Uint8Array(RECEIVE_BYTES);
  readonly #writer = new MessageWriter();
  readonly #listener: PacketQueueListener;
  readonly #watch: Watch;
  #isClosed = false;

  /** @throws PlatformError `EPERM`, also when all numbers are taken; `EINVAL` on a kernel without such queues */
  constructor(options: PacketQueueOptions, listener: PacketQueueListener) {
    this.#listener = listener;
    viewOf(this.#kernel).setUint16(0, AF_NETLINK, true);
    const system = libc();
    this.#fd = system.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
    try {
      const number = (value: number): Uint8Array => new Uint8Array(new Int32Array([value]).buffer);
      system.setSocketOption(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, number(RECEIVE_BUFFER_BYTES));
      system.setSocketOption(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, number(1));
      system.bind(this.#fd, this.#kernel);
      this.number = this.#bind();
      this.#ask(limitsRequest(this.number, NUMBERS, options.octets, options.packetsMax), NUMBERS);
      this.#watch = watch(this.#fd, () => this.#read());
      this.#watch.want(READABLE);
    } catch (error) {
      system.close(this.#fd);
      throw error;
    }
  }

  /** What was released or dropped before is no fault. */
  accept(ids: readonly number[]): void {
    this.#decide(ids, true);
  }

  drop(ids: readonly number[]): void {
    this.#decide(ids, false);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch.end();
    libc().close(this.#fd);
  }

  #bind(): number {
    for (let place = 0; ; place++) {
      try {
        this.#ask(bindRequest(NUMBER_FIRST + place, place), place);
        return NUMBER_FIRST + place;
      } catch (error) {
        // One that somebody has is refused like one that is not permitted.
        if (!isPlatformError(error, 'EPERM') || place === NUMBERS - 1) throw error;
      }
    }
  }

  /** The kernel answers within the sending; no packet comes before there is a rule. */
  #ask(request: Uint8Array, sequence: number): void {
    const system = libc();
    system.sendTo(this.#fd, request, 0, this.#kernel);
    const length = system.receive(this.#fd, this.#buffer, MSG_DONTWAIT);
    for (const part of parseMessages(this.#buffer.subarray(0, length))) {
      if (part.type !== NLMSG_ERROR || part.sequence !== sequence) continue;
      const errno = -viewOf(part.body).getInt32(0, true);
      if (errno !== 0) throw errnoError('packet queue', errno);
      return;
    }
    throw new PlatformError('BAD_MESSAGE', 'the kernel does not answer', { call: 'packet queue' });
  }

  #decide(ids: readonly number[], isAccepted: boolean): void {
    if (this.#isClosed) return;
    for (let from = 0; from < ids.length; from += VERDICTS_A_TIME) {
      this.#writer.reset();
      for (const id of ids.slice(from, from + VERDICTS_A_TIME))
        writeVerdict(this.#writer, this.number, id, isAccepted);
      try {
        libc().sendTo(this.#fd, this.#writer.datagram, 0, this.#kernel);
      } catch (error) {
        this.#fail(error as Error);
        return;
      }
    }
  }

  #read(): void {
    const packets: QueuedPacket[] = [];
    const { attempt } = native();
    for (let count = 0; count < PACKETS_A_TURN && !this.#isClosed; count++) {
      const length = attempt(RECEIVE, this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT);
      if (length === -EAGAIN) break;
      // The kernel has dropped the packets that it could not tell of; whoever sent them sends them again.
      if (length === -ENOBUFS) continue;
      try {
        if (length < 0) throw errnoError('recv', -length);
        for (const part of parseMessages(this.#buffer.slice(0, length))) {
          const packet = part.type === QUEUE_PACKET ? parseQueued(part.body) : undefined;
          if (packet !== undefined) packets.push(packet);
        }
      } catch (error) {
        this.#fail(error as Error);
        return;
      }
    }
    if (packets.length > 0) this.#listener.packets(packets);
  }

  #fail(error: Error): void {
    if (this.#isClosed) return;
    this.close();
    this.#listener.failed(error);
  }
}
