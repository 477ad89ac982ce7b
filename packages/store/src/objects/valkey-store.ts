// SPDX-License-Identifier: Apache-2.0
import { ValkeyLink } from '../valkey/link.ts';
import { checkName, checkObject, isName, type ObjectStore, ObjectStoreError } from './object-store.ts';

export interface ValkeyStoreOptions {
  /** For one call, and for connecting, ms; default 5,000. */
  readonly answerMs?: number;
}

const PREFIX = 'vnfpool:';
/** Keys that one step of a search looks at, about. */
const SEARCHED_AT_ONCE = '1000';

/**
 * Valkey, or a Redis: a hash for each folder, a field of it for each object. How durable a confirmed object is its own settings say
 * (`appendonly`, `appendfsync`).
 */
export class ValkeyStore implements ObjectStore {
  readonly #link: ValkeyLink;

  constructor(url: URL, options: ValkeyStoreOptions = {}) {
    this.#link = new ValkeyLink(url, {
      ...options,
      faultOf: (...fault) => new ObjectStoreError(...fault),
    });
  }

  async create(folder: string, name: string, octets: Uint8Array): Promise<boolean> {
    checkObject(octets);
    const created = await this.#link.call('HSETNX', keyOf(folder), checkName(name), Buffer.from(octets));
    return created === 1;
  }

  async read(folder: string, name: string): Promise<Uint8Array | null> {
    return (await this.#link.call('HGET', keyOf(folder), checkName(name))) as Buffer | null;
  }

  async list(folder: string): Promise<readonly string[]> {
    const names = (await this.#link.call('HKEYS', keyOf(folder))) as readonly Buffer[];
    return names.map((name) => name.toString('latin1')).sort();
  }

  async folders(): Promise<readonly string[]> {
    // A step may tell of a key once more.
    const names = new Set<string>();
    let cursor: Buffer | string = '0';
    do {
      const search = ['MATCH', `${PREFIX}*`, 'COUNT', SEARCHED_AT_ONCE] as const;
      const [next, keys] = (await this.#link.call('SCAN', cursor, ...search)) as [Buffer, Buffer[]];
      for (const key of keys) names.add(key.toString('latin1').slice(PREFIX.length));
      cursor = next;
    } while (cursor.toString('latin1') !== '0');
    return [...names].filter(isName).sort();
  }

  async remove(folder: string, names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#link.call('HDEL', keyOf(folder), ...names.map(checkName));
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

function keyOf(folder: string): string {
  return `${PREFIX}${checkName(folder)}`;
}
