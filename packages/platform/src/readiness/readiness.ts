// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { SOCK_CLOEXEC, SOCK_NONBLOCK } from '../libc/constants.ts';
import { native, type StableMemory } from '../libc/native.ts';
import { readDescriptor } from './wake-pipe.ts';

/*
 * Readiness of descriptors in the event loop, without reading them: what recvmsg needs.
 *
 * All of them are in one epoll set. One asynchronous poll (Linux AIO, IOCB_CMD_POLL) watches the set and, when something
 * in it is ready, adds to an eventfd that Node's loop reads as a pipe. So no thread waits anywhere: waiting in
 * epoll_wait on the thread pool would take one of its four threads for good, 34 µs a turn, and hold up the exit.
 */

/** EPOLLIN */
export const READABLE = 1;
/** EPOLLOUT */
export const WRITABLE = 4;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const IOCB_CMD_POLL = 5;
const IOCB_FLAG_RESFD = 1;
const AIO_EVENT_BYTES = 32;
/** Events taken at a time; more come at the next turn. */
const EVENTS_MAX = 256;
/** Only x86-64 packs `struct epoll_event`. */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
const EVENT_DATA = EVENT_BYTES - 8;
const NUMBERS =
  process.arch === 'x64'
    ? { setup: 206, getEvents: 208, submit: 209 }
    : { setup: 0, submit: 2, getEvents: 4 };

const SETUP = 'long syscall(long, uint32_t, void *)';
const SUBMIT = 'long syscall(long, uint64_t, long, void *)';
const GET_EVENTS = 'long syscall(long, uint64_t, long, long, void *, void *)';
const CONTROL = 'int epoll_ctl(int, int, int, const void *)';
const WAIT = 'int epoll_wait(int, void *, int, int)';

/** A descriptor under watch. */
export interface Watch {
  /**
   * What to tell of from now on: READABLE, WRITABLE, both or 0. With 0 nothing is told, not even that
   * the socket is dead. Told again at each turn until it is dealt with.
   */
  want(events: number): void;
  /** Call before closing the descriptor. */
  end(): void;
}

/**
 * Watches `fd`, for nothing at first. `ready` gets READABLE, WRITABLE or both; errors and hang-ups count as what was
 * wanted, so that the next call on the descriptor tells. A watch that wants something keeps the process alive.
 * @throws PlatformError `UNSUPPORTED`; `ENOSYS` where the kernel has no asynchronous I/O (CONFIG_AIO)
 */
export function watch(fd: number, ready: (events: number) => void): Watch {
  set ??= new EpollSet();
  return set.watch(fd, ready);
}

let set: EpollSet | undefined;

class EpollSet {
  readonly #native = native();
  readonly #epoll: number;
  readonly #context: bigint;
  readonly #submission: BigUint64Array;
  readonly #wake: Socket;
  readonly #watched = new Map<number, { wanted: number; ready(events: number): void }>();
  readonly #events = new Uint8Array(EVENTS_MAX * EVENT_BYTES);
  readonly #completed = new Uint8Array(4 * AIO_EVENT_BYTES);
  /** Keeps the memory that the kernel reads. */
  readonly request: StableMemory;

  constructor() {
    const { call } = this.#native;
    const context = new BigUint64Array(1);
    call('io_setup', SETUP, NUMBERS.setup, 1, context);
    this.#context = context[0] ?? 0n;
    this.#epoll = call('epoll_create1', 'int epoll_create1(int)', SOCK_CLOEXEC);
    const counter = call('eventfd', 'int eventfd(unsigned int, int)', 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const IOCB_BYTES = 64;
    this.request = this.#native.allocate(IOCB_BYTES);
    const { view } = this.request;
    this.request.bytes.fill(0);
    view.setUint16(16, IOCB_CMD_POLL, true);
    view.setUint32(20, this.#epoll, true);
    view.setBigUint64(24, BigInt(READABLE), true);
    view.setUint32(56, IOCB_FLAG_RESFD, true);
    view.setUint32(60, counter, true);
    this.#submission = new BigUint64Array([this.request.address]);
    this.#wake = readDescriptor(counter);
    this.#wake.on('data', () => this.#turn());
    this.#wake.unref();
    this.#arm();
  }

  watch(fd: number, ready: (events: number) => void): Watch {
    const entry = { wanted: 0, ready };
    return {
      want: (events) => {
        if (events === entry.wanted) return;
        const operation = events === 0 ? EPOLL_CTL_DEL : entry.wanted === 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        const event = new Uint8Array(EVENT_BYTES);
        const view = new DataView(event.buffer);
        view.setUint32(0, events, true);
        view.setInt32(EVENT_DATA, fd, true);
        this.#native.call('epoll_ctl', CONTROL, this.#epoll, operation, fd, event);
        entry.wanted = events;
        if (events === 0) this.#watched.delete(fd);
        else this.#watched.set(fd, entry);
        if (this.#watched.size === 0) this.#wake.unref();
        else this.#wake.ref();
      },
      end: () => {
        if (entry.wanted === 0) return;
        entry.wanted = 0;
        this.#watched.delete(fd);
        this.#native.attempt(CONTROL, this.#epoll, EPOLL_CTL_DEL, fd, new Uint8Array(EVENT_BYTES));
        if (this.#watched.size === 0) this.#wake.unref();
      },
    };
  }

  #arm(): void {
    this.#native.call('io_submit', SUBMIT, NUMBERS.submit, this.#context, 1, this.#submission);
  }

  /** The poll is over: takes its completion, tells of what is ready, and polls again, which sees at once what is still ready. */
  #turn(): void {
    const { call } = this.#native;
    call('io_getevents', GET_EVENTS, NUMBERS.getEvents, this.#context, 0, 4, this.#completed, null);
    const count = call('epoll_wait', WAIT, this.#epoll, this.#events, EVENTS_MAX, 0);
    const view = new DataView(this.#events.buffer);
    const found: [number, number][] = [];
    for (let at = 0; at < count * EVENT_BYTES; at += EVENT_BYTES) {
      found.push([view.getInt32(at + EVENT_DATA, true), view.getUint32(at, true)]);
    }
    try {
      for (const [fd, events] of found) {
        // A handler may have ended the next one, and its number may serve another already, which then reads in vain.
        const entry = this.#watched.get(fd);
        if (entry === undefined) continue;
        const plain = events & (READABLE | WRITABLE);
        entry.ready((plain === events ? plain : READABLE | WRITABLE) & entry.wanted);
      }
    } finally {
      this.#arm();
    }
  }
}
