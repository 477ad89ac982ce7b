// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, WireError } from '../bytes/index.ts';

/** JSON text without duplicate keys; throws `WireError` (`utf8`, `value`, `duplicate`). */
export function parseStrictJson(octets: Uint8Array): unknown {
  const text = decodeUtf8(octets);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new WireError('value', 0, 'not JSON');
  }
  // Written as we write, nothing of it can have been lost: most documents are, and need not be read twice.
  if (JSON.stringify(value) !== text) refuseDuplicateKeys(text);
  return value;
}

/** Walks the tokens of text that is known to be JSON. */
function refuseDuplicateKeys(text: string): void {
  const scopes: Set<string>[] = [];
  for (const match of text.matchAll(TOKENS)) {
    const [token, key] = match;
    if (token === '{') scopes.push(new Set());
    else if (token === '}') scopes.pop();
    else if (key !== undefined) {
      // Escapes make one key look like two, so compare what they mean.
      const name = JSON.parse(key) as string;
      const scope = scopes.at(-1);
      if (scope?.has(name)) throw new WireError('duplicate', match.index, `key ${name.slice(0, 64)} twice`);
      scope?.add(name);
    }
  }
}

/** A key (group 1: a string before a colon), any other string, or a brace. */
const TOKENS = /("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/g;
