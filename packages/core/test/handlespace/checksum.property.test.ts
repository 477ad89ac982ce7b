// SPDX-License-Identifier: Apache-2.0
import { Handlespace } from '@vnfpool/core/handlespace';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { PoolElement } from '@vnfpool/wire/parameters';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from './seeded-random.ts';

const element = (id: number, homeRegistrar: number): PoolElement => ({
  id,
  homeRegistrar,
  registrationLife: 60,
  userTransport: { type: 'tcp', port: 80, address: '10.0.0.1' },
  policy: { type: 'random' },
});

/** As the RFC tells it: write all blocks down, add the words up with end-around carry, complement. */
function fresh(space: Handlespace, owner: number): number {
  let sum = 0;
  for (const { pool, element: one } of space.elements()) {
    if (one.homeRegistrar !== owner) continue;
    const padded = Math.ceil(pool.handle.length / 4) * 4;
    const block = new Uint8Array(padded + 4);
    block.set(pool.handle);
    const view = new DataView(block.buffer);
    view.setUint32(padded, one.id);
    for (let at = 0; at < block.length; at += 2) {
      sum += view.getUint16(at);
      if (sum > 0xffff) sum -= 0xffff;
    }
  }
  return 0xffff - sum;
}

const handle = fc.uint8Array({ minLength: 1, maxLength: 9 });
const home = fc.integer({ min: 1, max: 3 });
// Few identifiers, so that they meet; extreme ones, so that sums come to both forms of zero.
const id = fc.constantFrom(1, 2, 0xffff, 0x10000, 0xffff0000, 0xffffffff, 0xaaaa0001);

test('the checksum kept along is the one computed afresh, after any changes', () => {
  fc.assert(
    fc.property(
      fc.array(handle, { minLength: 1, maxLength: 4 }),
      fc.array(
        fc.oneof(
          { weight: 5, arbitrary: fc.record({ set: id, in: fc.nat(3), home }) },
          { weight: 3, arbitrary: fc.record({ remove: id, in: fc.nat(3) }) },
          fc.record({ from: home, to: home }),
        ),
        { maxLength: 80 },
      ),
      (handles, steps) => {
        const space = new Handlespace(seededRandom(1));
        const at = (index: number): Uint8Array => handles[index % handles.length] ?? new Uint8Array([1]);
        for (const step of steps) {
          if ('set' in step) space.set(at(step.in), element(step.set, step.home));
          else if ('remove' in step) space.delete(at(step.in), step.remove);
          else space.transfer(step.from, step.to);
        }
        for (const owner of [1, 2, 3]) expect(space.checksum(owner)).toBe(fresh(space, owner));
        const counts = [1, 2, 3].map((owner) => space.ownedCount(owner));
        expect(counts.reduce((sum, count) => sum + count)).toBe(space.elementCount);
        for (const owner of [1, 2, 3]) {
          const owned = [...space.owned(owner)];
          expect(owned.every((one) => one.element.homeRegistrar === owner)).toBe(true);
          expect(owned.length).toBe(space.ownedCount(owner));
        }
      },
    ),
  );
});

test('and after a million random changes', () => {
  const limits = { elementsPerPoolMax: 4096 };
  const [space, random] = [new Handlespace(seededRandom(1), { limits }), seededRandom(5)];
  const handles = ['a', 'abc', 'a longer name'].map((name) => encodeUtf8(name));
  for (let change = 0; change < 1_000_000; change++) {
    const bits = random.u32();
    const name = handles[bits % 3] ?? new Uint8Array([1]);
    const one = ((bits >>> 2) % 1000) * 0x418937 + 1;
    if (bits >>> 31 === 0) space.set(name, element(one, 1 + ((bits >>> 20) % 3)));
    else space.delete(name, one);
  }
  for (const owner of [1, 2, 3]) expect(space.checksum(owner)).toBe(fresh(space, owner));
  expect(space.elementCount).toBeGreaterThan(100);
});
