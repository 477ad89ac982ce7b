// SPDX-License-Identifier: Apache-2.0
import type { RedisClientType } from '@redis/client';
import { within } from '../within.ts';

export interface ValkeyLinkOptions {
  /** For one call, and for connecting, ms; default 5,000. */
  readonly answerMs?: number;
  /** What a call rejects with, in the words of whoever calls. */
  readonly faultOf: (code: 'unavailable' | 'full' | 'closed', message: string, cause?: unknown) => Error;
}

const ANSWER_MS = 5_000;

type Client = Pick<RedisClientType, 'sendCommand' | 'destroy'>;
export type ValkeyReply = Buffer | number | null | readonly ValkeyReply[];

/** A refusal that the store itself has answered, under its code: `NOSCRIPT`, `OOM`. */
export class ValkeyRefusal extends Error {
  override readonly name = 'ValkeyRefusal';
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** A connection to a Valkey, or a Redis: opened by the first call, and anew by the first one after it broke. */
export class ValkeyLink {
  readonly #url: URL;
  readonly #answerMs: number;
  readonly #faultOf: ValkeyLinkOptions['faultOf'];
  #client: Promise<Client> | null = null;
  #isClosed = false;

  constructor(url: URL, { answerMs = ANSWER_MS, faultOf }: ValkeyLinkOptions) {
    this.#url = url;
    this.#answerMs = answerMs;
    this.#faultOf = faultOf;
  }

  /** @throws what `faultOf` makes */
  async call(...command: (string | Buffer)[]): Promise<ValkeyReply> {
    try {
      return await this.ask(...command);
    } catch (error) {
      throw error instanceof ValkeyRefusal ? this.faultOf(error) : error;
    }
  }

  /** A refusal in the words of whoever calls. */
  faultOf({ message, cause }: ValkeyRefusal): Error {
    // Within a script it is not the first word.
    const isFull = /\bOOM\b/.test(message);
    return this.#faultOf(isFull ? 'full' : 'unavailable', message, cause);
  }

  /** As `call`, for callers who know what a refusal means. @throws ValkeyRefusal, and what `faultOf` makes */
  async ask(...command: (string | Buffer)[]): Promise<ValkeyReply> {
    if (this.#isClosed) throw this.#closed();
    this.#client ??= this.#connect();
    const opening = this.#client;
    const calling = opening.then((client) => client.sendCommand(command));
    try {
      const late = (): Error => new Error(`the store did not answer in ${this.#answerMs} ms`);
      return (await within(this.#answerMs, calling, late)) as unknown as ValkeyReply;
    } catch (error) {
      calling.catch(() => undefined);
      if (this.#isClosed) throw this.#closed(error);
      const { message } = error as Error;
      const [code = ''] = message.split(' ', 1);
      if (/^[A-Z]{3,}$/.test(code)) throw new ValkeyRefusal(code, message, error);
      // Of anything but an answer it is not known whether later answers would belong to later calls.
      this.#drop(opening);
      throw this.#faultOf('unavailable', message, error);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const client = this.#client;
    this.#client = null;
    (await client?.catch(() => undefined))?.destroy();
  }

  #closed(cause?: unknown): Error {
    return this.#faultOf('closed', 'the store was closed', cause);
  }

  #drop(opening: Promise<Client>): void {
    if (this.#client === opening) this.#client = null;
    opening.then(
      (client) => client.destroy(),
      () => undefined,
    );
  }

  async #connect(): Promise<Client> {
    // Only where there is such a store.
    const { createClient, RESP_TYPES } = await import('@redis/client');
    const { protocol, hostname, port, username, password } = this.#url;
    const timing = { connectTimeout: this.#answerMs, reconnectStrategy: false } as const;
    const socket =
      protocol === 'redis+unix:'
        ? { path: decodeURIComponent(this.#url.pathname), tls: false as const }
        : {
            host: hostname.replace(/^\[(.*)\]$/, '$1'),
            port: Number(port || 6379),
            ...(protocol === 'rediss:' ? { tls: true as const } : {}),
          };
    const client = createClient({
      socket: { ...socket, ...timing },
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      database: databaseOf(this.#url),
      disableOfflineQueue: true,
      commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    });
    // Whoever calls next hears of it.
    client.on('error', () => undefined);
    await client.connect();
    return client as unknown as Client;
  }
}

/** Of `redis://…/3` or `redis+unix:///run/valkey.sock?db=3`; NaN: neither. */
export function databaseOf({ protocol, pathname, searchParams }: URL): number {
  const written = protocol === 'redis+unix:' ? (searchParams.get('db') ?? '') : pathname.slice(1);
  return written === '' ? 0 : /^[0-9]{1,5}$/.test(written) ? Number(written) : Number.NaN;
}
