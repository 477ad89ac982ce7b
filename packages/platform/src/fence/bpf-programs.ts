// SPDX-License-Identifier: Apache-2.0
import {
  BpfMap,
  type Direction,
  type LinkProgram,
  loadProgram,
  type MapShape,
  runProgram,
} from '../bpf/index.ts';
import { PlatformError } from '../errors.ts';
import type { Clocks } from '../interfaces.ts';
import { libc } from '../libc/libc.ts';
import { viewOf } from '../netlink/message.ts';
import { DROP, fenceProgram, GUARDED_KEY_BYTES, KEY_KIND, PASS } from './bpf-program.ts';
import { GUARDED_MAX, type GuardedKey, SLOTS_MAX } from './guarded.ts';

/** Of the form of maps and programs: a fence of another one is another's. */
const FORM = 1;
export const PROGRAM_NAME: Readonly<Record<Direction, string>> = {
  in: `vnfpool_in${FORM}`,
  out: `vnfpool_out${FORM}`,
};
export const DIRECTIONS: readonly Direction[] = ['in', 'out'];
export const GUARDED_MAP_NAME = 'vnfpool_guarded';
const GUARDED: MapShape = {
  kind: 'hash',
  name: GUARDED_MAP_NAME,
  keyBytes: GUARDED_KEY_BYTES,
  valueBytes: 4,
  entriesMax: GUARDED_MAX,
};
/** The first is nobody's, and stays closed. */
const DEADLINES: MapShape = {
  kind: 'array',
  name: 'vnfpool_until',
  keyBytes: 4,
  valueBytes: 8,
  entriesMax: SLOTS_MAX + 1,
};
export const NOBODY = 0;
export const CLOSED_NS = 0n;
/** Ahead of what the probe's clock may be late by. */
const PROBE_OPEN_MS = 60_000;
const PROBE_ADDRESS: readonly number[] = [192, 0, 2, 1];
const ETHERNET_HEADER_BYTES = 14;

type OnLinks = Readonly<Record<Direction, LinkProgram>>;

/**
 * Programs with maps of their own, on no link yet: loading them takes the kernel some 30 ms, which whoever takes over from
 * another agent spends before.
 */
export class FencePrograms {
  readonly guarded: BpfMap;
  readonly deadlines: BpfMap;
  readonly #on: Readonly<Record<'ethernet' | 'bare', OnLinks>>;

  /** @throws PlatformError when this kernel, or our rights in it, are not enough, or its clock is not ours */
  constructor(clocks: Clocks) {
    this.guarded = BpfMap.create(GUARDED);
    this.deadlines = BpfMap.create(DEADLINES);
    this.#on = { ethernet: this.#load(ETHERNET_HEADER_BYTES), bare: this.#load(0) };
    try {
      this.#probe(clocks);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** On Ethernet, and on links of bare packets. */
  on(kind: 'ethernet' | 'bare'): OnLinks {
    return this.#on[kind];
  }

  /**
   * Another one that does the same, by the same maps, for where the first cannot be put twice. It is the caller's to close. The
   * kernel takes some milliseconds for it.
   */
  loadTwin(kind: 'ethernet' | 'bare', direction: Direction): LinkProgram {
    return this.#loadOne(kind === 'ethernet' ? ETHERNET_HEADER_BYTES : 0, direction);
  }

  /** What is on a link stays there. */
  close(): void {
    for (const set of [this.#on.ethernet, this.#on.bare])
      for (const direction of DIRECTIONS) libc().close(set[direction].fd);
    this.guarded.close();
    this.deadlines.close();
  }

  #load(headerBytes: number): OnLinks {
    return { in: this.#loadOne(headerBytes, 'in'), out: this.#loadOne(headerBytes, 'out') };
  }

  #loadOne(headerBytes: number, direction: Direction): LinkProgram {
    const guardedFd = this.guarded.fd;
    const deadlinesFd = this.deadlines.fd;
    const code = fenceProgram({ direction, headerBytes, guardedFd, deadlinesFd });
    return loadProgram(PROGRAM_NAME[direction], code);
  }

  /**
   * Runs the program over a frame: it must pass before a deadline by our clock, and no more when that has come. In a time
   * namespace our clock is another than the kernel's.
   */
  #probe(clocks: Clocks): void {
    const frame = new Uint8Array(64);
    frame.set([0x08, 0x00, 0x45], 12);
    frame.set(PROBE_ADDRESS, 26);
    const key = kernelKey('ipv4', Uint8Array.from(PROBE_ADDRESS));
    const verdictAt = (endMs: number): number => {
      this.deadlines.set(u32(NOBODY), u64(BigInt(Math.floor(endMs * 1e6))));
      return runProgram(this.#on.ethernet.out, frame);
    };
    this.guarded.set(key, u32(NOBODY));
    const isPassing = verdictAt(clocks.boottimeMs() + PROBE_OPEN_MS) === PASS;
    const isDropping = verdictAt(clocks.boottimeMs()) === DROP;
    this.deadlines.set(u32(NOBODY), u64(CLOSED_NS));
    this.guarded.delete(key);
    if (isPassing && isDropping) return;
    const message =
      'the programs of this kernel go by another CLOCK_BOOTTIME than this process (a time namespace?)';
    throw new PlatformError('UNSUPPORTED', message, { call: 'probe' });
  }
}

/** A key of the map of what is guarded. */
export function kernelKey(kind: GuardedKey['kind'], bytes: Uint8Array): Uint8Array {
  const key = new Uint8Array(GUARDED_KEY_BYTES);
  viewOf(key).setUint32(0, KEY_KIND[kind], true);
  key.set(bytes, 4);
  return key;
}

/** A number as maps have it. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

/** A deadline, ns, as maps have it. */
export function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, value, true);
  return bytes;
}
