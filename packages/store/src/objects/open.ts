// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { FolderStore } from './folder-store.ts';
import { type ObjectStore, ObjectStoreError } from './object-store.ts';
import { databaseOf, ValkeyStore } from './valkey-store.ts';

/**
 * The store at this address: `file:///folder`, `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, `redis+unix:///socket[?db=N]`.
 * Nothing is opened yet. @throws ObjectStoreError `address`
 */
export function openObjectStore(address: string): ObjectStore {
  const fault = storeAddressFault(address);
  if (fault !== null) throw new ObjectStoreError('address', fault);
  const url = new URL(address);
  return url.protocol === 'file:' ? new FolderStore(fileURLToPath(url)) : new ValkeyStore(url);
}

/** What is wrong with the address of a store; null: nothing. */
export function storeAddressFault(address: string): string | null {
  const kinds = 'must be file:///folder, redis://host:port/db, rediss:// or redis+unix:///socket';
  if (!URL.canParse(address)) return kinds;
  const url = new URL(address);
  switch (url.protocol) {
    case 'file:':
      if (url.host !== '') return 'must name a folder of this host: file:///folder, with three slashes';
      return url.pathname.length > 1 ? null : kinds;
    case 'redis:':
    case 'rediss:':
      if (url.hostname === '') return kinds;
      return Number.isNaN(databaseOf(url)) ? 'must end with the number of a database: /0' : null;
    case 'redis+unix:':
      if (url.host !== '' || url.pathname.length < 2) return kinds;
      return Number.isNaN(databaseOf(url)) ? 'must name its database by a number: ?db=0' : null;
    default:
      return kinds;
  }
}
