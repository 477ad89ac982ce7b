// SPDX-License-Identifier: Apache-2.0
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { type Line, readLines } from './lines.ts';
import { piecesOf } from './pieces.ts';

/** Enough for the longest message, 65,539 octets, in JSON that says everything twice. */
const LINE_BYTES_MAX = 1024 * 1024;

/**
 * Does every line of these files, of standard input when there are none. Blank lines and those that start with #
 * are passed over. `act` says whether it could.
 * @throws CliError 1 at the end when it could not with some, or at once when a file cannot be read
 */
export async function eachLine(
  files: readonly string[],
  io: CliIo,
  act: (line: Line, file: string) => boolean,
): Promise<void> {
  let done = 0;
  let bad = 0;
  for (const file of files.length === 0 ? ['-'] : files) {
    for await (const line of readLines(piecesOf(file, io), LINE_BYTES_MAX)) {
      if (io.signal.aborted) return;
      if ('text' in line && /^\s*(?:#|$)/.test(line.text)) continue;
      done += 1;
      if (!act(line, file)) bad += 1;
      await io.drained();
    }
  }
  if (bad > 0)
    throw new CliError(1, `${bad} of ${done} ${done === 1 ? 'line is' : 'lines are'} not a message`);
}
