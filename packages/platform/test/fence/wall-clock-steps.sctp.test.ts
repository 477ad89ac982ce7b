// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNftFence } from '../../src/fence/index.ts';
import type { Clocks } from '../../src/interfaces.ts';
import { createNamespace, inNamespace } from '../../src/namespaces/index.ts';
import {
  clocks,
  createOf,
  FenceRig,
  type Form,
  type LabFence,
  LONG_MS,
  WEB,
  whyNoPrograms,
} from '../support/fence-rig.ts';
import { labMissing, until } from '../support/lab.ts';
import { SteppedWallClock, wallClockMissing } from '../support/wall-clock.ts';

/* The wall clock is set under an open fence, in a kernel of our own. */

const HOUR_MS = 3_600_000;
/** Longer than anything between two looks at a fence takes in that machine. */
const LEASE_MS = 3_000;
/** What the tick of a kernel whose processor is shared may come too late: a tenth of what a step would add. */
const LATE_MS = 200;
const EVERYTHING = ['in4', 'out4', 'in6', 'out6'];

const missing = wallClockMissing || labMissing;
const noTables = missing || whyNoTables();
const noPrograms = missing || whyNoPrograms();

/** Debian's user-mode kernel has nftables for bridges alone, see scripts/nft-module.mjs. */
function whyNoTables(): string {
  const home = createNamespace();
  try {
    inNamespace(home.fd, () => createNftFence({ interfaces: ['lo'], clocks }).dispose());
    return '';
  } catch (error) {
    return `no nftables: ${String(error)}`;
  } finally {
    home.close();
  }
}

/** A fence of a form in a rig, and a wall clock that is put right behind each test. */
function stage(form: Form): {
  readonly wallClock: SteppedWallClock;
  /** @returns its end */
  readonly open: (leaseMs: number) => number;
  readonly passing: () => Promise<string[]>;
  /** Looks until nothing passes, and sees that nothing did past the end. */
  readonly closesBy: (endMs: number) => Promise<void>;
  /** As by a process that stands still between reading the clocks and writing, until past the end; `meanwhile` it does. */
  readonly openLate: (leaseMs: number, meanwhile: () => void) => number;
} {
  const wallClock = new SteppedWallClock();
  let rig: FenceRig;
  let fence: LabFence;
  let pause: (() => void) | undefined;
  const pausing: Clocks = {
    wallMs: () => clocks.wallMs(),
    // The last of the two that is read.
    boottimeMs: () => {
      const reading = clocks.boottimeMs();
      const now = pause;
      pause = undefined;
      now?.();
      return reading;
    },
  };
  const openUntil = (endMs: number): number => {
    fence.openUntil(new Map([['web', endMs]]));
    return endMs;
  };

  beforeEach(async () => {
    rig = new FenceRig();
    fence = rig.on('a', () => createOf(form, { clocks: pausing }));
    fence.guard([WEB]);
    openUntil(clocks.boottimeMs() + LONG_MS);
    await rig.acquaint();
    fence.close('web');
    expect(await rig.passing()).toEqual([]);
  });

  afterEach(() => {
    wallClock.putRight();
    fence.dispose();
    rig.close();
    expect(Math.abs(wallClock.wrongByMs)).toBeLessThan(LATE_MS);
  });

  return {
    wallClock,
    open: (leaseMs) => openUntil(clocks.boottimeMs() + leaseMs),
    passing: () => rig.passing(),
    closesBy: async (endMs) => {
      for (;;) {
        const lookedAtMs = clocks.boottimeMs();
        if ((await rig.passing()).length === 0) return;
        expect(lookedAtMs).toBeLessThan(endMs + LATE_MS);
      }
    },
    openLate: (leaseMs, meanwhile) => {
      const endMs = clocks.boottimeMs() + leaseMs;
      pause = () => {
        while (clocks.boottimeMs() <= endMs);
        meanwhile();
      };
      openUntil(endMs);
      expect(pause).toBeUndefined();
      return endMs;
    },
  };
}

describe.skipIf(noTables !== '')(`a stepped wall clock and the fence by nft ${noTables}`, () => {
  const { wallClock, open, openLate, passing, closesBy } = stage('nft');

  test.each([
    { step: 'forwards', byMs: HOUR_MS },
    { step: 'back', byMs: -HOUR_MS },
  ])(
    'an hour $step: closed at once, open by the next renewal, and closed with its lease',
    async ({ byMs }) => {
      open(LONG_MS);
      expect(await passing()).toEqual(EVERYTHING);
      wallClock.step(byMs);
      expect(await passing()).toEqual([]);
      const endMs = open(LEASE_MS);
      expect(await passing()).toEqual(EVERYTHING);
      await closesBy(endMs);
    },
  );

  test('back by less than has passed, within the interval: the timeout closes it with its lease', async () => {
    const startMs = clocks.boottimeMs();
    const endMs = open(LEASE_MS);
    await until('two thirds of the lease', () => clocks.boottimeMs() > startMs + (2 * LEASE_MS) / 3);
    // By its interval it would be open for so much longer.
    wallClock.step(-LEASE_MS / 2);
    expect(await passing()).toEqual(EVERYTHING);
    await closesBy(endMs);
  });

  test('set to within the interval when the lease is over: closed all the same', async () => {
    const endMs = open(LEASE_MS);
    wallClock.step(-HOUR_MS);
    await until('the end of the lease', () => clocks.boottimeMs() > endMs + LATE_MS);
    wallClock.step(HOUR_MS - LEASE_MS / 2 - LATE_MS);
    expect(await passing()).toEqual([]);
  });

  test.each([
    { step: 'no step', byMs: 0 },
    { step: 'a step forwards', byMs: HOUR_MS },
    { step: 'a step back by more than the lease', byMs: -HOUR_MS },
  ])(
    'computed before a pause, and written after it, with $step between: arrives closed',
    async ({ byMs }) => {
      openLate(LEASE_MS, () => wallClock.step(byMs));
      expect(await passing()).toEqual([]);
      open(LONG_MS);
      expect(await passing()).toEqual(EVERYTHING);
    },
  );

  test('a pause and a step back over it: open past the end, as its guarantee says, for the length of a lease at most', async () => {
    const endMs = openLate(LEASE_MS, () => wallClock.step(-LEASE_MS));
    const writtenMs = clocks.boottimeMs();
    expect(await passing()).toEqual(EVERYTHING);
    expect(clocks.boottimeMs()).toBeGreaterThan(endMs);
    await closesBy(writtenMs + LEASE_MS);
  });
});

// Alone: nftables beneath them closes as above.
describe.skipIf(noPrograms !== '')(`a stepped wall clock and the programs of the fence ${noPrograms}`, () => {
  const { wallClock, open, openLate, passing, closesBy } = stage('programs');

  test.each([
    { step: 'forwards', byMs: HOUR_MS },
    { step: 'back', byMs: -HOUR_MS },
  ])('an hour $step: open until the end of the lease, and no longer', async ({ byMs }) => {
    const endMs = open(LEASE_MS);
    wallClock.step(byMs);
    expect(await passing()).toEqual(EVERYTHING);
    await closesBy(endMs);
    expect(clocks.boottimeMs()).toBeGreaterThan(endMs);
  });

  test.each([
    { step: 'no step', byMs: 0 },
    { step: 'a step forwards', byMs: HOUR_MS },
    { step: 'a step back over it', byMs: -LEASE_MS },
  ])(
    'computed before a pause, and written after it, with $step between: arrives closed',
    async ({ byMs }) => {
      openLate(LEASE_MS, () => wallClock.step(byMs));
      expect(await passing()).toEqual([]);
    },
  );
});
