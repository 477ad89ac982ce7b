// SPDX-License-Identifier: Apache-2.0

/** Words of a line, parted by blanks; quotes, single or double, keep blanks together. A quote without an end ends the line. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const [, ...parts] of line.matchAll(/((?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s"'])+)/g))
    words.push((parts[0] ?? '').replaceAll(/"([^"]*)(?:"|$)|'([^']*)(?:'|$)/g, '$1$2'));
  return words;
}
