// SPDX-License-Identifier: Apache-2.0
import {
  AF_PACKET,
  MSG_DONTWAIT,
  PACKET_ADD_MEMBERSHIP,
  SO_ATTACH_FILTER,
  SO_RCVBUF,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_PACKET,
  SOL_SOCKET,
} from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { native, type StableMemory } from '../libc/native.ts';
import { viewOf } from '../netlink/message.ts';
import { READABLE, type Watch, watch } from '../readiness/index.ts';

export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;
/** Every frame, also those that a rule drops behind this place. */
export const ETHERTYPE_ALL = 0x0003;

/** What the kernel keeps until it is read; beyond it frames are lost. */
const QUEUE_BYTES = 64 * 1024;
/** Frames read before others get their turn in the event loop. */
const FRAMES_A_TURN = 32;
/** The longest that a filter lets through. */
const FRAME_BYTES = 256;
const FILTER_STEPS_MAX = 4096;
const RECEIVE = 'long recv(int, void *, size_t, int)';

/** A step of a classic BPF program. */
export interface FilterStep {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly value: number;
}

/** BPF_RET: 0 octets. */
const DROP_ALL: FilterStep = { code: 0x06, ifTrue: 0, ifFalse: 0, value: 0 };

/** struct sockaddr_ll for frames of one protocol to everybody on a link. */
export function packetAddress(linkIndex: number, protocol: number): Uint8Array {
  const address = new Uint8Array(20);
  const view = viewOf(address);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol);
  view.setInt32(4, linkIndex, true);
  view.setUint8(11, 6);
  address.fill(0xff, 12, 18);
  return address;
}

let program: StableMemory | undefined;

/** Frames of one link that pass a filter, read in the event loop. It stays in the namespace where it was made. */
export class PacketSocket {
  readonly #fd: number;
  readonly #watch: Watch;
  readonly #buffer = new Uint8Array(FRAME_BYTES);
  readonly #taken: (frame: Uint8Array) => void;
  #linkIndex = 0;
  #protocol = 0;
  #isClosed = false;

  /** It hears nothing yet. @throws PlatformError `EPERM` */
  constructor(taken: (frame: Uint8Array) => void) {
    const system = libc();
    this.#taken = taken;
    this.#fd = system.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    try {
      const size = new Uint8Array(new Int32Array([QUEUE_BYTES]).buffer);
      system.setSocketOption(this.#fd, SOL_SOCKET, SO_RCVBUF, size);
      this.#watch = watch(this.#fd, () => this.#read());
    } catch (error) {
      system.close(this.#fd);
      throw error;
    }
  }

  /**
   * Hears frames of a link, and of no other any more.
   * @param protocol an Ethernet type, or {@link ETHERTYPE_ALL}
   * @param filter not empty, at most 4096 steps
   * @throws PlatformError `ENODEV`
   */
  hear(linkIndex: number, protocol: number, filter: readonly FilterStep[]): void {
    // The filter first: nothing that it drops is queued.
    this.filter(filter);
    if (linkIndex !== this.#linkIndex || protocol !== this.#protocol) {
      libc().bind(this.#fd, packetAddress(linkIndex, protocol));
      this.#linkIndex = linkIndex;
      this.#protocol = protocol;
    }
    this.#watch.want(READABLE);
  }

  /** Hears nothing any more. */
  rest(): void {
    if (this.#linkIndex === 0) return;
    this.filter([DROP_ALL]);
    this.#watch.want(0);
  }

  /** Puts another filter in the place of the present one, at once. */
  filter(steps: readonly FilterStep[]): void {
    program ??= native().allocate(16 + 8 * FILTER_STEPS_MAX);
    const { view, address } = program;
    // struct sock_fprog: length 2, pad 6, pointer 8.
    view.setUint16(0, steps.length, true);
    view.setBigUint64(8, address + 16n, true);
    for (const [at, { code, ifTrue, ifFalse, value }] of steps.entries()) {
      view.setUint16(16 + 8 * at, code, true);
      view.setUint8(18 + 8 * at, ifTrue);
      view.setUint8(19 + 8 * at, ifFalse);
      view.setUint32(20 + 8 * at, value, true);
    }
    libc().setSocketOption(this.#fd, SOL_SOCKET, SO_ATTACH_FILTER, program.bytes.subarray(0, 16));
  }

  /** Takes frames of a multicast group of Ethernet in, as long as the socket is there. */
  join(group: Uint8Array): void {
    // struct packet_mreq: index 4, type 2 (0: multicast), length 2, address 8.
    const request = new Uint8Array(16);
    viewOf(request).setInt32(0, this.#linkIndex, true);
    viewOf(request).setUint16(6, group.length, true);
    request.set(group, 8);
    libc().setSocketOption(this.#fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request);
  }

  send(frame: Uint8Array, protocol: number): void {
    libc().sendTo(this.#fd, frame, 0, packetAddress(this.#linkIndex, protocol));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch.end();
    libc().close(this.#fd);
  }

  #read(): void {
    const { attempt } = native();
    for (let frames = 0; frames < FRAMES_A_TURN && !this.#isClosed; frames++) {
      const length = attempt(RECEIVE, this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT);
      // Also ENETDOWN, told once when the link goes: whoever follows links hears of it.
      if (length < 0) return;
      this.#taken(this.#buffer.slice(0, length));
    }
  }
}
