// SPDX-License-Identifier: Apache-2.0
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';

/** Octets of a file, `-` for standard input. @throws CliError 1 when it cannot be read */
export async function* piecesOf(file: string, io: CliIo): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* io.readPieces(file);
  } catch (error) {
    if (error instanceof Error && 'syscall' in error)
      throw new CliError(1, `${file} cannot be read: ${error.message}`);
    throw error;
  }
}
