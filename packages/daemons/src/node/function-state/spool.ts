// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { FunctionStateError } from './function-state.ts';
import { refuseBeyond } from './octets.ts';
import { untilAborted } from './waiting.ts';

/**
 * Puts all octets into a file without a name, read from its beginning by whoever gets the descriptor: a hook starts only
 * when the state is complete, and cannot take the end of a broken transfer for its end.
 */
export async function spool(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
  signal: AbortSignal,
): Promise<FileHandle> {
  const storage = (error: unknown): never => {
    throw new FunctionStateError('storage', `the state cannot be kept: ${(error as Error).message}`, error);
  };
  const file = await open(path, 'wx+', 0o600).catch(storage);
  try {
    await unlink(path).catch(storage);
    let bytes = 0;
    for await (const chunk of untilAborted(chunks, signal)) {
      refuseBeyond(bytesMax, bytes + chunk.length);
      for (let at = 0; at < chunk.length; ) {
        // With a position, so that the place where the hook begins to read stays at 0.
        const { bytesWritten } = await file.write(chunk, at, chunk.length - at, bytes + at).catch(storage);
        at += bytesWritten;
      }
      bytes += chunk.length;
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
