// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/*
 * What the labs of the command line share: our built program as a child, and waiting for what is so. Labs assert what
 * must always hold, never how long it took; a deadline here only says that it did not come at all.
 */

export const bin: string = fileURLToPath(new URL('../../bin/vnfpool.js', import.meta.url));
export const edgeFile: string = fileURLToPath(new URL('../../../../examples/edge/set.yaml', import.meta.url));

/** Why `vnfpool` cannot be started; empty when it can. */
export const notBuilt: string = existsSync(new URL('../../dist/main.js', import.meta.url))
  ? ''
  : 'build first (tsc -b)';

const DEADLINE_MS = 45_000;
const LOOK_MS = 25;

/** Looks until there is something and returns it; fails with `what` after the deadline. */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  deadlineMs: number = DEADLINE_MS,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await pause(LOOK_MS);
  }
}

/** How a process ended and what it said. */
export interface Ended {
  readonly code: number | null;
  /** Name of the signal that ended it. */
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child with what it said so far. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<Ended>;
  readonly isOver: () => boolean;
}

const living = new Set<ChildProcess>();
// A test file that fails half-way leaves nothing behind.
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** Starts a program; its environment is ours with `env` on top. */
export function start(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Child {
  const [program = '', ...rest] = command;
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...withoutOurs(), ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  living.add(child);
  let stdout = '';
  let stderr = '';
  let over = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    // Not `close`: a grandchild may hold the pipes for longer.
    child.once('exit', (code, signal) => {
      over = true;
      living.delete(child);
      setImmediate(() => resolve({ code, signal, stdout, stderr }));
    });
  });
  return {
    process: child,
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    isOver: () => over,
  };
}

/** Runs a program to its end. */
export async function run(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = start(command, env);
  let text = '';
  let complaint = '';
  child.process.stdout?.on('data', (piece: string) => {
    text += piece;
  });
  child.process.stderr?.on('data', (piece: string) => {
    complaint += piece;
  });
  const drained = new Promise<void>((resolve) => child.process.once('close', () => resolve()));
  const { code, signal } = await child.ended;
  await drained;
  return { code, signal, stdout: text, stderr: complaint };
}

/** Runs one command line of ours to its end. */
export function vnfpool(...args: readonly string[]): Promise<Ended> {
  return run([process.execPath, bin, ...args]);
}

/** What the caller has set for its own sets must not lead ours astray. */
function withoutOurs(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith('VNFPOOL_') && !name.startsWith('VITEST')) kept[name] = value;
  }
  return kept;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** One HTTP request, over TCP or a Unix socket. */
export function ask(
  at: { readonly socketPath: string } | { readonly host: string; readonly port: number },
  path: string,
  more: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  } = {},
): Promise<Answer> {
  const body = more.body === undefined ? undefined : JSON.stringify(more.body);
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...more.headers,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { ...at, path, method: more.method ?? 'GET', headers, agent: false, timeout: 10_000 },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
        answer.once('error', reject);
      },
    );
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer to ${path}`)));
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** Whether a program is there. */
export function has(program: string, ...args: readonly string[]): boolean {
  const { error, status } = spawnSync(program, args, { stdio: 'ignore' });
  return error === undefined && status === 0;
}
