// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { WireError } from '@vnfpool/wire/bytes';
import { BlockReader, blockHeader, FUNCTION_BLOCK_BYTES_MAX } from '@vnfpool/wire/function-socket';
import { abortError, FunctionStateError, type FunctionStateLimits } from './function-state.ts';
import { Deadline, orAborted, untilAborted } from './waiting.ts';

interface Moving {
  readonly limits: FunctionStateLimits;
  readonly signal: AbortSignal;
  /** Called when the function has let its time pass. */
  readonly expire: (error: FunctionStateError) => void;
}

/** Reads the blocks of an export up to their end; returns how many octets they have. */
export async function receiveOctets(
  socket: Socket,
  write: (chunk: Uint8Array) => Promise<void>,
  { limits, signal, expire }: Moving,
): Promise<number> {
  const reader = new BlockReader();
  const deadline = new Deadline(expire);
  let bytes = 0;
  try {
    const chunks = untilAborted(socket as AsyncIterable<Buffer>, signal)[Symbol.asyncIterator]();
    while (!reader.ended) {
      deadline.arm(limits.stallMs, 'the function sent no octet of its state');
      const { done, value } = await chunks.next().catch(endedOr(signal));
      deadline.disarm();
      if (done === true) throw new FunctionStateError('ended', 'the state ended in the middle');
      const octets = join([...reader.push(value)]);
      bytes += octets.length;
      refuseBeyond(limits.bytesMax, bytes);
      if (octets.length > 0) await orAborted(write(octets), signal);
    }
    return bytes;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new FunctionStateError('protocol', `not understood: ${error.message}`, error);
  } finally {
    deadline.disarm();
  }
}

/** Writes the octets of an import as blocks, and their end only when all is there. */
export async function sendOctets(
  socket: Socket,
  chunks: AsyncIterable<Uint8Array>,
  { limits, signal, expire }: Moving,
): Promise<void> {
  const deadline = new Deadline(expire);
  const put = async (block: Uint8Array): Promise<void> => {
    deadline.arm(limits.stallMs, 'the function took no octet of its state');
    await orAborted(written(socket, block), signal).catch(endedOr(signal));
    deadline.disarm();
  };
  let bytes = 0;
  // It says nothing here; unread, its end would not be noticed.
  socket.resume();
  try {
    for await (const chunk of untilAborted(chunks, signal)) {
      bytes += chunk.length;
      refuseBeyond(limits.bytesMax, bytes);
      for (let at = 0; at < chunk.length; at += FUNCTION_BLOCK_BYTES_MAX)
        await put(chunk.subarray(at, at + FUNCTION_BLOCK_BYTES_MAX));
    }
    await put(new Uint8Array());
    socket.end();
  } finally {
    deadline.disarm();
  }
}

export function refuseBeyond(bytesMax: number, bytes: number): void {
  if (bytes > bytesMax)
    throw new FunctionStateError('too-large', `the state has more than ${bytesMax} octets`);
}

/** Resolves when the system has taken the block, so no more than it waits here. */
function written(socket: Socket, block: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    // One call of the system for both.
    socket.cork();
    socket.write(blockHeader(block.length), block.length === 0 ? done : undefined);
    if (block.length > 0) socket.write(block, done);
    socket.uncork();
  });
}

/** What a broken socket means, unless we broke it. */
function endedOr(signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    if (signal.aborted) throw abortError(signal);
    if (error instanceof FunctionStateError) throw error;
    throw new FunctionStateError('ended', 'the connection for the state ended in the middle', error);
  };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
}
