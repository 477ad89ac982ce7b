// SPDX-License-Identifier: Apache-2.0
import { checkName, checkObject, type ObjectStore, ObjectStoreError } from './object-store.ts';

/** What several {@link MemoryObjects} share, and what outlives them. By folder, then by name. */
export type ObjectDisk = Map<string, Map<string, Uint8Array>>;

/** A store in memory, for tests: what is told of it is true of the others. */
export class MemoryObjects implements ObjectStore {
  readonly disk: ObjectDisk;
  #isClosed = false;

  constructor(disk: ObjectDisk = new Map()) {
    this.disk = disk;
  }

  async create(folder: string, name: string, octets: Uint8Array): Promise<boolean> {
    checkName(name);
    checkObject(octets);
    const objects = this.#folder(folder) ?? new Map<string, Uint8Array>();
    this.disk.set(folder, objects);
    if (objects.has(name)) return false;
    objects.set(name, octets.slice());
    return true;
  }

  async read(folder: string, name: string): Promise<Uint8Array | null> {
    return this.#folder(folder)?.get(checkName(name))?.slice() ?? null;
  }

  async list(folder: string): Promise<readonly string[]> {
    return [...(this.#folder(folder)?.keys() ?? [])].sort();
  }

  async folders(): Promise<readonly string[]> {
    if (this.#isClosed) throw new ObjectStoreError('closed', 'the store was closed');
    return [...this.disk.keys()].sort();
  }

  async remove(folder: string, names: readonly string[]): Promise<void> {
    for (const name of names) this.#folder(folder)?.delete(checkName(name));
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #folder(folder: string): Map<string, Uint8Array> | undefined {
    if (this.#isClosed) throw new ObjectStoreError('closed', 'the store was closed');
    return this.disk.get(checkName(folder));
  }
}
