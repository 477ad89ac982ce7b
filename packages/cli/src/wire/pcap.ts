// SPDX-License-Identifier: Apache-2.0

/** A packet as a capture file has it, or what is wrong with its record; numbers count from 1, as in Wireshark. */
export type CapturedPacket = { readonly number: number } & (
  | {
      /** LINKTYPE_ value of the file: what `octets` begin with. */
      readonly linkType: number;
      readonly octets: Uint8Array;
      /** Octets that the packet had; more than are here where the capture kept only its beginning. */
      readonly length: number;
    }
  | { readonly fault: string; readonly code: 'limit' | 'short' }
);

/** The whole file cannot be read; the message has no name of the file. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
}

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** Times in microseconds, and in nanoseconds; either in the byte order of who wrote it. */
const MAGICS: readonly number[] = [0xa1b2c3d4, 0xa1b23c4d];
const PCAPNG_MAGIC = 0x0a0d0d0a;
const MAJOR_VERSION = 2;
/** The upper half says whether a checksum of the link follows each packet, of which lengths in the packet tell anyway. */
const LINK_TYPE_MASK = 0xffff;

/**
 * Packets of a pcap file, however its octets come in pieces. A packet of more than `bytesMax` octets is a fault, and nothing of it is kept; so
 * is the last one where the file ends within it.
 * @throws CaptureError when it is no pcap file
 * @see draft-ietf-opsawg-pcap
 */
export async function* readPcap(
  pieces: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<CapturedPacket, void, undefined> {
  const source = new Pieces(pieces);
  try {
    const { linkType, isLittle } = fileHeader(await source.take(FILE_HEADER_BYTES));
    for (let number = 1; ; number += 1) {
      const header = await source.take(RECORD_HEADER_BYTES);
      if (header.length === 0) return;
      const packet = await record(source, header, { linkType, isLittle, bytesMax });
      yield { number, ...packet };
      if (header.length < RECORD_HEADER_BYTES) return;
    }
  } finally {
    await source.close();
  }
}

interface Layout {
  readonly linkType: number;
  readonly isLittle: boolean;
}

function fileHeader(octets: Uint8Array): Layout {
  if (octets.length < FILE_HEADER_BYTES)
    throw new CaptureError(
      `no pcap file: ${octets.length} octets, its header alone has ${FILE_HEADER_BYTES}`,
    );
  const view = viewOf(octets);
  if (view.getUint32(0) === PCAPNG_MAGIC)
    throw new CaptureError('a pcapng file; `editcap -F pcap` makes a pcap file of it');
  const isLittle = MAGICS.includes(view.getUint32(0, true));
  if (!isLittle && !MAGICS.includes(view.getUint32(0)))
    throw new CaptureError('no pcap file: it begins with something else');
  const version = view.getUint16(4, isLittle);
  if (version !== MAJOR_VERSION)
    throw new CaptureError(`a pcap file of version ${version}, only ${MAJOR_VERSION} is known`);
  return { linkType: view.getUint32(20, isLittle) & LINK_TYPE_MASK, isLittle };
}

async function record(
  source: Pieces,
  header: Uint8Array,
  { linkType, isLittle, bytesMax }: Layout & { readonly bytesMax: number },
): Promise<
  | { readonly linkType: number; readonly octets: Uint8Array; readonly length: number }
  | { readonly fault: string; readonly code: 'limit' | 'short' }
> {
  if (header.length < RECORD_HEADER_BYTES)
    return { code: 'short', fault: 'the file ends within the header of its record' };
  const view = viewOf(header);
  const kept = view.getUint32(8, isLittle);
  const length = view.getUint32(12, isLittle);
  const isTooLong = kept > bytesMax;
  const octets = isTooLong ? new Uint8Array() : await source.take(kept);
  const there = isTooLong ? await source.skip(kept) : octets.length;
  if (there < kept)
    return { code: 'short', fault: `the file ends within it: ${there} of ${kept} octets are there` };
  if (isTooLong) return { code: 'limit', fault: `a packet of ${kept} octets, at most ${bytesMax}` };
  return { linkType, octets, length };
}

/** Octets in the numbers that are asked for; holds one piece at most, and what is asked for. */
class Pieces {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** So many octets, or as many as are left. */
  async take(count: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    const got = await this.#next(count, (part) => parts.push(part));
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, got);
  }

  /** Passes over so many octets; how many were there. */
  skip(count: number): Promise<number> {
    return this.#next(count, () => {});
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #next(count: number, each: (part: Uint8Array) => void): Promise<number> {
    let got = 0;
    while (got < count) {
      if (this.#piece.length === 0) {
        const next = await this.#pieces.next();
        if (next.done === true) break;
        this.#piece = next.value;
        continue;
      }
      const part = this.#piece.subarray(0, count - got);
      this.#piece = this.#piece.subarray(part.length);
      got += part.length;
      each(part);
    }
    return got;
  }
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}
