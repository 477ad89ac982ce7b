// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { objectStoreFault, storeAddressFault } from '../addresses.ts';
import { FolderStore } from './folder-store.ts';
import { type ObjectStore, ObjectStoreError } from './object-store.ts';
import { ValkeyStore } from './valkey-store.ts';

/**
 * The store at this address: `file:///folder`, `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, `redis+unix:///socket[?db=N]`.
 * Nothing is opened yet. @throws ObjectStoreError `address`
 */
export function openObjectStore(address: string): ObjectStore {
  const fault = storeAddressFault(address) ?? objectStoreFault(address);
  if (fault !== null) throw new ObjectStoreError('address', fault);
  const url = new URL(address);
  return url.protocol === 'file:' ? new FolderStore(fileURLToPath(url)) : new ValkeyStore(url);
}
