// SPDX-License-Identifier: Apache-2.0
import type { RedisClientType } from '@redis/client';
import { checkName, checkObject, type ObjectStore, ObjectStoreError } from './object-store.ts';
import { within } from './within.ts';

export interface ValkeyStoreOptions {
  /** For one call, and for connecting, ms; default 5,000. */
  readonly answerMs?: number;
}

const ANSWER_MS = 5_000;
const PREFIX = 'vnfpool:';

type Client = Pick<RedisClientType, 'sendCommand' | 'destroy'>;
type Reply = Buffer | number | null | readonly Reply[];

/**
 * Valkey, or a Redis: a hash for each folder, a field of it for each object. How durable a confirmed object is its own settings say
 * (`appendonly`, `appendfsync`).
 */
export class ValkeyStore implements ObjectStore {
  readonly #url: URL;
  readonly #answerMs: number;
  /** Opened by the first call, and anew by the first one after it broke. */
  #client: Promise<Client> | null = null;
  #isClosed = false;

  constructor(url: URL, { answerMs = ANSWER_MS }: ValkeyStoreOptions = {}) {
    this.#url = url;
    this.#answerMs = answerMs;
  }

  async create(folder: string, name: string, octets: Uint8Array): Promise<boolean> {
    checkObject(octets);
    return (await this.#call('HSETNX', keyOf(folder), checkName(name), Buffer.from(octets))) === 1;
  }

  async read(folder: string, name: string): Promise<Uint8Array | null> {
    return (await this.#call('HGET', keyOf(folder), checkName(name))) as Buffer | null;
  }

  async list(folder: string): Promise<readonly string[]> {
    const names = (await this.#call('HKEYS', keyOf(folder))) as readonly Buffer[];
    return names.map((name) => name.toString('latin1')).sort();
  }

  async remove(folder: string, names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#call('HDEL', keyOf(folder), ...names.map(checkName));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const client = this.#client;
    this.#client = null;
    (await client?.catch(() => undefined))?.destroy();
  }

  async #call(...command: (string | Buffer)[]): Promise<Reply> {
    if (this.#isClosed) throw new ObjectStoreError('closed', 'the store was closed');
    this.#client ??= this.#connect();
    const opening = this.#client;
    const calling = opening.then((client) => client.sendCommand(command));
    try {
      return (await within(this.#answerMs, calling)) as unknown as Reply;
    } catch (error) {
      calling.catch(() => undefined);
      if (this.#isClosed) throw new ObjectStoreError('closed', 'the store was closed', error);
      const answer = answerOf(error as Error);
      // Of anything but an answer it is not known whether later answers would belong to later calls.
      if (answer === null) this.#drop(opening);
      throw answer ?? new ObjectStoreError('unavailable', (error as Error).message, error);
    }
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

function keyOf(folder: string): string {
  return `${PREFIX}${checkName(folder)}`;
}

/** What the store itself has answered; null: it has not. */
function answerOf(error: Error): ObjectStoreError | null {
  const [code = ''] = error.message.split(' ', 1);
  if (!/^[A-Z]{3,}$/.test(code)) return null;
  return new ObjectStoreError(code === 'OOM' ? 'full' : 'unavailable', error.message, error);
}
