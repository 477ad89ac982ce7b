// SPDX-License-Identifier: Apache-2.0
import type { RedisClientType } from '@redis/client';
import { accessOf, connectFault, passwordOf, type StoreAccess, tlsOf } from '../store-access.ts';
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

/** A connection, from its first octet on. */
interface Opening {
  /** @throws ConnectError */
  readonly client: Promise<Client>;
  /** Ends it, also while it is being opened: a store that says nothing would keep it for ever. */
  readonly drop: () => void;
}

/** A connection to a Valkey, or a Redis: opened by the first call, and anew by the first one after it broke. */
export class ValkeyLink {
  readonly #url: URL;
  readonly #access: StoreAccess;
  /** The store, for whoever reads an error: never with the password. */
  readonly #name: string;
  readonly #answerMs: number;
  readonly #faultOf: ValkeyLinkOptions['faultOf'];
  #opening: Opening | null = null;
  #isClosed = false;

  constructor(url: URL, { answerMs = ANSWER_MS, faultOf }: ValkeyLinkOptions) {
    this.#url = url;
    this.#access = accessOf(url.search.slice(1));
    this.#name = isLocal(url) ? decodeURIComponent(url.pathname) : `${url.hostname}:${portOf(url)}`;
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
    return this.#faultOf(isFull ? 'full' : 'unavailable', `${this.#name}: ${message}`, cause);
  }

  /** As `call`, for callers who know what a refusal means. @throws ValkeyRefusal, and what `faultOf` makes */
  async ask(...command: (string | Buffer)[]): Promise<ValkeyReply> {
    if (this.#isClosed) throw this.#closed();
    this.#opening ??= this.#connect();
    const opening = this.#opening;
    const calling = opening.client.then((client) => client.sendCommand(command));
    try {
      const late = (): Error => new Error(`did not answer in ${this.#answerMs} ms`);
      return (await within(this.#answerMs, calling, late)) as unknown as ValkeyReply;
    } catch (error) {
      calling.catch(() => undefined);
      if (this.#isClosed) throw this.#closed(error);
      if (error instanceof ConnectError) {
        this.#drop(opening);
        throw this.#faultOf('unavailable', `${this.#name}: ${error.message}`, error.cause);
      }
      const { message } = error as Error;
      const [code = ''] = message.split(' ', 1);
      if (/^[A-Z]{3,}$/.test(code)) throw new ValkeyRefusal(code, message, error);
      // Of anything but an answer it is not known whether later answers would belong to later calls.
      this.#drop(opening);
      throw this.#faultOf('unavailable', `${this.#name}: ${message}`, error);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const opening = this.#opening;
    this.#opening = null;
    opening?.drop();
    await opening?.client.catch(() => undefined);
  }

  #closed(cause?: unknown): Error {
    return this.#faultOf('closed', 'the store was closed', cause);
  }

  #drop(opening: Opening): void {
    if (this.#opening === opening) this.#opening = null;
    opening.drop();
  }

  #connect(): Opening {
    const over = new AbortController();
    const client = this.#open(over.signal).catch((error: unknown) => {
      throw new ConnectError(connectFault(error as Error, this.#access), error);
    });
    return { client, drop: () => over.abort() };
  }

  /** @param over when it is not wanted any more, whether it is there by then or not */
  async #open(over: AbortSignal): Promise<Client> {
    // Only where there is such a store.
    const { createClient, RESP_TYPES } = await import('@redis/client');
    const url = this.#url;
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const password = passwordOf(this.#access, decodeURIComponent(url.password));
    const timing = { connectTimeout: this.#answerMs, reconnectStrategy: false } as const;
    const socket = isLocal(url)
      ? { path: decodeURIComponent(url.pathname), tls: false as const }
      : {
          host,
          port: portOf(url),
          ...(url.protocol === 'rediss:' ? { tls: true as const, ...tlsOf(this.#access, host) } : {}),
        };
    const client = createClient({
      socket: { ...socket, ...timing },
      ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
      ...(password === '' ? {} : { password }),
      database: databaseOf(url),
      disableOfflineQueue: true,
      commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    });
    // Whoever calls next hears of it.
    client.on('error', () => undefined);
    const drop = (): void => client.destroy();
    // Behind what came too early to find a socket, too.
    client.on('connect', () => {
      if (over.aborted) drop();
    });
    over.throwIfAborted();
    over.addEventListener('abort', drop, { once: true });
    await client.connect();
    return client as unknown as Client;
  }
}

/** No connection came about: the next call tries again, also where the store itself has refused. */
class ConnectError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
  }
}

function isLocal({ protocol }: URL): boolean {
  return protocol === 'redis+unix:';
}

function portOf({ port }: URL): number {
  return Number(port || 6379);
}

/** Of `redis://…/3` or `redis+unix:///run/valkey.sock?db=3`; NaN: neither. */
export function databaseOf({ protocol, pathname, searchParams }: URL): number {
  const written = protocol === 'redis+unix:' ? (searchParams.get('db') ?? '') : pathname.slice(1);
  return written === '' ? 0 : /^[0-9]{1,5}$/.test(written) ? Number(written) : Number.NaN;
}
