// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import { CheckpointWriter, type CheckpointWriterOptions } from '@vnfpool/runtime/checkpoint';
import { MemoryObjects, type ObjectDisk, ObjectStoreError } from '@vnfpool/store/objects';

export const SLOT = '00000000000000a1';

export function entriesOf(
  state: Iterable<{ readonly key: string; readonly value: Uint8Array | null }>,
): string {
  const entries = Array.from(state, ({ key, value }) => `${key}=${value?.join('.')}`);
  return entries.sort().join(' ');
}

export function stateWith(entries: Readonly<Record<string, number>>): ReplicaStore {
  const state = new ReplicaStore();
  for (const [key, value] of Object.entries(entries)) state.update(key, Uint8Array.of(value));
  return state;
}

export function writerOf(
  disk: ObjectDisk,
  epoch: number,
  state: ReplicaStore,
  more: Partial<CheckpointWriterOptions> = {},
): CheckpointWriter {
  let wallMs = epoch * 1_000_000;
  return new CheckpointWriter({
    objects: new MemoryObjects(disk),
    slot: SLOT,
    epoch,
    node: epoch,
    state,
    wallMs: () => (wallMs += 1_000),
    ...more,
  });
}

/** Fails from some call on that changes it; the one at which it does may have come through. */
export class FailingObjects extends MemoryObjects {
  readonly #isThrough: boolean;
  #calls: number;

  constructor(disk: ObjectDisk, calls: number, isThrough: boolean) {
    super(disk);
    this.#calls = calls;
    this.#isThrough = isThrough;
  }

  /** It is well again. */
  heal(): void {
    this.#calls = Number.POSITIVE_INFINITY;
  }

  override create(folder: string, name: string, octets: Uint8Array): Promise<boolean> {
    return this.#change(() => super.create(folder, name, octets));
  }

  override remove(folder: string, names: readonly string[]): Promise<void> {
    // Half of them.
    const some = names.slice(0, names.length >> 1);
    return this.#change(
      () => super.remove(folder, names),
      () => super.remove(folder, some),
    );
  }

  async #change<Result>(run: () => Promise<Result>, half = run as () => Promise<unknown>): Promise<Result> {
    this.#calls -= 1;
    if (this.#calls >= 0) return run();
    if (this.#calls === -1 && this.#isThrough) await half();
    throw new ObjectStoreError('unavailable', 'it is gone');
  }
}

export function flip(disk: ObjectDisk, name: string, at: number, bit: number): void {
  const octets = disk.get(SLOT)?.get(name);
  if (octets === undefined) throw new Error(`${name} is not there`);
  const index = at % octets.length;
  octets[index] = (octets[index] ?? 0) ^ (1 << bit);
}
