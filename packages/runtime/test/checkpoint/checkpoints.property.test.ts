// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import { type CheckpointWriter, readCheckpoints } from '@vnfpool/runtime/checkpoint';
import { MemoryObjects, type ObjectDisk } from '@vnfpool/store/objects';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entriesOf, FailingObjects, flip, SLOT, writerOf } from './slot-state.ts';

type Step =
  | { readonly type: 'set'; readonly key: string; readonly value: number; readonly length: number }
  | { readonly type: 'remove'; readonly key: string }
  | { readonly type: 'write' }
  | { readonly type: 'take-over' };

const key = fc.constantFrom('a', 'b', 'c', 'd');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('set' as const),
      key,
      value: fc.nat(255),
      // A few make more than one piece.
      length: fc.constantFrom(1, 1, 1, 65_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), key }) },
  { weight: 4, arbitrary: fc.constant({ type: 'write' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'take-over' as const }) },
);
const steps = fc.array(step, { minLength: 1, maxLength: 60 });

interface Life {
  readonly disk: ObjectDisk;
  /** Every state that was written, or was to be, the latest last. */
  readonly had: string[];
  /** Of the last that was written for certain. */
  certain: number;
}

/** What holders do one after the other, until their store fails. */
async function live(run: readonly Step[], objectsOf: (disk: ObjectDisk) => MemoryObjects): Promise<Life> {
  const disk: ObjectDisk = new Map();
  const objects = objectsOf(disk);
  const life: Life = { disk, had: [''], certain: 0 };
  let state = new ReplicaStore({ removedLeast: 2 });
  let epoch = 1;
  let writer: CheckpointWriter = writerOf(disk, epoch, state, { objects });
  const write = async (): Promise<void> => {
    life.had.push(entriesOf(state));
    await writer.write();
    life.certain = life.had.length - 1;
  };
  try {
    for (const each of run) {
      if (each.type === 'set') state.update(each.key, new Uint8Array(each.length).fill(each.value));
      else if (each.type === 'remove') state.update(each.key, null);
      else if (each.type === 'write') await write();
      else {
        await write();
        epoch += 1;
        const next = new ReplicaStore();
        writer = writerOf(disk, epoch, next, { objects });
        await writer.claim();
        const kept = await readCheckpoints(objects, SLOT, epoch);
        expect(entriesOf(kept.store)).toBe(entriesOf(state));
        state = kept.store;
        writer = writerOf(disk, epoch, state, { objects });
        writer.begin(kept.start);
      }
    }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ObjectStoreError') throw error;
  }
  return life;
}

test('wherever it ends, what is read is a state that was to be written, and none older than the last that was', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(60), fc.boolean(), async (run, calls, isThrough) => {
      const { disk, had, certain } = await live(run, (at) => new FailingObjects(at, calls, isThrough));
      const { store, damaged } = await readCheckpoints(new MemoryObjects(disk), SLOT);
      expect(damaged).toEqual([]);
      expect(had.slice(certain)).toContain(entriesOf(store));
    }),
    { numRuns: 300 },
  );
});

test('a store that fails for a while loses nothing of what is written later', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(20), fc.boolean(), async (run, calls, isThrough) => {
      const disk: ObjectDisk = new Map();
      const objects = new FailingObjects(disk, calls, isThrough);
      const state = new ReplicaStore();
      const writer = writerOf(disk, 1, state, { objects });
      for (const each of run) {
        if (each.type === 'set') state.update(each.key, new Uint8Array(each.length).fill(each.value));
        else if (each.type === 'remove') state.update(each.key, null);
        else await writer.write().catch(() => objects.heal());
      }
      objects.heal();
      await writer.write();
      const { store, damaged } = await readCheckpoints(new MemoryObjects(disk), SLOT);
      expect(damaged).toEqual([]);
      expect(entriesOf(store)).toBe(entriesOf(state));
    }),
    { numRuns: 200 },
  );
});

test('octets that were changed are found: what is read is a state that was written, and what is missing is told', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), fc.nat(), fc.nat(7), async (run, which, at, bit) => {
      const { disk, had } = await live(run, (on) => new MemoryObjects(on));
      const names = [...(disk.get(SLOT)?.keys() ?? [])];
      if (names.length === 0) return;
      const whole = entriesOf((await readCheckpoints(new MemoryObjects(disk), SLOT)).store);
      flip(disk, names[which % names.length] ?? '', at, bit);
      const { store, damaged, isNewest } = await readCheckpoints(new MemoryObjects(disk), SLOT);
      expect(had).toContain(entriesOf(store));
      if (entriesOf(store) === whole) return;
      expect(damaged).toHaveLength(1);
      expect(isNewest).toBe(false);
    }),
    { numRuns: 300 },
  );
});
