// SPDX-License-Identifier: Apache-2.0
import { type OctetReader, writeTogether } from '@vnfpool/transport/local';
import { WireError } from '@vnfpool/wire/bytes';
import { BlockReader, blockHeader, FUNCTION_BLOCK_BYTES_MAX } from '@vnfpool/wire/function-socket';
import {
  abortError,
  FunctionStateError,
  type FunctionStateLimits,
  type StateChunks,
} from './function-state.ts';
import { Deadline, orAborted, untilAborted } from './waiting.ts';

/** So many octets that are here go by one write. */
const TOGETHER_BYTES = 262_144;

interface Moving {
  readonly limits: FunctionStateLimits;
  readonly signal: AbortSignal;
  /** Called when the function has let its time pass. */
  readonly expire: (error: FunctionStateError) => void;
}

/** Reads the blocks of an export up to their end; returns how many octets they have. */
export async function receiveOctets(
  reader: OctetReader,
  write: (chunk: Uint8Array) => Promise<void>,
  { limits, signal, expire }: Moving,
): Promise<number> {
  const blocks = new BlockReader();
  const deadline = new Deadline(expire);
  let bytes = 0;
  try {
    while (!blocks.ended) {
      deadline.arm(limits.stallMs, 'the function sent no octet of its state');
      const octets = await orAborted(reader.next(), signal).catch(endedOr(signal));
      deadline.disarm();
      if (octets === null) throw new FunctionStateError('ended', 'the state ended in the middle');
      for (const piece of blocks.push(octets)) {
        bytes += piece.length;
        refuseBeyond(limits.bytesMax, bytes);
        await orAborted(write(piece), signal);
      }
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
  { socket }: OctetReader,
  chunks: StateChunks,
  { limits, signal, expire }: Moving,
): Promise<void> {
  const deadline = new Deadline(expire);
  /** A block; without pieces the end. */
  const put = async (pieces: readonly Uint8Array[]): Promise<void> => {
    deadline.arm(limits.stallMs, 'the function took no octet of its state');
    const header = blockHeader(bytesOf(pieces));
    await orAborted(writeTogether(socket, [header, ...pieces]), signal).catch(endedOr(signal));
    deadline.disarm();
  };
  let bytes = 0;
  // It says nothing here; unread, its end would not be noticed.
  socket.resume();
  try {
    for await (const chunk of untilAborted(chunks, signal)) {
      for (const block of inBlocks(chunk, () => chunks.more?.())) {
        bytes += bytesOf(block);
        refuseBeyond(limits.bytesMax, bytes);
        await put(block);
      }
    }
    await put([]);
    socket.end();
  } finally {
    deadline.disarm();
  }
}

export function refuseBeyond(bytesMax: number, bytes: number): void {
  if (bytes > bytesMax)
    throw new FunctionStateError('too-large', `the state has more than ${bytesMax} octets`);
}

/** A chunk, cut where it is longer than a block, and whatever is here of those behind it. */
function* inBlocks(first: Uint8Array, more: StateChunks['more']): Generator<readonly Uint8Array[], void> {
  let block: Uint8Array[] = [];
  let bytes = 0;
  for (let chunk: Uint8Array | undefined = first; chunk !== undefined; ) {
    const piece = chunk.subarray(0, FUNCTION_BLOCK_BYTES_MAX - bytes);
    block.push(piece);
    bytes += piece.length;
    if (piece.length < chunk.length) chunk = chunk.subarray(piece.length);
    else chunk = bytes < TOGETHER_BYTES ? more?.() : undefined;
    if (bytes < FUNCTION_BLOCK_BYTES_MAX && chunk !== undefined) continue;
    // None at all would be the end.
    if (bytes > 0) yield block;
    block = [];
    bytes = 0;
  }
}

function bytesOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((bytes, piece) => bytes + piece.length, 0);
}

/** What a broken socket means, unless we broke it. */
function endedOr(signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    if (signal.aborted) throw abortError(signal);
    if (error instanceof FunctionStateError) throw error;
    throw new FunctionStateError('ended', 'the connection for the state ended in the middle', error);
  };
}
