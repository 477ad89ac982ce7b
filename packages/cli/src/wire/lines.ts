// SPDX-License-Identifier: Apache-2.0

/** A line of a file, or what is wrong with it. */
export type Line = { readonly number: number } & (
  | { readonly text: string }
  | { readonly fault: string; readonly code: 'limit' | 'utf8' }
);

const NEWLINE = 0x0a;

/**
 * Lines of UTF-8, however the octets come in pieces; numbers count from 1. A line of more than `bytesMax` octets
 * is a fault, and no more of it than that is kept.
 */
export async function* readLines(
  pieces: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<Line, void, undefined> {
  let number = 1;
  let kept: Uint8Array[] = [];
  let size = 0;
  const end = (): Line => {
    const line = lineOf(number, kept, size, bytesMax);
    number += 1;
    kept = [];
    size = 0;
    return line;
  };
  for await (const piece of pieces) {
    let from = 0;
    while (from < piece.length) {
      const newline = piece.indexOf(NEWLINE, from);
      const to = newline < 0 ? piece.length : newline;
      size += to - from;
      if (size <= bytesMax) kept.push(piece.subarray(from, to));
      else kept = [];
      from = to + 1;
      if (newline >= 0) yield end();
    }
  }
  if (size > 0) yield end();
}

function lineOf(number: number, parts: readonly Uint8Array[], size: number, bytesMax: number): Line {
  if (size > bytesMax)
    return { number, code: 'limit', fault: `a line of ${size} octets, at most ${bytesMax}` };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts, size));
    return { number, text };
  } catch {
    return { number, code: 'utf8', fault: 'not UTF-8' };
  }
}
