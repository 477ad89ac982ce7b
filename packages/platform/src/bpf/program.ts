// SPDX-License-Identifier: Apache-2.0
import { isPlatformError, PlatformError } from '../errors.ts';
import { errnoError } from '../libc/errno.ts';
import { libc } from '../libc/libc.ts';
import { native, type StableMemory } from '../libc/native.ts';
import { answered, BPF, bpf, putName, tryBpf } from './system-call.ts';

const SCHED_CLS = 3;
const LOG_BYTES = 64 * 1024;
const PROGRAM_BYTES_MAX = 32 * 1024;
const ATTACHED_MAX = 64;
const ATTACH_TYPE = { in: 46, out: 47 } as const;
/** Without a place to be put before: ahead of all. */
const BPF_F_BEFORE = 1 << 3;
const ENOENT = 2;

/** Which way frames of a link go. */
export type Direction = 'in' | 'out';

/** A program for frames of links, held by its descriptor; attached, it lives without. */
export interface LinkProgram {
  readonly fd: number;
  /** The kernel's number of it. */
  readonly id: number;
  readonly name: string;
}

let memory: StableMemory | undefined;

/** Instructions, text and answers of one command at a time. */
function room(): StableMemory {
  memory ??= native().allocate(PROGRAM_BYTES_MAX + LOG_BYTES);
  return memory;
}

/**
 * Has the kernel check and translate a program.
 * @param license it uses nothing that asks for a special one
 * @throws PlatformError `EPERM`; `EACCES` or `EINVAL` with the kernel's complaint
 */
export function loadProgram(name: string, code: Uint8Array, license = 'Apache-2.0'): LinkProgram {
  const { bytes, address } = room();
  const words = Buffer.from(`${license}\0`);
  if (code.length + words.length > PROGRAM_BYTES_MAX)
    throw new PlatformError('BAD_ARGUMENT', 'the program is too long', { call: 'load program' });
  bytes.set(code);
  bytes.set(words, code.length);
  const load = (withLog: boolean): number =>
    bpf(`load program ${name}`, BPF.progLoad, (view) => {
      view.setUint32(0, SCHED_CLS, true);
      view.setUint32(4, code.length / 8, true);
      view.setBigUint64(8, address, true);
      view.setBigUint64(16, address + BigInt(code.length), true);
      if (withLog) {
        view.setUint32(24, 1, true);
        view.setUint32(28, LOG_BYTES, true);
        view.setBigUint64(32, address + BigInt(PROGRAM_BYTES_MAX), true);
      }
      putName(view, 48, name);
    });
  try {
    const fd = load(false);
    return { fd, name, id: readInfo(fd).id };
  } catch (error) {
    if (!isPlatformError(error, 'EACCES', 'EINVAL')) throw error;
    bytes.fill(0, PROGRAM_BYTES_MAX);
    try {
      libc().close(load(true));
    } catch {
      const log = Buffer.from(bytes.subarray(PROGRAM_BYTES_MAX));
      const said = log
        .subarray(0, Math.max(0, log.indexOf(0)))
        .toString()
        .trim()
        .split('\n')
        .slice(-3);
      throw new PlatformError(error.code, `${error.message}: ${said.join(' / ')}`, {
        call: 'load program',
        errno: error.errno,
        cause: error,
      });
    }
    throw error;
  }
}

/** What the kernel says of a program. */
export interface ProgramInfo {
  readonly id: number;
  readonly name: string;
  readonly mapIds: readonly number[];
}

/** @throws PlatformError */
export function readInfo(fd: number): ProgramInfo {
  const INFO_BYTES = 128;
  const MAPS_MAX = 16;
  const at = PROGRAM_BYTES_MAX;
  const { bytes, view, address } = room();
  bytes.fill(0, at, at + INFO_BYTES + MAPS_MAX * 4);
  view.setUint32(at + 52, MAPS_MAX, true);
  view.setBigUint64(at + 56, address + BigInt(at + INFO_BYTES), true);
  bpf('describe program', BPF.infoByFd, (attributes) => {
    attributes.setUint32(0, fd, true);
    attributes.setUint32(4, INFO_BYTES, true);
    attributes.setBigUint64(8, address + BigInt(at), true);
  });
  const text = Buffer.from(bytes.subarray(at + 64, at + 80));
  const mapIds = Array.from({ length: Math.min(view.getUint32(at + 52, true), MAPS_MAX) }, (_, place) =>
    view.getUint32(at + INFO_BYTES + place * 4, true),
  );
  return { id: view.getUint32(at + 4, true), name: text.toString('latin1').split('\0', 1)[0] ?? '', mapIds };
}

/**
 * Puts a program ahead of all others on a link of the calling thread's namespace. It stays when we end.
 * @throws PlatformError `EINVAL` before Linux 6.6
 */
export function attachProgram(linkIndex: number, direction: Direction, program: LinkProgram): void {
  bpf(`attach program ${program.name}`, BPF.progAttach, (view) => {
    view.setUint32(0, linkIndex, true);
    view.setUint32(4, program.fd, true);
    view.setUint32(8, ATTACH_TYPE[direction], true);
    view.setUint32(12, BPF_F_BEFORE, true);
  });
}

/** Takes it away; one that is not there, or a link that is gone, is no error. */
export function detachProgram(linkIndex: number, direction: Direction, fd: number): void {
  const result = tryBpf(BPF.progDetach, (view) => {
    view.setUint32(0, linkIndex, true);
    view.setUint32(4, fd, true);
    view.setUint32(8, ATTACH_TYPE[direction], true);
  });
  if (result < 0 && ![ENOENT, 19, 22].includes(-result)) throw errnoError('detach program', -result);
}

/** Numbers of the programs on a link, in the order in which they run; empty where the link is gone. */
export function attachedPrograms(linkIndex: number, direction: Direction): number[] {
  const { view, address } = room();
  const result = tryBpf(BPF.progQuery, (attributes) => {
    attributes.setUint32(0, linkIndex, true);
    attributes.setUint32(4, ATTACH_TYPE[direction], true);
    attributes.setBigUint64(16, address, true);
    attributes.setUint32(24, ATTACHED_MAX, true);
  });
  if (result === -ENOENT || result === -19) return [];
  if (result < 0) throw errnoError('list programs', -result);
  const count = Math.min(answered().getUint32(24, true), ATTACHED_MAX);
  return Array.from({ length: count }, (_, at) => view.getUint32(at * 4, true));
}

/** A descriptor of a program, or map, by its number; undefined: it is gone. */
export function openById(kind: 'program' | 'map', id: number): number | undefined {
  const command = kind === 'program' ? BPF.progFdById : BPF.mapFdById;
  const result = tryBpf(command, (view) => view.setUint32(0, id, true));
  if (result === -ENOENT) return undefined;
  if (result < 0) throw errnoError(`open ${kind} ${id}`, -result);
  return result;
}

/** Runs a program over a frame without a link. @returns its result */
export function runProgram(program: LinkProgram, frame: Uint8Array): number {
  const { bytes, address } = room();
  bytes.set(frame);
  bpf(`run program ${program.name}`, BPF.progTestRun, (view) => {
    view.setUint32(0, program.fd, true);
    view.setUint32(8, frame.length, true);
    view.setBigUint64(16, address, true);
  });
  return answered().getInt32(4, true);
}
