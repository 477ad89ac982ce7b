// SPDX-License-Identifier: Apache-2.0
import { errnoError } from '../libc/errno.ts';
import { libc } from '../libc/libc.ts';
import { native, type StableMemory } from '../libc/native.ts';
import { BPF, bpf, putName, tryBpf } from './system-call.ts';

const ENOENT = 2;
const MAP_TYPE = { hash: 1, array: 2 } as const;
/** Entries written by one call. */
const BATCH_MAX = 1024;

/** What a map is. */
export interface MapShape {
  readonly kind: 'hash' | 'array';
  readonly name: string;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entriesMax: number;
}

/** What the kernel says of a map. */
export function readMapShape(fd: number): MapShape {
  const INFO_BYTES = 96;
  const { bytes, view, address } = scratch('info', INFO_BYTES);
  bytes.fill(0);
  bpf('describe map', BPF.infoByFd, (attributes) => {
    attributes.setUint32(0, fd, true);
    attributes.setUint32(4, INFO_BYTES, true);
    attributes.setBigUint64(8, address, true);
  });
  return {
    kind: view.getUint32(0, true) === MAP_TYPE.array ? 'array' : 'hash',
    name: Buffer.from(bytes.subarray(24, 40)).toString('latin1').split('\0', 1)[0] ?? '',
    keyBytes: view.getUint32(8, true),
    valueBytes: view.getUint32(12, true),
    entriesMax: view.getUint32(16, true),
  };
}

/** A map of the kernel, held by its descriptor; it lives as long as somebody, a program too, holds it. */
export class BpfMap {
  readonly fd: number;
  readonly #shape: MapShape;
  readonly #keys: StableMemory;
  readonly #values: StableMemory;

  constructor(fd: number, shape: MapShape) {
    this.fd = fd;
    this.#shape = shape;
    this.#keys = scratch(`keys ${shape.keyBytes}`, BATCH_MAX * shape.keyBytes);
    this.#values = scratch(`values ${shape.valueBytes}`, BATCH_MAX * shape.valueBytes);
  }

  /** @throws PlatformError `EPERM` */
  static create(shape: MapShape): BpfMap {
    const fd = bpf(`create map ${shape.name}`, BPF.mapCreate, (view) => {
      view.setUint32(0, MAP_TYPE[shape.kind], true);
      view.setUint32(4, shape.keyBytes, true);
      view.setUint32(8, shape.valueBytes, true);
      view.setUint32(12, shape.entriesMax, true);
      putName(view, 28, shape.name);
    });
    return new BpfMap(fd, shape);
  }

  /** Undefined: it has none. The memory is the caller's. */
  get(key: Uint8Array): Uint8Array | undefined {
    this.#keys.bytes.set(key);
    const result = tryBpf(BPF.mapLookup, (view) => this.#element(view));
    if (result === -ENOENT) return undefined;
    if (result < 0) throw errnoError(`read map ${this.#shape.name}`, -result);
    return this.#values.bytes.slice(0, this.#shape.valueBytes);
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.#keys.bytes.set(key);
    this.#values.bytes.set(value);
    bpf(`write map ${this.#shape.name}`, BPF.mapUpdate, (view) => this.#element(view));
  }

  /** Writes many with one call. */
  setAll(entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[]): void {
    const { keyBytes, valueBytes } = this.#shape;
    for (let from = 0; from < entries.length; from += BATCH_MAX) {
      const part = entries.slice(from, from + BATCH_MAX);
      for (const [at, [key, value]] of part.entries()) {
        this.#keys.bytes.set(key, at * keyBytes);
        this.#values.bytes.set(value, at * valueBytes);
      }
      this.#writeBatch(part.length);
    }
  }

  /** As {@link setAll}, for a map from 4 bytes to 8: numbers in the host's order. */
  setNumbers(entries: readonly (readonly [key: number, value: bigint])[]): void {
    let count = 0;
    const write = (): void => {
      if (count > 0) this.#writeBatch(count);
      count = 0;
    };
    for (const [key, value] of entries) {
      this.#keys.view.setUint32(count * 4, key, true);
      this.#values.view.setBigUint64(count * 8, value, true);
      if (++count === BATCH_MAX) write();
    }
    write();
  }

  #writeBatch(count: number): void {
    bpf(`write map ${this.#shape.name}`, BPF.mapUpdateBatch, (view) => {
      view.setBigUint64(16, this.#keys.address, true);
      view.setBigUint64(24, this.#values.address, true);
      view.setUint32(32, count, true);
      view.setUint32(36, this.fd, true);
    });
  }

  /** Removing what is not there is no error. */
  delete(key: Uint8Array): void {
    this.#keys.bytes.set(key);
    const result = tryBpf(BPF.mapDelete, (view) => {
      view.setUint32(0, this.fd, true);
      view.setBigUint64(8, this.#keys.address, true);
    });
    if (result < 0 && result !== -ENOENT) throw errnoError(`delete from map ${this.#shape.name}`, -result);
  }

  /** All keys of a hash, in no order. */
  keys(): Uint8Array[] {
    const { keyBytes, entriesMax, name } = this.#shape;
    const found: Uint8Array[] = [];
    // The values' memory may be too short for a key: the second half of the keys' takes it.
    const next = this.#keys.bytes.subarray(keyBytes, 2 * keyBytes);
    while (found.length <= entriesMax) {
      const last = found.at(-1);
      if (last !== undefined) this.#keys.bytes.set(last);
      const result = tryBpf(BPF.mapNextKey, (view) => {
        view.setUint32(0, this.fd, true);
        if (last !== undefined) view.setBigUint64(8, this.#keys.address, true);
        view.setBigUint64(16, this.#keys.address + BigInt(keyBytes), true);
      });
      if (result === -ENOENT) break;
      if (result < 0) throw errnoError(`list map ${name}`, -result);
      found.push(next.slice());
    }
    return found;
  }

  close(): void {
    libc().close(this.fd);
  }

  #element(view: DataView): void {
    view.setUint32(0, this.fd, true);
    view.setBigUint64(8, this.#keys.address, true);
    view.setBigUint64(16, this.#values.address, true);
  }
}

/** Memory is never given back, so that maps of one shape share theirs. */
const memories = new Map<string, StableMemory>();

function scratch(name: string, bytes: number): StableMemory {
  const known = memories.get(name);
  if (known !== undefined) return known;
  const made = native().allocate(bytes);
  memories.set(name, made);
  return made;
}
