// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import { LineSplitter } from '@vnfpool/wire/function-socket';
import { PoolError } from '../pool-error.ts';

/** What JSON can say. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** A line of the octets: one change. */
export type Change =
  | readonly ['set', string, JsonValue]
  | readonly ['delete', string]
  /** Everything before is gone. */
  | readonly ['clear'];

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Octets handed out at once. */
const CHUNK_BYTES = 65_536;
/** Octets of one entry on its way. */
const ENTRY_BYTES_MAX = 1_048_576;

/** Changes as octets, in pieces. */
export async function* writeChanges(changes: Iterable<Change>): AsyncGenerator<Uint8Array, void> {
  let text = '';
  for (const change of changes) {
    const line = `${JSON.stringify(change)}\n`;
    if (line.length * 3 >= ENTRY_BYTES_MAX && Buffer.byteLength(line) > ENTRY_BYTES_MAX)
      throw new PoolError('overloaded', `the entry ${change[1]?.slice(0, 64)} has more than 1 MiB`);
    text += line;
    if (text.length < CHUNK_BYTES) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

/** Octets as changes, one after the other. @throws WireError */
export async function readChanges(
  chunks: AsyncIterable<Uint8Array>,
  take: (change: Change) => void,
): Promise<void> {
  const lines = new LineSplitter(ENTRY_BYTES_MAX);
  for await (const chunk of chunks) for (const line of lines.push(chunk)) take(parseChange(line));
  if (lines.pending > 0) throw new WireError('short', lines.pending, 'the last line has no end');
}

function parseChange(line: Uint8Array): Change {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(line));
  } catch {
    throw new WireError('value', 0, 'a line of the state is not JSON');
  }
  if (Array.isArray(value)) {
    const [verb, key] = value as unknown[];
    if (verb === 'clear' && value.length === 1) return ['clear'];
    if (verb === 'set' && value.length === 3 && typeof key === 'string')
      return ['set', key, value[2] as JsonValue];
    if (verb === 'delete' && value.length === 2 && typeof key === 'string') return ['delete', key];
  }
  throw new WireError('value', 0, 'a line of the state is no change');
}
