// SPDX-License-Identifier: Apache-2.0
import { type IncomingMessage, request } from 'node:http';

export type Target = { readonly socketPath: string } | { readonly host: string; readonly port: number };

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly json: unknown;
}

/** One request, by hand: paths and headers go out as they are given. */
export function ask(
  target: Target,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  const raw =
    options.body === undefined
      ? undefined
      : typeof options.body === 'string'
        ? options.body
        : JSON.stringify(options.body);
  const headers = {
    ...(raw === undefined ? {} : { 'content-type': 'application/json' }),
    ...options.headers,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...target, method, path, headers, agent: false }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('end', () => {
        const isJson =
          incoming.headers['content-type']?.startsWith('application/json') === true && text !== '';
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text,
          json: isJson ? JSON.parse(text) : undefined,
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(raw);
  });
}

/** An open stream; `next` waits for the next message. */
export class OpenStream {
  readonly status: number;
  readonly response: IncomingMessage;
  #text = '';
  readonly #messages: { event: string; id: string | undefined; data: unknown }[] = [];
  #waiting: ((message: { event: string; id: string | undefined; data: unknown }) => void) | undefined;

  private constructor(response: IncomingMessage) {
    this.response = response;
    this.status = response.statusCode ?? 0;
    response.setEncoding('utf8');
    response.on('error', () => undefined);
    response.on('data', (chunk: string) => this.#take(chunk));
  }

  static open(
    target: Target,
    path = '/v1/stream',
    headers: Record<string, string> = {},
  ): Promise<OpenStream> {
    return new Promise((resolve, reject) => {
      request({ ...target, path, headers, agent: false }, (response) => resolve(new OpenStream(response)))
        .on('error', reject)
        .end();
    });
  }

  next(): Promise<{ event: string; id: string | undefined; data: unknown }> {
    const first = this.#messages.shift();
    if (first !== undefined) return Promise.resolve(first);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  close(): void {
    this.response.destroy();
  }

  #take(chunk: string): void {
    this.#text += chunk;
    for (let end = this.#text.indexOf('\n\n'); end >= 0; end = this.#text.indexOf('\n\n')) {
      const fields = new Map(
        this.#text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      this.#text = this.#text.slice(end + 2);
      const data = fields.get('data');
      if (data === undefined) continue;
      const message = {
        event: fields.get('event') ?? '',
        id: fields.get('id'),
        data: JSON.parse(data) as unknown,
      };
      if (this.#waiting === undefined) this.#messages.push(message);
      else {
        this.#waiting(message);
        this.#waiting = undefined;
      }
    }
  }
}
