// SPDX-License-Identifier: Apache-2.0
import { WireError } from './wire-error.ts';

/** Encodes text as UTF-8; a lone surrogate throws `WireError` (`utf8`). `offset` is where the text will stand. */
export function encodeUtf8(text: string, offset = 0): Uint8Array {
  const out: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point >= 0xd800 && point <= 0xdfff) {
      throw new WireError('utf8', offset + out.length, 'lone surrogate');
    }
    if (point < 0x80) {
      out.push(point);
    } else if (point < 0x800) {
      out.push(0xc0 | (point >> 6), continuation(point));
    } else if (point < 0x10000) {
      out.push(0xe0 | (point >> 12), continuation(point >> 6), continuation(point));
    } else {
      out.push(
        0xf0 | (point >> 18),
        continuation(point >> 12),
        continuation(point >> 6),
        continuation(point),
      );
    }
  }
  return new Uint8Array(out);
}

/**
 * Decodes strict UTF-8: truncated or overlong sequences, surrogates and values above U+10FFFF throw
 * `WireError` (`utf8`). `offset` is where `bytes` stand in the outermost input.
 * @see RFC 3629 §3
 */
export function decodeUtf8(bytes: Uint8Array, offset = 0): string {
  // Joined in pieces: one string per character is slow, and one call with all of them can exceed the stack.
  const pieces: string[] = [];
  let points: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    const size = sequenceLength(first);
    if (size === 0 || at + size > bytes.length) {
      throw new WireError('utf8', offset + at, 'not a complete UTF-8 sequence');
    }
    let point = size === 1 ? first : first & (0x7f >> size);
    for (let i = 1; i < size; i++) {
      const next = bytes[at + i] ?? 0;
      if ((next & 0xc0) !== 0x80) throw new WireError('utf8', offset + at + i, 'continuation octet expected');
      point = (point << 6) | (next & 0x3f);
    }
    if (point < (SMALLEST[size] ?? 0) || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      throw new WireError('utf8', offset + at, 'overlong sequence or invalid code point');
    }
    points.push(point);
    if (points.length === 4096) {
      pieces.push(String.fromCodePoint(...points));
      points = [];
    }
    at += size;
  }
  pieces.push(String.fromCodePoint(...points));
  return pieces.join('');
}

/** Smallest code point that needs a sequence of this many octets. */
const SMALLEST = [0, 0, 0x80, 0x800, 0x10000] as const;

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if ((first & 0xe0) === 0xc0) return 2;
  if ((first & 0xf0) === 0xe0) return 3;
  if ((first & 0xf8) === 0xf0) return 4;
  return 0;
}

function continuation(point: number): number {
  return 0x80 | (point & 0x3f);
}
