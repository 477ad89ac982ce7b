// SPDX-License-Identifier: Apache-2.0
import { isIPv4 } from 'node:net';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_SCTP,
  SO_ERROR,
  SO_LINGER,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../libc/constants.ts';
import { errnoError } from '../libc/errno.ts';
import { libc } from '../libc/libc.ts';
import { native } from '../libc/native.ts';
import * as c from './constants.ts';
import { receiveMessage, sendMessage } from './message-exchange.ts';
import { readNotification, type SctpNotification, subscription } from './notification.ts';
import { packAddresses, type SocketAddress, unpackAddresses } from './socket-address.ts';

const EAGAIN = 11;
const EINPROGRESS = 115;
const ADDRESSES_MAX = 64;
/** `struct sctp_status` */
const STATUS_BYTES = 176;
/** Its `sstat_state`. RFC 6458 §8.2.1 */
const ESTABLISHED = 4;
/** The kernel cuts it to sysctl net.core.rmem_max, then doubles it. */
const RECEIVE_BUFFER_BYTES = 256 * 1024;
const PATH_STATES: Readonly<Record<number, SctpPath['state']>> = {
  0: 'inactive',
  1: 'potentially-failed',
  2: 'active',
  3: 'unconfirmed',
};

/** How quickly an association notices failures. What is left out stays as the host has it (sysctl net.sctp). */
export interface SctpTuning {
  /** Bounds of the retransmission timer, ms: how fast a path is given up for another. Linux: 3000, 1000, 60000. */
  readonly rtoInitialMs?: number;
  readonly rtoMinMs?: number;
  readonly rtoMaxMs?: number;
  /** Time between heartbeats on an idle path, ms. Linux: 30000. */
  readonly heartbeatIntervalMs?: number;
  /** Retransmissions until a path is unreachable. Linux: 5. */
  readonly pathRetransmissionsMax?: number;
  /** Retransmissions until the association is lost. Linux: 10. */
  readonly retransmissionsMax?: number;
  /** INITs until connecting fails, Linux: 8; and the longest time between two, ms. */
  readonly initAttemptsMax?: number;
  readonly initTimeoutMaxMs?: number;
}

/** One path of an association as the kernel sees it. */
export interface SctpPath {
  readonly address: string;
  readonly state: 'inactive' | 'potentially-failed' | 'active' | 'unconfirmed';
  /** Smoothed round-trip time and retransmission time-out, ms; 0 without a measurement. */
  readonly roundTripMs: number;
  readonly rtoMs: number;
  readonly congestionWindowBytes: number;
  readonly mtuBytes: number;
}

/**
 * One thing taken from a socket. `part`: a message longer than our memory, or handed over in part by the kernel;
 * more of it follows. `data` is shared memory: copy it before the next call.
 */
export type SctpReceived =
  | { readonly type: 'message' | 'part'; readonly data: Uint8Array; readonly protocol: number }
  | { readonly type: 'notification'; readonly notification: SctpNotification }
  /** The peer has shut the association down. */
  | { readonly type: 'end' }
  | { readonly type: 'nothing' };

/**
 * A one-to-one SCTP socket of the kernel's, never blocking.
 * @see RFC 6458 §4
 */
export class SctpSocket {
  readonly fd: number;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * @param addresses decide the family: IPv4 when all are, else both
   * @param options `sharesPort`: with sockets of the same user that share it too, so that an association can leave from
   * the port of a listener (SO_REUSEPORT; what Linux calls SCTP_REUSE_PORT excludes listeners)
   * @throws PlatformError `EPROTONOSUPPORT` without SCTP in the kernel
   */
  static open(addresses: readonly string[], options: { readonly sharesPort: boolean }): SctpSocket {
    const family = addresses.every((address) => isIPv4(address)) ? AF_INET : AF_INET6;
    const type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const socket = new SctpSocket(libc().socket(family, type, IPPROTO_SCTP));
    try {
      socket.#set(SOL_SOCKET, SO_REUSEADDR, int32(1));
      if (options.sharesPort) socket.#set(SOL_SOCKET, SO_REUSEPORT, int32(1));
      if (family === AF_INET6) socket.#set(IPPROTO_SCTP, c.SCTP_I_WANT_MAPPED_V4_ADDR, int32(0));
      socket.#set(IPPROTO_SCTP, c.SCTP_NODELAY, int32(1));
      // Acknowledges each packet at once: a window that is still small would wait 200 ms for it.
      socket.#set(IPPROTO_SCTP, c.SCTP_DELAYED_SACK, bytesOf(Int32Array.of(0, 0, 1)));
      // With what Linux gives by default, one large message overruns the window and waits for a retransmission.
      socket.#set(SOL_SOCKET, SO_RCVBUF, int32(RECEIVE_BUFFER_BYTES));
      socket.#set(IPPROTO_SCTP, c.SCTP_RECVRCVINFO, int32(1));
      socket.#set(IPPROTO_SCTP, c.SCTP_EVENTS, subscription);
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Call before connecting or listening; accepted sockets inherit it. */
  tune(tuning: SctpTuning): void {
    if (tuning.rtoInitialMs ?? tuning.rtoMinMs ?? tuning.rtoMaxMs) {
      const values = [tuning.rtoInitialMs, tuning.rtoMaxMs, tuning.rtoMinMs];
      this.#set(
        IPPROTO_SCTP,
        c.SCTP_RTOINFO,
        bytesOf(Int32Array.of(0, ...values.map((value) => value ?? 0))),
      );
    }
    if (tuning.retransmissionsMax !== undefined) {
      const info = new DataView(new ArrayBuffer(20));
      info.setUint16(4, tuning.retransmissionsMax, true);
      this.#set(IPPROTO_SCTP, c.SCTP_ASSOCINFO, bytesOf(info));
    }
    if (tuning.initAttemptsMax ?? tuning.initTimeoutMaxMs) {
      const attempts = [0, 0, tuning.initAttemptsMax ?? 0, tuning.initTimeoutMaxMs ?? 0];
      this.#set(IPPROTO_SCTP, c.SCTP_INITMSG, bytesOf(Uint16Array.from(attempts)));
    }
    if (tuning.heartbeatIntervalMs ?? tuning.pathRetransmissionsMax) {
      const parameters = new DataView(new ArrayBuffer(156));
      parameters.setUint16(4, AF_INET, true);
      parameters.setUint32(132, tuning.heartbeatIntervalMs ?? 0, true);
      parameters.setUint16(136, tuning.pathRetransmissionsMax ?? 0, true);
      parameters.setUint32(146, tuning.heartbeatIntervalMs === undefined ? 0 : c.SPP_HB_ENABLE, true);
      this.#set(IPPROTO_SCTP, c.SCTP_PEER_ADDR_PARAMS, bytesOf(parameters));
    }
  }

  /** Binds to every address, all with one port; 0: the kernel chooses it. */
  bind(addresses: readonly string[], port: number): void {
    const [first, ...others] = addresses;
    if (first === undefined) return;
    libc().bind(this.fd, packAddresses([first], port));
    if (others.length === 0) return;
    const chosen = this.localAddresses()[0]?.port ?? port;
    this.#set(IPPROTO_SCTP, c.SCTP_SOCKOPT_BINDX_ADD, packAddresses(others, chosen));
  }

  listen(backlog: number): void {
    native().call('listen', 'int listen(int, int)', this.fd, backlog);
  }

  /** The next association that was asked for; null: none. */
  accept(): SctpSocket | null {
    const signature = 'int accept4(int, void *, void *, int)';
    const fd = native().attempt(signature, this.fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) return new SctpSocket(fd);
    if (-fd === EAGAIN) return null;
    throw errnoError('accept4', -fd);
  }

  /** Begins to connect to a peer, by each of its addresses. Writable: it is done (`isUp`), or failed (`takeError`). */
  connect(addresses: readonly string[], port: number): void {
    const packed = packAddresses(addresses, port);
    const signature = 'int setsockopt(int, int, int, const void *, uint32_t)';
    const result = native().attempt(
      signature,
      this.fd,
      IPPROTO_SCTP,
      c.SCTP_SOCKOPT_CONNECTX,
      packed,
      packed.length,
    );
    if (result < 0 && -result !== EINPROGRESS) throw errnoError('connectx', -result);
  }

  /** Sends one user message at once. False: no room in the kernel; wait until it is writable. */
  send(message: Uint8Array, protocol: number): boolean {
    const result = sendMessage(this.fd, message, protocol);
    if (result < 0 && -result !== EAGAIN) throw errnoError('sendmsg', -result);
    return result >= 0;
  }

  /** @throws PlatformError `ECONNRESET` when the peer aborted, `ETIMEDOUT` when it does not answer */
  receive(): SctpReceived {
    const { result, data, flags, protocol } = receiveMessage(this.fd);
    if (-result === EAGAIN) return { type: 'nothing' };
    if (result < 0) throw errnoError('recvmsg', -result);
    if ((flags & c.MSG_NOTIFICATION) !== 0)
      return { type: 'notification', notification: readNotification(data) };
    if (result === 0) return { type: 'end' };
    return { type: (flags & c.MSG_EOR) !== 0 ? 'message' : 'part', data, protocol };
  }

  /** Whether there is an association, and nobody is ending it. */
  isUp(): boolean {
    const status = new Uint8Array(STATUS_BYTES);
    const signature = 'int getsockopt(int, int, int, void *, void *)';
    const length = Uint32Array.of(status.length);
    const result = native().attempt(signature, this.fd, IPPROTO_SCTP, c.SCTP_STATUS, status, length);
    return result >= 0 && viewOf(status).getInt32(4, true) === ESTABLISHED;
  }

  /**
   * The last error, and forgets it; null: none. It need not be the end: the kernel tells here, too, that a
   * packet found nobody, though the next one did.
   */
  takeError(): Error | null {
    const errno = new DataView(this.#get(SOL_SOCKET, SO_ERROR, new Uint8Array(4)).buffer).getInt32(0, true);
    return errno === 0 ? null : errnoError('connect', errno);
  }

  peerAddresses(): SocketAddress[] {
    return this.#addresses(c.SCTP_GET_PEER_ADDRS);
  }

  localAddresses(): SocketAddress[] {
    return this.#addresses(c.SCTP_GET_LOCAL_ADDRS);
  }

  /** Smoothed round-trip time of the primary path, ms, 0 below the kernel's tick; null before the first measurement. */
  roundTripMs(): number | null {
    const status = viewOf(this.#get(IPPROTO_SCTP, c.SCTP_STATUS, new Uint8Array(STATUS_BYTES)));
    const roundTripMs = status.getUint32(164, true);
    if (roundTripMs > 0) return roundTripMs;
    // A measurement, however short, has moved the time-out from where it began.
    const rtoInitialMs = viewOf(this.#get(IPPROTO_SCTP, c.SCTP_RTOINFO, new Uint8Array(16))).getUint32(
      4,
      true,
    );
    return status.getUint32(168, true) === rtoInitialMs ? null : 0;
  }

  /** The path to one of the peer's addresses. */
  path({ address, port }: SocketAddress): SctpPath {
    const info = new Uint8Array(152);
    info.set(packAddresses([address], port), 4);
    const view = viewOf(this.#get(IPPROTO_SCTP, c.SCTP_GET_PEER_ADDR_INFO, info));
    return {
      address,
      state: PATH_STATES[view.getInt32(132, true)] ?? 'unconfirmed',
      congestionWindowBytes: view.getUint32(136, true),
      roundTripMs: view.getUint32(140, true),
      rtoMs: view.getUint32(144, true),
      mtuBytes: view.getUint32(148, true),
    };
  }

  /** Begins the graceful end: everything sent arrives first. `receive` tells `end` when it is done. */
  shutdown(): void {
    native().attempt('int shutdown(int, int)', this.fd, c.SHUT_WR);
  }

  /** Closes and aborts the association: the peer sees it at once, and what is under way is lost. */
  abort(): void {
    const linger = bytesOf(Int32Array.of(1, 0));
    const signature = 'int setsockopt(int, int, int, const void *, uint32_t)';
    native().attempt(signature, this.fd, SOL_SOCKET, SO_LINGER, linger, linger.length);
    this.close();
  }

  /** Closes; the kernel ends the association gracefully if nothing is left to read. */
  close(): void {
    libc().close(this.fd);
  }

  #addresses(option: number): SocketAddress[] {
    const HEADER_BYTES = 8;
    const answer = this.#get(IPPROTO_SCTP, option, new Uint8Array(HEADER_BYTES + ADDRESSES_MAX * 28));
    return unpackAddresses(answer.subarray(HEADER_BYTES), viewOf(answer).getUint32(4, true));
  }

  #set(level: number, name: number, value: Uint8Array): void {
    libc().setSocketOption(this.fd, level, name, value);
  }

  #get(level: number, name: number, value: Uint8Array): Uint8Array {
    const signature = 'int getsockopt(int, int, int, void *, void *)';
    native().call('getsockopt', signature, this.fd, level, name, value, Uint32Array.of(value.length));
    return value;
  }
}

function int32(value: number): Uint8Array {
  return bytesOf(Int32Array.of(value));
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
