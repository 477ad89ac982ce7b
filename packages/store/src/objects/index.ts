// SPDX-License-Identifier: Apache-2.0

export { objectStoreFault, storeAddressFault } from '../addresses.ts';
export { FolderStore, type FolderStoreOptions } from './folder-store.ts';
export { MemoryObjects, type ObjectDisk } from './memory-objects.ts';
export {
  OBJECT_BYTES_MAX,
  type ObjectStore,
  ObjectStoreError,
  type ObjectStoreErrorCode,
} from './object-store.ts';
export { openObjectStore } from './open.ts';
export { ValkeyStore, type ValkeyStoreOptions } from './valkey-store.ts';
