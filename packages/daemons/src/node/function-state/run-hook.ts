// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { sendSignal } from '@vnfpool/platform/processes';
import { abortError, FunctionStateError } from './function-state.ts';
import { Deadline, orAborted } from './waiting.ts';

export interface HookOptions {
  /** For people: `hook export`. */
  readonly name: string;
  readonly command: readonly string[];
  /** Its whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** File descriptor of its standard input; default none. */
  readonly input?: number;
  readonly signal: AbortSignal;
  /** Until it ends; or, with `take`, without an octet of output, and from the last one to its end. */
  readonly deadlineMs: number;
  /** Gets its standard output, and holds it back until it resolves. Otherwise what it writes counts as words. */
  readonly take?: (chunk: Uint8Array) => Promise<void>;
  /** Ends what is not in its process group; called when it is over, or shall be. */
  readonly end?: () => void;
}

/** Octets of what it wrote that stand in an error. */
const WORDS_BYTES_MAX = 400;

/** Runs a command and what it starts to its end; fails unless it exits with status 0. Nothing of it is left. */
export async function runHook(options: HookOptions): Promise<void> {
  const { name, command, environment, directory, input, signal, deadlineMs, take } = options;
  const refused = (why: string, cause?: unknown): FunctionStateError =>
    new FunctionStateError('refused', `${name}: ${why}`, cause);
  if (signal.aborted) throw abortError(signal);
  let child: ChildProcessByStdio<null, Readable, Readable>;
  try {
    child = spawn(command[0] ?? '', command.slice(1), {
      // Head of a group, so that what it starts ends with it.
      detached: true,
      stdio: [input ?? 'ignore', 'pipe', 'pipe'],
      env: environment,
      ...(directory === undefined ? {} : { cwd: directory }),
    }) as ChildProcessByStdio<null, Readable, Readable>;
  } catch (error) {
    throw refused((error as Error).message, error);
  }

  const stop = new AbortController();
  const end = (error: FunctionStateError): void => {
    stop.abort(error);
    options.end?.();
    if (child.pid !== undefined) sendSignal(-child.pid, 'SIGKILL');
    // One that left the group may still hold its end of the pipes.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const abort = (): void => end(abortError(signal));
  signal.addEventListener('abort', abort, { once: true });
  const deadline = new Deadline((error) => end(error));

  let words = '';
  const listen = (chunk: Buffer): void => {
    words = (words + chunk.toString()).slice(-WORDS_BYTES_MAX);
  };
  child.stderr.on('data', listen);
  const exited = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(refused(error.message, error)));
    child.once('exit', (status, killedBy) => {
      // What it left behind would go on changing things.
      options.end?.();
      if (child.pid !== undefined) sendSignal(-child.pid, 'SIGKILL');
      if (status === 0) resolve();
      else setImmediate(() => reject(refused(exitReason(status, killedBy, words))));
    });
  });
  exited.catch(() => undefined);
  try {
    deadline.arm(deadlineMs, `${name} did not end`);
    if (take) await takeAll(child.stdout, take, deadline, options, stop.signal);
    else child.stdout.on('data', listen);
    await orAborted(exited, stop.signal);
  } catch (error) {
    // Its own words say more than the end of its output does.
    if (error instanceof FunctionStateError) end(error);
    else end(refused((error as Error).message, error));
    throw error;
  } finally {
    deadline.disarm();
    signal.removeEventListener('abort', abort);
  }
}

async function takeAll(
  output: Readable,
  take: (chunk: Uint8Array) => Promise<void>,
  deadline: Deadline,
  { name, deadlineMs }: HookOptions,
  signal: AbortSignal,
): Promise<void> {
  const chunks = output[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    deadline.arm(deadlineMs, `${name} wrote no octet`);
    const { done, value } = await orAborted(chunks.next(), signal);
    if (done === true) break;
    deadline.disarm();
    await orAborted(take(value), signal);
  }
  deadline.arm(deadlineMs, `${name} did not end`);
}

function exitReason(status: number | null, killedBy: string | null, words: string): string {
  const how = killedBy === null ? `exit code ${status}` : `killed by ${killedBy}`;
  const said = words.trim().replaceAll(/\s+/g, ' ');
  return said === '' ? how : `${how}: ${said}`;
}
