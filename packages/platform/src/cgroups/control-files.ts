// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { PlatformError } from '../errors.ts';
import { signalAll } from './end-all.ts';

/**
 * The files by which the kernel is told about groups. Everything but `exists` throws a PlatformError whose code is the name
 * of the errno and whose message names file and reason.
 */
export interface ControlFiles {
  read(path: string): string;
  write(path: string, value: string): void;
  /** Makes a group; one that is there already is fine. */
  make(folder: string): void;
  /** Removes a group; one that is gone already is fine. */
  remove(folder: string): void;
  /** Names of the groups below a group. */
  below(folder: string): string[];
  exists(path: string): boolean;
  /** Sends a signal to each; one that is gone, or not ours to signal, is passed over. */
  signal(pids: readonly number[], name: NodeJS.Signals): void;
}

/** The kernel's. */
export const systemControlFiles: ControlFiles = {
  read: (path) => attempt('read', path, () => readFileSync(path, 'utf8')),
  // Opened without creating: a file that is not there is a controller that is not there.
  write: (path, value) => attempt('write', path, () => writeFileSync(path, value, { flag: 'r+' }), value),
  make: (folder) => {
    if (!existsSync(folder)) attempt('mkdir', folder, () => mkdirSync(folder, { recursive: true }));
  },
  remove: (folder) => {
    if (existsSync(folder)) attempt('rmdir', folder, () => rmdirSync(folder));
  },
  below: (folder) =>
    attempt('list', folder, () =>
      readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name),
    ),
  exists: existsSync,
  signal: signalAll,
};

function attempt<Result>(call: string, path: string, act: () => Result, value?: string): Result {
  try {
    return act();
  } catch (error) {
    throw controlError(call, path, error as NodeJS.ErrnoException, value);
  }
}

/** `write "max" to /sys/fs/cgroup/x/pids.max: permission denied (EACCES)`. */
export function controlError(
  call: string,
  path: string,
  { code = 'UNKNOWN', errno = 0, message }: NodeJS.ErrnoException,
  value?: string,
): PlatformError {
  const words = getSystemErrorMap().get(errno)?.[1] ?? message;
  const what = value === undefined ? `${call} ${path}` : `${call} "${value.trim()}" to ${path}`;
  return new PlatformError(code, `${what}: ${words} (${code})`, { call, errno: Math.abs(errno) });
}
