// SPDX-License-Identifier: Apache-2.0
import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Pair } from 'yaml';

/** A place in the file, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * Where a path stands in the file. A path that is not there gives the place of the deepest part that is,
 * so that a missing key points at the map that lacks it.
 */
export function positionOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): Position {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => keyOf(item) === String(part));
      if (!pair) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  // A key tells a person where to look better than its value does; a list's member only has itself.
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function startOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] } | null | undefined)?.range;
  return range?.[0];
}
