// SPDX-License-Identifier: Apache-2.0
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { dirname } from 'node:path';
import type { ErrorView, List } from '@vnfpool/core/management';
import type { ApiEndpoint } from '@vnfpool/runtime/runtime-folder';
import { CliError, NotReachableError, RefusedError } from '../errors.ts';
import { EventStreamReader, type StreamMessage } from './event-stream.ts';

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** The server says something every 5 s; silence for longer means that it is paused or gone. */
const STREAM_SILENCE_MS_MAX = 20_000;

/** Who is asked, in words that help when nobody answers. */
export type Served = 'manager' | 'registrar' | 'node';

/** Talks to one management API, or to a registrar's views. Every failure is a `CliError` with the words that a person needs. */
export class ApiClient {
  readonly #endpoint: ApiEndpoint;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal;
  readonly #served: Served;

  /** @param timeoutMs how long an answer may stay away */
  constructor(endpoint: ApiEndpoint, timeoutMs: number, signal: AbortSignal, served: Served = 'manager') {
    this.#served = served;
    this.#endpoint = endpoint;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  async list<T>(path: string): Promise<readonly T[]> {
    return (await this.get<List<T>>(path)).items;
  }

  get<T>(path: string): Promise<T> {
    return this.#ask<T>('GET', path, undefined);
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#ask<T>('POST', path, body);
  }

  delete(path: string): Promise<void> {
    return this.#ask('DELETE', path, undefined);
  }

  /**
   * Reads GET /v1/stream until it ends, `signal` is aborted, or nobody reads any more.
   *
   * @throws NotReachableError also when the connection breaks in the middle
   */
  async *stream(path: string, signal: AbortSignal): AsyncGenerator<StreamMessage, void, undefined> {
    const both = AbortSignal.any([signal, this.#signal]);
    if (both.aborted) return;
    const reader = new EventStreamReader();
    try {
      const response = await this.#open('GET', path, undefined, both);
      if (response.statusCode !== 200) await this.#refuse(response);
      response.setTimeout(STREAM_SILENCE_MS_MAX, () => response.destroy(new Error('it has fallen silent')));
      response.setEncoding('utf8');
      for await (const chunk of response) yield* reader.push(chunk as string);
    } catch (error) {
      if (both.aborted) return;
      throw this.#explained(error);
    }
  }

  async #ask<T>(method: string, path: string, body: unknown): Promise<T> {
    try {
      const response = await this.#open(method, path, body, this.#signal);
      if ((response.statusCode ?? 500) >= 400) await this.#refuse(response);
      const text = await readText(response);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #open(method: string, path: string, body: unknown, signal: AbortSignal): Promise<IncomingMessage> {
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const token = this.#endpoint.kind === 'tcp' ? this.#endpoint.token : undefined;
    const options: RequestOptions = {
      ...(this.#endpoint.kind === 'unix'
        ? { socketPath: this.#endpoint.path }
        : { host: this.#endpoint.host, port: this.#endpoint.port }),
      method,
      path,
      headers: {
        ...(bytes === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': bytes.length }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      timeout: this.#timeoutMs,
      signal,
      agent: false,
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(options, resolve);
      outgoing.on('timeout', () =>
        outgoing.destroy(new Error(`no answer within ${this.#timeoutMs / 1_000} s`)),
      );
      outgoing.on('error', reject);
      outgoing.end(bytes);
    });
  }

  async #refuse(response: IncomingMessage): Promise<never> {
    const status = response.statusCode ?? 0;
    const { code, message, faults } = errorOf(await readText(response), status);
    // Whoever stands before the manager tells that the manager itself is gone.
    if (status === 502 || (status === 503 && code === 'unreachable')) throw this.#notReachable(message);
    if (status === 401) {
      throw new RefusedError(status, code, `${message} (set VNFPOOL_TOKEN to the token of this API)`, []);
    }
    throw new RefusedError(status, code, message, faults ?? []);
  }

  #explained(error: unknown): Error {
    if (error instanceof CliError) return error;
    if (this.#signal.aborted) return new CliError(1, 'stopped before an answer came');
    if (error instanceof SyntaxError || error instanceof RangeError) {
      return new CliError(1, `what answers at ${this.#where()} is no management API: ${error.message}`);
    }
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') {
      return new NotReachableError(
        `${this.#where()} may not be opened by this user: its set was started by another one`,
      );
    }
    return this.#notReachable(code ?? message);
  }

  #notReachable(why: string): NotReachableError {
    if (this.#served === 'registrar')
      return new NotReachableError(
        `no registrar answers at ${this.#where()}: ${why}\nits log is the standard error of where it was started, or with its service (journalctl)`,
      );
    if (this.#served === 'node')
      return new NotReachableError(`no node agent answers at ${this.#where()}: ${why}`);
    const log =
      this.#endpoint.kind === 'unix'
        ? `its log is ${dirname(this.#endpoint.path)}/manager.log where \`vnfpool up\` runs it, else with its service (journalctl)`
        : `its log is on that host: with its service (journalctl), or manager.log in the folder that \`vnfpool up\` printed`;
    return new NotReachableError(`the manager does not answer at ${this.#where()}: ${why}\n${log}`);
  }

  #where(): string {
    return this.#endpoint.kind === 'unix'
      ? `unix:${this.#endpoint.path}`
      : `http://${this.#endpoint.host}:${this.#endpoint.port}`;
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > ANSWER_BYTES_MAX) throw new RangeError(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function errorOf(text: string, status: number): ErrorView['error'] {
  try {
    const { error } = JSON.parse(text) as Partial<ErrorView>;
    if (typeof error?.message === 'string') return error;
  } catch {
    // Not ours: told below by its status.
  }
  return { code: 'unknown', message: `the answer was status ${status}` };
}
