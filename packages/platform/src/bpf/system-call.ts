// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { errnoError } from '../libc/errno.ts';
import { native, type StableMemory } from '../libc/native.ts';

/** bpf(2) of 64-bit hosts. */
const SYSTEM_CALL: Readonly<Record<string, number>> = { x64: 321, arm64: 280, riscv64: 280 };
const SIGNATURE = 'long syscall(long, long, void *, long)';
/** Longer than any structure of ours; the kernel takes zeros for what it does not know. */
const ATTRIBUTES_BYTES = 144;

/** Commands, numbers of linux/bpf.h. */
export const BPF = {
  mapCreate: 0,
  mapLookup: 1,
  mapUpdate: 2,
  mapDelete: 3,
  mapNextKey: 4,
  progLoad: 5,
  progAttach: 8,
  progDetach: 9,
  progTestRun: 10,
  progFdById: 13,
  mapFdById: 14,
  infoByFd: 15,
  progQuery: 16,
  mapUpdateBatch: 26,
} as const;

let memory: StableMemory | undefined;

/**
 * One command; `fill` writes its structure, which is zero before.
 * @returns what the kernel returns: a descriptor, or 0
 * @throws PlatformError with the errno's name
 */
export function bpf(call: string, command: number, fill: (attributes: DataView) => void): number {
  const result = tryBpf(command, fill);
  if (result < 0) throw errnoError(call, -result);
  return result;
}

/** As {@link bpf}, but gives a failure back as the negative errno. */
export function tryBpf(command: number, fill: (attributes: DataView) => void): number {
  const number = SYSTEM_CALL[process.arch];
  if (number === undefined)
    throw new PlatformError('UNSUPPORTED', `no BPF on ${process.arch}`, { call: 'bpf' });
  memory ??= native().allocate(ATTRIBUTES_BYTES);
  memory.bytes.fill(0);
  fill(memory.view);
  return native().attempt(SIGNATURE, number, command, memory.bytes, ATTRIBUTES_BYTES);
}

/** The structure of the last command, with what the kernel wrote into it. */
export function answered(): DataView {
  if (memory === undefined) throw new Error('no command was given');
  return memory.view;
}

/** Puts a name of at most 15 letters into a structure. */
export function putName(view: DataView, at: number, name: string): void {
  for (const [place, byte] of new TextEncoder().encode(name).subarray(0, 15).entries())
    view.setUint8(at + place, byte);
}
