// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

/** The world as a command sees it; tests hand in their own. */
export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Whether colours are welcome on stdout. */
  readonly colour: boolean;
  /** Whether stdout is a terminal on which text can be put in place of other text; default no. */
  readonly terminal?: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Resolves when who reads `out` has kept up; a command that writes without end waits for it. */
  drained(): Promise<void>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Text of a file; `-` is standard input. */
  readText(path: string): Promise<string>;
  /** Octets of a file, piece by piece; `-` is standard input. */
  readPieces(path: string): AsyncIterable<Uint8Array>;
  /** Aborted: the command ends as soon as it can. */
  readonly signal: AbortSignal;
}

/** This process. Colours: only on a terminal, and never with NO_COLOR set (https://no-color.org). */
export function processIo(): CliIo {
  const { env, stdout } = process;
  return {
    env,
    uid: process.getuid?.() ?? 0,
    colour: stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    terminal: stdout.isTTY === true && env['TERM'] !== 'dumb',
    out: (written) => void stdout.write(written),
    err: (written) => void process.stderr.write(written),
    drained: async () => {
      if (stdout.writableNeedDrain) await once(stdout, 'drain');
    },
    now: () => Date.now(),
    readText: (path) => (path === '-' ? text(process.stdin) : readFile(path, 'utf8')),
    readPieces: (path) => (path === '-' ? process.stdin : createReadStream(path)),
    signal: new AbortController().signal,
  };
}
