// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { ScopeSecurityError } from './errors.ts';

/** Octets of a file of credentials at most. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Reads a file of secrets: it belongs to us or to root, and nobody else can read or write it.
 * @throws ScopeSecurityError
 */
export function readPrivateFile(path: string): string {
  return read(path, true);
}

/** @throws ScopeSecurityError */
export function readPublicFile(path: string): string {
  return read(path, false);
}

function read(path: string, isPrivate: boolean): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new ScopeSecurityError(
      'file',
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
  try {
    // Asked of what is open, so that nobody changes it between looking and reading.
    const { mode, uid, size } = fstatSync(file);
    if (size > FILE_BYTES_MAX)
      throw new ScopeSecurityError('file', `${path} has ${size} octets, at most ${FILE_BYTES_MAX} are read`);
    if (isPrivate && (mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw new ScopeSecurityError(
        'file',
        `${path} has mode ${octal}: others than its owner can use it; chmod 600`,
      );
    }
    const own = process.getuid?.();
    if (isPrivate && own !== undefined && uid !== own && uid !== 0)
      throw new ScopeSecurityError('file', `${path} belongs to user ${uid}, not to us`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
