// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import {
  type FunctionStateError,
  type FunctionStateLimits,
  functionStateLimits,
  SocketFunctionState,
} from '../../../src/node/function-state/index.ts';

type Line = Readonly<Record<string, unknown>>;

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An agent's end, with what was refused. */
export async function listen(
  limits: Partial<FunctionStateLimits> = {},
  format: string | null = null,
  nowMs: () => number = () => performance.now(),
) {
  const refused: FunctionStateError[] = [];
  const health: unknown[] = [];
  const sessions: unknown[] = [];
  const state = await SocketFunctionState.listen({
    name: 'kv#1',
    folder: temporaryFolder(),
    format,
    limits: { ...functionStateLimits, ...limits },
    onHealth: (word) => health.push(word),
    onSessions: (word) => sessions.push(word),
    onRefused: (error) => refused.push(error),
    nowMs,
  });
  onTestFinished(() => state.close());
  return { state, refused, health, sessions, path: state.environment['VNFPOOL_SOCKET'] ?? '' };
}

/** A function that says and does what a test wants, right or wrong. */
export class FakeFunction {
  readonly socket: Socket;
  readonly #lines: Line[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on('error', () => undefined);
    this.socket.once('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
    createInterface({ input: this.socket })
      .on('error', () => undefined)
      .on('line', (line) => {
        this.#lines.push(JSON.parse(line) as Line);
        this.#wake?.();
      });
    onTestFinished(() => void this.socket.destroy());
  }

  /** One that was welcomed. */
  static async welcomed(path: string, format?: string): Promise<FakeFunction> {
    const fake = new FakeFunction(path);
    fake.say({ op: 'hello', v: 1, ...(format === undefined ? {} : { format }) });
    await fake.next('welcome');
    return fake;
  }

  say(...lines: Line[]): void {
    this.socket.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  /** The next line of the agent that has this `op`; others before it are dropped. Null: it closed the connection. */
  async next(op: string): Promise<Line | null> {
    for (;;) {
      const line = this.#lines.shift();
      if (line?.['op'] === op) return line;
      if (line) continue;
      if (this.#closed) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Waits for a request and connects to its data socket. */
  async transfer(op: 'export' | 'import'): Promise<{ readonly id: number; readonly data: Socket }> {
    const request = await this.next(op);
    const data = connect(String(request?.['data']));
    data.on('error', () => undefined);
    onTestFinished(() => void data.destroy());
    return { id: Number(request?.['id']), data };
  }
}

/** Blocks by hand: a length, then octets. */
export function blocks(...texts: string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const header = Buffer.alloc(4);
      header.writeUInt32BE(Buffer.byteLength(text));
      return [header, Buffer.from(text)];
    }),
  );
}

/** Takes what an export gives. */
export function sink() {
  const chunks: Uint8Array[] = [];
  return {
    // Good until it resolves, and no longer.
    write: async (chunk: Uint8Array) => void chunks.push(chunk.slice()),
    text: () => Buffer.concat(chunks).toString(),
  };
}

export async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

export function never(): AbortSignal {
  return new AbortController().signal;
}

/** What a stream brings up to its end. */
export async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}
