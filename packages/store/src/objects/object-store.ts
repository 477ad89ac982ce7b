// SPDX-License-Identifier: Apache-2.0

/**
 * Octets under names, in folders, outside of the set: what several nodes can read, and what outlives all of them. Nothing is ever changed in
 * place: an object is created once, whole or not at all, and whoever comes second is told so. All that needs a decision
 * between nodes is made of that.
 */
export interface ObjectStore {
  /**
   * Resolves when it is durable as far as the store promises that; false: there is one of this name already. One that rejects may have come through
   * all the same, and whoever reads sees it whole then.
   * @throws ObjectStoreError
   */
  create(folder: string, name: string, octets: Uint8Array): Promise<boolean>;
  /** Null: there is none. @throws ObjectStoreError */
  read(folder: string, name: string): Promise<Uint8Array | null>;
  /** Names, ascending; of a folder that nobody has written, none. @throws ObjectStoreError */
  list(folder: string): Promise<readonly string[]>;
  /** Folders that somebody has written, ascending; one whose objects are all gone may be among them. @throws ObjectStoreError */
  folders(): Promise<readonly string[]>;
  /** Those that are there; the others are no error. @throws ObjectStoreError */
  remove(folder: string, names: readonly string[]): Promise<void>;
  /** What is under way is rejected, or comes through. */
  close(): Promise<void>;
}

/**
 * - `unavailable`: the store does not answer, or not in time; it may be well again later
 * - `full`: it has no room · `address`: it cannot be one of ours · `closed`: this end was closed
 */
export type ObjectStoreErrorCode = 'unavailable' | 'full' | 'address' | 'closed';

export class ObjectStoreError extends Error {
  override readonly name: string = 'ObjectStoreError';
  readonly code: ObjectStoreErrorCode;

  constructor(code: ObjectStoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Octets of one object. */
export const OBJECT_BYTES_MAX: number = 4 * 1024 ** 2;

const NAME = /^[a-z0-9][a-z0-9-]{0,99}$/;

/** Whether it can be the name of a folder or an object: a store may have others, of whoever else uses it. */
export function isName(name: string): boolean {
  return NAME.test(name);
}

/** @throws RangeError for what no store takes */
export function checkName(name: string): string {
  if (!NAME.test(name)) throw new RangeError(`${name} is not a name of an object`);
  return name;
}

/** @throws RangeError for what no store takes */
export function checkObject(octets: Uint8Array): Uint8Array {
  if (octets.length > OBJECT_BYTES_MAX) throw new RangeError(`an object of ${octets.length} octets`);
  return octets;
}
