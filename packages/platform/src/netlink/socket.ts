// SPDX-License-Identifier: Apache-2.0
import { isPlatformError, PlatformError } from '../errors.ts';
import {
  AF_NETLINK,
  MSG_DONTWAIT,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVTIMEO,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
} from '../libc/constants.ts';
import { errnoError } from '../libc/errno.ts';
import { libc } from '../libc/libc.ts';
import { native } from '../libc/native.ts';
import {
  message,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HEADER_BYTES,
  parseAttributes,
  parseMessages,
  readText,
  viewOf,
} from './message.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_NETFILTER = 12;

const NLMSGERR_ATTR_MSG = 1;
/** The kernel fills at most 32 KiB of a dump at a time. */
const RECEIVE_BYTES = 64 * 1024;
/** Datagrams of one answer; a dump of a hundred thousand sockets stays below it. */
const ANSWER_DATAGRAMS_MAX = 4096;
const DUMP_ATTEMPTS = 5;

/** A failed message of a transaction. */
export interface TransactionFailure {
  /** Place of the refused message in the list handed in; -1 when the transaction as a whole was refused. */
  readonly index: number;
  readonly error: PlatformError;
}

/** A message of several that was refused. */
export interface Refusal {
  /** Place of the message among those that were sent together. */
  readonly index: number;
  /** Positive. */
  readonly errno: number;
  /** The kernel's own words, where it has some. */
  readonly explanation: string;
}

/**
 * A netlink socket in the namespace where it was opened, used synchronously: the kernel answers within the `sendto`,
 * so that a call takes some 10 µs and the receive timeout is only a guard. One thread uses it.
 */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(RECEIVE_BYTES);
  readonly #kernel = new Uint8Array(12);
  #sequence = 0;
  #closed = false;
  #isListing = false;

  /**
   * @param protocol NETLINK_ROUTE, NETLINK_NETFILTER or NETLINK_SOCK_DIAG
   * @param receiveTimeoutMs guard against an answer that never comes, default 2000
   * @param bufferBytes of either direction, for many requests and answers at once; beyond the host's limit only for who
   * administers the host, and not only a user namespace
   */
  constructor(protocol: number, receiveTimeoutMs = 2000, bufferBytes?: number) {
    const system = libc();
    this.#fd = system.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    viewOf(this.#kernel).setUint16(0, AF_NETLINK, true);
    try {
      const timeout = new BigInt64Array([
        BigInt(Math.floor(receiveTimeoutMs / 1000)),
        BigInt(Math.round((receiveTimeoutMs % 1000) * 1000)),
      ]);
      system.setSocketOption(this.#fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(timeout.buffer));
      if (bufferBytes !== undefined) {
        this.#setBuffer(SO_RCVBUFFORCE, SO_RCVBUF, bufferBytes);
        this.#setBuffer(SO_SNDBUFFORCE, SO_SNDBUF, bufferBytes);
      }
      const on = new Uint8Array([1, 0, 0, 0]);
      system.setSocketOption(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, on);
      system.setSocketOption(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, on);
    } catch (error) {
      system.close(this.#fd);
      throw error;
    }
  }

  /** By which the kernel tells of whose change it tells, in the namespace of the socket. */
  get port(): number {
    const address = new Uint8Array(this.#kernel.length);
    const length = new Uint32Array([address.length]);
    const ask = (): number => {
      native().call('getsockname', 'int getsockname(int, void *, void *)', this.#fd, address, length);
      return viewOf(address).getUint32(4, true);
    };
    // It has none before it is used.
    if (ask() === 0) libc().bind(this.#fd, this.#kernel);
    return ask();
  }

  /** Sends one request, waits for its acknowledgement and returns what came before it. */
  request(call: string, type: number, flags: number, parts: readonly Uint8Array[]): NetlinkMessage[] {
    const sequence = this.#next();
    this.#send(message(type, flags | NLM_F_REQUEST | NLM_F_ACK, sequence, parts));
    return this.#collect(call, sequence);
  }

  /** Lists; asks again when the list changed while it was read. */
  dump(call: string, type: number, parts: readonly Uint8Array[]): NetlinkMessage[] {
    for (let attempt = 1; ; attempt++) {
      const sequence = this.#next();
      this.#send(message(type, NLM_F_REQUEST | NLM_F_DUMP, sequence, parts));
      const answer = this.#collect(call, sequence);
      if (attempt === DUMP_ATTEMPTS || !answer.some((part) => (part.flags & NLM_F_DUMP_INTR) !== 0)) {
        return answer;
      }
    }
  }

  /**
   * Lists a long table piece by piece, each piece when it is asked for; the memory of a piece is not used again. The
   * table may change meanwhile. Nothing else can be asked until the end; who stops early lets it read the rest.
   * @returns whether the kernel said that the listing is inconsistent
   * @throws PlatformError `BUSY` during another listing
   */
  *dumpPieces(
    call: string,
    type: number,
    parts: readonly Uint8Array[],
  ): Generator<NetlinkMessage[], boolean> {
    const sequence = this.#next();
    this.#send(message(type, NLM_F_REQUEST | NLM_F_DUMP, sequence, parts));
    this.#isListing = true;
    let isInterrupted = false;
    try {
      while (this.#isListing) {
        const piece: NetlinkMessage[] = [];
        for (const part of this.#receive(call, 0)) {
          if (part.sequence !== sequence) continue;
          if ((part.flags & NLM_F_DUMP_INTR) !== 0) isInterrupted = true;
          if (part.type === NLMSG_DONE || part.type === NLMSG_ERROR) {
            this.#isListing = false;
            const refusal = readRefusal(part);
            if (refusal !== undefined) throw errnoError(call, refusal.errno, refusal.explanation);
          } else {
            piece.push(part);
          }
        }
        if (piece.length > 0) yield piece;
      }
    } catch (error) {
      // What still comes of it carries an old number.
      this.#isListing = false;
      throw error;
    } finally {
      while (this.#isListing) {
        this.#isListing = this.#receive(call, 0).every(
          (part) => part.sequence !== sequence || (part.type !== NLMSG_DONE && part.type !== NLMSG_ERROR),
        );
      }
    }
    return isInterrupted;
  }

  /**
   * Sends messages that stand each for itself in one datagram. The kernel tells of those that it refuses; only the last
   * is to ask for an acknowledgement, which ends the answer.
   * @param build makes the datagram of `count` messages, numbered from the given sequence on
   */
  sendMany(call: string, count: number, build: (firstSequence: number) => Uint8Array): Refusal[] {
    const first = this.#sequence >= 0x7fffffff - count ? 1 : this.#sequence + 1;
    this.#sequence = first + count - 1;
    this.#send(build(first));
    const refusals: Refusal[] = [];
    for (let datagrams = 0; datagrams <= ANSWER_DATAGRAMS_MAX; datagrams++) {
      for (const part of this.#receive(call, 0)) {
        const index = part.sequence - first;
        if (part.type !== NLMSG_ERROR || index < 0 || index >= count) continue;
        const refusal = readRefusal(part);
        if (refusal !== undefined) refusals.push({ index, ...refusal });
        if (index === count - 1) return refusals;
      }
    }
    throw tooLong(call);
  }

  /**
   * Sends a nfnetlink batch. `begin` and `end` frame `middle`. The kernel takes all of it or nothing, and tells of each message
   * that it refuses; only the last one is acknowledged in any case, which ends the answer.
   */
  transact(
    call: string,
    begin: (sequence: number) => Uint8Array,
    middle: readonly ((sequence: number) => Uint8Array)[],
    end: (sequence: number) => Uint8Array,
  ): TransactionFailure | undefined {
    const first = this.#next();
    const parts = [begin(first)];
    for (const [place, build] of middle.entries()) {
      const part = build(this.#next());
      if (place < middle.length - 1) doNotAcknowledge(part);
      parts.push(part);
    }
    parts.push(end(this.#next()));
    this.#send(Buffer.concat(parts));

    let failure: TransactionFailure | undefined;
    let isWaiting = middle.length > 0;
    for (let datagrams = 0; isWaiting; datagrams++) {
      if (datagrams > ANSWER_DATAGRAMS_MAX) throw tooLong(call);
      for (const part of this.#receive(call, 0)) {
        const index = part.sequence - first - 1;
        // Answers of an earlier call that ran into its timeout carry lower numbers.
        if (part.type !== NLMSG_ERROR || index < -1 || index >= middle.length) continue;
        const error = readAcknowledgement(call, part);
        if (error !== undefined && (failure === undefined || index < 0)) failure = { index, error };
        if (index < 0 && error !== undefined) {
          this.#drain(call);
          return failure;
        }
        if (index === middle.length - 1) isWaiting = false;
      }
    }
    return failure;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#isListing = false;
    libc().close(this.#fd);
  }

  #setBuffer(beyondLimit: number, withinLimit: number, bytes: number): void {
    const size = new Uint8Array(new Int32Array([bytes]).buffer);
    try {
      libc().setSocketOption(this.#fd, SOL_SOCKET, beyondLimit, size);
    } catch (error) {
      if (!isPlatformError(error, 'EPERM')) throw error;
      libc().setSocketOption(this.#fd, SOL_SOCKET, withinLimit, size);
    }
  }

  #next(): number {
    this.#sequence = this.#sequence >= 0x7fffffff ? 1 : this.#sequence + 1;
    return this.#sequence;
  }

  #send(datagram: Uint8Array): void {
    if (this.#closed) throw new PlatformError('CLOSED', 'the netlink socket is closed', { call: 'sendto' });
    if (this.#isListing) throw new PlatformError('BUSY', 'a listing is being read', { call: 'sendto' });
    libc().sendTo(this.#fd, datagram, 0, this.#kernel);
  }

  #receive(call: string, flags: number): NetlinkMessage[] {
    try {
      const length = libc().receive(this.#fd, this.#buffer, flags);
      return parseMessages(this.#buffer.slice(0, length));
    } catch (error) {
      if (flags === 0 && error instanceof PlatformError && error.code === 'EAGAIN') {
        throw new PlatformError('TIMEOUT', `${call}: the kernel does not answer`, { call, cause: error });
      }
      throw error;
    }
  }

  #collect(call: string, sequence: number): NetlinkMessage[] {
    const answer: NetlinkMessage[] = [];
    for (let datagrams = 0; datagrams <= ANSWER_DATAGRAMS_MAX; datagrams++) {
      for (const part of this.#receive(call, 0)) {
        if (part.sequence !== sequence) continue;
        if (part.type === NLMSG_DONE) return answer;
        if (part.type === NLMSG_ERROR) {
          const error = readAcknowledgement(call, part);
          if (error !== undefined) throw error;
          return answer;
        }
        answer.push(part);
      }
    }
    throw tooLong(call);
  }

  #drain(call: string): void {
    for (let datagrams = 0; datagrams <= ANSWER_DATAGRAMS_MAX; datagrams++) {
      try {
        this.#receive(call, MSG_DONTWAIT);
      } catch (error) {
        if (error instanceof PlatformError && error.code === 'EAGAIN') return;
        throw error;
      }
    }
  }
}

/** Has a message not ask for what costs a call of its own to read. */
function doNotAcknowledge(request: Uint8Array): void {
  const view = viewOf(request);
  view.setUint16(6, view.getUint16(6, true) & ~NLM_F_ACK, true);
}

function tooLong(call: string): PlatformError {
  return new PlatformError('TOO_LONG', `${call}: more than ${ANSWER_DATAGRAMS_MAX} datagrams`, { call });
}

/** The error of an NLMSG_ERROR message, or undefined when it is an acknowledgement. */
function readAcknowledgement(call: string, part: NetlinkMessage): PlatformError | undefined {
  const refusal = readRefusal(part);
  return refusal === undefined ? undefined : errnoError(call, refusal.errno, refusal.explanation);
}

/** What a message that ends an answer complains of. */
function readRefusal(part: NetlinkMessage): Omit<Refusal, 'index'> | undefined {
  const view = viewOf(part.body);
  const errno = part.body.length < 4 ? 0 : -view.getInt32(0, true);
  if (errno <= 0) return undefined;
  let about = '';
  if (part.type === NLMSG_ERROR && (part.flags & NLM_F_ACK_TLVS) !== 0) {
    const requestBytes = (part.flags & NLM_F_CAPPED) === 0 ? view.getUint32(4, true) : NLMSG_HEADER_BYTES;
    const explanation = parseAttributes(part.body.subarray(4 + ((requestBytes + 3) & ~3))).get(
      NLMSGERR_ATTR_MSG,
    );
    if (explanation !== undefined) about = `(${readText(explanation)})`;
  }
  return { errno, explanation: about };
}
