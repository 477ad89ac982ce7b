// SPDX-License-Identifier: Apache-2.0
import { Lexer } from 'yaml';

/** A declaration needs six levels; the parser calls itself for each and would end the process at some thousands. */
const DEPTH_MAX = 32;
/** Told by the lexer before the text of a scalar. */
const SCALAR = '\u001f';

/** Whether the text nests deeper than any declaration, found without building anything. */
export function tooDeep(text: string): boolean {
  let flow = 0;
  let inLine = 0;
  let scalarNext = false;
  for (const token of new Lexer().lex(text)) {
    if (scalarNext) scalarNext = false;
    else if (token === SCALAR) scalarNext = true;
    else if (token === '[' || token === '{') flow += 1;
    else if (token === ']' || token === '}') flow = Math.max(0, flow - 1);
    // `- - - x` nests in one line without indentation; lines that indent further are bounded by the file's size.
    else if (flow === 0 && (token === '-' || token === '?' || token === ':')) inLine += 1;
    else if (token.includes('\n')) inLine = 0;
    if (flow > DEPTH_MAX || inLine > DEPTH_MAX) return true;
  }
  return false;
}
