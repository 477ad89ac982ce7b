// SPDX-License-Identifier: Apache-2.0
import type { ReplicationBound } from '@vnfpool/core/replication';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { octets, Pair } from './pair.ts';

/* Updates whose effect is held until all that may take over have them, though of others some may be lost. */

const BOUND: ReplicationBound = { updates: 1_000, acknowledgedBy: 0, overload: 'degrade', defers: true };

/** The holder, with who keeps the list beside it: it has whoever has caught up, until its removal is asked for. */
class Scene {
  readonly pair: Pair;
  readonly listed = new Set<number>();
  /** Keys of deferred updates, in their order; so many of them were let out. */
  readonly deferred: { readonly key: string; readonly sequence: number }[] = [];
  released = 0;
  #keys = 0;

  constructor(bound: Partial<ReplicationBound> = {}, standbys = 2) {
    this.pair = new Pair(
      { bound: { ...BOUND, ...bound } },
      Array.from({ length: standbys }, () => ({})),
    );
    this.pair.give({ type: 'list', standbys: [] });
  }

  defer(): void {
    const key = `k${this.#keys++}`;
    this.pair.give({ type: 'update', updates: [{ key, value: octets(1) }], isDeferred: true });
    for (const { sequence } of this.pair.take('taken')) this.deferred.push({ key, sequence });
    this.settle();
  }

  change(): void {
    this.pair.update(`plain${this.#keys++ % 5}`, this.#keys & 0xff);
    this.pair.take('taken');
    this.settle();
  }

  /** Does what is asked for, and takes what was let out. */
  settle(): void {
    for (const { sequence } of this.pair.take('confirmed')) this.released = Math.max(this.released, sequence);
    const [unlisted, fit] = [this.pair.take('unlist'), this.pair.take('caught-up')];
    for (const { standby } of fit) this.listed.add(standby);
    for (const { standby } of unlisted) this.listed.delete(standby);
    if (fit.length + unlisted.length === 0) return;
    this.pair.give({ type: 'list', standbys: [...this.listed] });
    this.settle();
  }

  /** Keys that were let out, and that this standby has not. */
  missing(standby: number): string[] {
    const { store } = this.pair.standby(standby);
    return this.deferred
      .filter(({ key, sequence }) => sequence <= this.released && store.get(key) === undefined)
      .map(({ key }) => key);
  }

  get isAllOut(): boolean {
    return this.deferred.every(({ sequence }) => sequence <= this.released);
  }
}

test('what is deferred is let out when all listed have it, and others of the bound are not waited for', () => {
  const scene = new Scene();
  for (const standby of [1, 2]) scene.pair.attach(standby);
  scene.settle();
  expect([...scene.listed]).toEqual([1, 2]);
  scene.pair.heldUp.add(2);
  scene.change();
  scene.defer();
  expect(scene.isAllOut).toBe(false);
  scene.pair.release(2);
  scene.settle();
  expect(scene.isAllOut).toBe(true);
});

test('without anybody listed it is let out at once, unless somebody has to acknowledge', () => {
  const [alone, asked] = [new Scene(), new Scene({ acknowledgedBy: 1 })];
  alone.defer();
  expect(alone.isAllOut).toBe(true);
  asked.defer();
  expect(asked.isAllOut).toBe(false);
  asked.pair.attach(1);
  asked.settle();
  expect(asked.isAllOut).toBe(true);
});

test('who stops answering is not waited for once it is off the list', () => {
  const scene = new Scene({}, 1);
  scene.pair.attach(1);
  scene.settle();
  scene.pair.heldUp.add(1);
  scene.defer();
  expect(scene.isAllOut).toBe(false);
  scene.pair.pass(400);
  scene.settle();
  expect([...scene.listed]).toEqual([]);
  expect(scene.isAllOut).toBe(true);
});

test('who is heard of again is not listed before it has what was let out without it', () => {
  const scene = new Scene({}, 1);
  scene.pair.attach(1);
  scene.settle();
  scene.pair.heldUp.add(1);
  scene.pair.pass(400);
  scene.settle();
  scene.defer();
  expect(scene.isAllOut).toBe(true);
  // A mark from before.
  scene.pair.releaseOne(1);
  scene.settle();
  expect([...scene.listed]).toEqual([]);
  // What follows waits for it, so that it catches up.
  scene.defer();
  expect(scene.isAllOut).toBe(false);
  scene.pair.release(1);
  scene.settle();
  expect([...scene.listed]).toEqual([1]);
  expect(scene.isAllOut).toBe(true);
});

test('at random: whoever is listed has all that was let out, and in the end all is', () => {
  const step = fc.oneof(
    fc.constant<(scene: Scene) => void>((scene) => scene.defer()),
    fc.constant<(scene: Scene) => void>((scene) => scene.change()),
    fc.integer({ min: 1, max: 3 }).map((standby) => (scene: Scene) => void scene.pair.heldUp.add(standby)),
    fc.integer({ min: 1, max: 3 }).map((standby) => (scene: Scene) => scene.pair.release(standby)),
    fc.integer({ min: 1, max: 3 }).map((standby) => (scene: Scene) => scene.pair.releaseOne(standby)),
    fc.integer({ min: 1, max: 3 }).map((standby) => (scene: Scene) => {
      // A new connection: what was on its way in the former one is gone.
      scene.pair.detach(standby);
      scene.pair.lose(standby);
      scene.pair.attach(standby);
    }),
    fc.integer({ min: 1, max: 3 }).map((standby) => (scene: Scene) => {
      scene.pair.detach(standby);
      scene.pair.lose(standby);
    }),
    fc.constantFrom(20, 400).map((ms) => (scene: Scene) => scene.pair.pass(ms)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const scene = new Scene({}, 3);
      for (const each of steps) {
        each(scene);
        scene.settle();
        for (const standby of scene.listed) expect(scene.missing(standby)).toEqual([]);
      }
      for (const standby of [1, 2, 3]) {
        scene.pair.detach(standby);
        scene.pair.lose(standby);
        scene.pair.attach(standby);
      }
      scene.settle();
      scene.defer();
      expect(scene.listed).toEqual(new Set([1, 2, 3]));
      expect(scene.isAllOut).toBe(true);
    }),
    { numRuns: 500 },
  );
});
