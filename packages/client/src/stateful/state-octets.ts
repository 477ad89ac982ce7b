// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { OctetReader, writeTogether } from '@vnfpool/transport/local';
import { BlockReader, blockHeader, FUNCTION_BLOCK_BYTES_MAX } from '@vnfpool/wire/function-socket';

/** Connects to a data socket; at the signal the connection is cut, so that nobody takes its end for the end. */
async function withData<Result>(
  path: string,
  signal: AbortSignal,
  use: (data: OctetReader) => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const data = OctetReader.connect(path);
  const cut = (): void => void data.socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', cut, { once: true });
  try {
    return await use(data);
  } finally {
    signal.removeEventListener('abort', cut);
    data.socket.destroySoon();
  }
}

/** Writes octets as blocks, and their end. */
async function writeState(
  socket: Socket,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  // The agent says nothing here.
  socket.resume();
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += FUNCTION_BLOCK_BYTES_MAX) {
      const block = chunk.subarray(at, at + FUNCTION_BLOCK_BYTES_MAX);
      await writeTogether(socket, [blockHeader(block.length), block]);
    }
  }
  await writeTogether(socket, [blockHeader(0)]);
}

/**
 * Octets of an import, each good until the next are asked for; `use` gets them, and must read them to their end. Breaking
 * off in the middle is an error.
 */
async function readState<Result>(
  data: OctetReader,
  use: (chunks: AsyncIterable<Uint8Array>) => Promise<Result>,
): Promise<Result> {
  const blocks = new BlockReader();
  let finished = false;
  const read = async function* (): AsyncGenerator<Uint8Array, void> {
    while (!blocks.ended) {
      const octets = await data.next();
      if (octets === null) throw new Error('the state ended in the middle');
      yield* blocks.push(octets);
    }
    finished = true;
  };
  const result = await use(read());
  if (!finished) throw new Error('the state was not read to its end');
  return result;
}

/** Writes what is to be exported to the data socket. */
export function exportTo(
  path: string,
  signal: AbortSignal,
  chunks: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  return withData(path, signal, ({ socket }) => writeState(socket, chunks()));
}

/** Takes in what comes over the data socket. */
export function importFrom<Result>(
  path: string,
  signal: AbortSignal,
  use: (chunks: AsyncIterable<Uint8Array>) => Promise<Result>,
): Promise<Result> {
  return withData(path, signal, (data) => readState(data, use));
}
