// SPDX-License-Identifier: Apache-2.0
import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { EtcdAddress } from '../addresses.ts';
import { connectFault, passwordOf, type StoreTls, tlsOf } from '../store-access.ts';
import { SharedStateError } from './shared-state-store.ts';

export interface EtcdLinkOptions {
  /** For one call, ms; default 5,000. */
  readonly answerMs?: number;
}

const ANSWER_MS = 5_000;
/** Of an answer; a page of entries is far below. */
const ANSWER_OCTETS_MAX = 32 * 1024 ** 2;
/** @see https://grpc.io/docs/guides/status-codes/ */
const RESOURCE_EXHAUSTED = 8;
const UNAUTHENTICATED = 16;

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/**
 * An etcd by its JSON gateway. A member that does not answer is left for the next one at the next call.
 * @see https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/
 */
export class EtcdLink {
  readonly #address: EtcdAddress;
  readonly #answerMs: number;
  readonly #agent: PlainAgent | TlsAgent;
  /** Of each host; empty: its files are read with the next call, as is so behind one that failed. */
  readonly #tls = new Map<string, StoreTls>();
  readonly #closing = new AbortController();
  /** Which of the hosts. */
  #at = 0;
  /** Null: not asked for yet, or not taken any more. */
  #token: string | null = null;

  constructor(address: EtcdAddress, { answerMs = ANSWER_MS }: EtcdLinkOptions = {}) {
    this.#address = address;
    this.#answerMs = answerMs;
    this.#agent = address.isTls ? new TlsAgent({ keepAlive: true }) : new PlainAgent({ keepAlive: true });
  }

  /** @param path `/v3/kv/txn` @throws SharedStateError */
  async call(path: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await this.#authorized(path, body);
    // Tokens end, and are lost where they are not signed.
    if (!isRefusedToken(answer) || this.#address.user === '') return this.#resultOf(answer);
    this.#token = null;
    return this.#resultOf(await this.#authorized(path, body));
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.#agent.destroy();
    return Promise.resolve();
  }

  async #authorized(path: string, body: unknown): Promise<Answer> {
    const { user: name, password: written, access } = this.#address;
    if (name !== '' && this.#token === null) {
      const password = this.#read(() => passwordOf(access, written));
      const { token } = this.#resultOf(await this.#post('/v3/auth/authenticate', { name, password }, null));
      this.#token = String(token);
    }
    return this.#post(path, body, this.#token);
  }

  async #post(path: string, body: unknown, token: string | null): Promise<Answer> {
    if (this.#closing.signal.aborted) throw closed();
    const { hosts, isTls } = this.#address;
    const at = this.#at;
    const { host, port } = hosts[at % hosts.length] as EtcdAddress['hosts'][number];
    const tls = isTls ? this.#read(() => this.#tlsOf(host)) : {};
    const octets = Buffer.from(JSON.stringify(body));
    const late = AbortSignal.timeout(this.#answerMs);
    try {
      return await new Promise<Answer>((resolve, reject) => {
        const send = isTls ? tlsRequest : plainRequest;
        const options = {
          ...tls,
          host,
          port,
          path,
          method: 'POST',
          agent: this.#agent,
          signal: AbortSignal.any([late, this.#closing.signal]),
          headers: {
            'Content-Type': 'application/json',
            'Content-Length': octets.length,
            ...(token === null ? {} : { Authorization: token }),
          },
        };
        const sent = send(options, (message) => {
          answerOf(message).then(resolve, reject);
        });
        sent.on('error', reject);
        sent.end(octets);
      });
    } catch (error) {
      if (this.#closing.signal.aborted) throw closed(error);
      this.#tls.clear();
      // Whoever is asked next.
      if (this.#at === at) this.#at = (at + 1) % hosts.length;
      const why = late.aborted
        ? `did not answer in ${this.#answerMs} ms`
        : connectFault(error as Error, this.#address.access);
      throw new SharedStateError('unavailable', `${host}:${port}: ${why}`, error);
    }
  }

  #tlsOf(host: string): StoreTls {
    const known = this.#tls.get(host);
    if (known !== undefined) return known;
    const tls = tlsOf(this.#address.access, host);
    this.#tls.set(host, tls);
    return tls;
  }

  /** What is in files of this host. @throws SharedStateError */
  #read<Result>(take: () => Result): Result {
    try {
      return take();
    } catch (error) {
      throw new SharedStateError('unavailable', `${this.#name}: ${(error as Error).message}`, error);
    }
  }

  /** The store, for whoever reads an error. */
  get #name(): string {
    return this.#address.hosts.map(({ host, port }) => `${host}:${port}`).join(', ');
  }

  /** @throws SharedStateError */
  #resultOf({ status, body }: Answer): Record<string, unknown> {
    if (status === 200) return body;
    const said = body['message'] ?? body['error'];
    const words = typeof said === 'string' ? said : `status ${status}`;
    const isFull = body['code'] === RESOURCE_EXHAUSTED && words.includes('space exceeded');
    throw new SharedStateError(isFull ? 'full' : 'unavailable', `${this.#name}: ${words}`);
  }
}

async function answerOf(message: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let octets = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    octets += chunk.length;
    if (octets > ANSWER_OCTETS_MAX) throw new Error(`an answer of more than ${ANSWER_OCTETS_MAX} octets`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // https://etcd.io/docs/v3.5/op-guide/authentication/#using-tls-common-name
    if (text.startsWith('CommonName'))
      throw new Error('an etcd with users takes no certificate with a common name; show it one without');
    throw new Error(`an answer ${message.statusCode} that is no JSON: ${text.slice(0, 100)}`);
  }
  if (typeof body !== 'object' || body === null) throw new Error('an answer that is no object');
  return { status: message.statusCode ?? 0, body: body as Record<string, unknown> };
}

function isRefusedToken({ status, body }: Answer): boolean {
  return status !== 200 && body['code'] === UNAUTHENTICATED;
}

function closed(cause?: unknown): SharedStateError {
  return new SharedStateError('closed', 'the store was closed', cause);
}
