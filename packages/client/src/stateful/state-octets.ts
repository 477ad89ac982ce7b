// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { BlockReader, blockHeader, FUNCTION_BLOCK_BYTES_MAX } from '@vnfpool/wire/function-socket';

/** Connects to a data socket; at the signal the connection is cut, so that nobody takes its end for the end. */
async function withData<Result>(
  path: string,
  signal: AbortSignal,
  use: (socket: Socket) => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const socket = connect(path);
  const cut = (): void => void socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', cut, { once: true });
  // Told to whoever reads or writes.
  socket.on('error', () => undefined);
  try {
    return await use(socket);
  } finally {
    signal.removeEventListener('abort', cut);
    socket.destroySoon();
  }
}

/** Writes octets as blocks, and their end. */
async function writeState(
  socket: Socket,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const put = (block: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const done = (error?: Error | null): void => (error ? reject(error) : resolve());
      // One call of the system for both.
      socket.cork();
      socket.write(blockHeader(block.length), block.length === 0 ? done : undefined);
      if (block.length > 0) socket.write(block, done);
      socket.uncork();
    });
  // The agent says nothing here.
  socket.resume();
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += FUNCTION_BLOCK_BYTES_MAX) {
      await put(chunk.subarray(at, at + FUNCTION_BLOCK_BYTES_MAX));
    }
  }
  await put(new Uint8Array());
}

/** Octets of an import; `use` gets them, and must read them to their end. Breaking off in the middle is an error. */
async function readState<Result>(
  socket: Socket,
  use: (chunks: AsyncIterable<Uint8Array>) => Promise<Result>,
): Promise<Result> {
  const reader = new BlockReader();
  let finished = false;
  const read = async function* (): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      yield* reader.push(chunk);
      if (!reader.ended) continue;
      finished = true;
      return;
    }
    throw new Error('the state ended in the middle');
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
  return withData(path, signal, (socket) => writeState(socket, chunks()));
}

/** Takes in what comes over the data socket. */
export function importFrom<Result>(
  path: string,
  signal: AbortSignal,
  use: (chunks: AsyncIterable<Uint8Array>) => Promise<Result>,
): Promise<Result> {
  return withData(path, signal, (socket) => readState(socket, use));
}
