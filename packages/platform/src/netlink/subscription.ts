// SPDX-License-Identifier: Apache-2.0
import {
  AF_NETLINK,
  MSG_DONTWAIT,
  NETLINK_ADD_MEMBERSHIP,
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
import { READABLE, type Watch, watch } from '../readiness/index.ts';
import { type NetlinkMessage, parseMessages, viewOf } from './message.ts';
import { dropMessagesOf } from './port-filter.ts';

const EAGAIN = 11;
const ENOBUFS = 105;
/** The kernel's multicast messages are smaller. */
const RECEIVE_BYTES = 64 * 1024;
/** What is read is kept in blocks of this size: memory of its own for each datagram costs more than reading it. */
const BLOCK_BYTES = 256 * 1024;
/** Datagrams read before others get their turn in the event loop. */
const DATAGRAMS_A_TURN = 512;
/** Messages told at once: more of them would outlive what collects garbage that is young, which then costs as much as all else. */
const MESSAGES_AT_ONCE = 256;
/** Datagrams read when all that is there is asked for. */
const DATAGRAMS_AT_ONCE_MAX = 1_000_000;
const RECEIVE = 'long recv(int, void *, size_t, int)';

/** Who hears of multicast messages. */
export interface SubscriptionListener {
  /** What came, in order, up to some hundred at once. The memory of a message is not used again. */
  messages(messages: readonly NetlinkMessage[]): void;
  /**
   * The kernel dropped messages, as we did not read them in time: what is known is out of date. It drops until the last
   * one that waits was read, so this is called behind it, and the messages from then on are complete. Called more often
   * while so much comes that none is the last.
   */
  overrun(): void;
  /** Nothing more will come. */
  failed(error: Error): void;
}

/** Options of a {@link Subscription}. */
export interface SubscriptionOptions {
  readonly protocol: number;
  readonly groups: readonly number[];
  /**
   * What the kernel keeps for us: beyond the host's limit, so it needs CAP_NET_ADMIN. Bounds 64 KiB and 256 MiB. Absent: what
   * the host gives everybody.
   */
  readonly receiveBufferBytes?: number;
  /** Messages of what was asked for by this port are not told. */
  readonly exceptPort?: number;
}

/** Multicast messages of the namespace where it was opened, read in the event loop; it keeps the process alive. */
export class Subscription {
  readonly #fd: number;
  readonly #listener: SubscriptionListener;
  readonly #watch: Watch;
  readonly #buffer = new Uint8Array(RECEIVE_BYTES);
  #block = new Uint8Array(0);
  #blockAt = 0;
  #isClosed = false;
  #hasLost = false;

  constructor(options: SubscriptionOptions, listener: SubscriptionListener) {
    this.#listener = listener;
    const system = libc();
    this.#fd = system.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, options.protocol);
    try {
      const number = (value: number): Uint8Array => new Uint8Array(new Int32Array([value]).buffer);
      const { receiveBufferBytes } = options;
      if (receiveBufferBytes !== undefined) {
        const size = Math.min(Math.max(receiveBufferBytes, 64 * 1024), 256 * 1024 * 1024);
        system.setSocketOption(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, number(size));
      }
      const address = new Uint8Array(12);
      viewOf(address).setUint16(0, AF_NETLINK, true);
      if (options.exceptPort !== undefined) dropMessagesOf(this.#fd, options.exceptPort);
      system.bind(this.#fd, address);
      for (const group of options.groups) {
        system.setSocketOption(this.#fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, number(group));
      }
      this.#watch = watch(this.#fd, () => this.#read(DATAGRAMS_A_TURN));
      this.#watch.want(READABLE);
    } catch (error) {
      system.close(this.#fd);
      throw error;
    }
  }

  /** Reads what is there without waiting for the event loop, which does it by itself otherwise. */
  flush(): void {
    this.#read(DATAGRAMS_AT_ONCE_MAX);
  }

  #read(datagramsMax: number): void {
    let messages: NetlinkMessage[] = [];
    let failure: Error | undefined;
    let isDrained = false;
    for (let datagrams = 0; datagrams < datagramsMax && !this.#isClosed; datagrams++) {
      const { attempt } = native();
      const length = attempt(RECEIVE, this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT);
      isDrained = length === -EAGAIN;
      if (isDrained) break;
      if (length === -ENOBUFS) {
        this.#hasLost = true;
        continue;
      }
      try {
        if (length < 0) throw errnoError('recv', -length);
        for (const message of parseMessages(this.#kept(length))) messages.push(message);
      } catch (error) {
        failure = error as Error;
        this.close();
      }
      if (messages.length < MESSAGES_AT_ONCE) continue;
      this.#listener.messages(messages);
      messages = [];
    }
    if (messages.length > 0) this.#listener.messages(messages);
    if (failure !== undefined) {
      this.#listener.failed(failure);
    } else if (this.#hasLost && !this.#isClosed) {
      this.#hasLost = !isDrained;
      this.#listener.overrun();
    }
  }

  /** A copy of the datagram, in memory that is not used again. */
  #kept(length: number): Uint8Array {
    if (this.#blockAt + length > this.#block.length) {
      this.#block = new Uint8Array(BLOCK_BYTES);
      this.#blockAt = 0;
    }
    const kept = this.#block.subarray(this.#blockAt, this.#blockAt + length);
    kept.set(this.#buffer.subarray(0, length));
    this.#blockAt += length;
    return kept;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch.end();
    libc().close(this.#fd);
  }
}
