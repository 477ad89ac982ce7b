// SPDX-License-Identifier: Apache-2.0
import { takeSharedState } from '@vnfpool/runtime/shared-state';
import {
  MemorySharedState,
  SharedStateError,
  type SlotClaim,
  type SlotWrite,
} from '@vnfpool/store/shared-state';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Holder, SLOT, textOf } from './holder.ts';

/** Fails calls as it is told, before or after they took effect. */
class Unsteady extends MemorySharedState {
  next: 'well' | 'before' | 'after' = 'well';

  override write(slot: string, claim: SlotClaim, write: SlotWrite): ReturnType<MemorySharedState['write']> {
    return this.#unsteady(() => super.write(slot, claim, write));
  }

  override claim(slot: string, claim: SlotClaim): ReturnType<MemorySharedState['claim']> {
    return this.#unsteady(() => super.claim(slot, claim));
  }

  async #unsteady<Result>(run: () => Promise<Result>): Promise<Result> {
    const fate = this.next;
    this.next = 'well';
    if (fate === 'before') throw new SharedStateError('unavailable', 'it is gone');
    const result = await run();
    if (fate === 'after') throw new SharedStateError('unavailable', 'the answer is gone');
    return result;
  }
}

type Act =
  | { readonly type: 'change'; readonly keys: readonly number[]; readonly isRemoval: boolean }
  | { readonly type: 'write'; readonly fate: Unsteady['next'] }
  | { readonly type: 'stale' }
  | { readonly type: 'lose' }
  | { readonly type: 'next' };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('change' as const),
      keys: fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 8 }),
      isRemoval: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      fate: fc.constantFrom('well' as const, 'before' as const, 'after' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'stale' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'lose' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'next' as const }) },
);

test('what is read is a state that the holder had, none older than what was confirmed, whatever fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(60, 400, 1_000_000),
      async (acts, updates, windowOctets) => {
        const disk = new Unsteady(new Map(), { updates });
        let epoch = 1;
        let holder = await Holder.begin(disk, { epoch, node: epoch }, windowOctets);
        let stale: Holder | null = null;
        let value = 0;
        /** States of this holder by sequence. */
        let had = new Map([[holder.state.sequence, holder.text]]);
        let hasLost = false;
        for (const each of acts)
          switch (each.type) {
            case 'change':
              for (const key of each.keys) {
                holder.change({ [`k${key}`]: each.isRemoval ? null : String((value += 1)) });
                had.set(holder.state.sequence, holder.text);
              }
              break;
            case 'write':
              disk.next = each.fate;
              await holder.writer.write().catch((error: Error) => {
                expect(error).toBeInstanceOf(SharedStateError);
              });
              disk.next = 'well';
              // Until all of it is there again.
              hasLost &&= holder.writer.mark === '' || disk.disk.get(SLOT)?.mark !== holder.writer.mark;
              break;
            case 'stale': {
              if (stale === null) break;
              const before = structuredClone(disk.disk);
              stale.change({ k0: 'stale' });
              const isGone = disk.disk.size === 0;
              const tried = await stale.writer.write().catch((error: Error) => error);
              if (isGone) hasLost = true;
              else {
                expect(tried).toMatchObject({ name: 'SharedStateSuperseded' });
                expect(disk.disk).toEqual(before);
              }
              break;
            }
            case 'lose':
              disk.disk.clear();
              hasLost = true;
              break;
            case 'next': {
              const confirmed = holder.writer.sequence;
              const found = await takeSharedState(disk, SLOT, { epoch: epoch + 1, node: epoch + 1 });
              expect(found.damage).toBe('');
              if (!hasLost && found.mark?.state !== 'midway') {
                expect(found.mark?.sequence ?? 0).toBeGreaterThanOrEqual(confirmed);
                expect(textOf(found.store)).toEqual(had.get(found.mark?.sequence ?? 0));
              }
              stale = holder;
              epoch += 1;
              hasLost = false;
              holder = await Holder.begin(disk, { epoch, node: epoch }, windowOctets);
              had = new Map([[holder.state.sequence, holder.text]]);
              break;
            }
          }
        while (!holder.writer.isDone) await holder.writer.write();
        await holder.drain();
        const last = await takeSharedState(disk, SLOT, { epoch: epoch + 1, node: 0 });
        expect(textOf(last.store)).toEqual(holder.text);
        expect(last.mark).toMatchObject({ state: 'whole', epoch, sequence: holder.state.sequence });
      },
    ),
    { numRuns: 400 },
  );
});
