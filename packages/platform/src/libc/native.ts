// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { PlatformError } from '../errors.ts';
import { errnoError } from './errno.ts';

type Koffi = typeof import('koffi');

const EINTR = 4;

/** Memory that neither moves nor goes away, for structures that point at each other. Never freed: make few. */
export interface StableMemory {
  /** Its address, as a pointer in a structure or a call. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/**
 * Calls into libc by C signature. Each is bound on first use, so that one which this libc lacks hurts only whoever
 * needs it.
 */
export interface Native {
  /**
   * Calls again when a signal interrupts.
   * @throws PlatformError with the errno's name when the result is negative
   */
  readonly call: (name: string, signature: string, ...values: readonly unknown[]) => number;
  /** As `call`, but gives a failure back as the negative errno: for failures that are no surprise, such as EAGAIN. */
  readonly attempt: (signature: string, ...values: readonly unknown[]) => number;
  readonly allocate: (bytes: number) => StableMemory;
}

let loaded: Native | undefined;

/**
 * Loads libc on first use; every thread has its own binding.
 * @throws PlatformError `UNSUPPORTED` on other systems than 64-bit little-endian Linux.
 */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  if (process.platform !== 'linux' || !['x64', 'arm64', 'riscv64'].includes(process.arch)) {
    const message = `this needs 64-bit little-endian Linux, not ${process.platform} ${process.arch}`;
    throw new PlatformError('UNSUPPORTED', message, { call: 'libc' });
  }
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi;
  } catch (cause) {
    throw new PlatformError('UNSUPPORTED', 'koffi cannot be loaded', { call: 'libc', cause });
  }
  const library = koffi.load(null);
  const bound = new Map<string, (...values: unknown[]) => number>();

  const attempt = (signature: string, ...values: readonly unknown[]): number => {
    let entry = bound.get(signature);
    if (entry === undefined) {
      entry = library.func(signature) as (...values: unknown[]) => number;
      bound.set(signature, entry);
    }
    for (;;) {
      const result = Number(entry(...values));
      if (result >= 0) return result;
      const errno = koffi.errno();
      if (errno !== EINTR) return -errno;
    }
  };

  return {
    attempt,
    call: (name, signature, ...values) => {
      const result = attempt(signature, ...values);
      if (result < 0) throw errnoError(name, -result);
      return result;
    },
    allocate: (size) => {
      const pointer = koffi.alloc('uint8_t', size);
      const bytes = new Uint8Array(koffi.view(pointer, size));
      return {
        address: BigInt(koffi.address(pointer)),
        bytes,
        view: new DataView(bytes.buffer, bytes.byteOffset, size),
      };
    },
  };
}
