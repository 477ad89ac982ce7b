// SPDX-License-Identifier: Apache-2.0
import type { Core } from '@vnfpool/core';
import {
  type Clock,
  CoreDriver,
  type DriverFault,
  type EffectHandlers,
  systemClock,
} from '@vnfpool/runtime/driver';
import { expect, test } from 'vitest';

class FakeClock implements Clock {
  now = 0;
  armed: { atMs: number; run: () => void }[] = [];
  nowMs = (): number => this.now;
  at(atMs: number, run: () => void): () => void {
    const entry = { atMs, run };
    this.armed.push(entry);
    return () => {
      this.armed = this.armed.filter((each) => each !== entry);
    };
  }
  advance(toMs: number): void {
    this.now = toMs;
    const due = this.armed.filter(({ atMs }) => atMs <= toMs);
    this.armed = this.armed.filter(({ atMs }) => atMs > toMs);
    for (const { run } of due) run();
  }
}

type Output =
  | { readonly type: 'send'; readonly what: string }
  | { readonly type: 'persist'; readonly what: string };

/** Gives back what it was told, and wakes up at its deadline. */
class EchoCore implements Core<readonly Output[], Output> {
  deadline: number | undefined;
  handled: number[] = [];
  handle(input: readonly Output[], nowMs: number): Output[] {
    this.handled.push(nowMs);
    if (input.some(({ what }) => what === 'throw')) throw new Error('core');
    return [...input];
  }
  expire(nowMs: number): Output[] {
    this.deadline = undefined;
    return [{ type: 'send', what: `expired at ${nowMs}` }];
  }
  nextDeadline(): number | undefined {
    return this.deadline;
  }
}

function rig(
  options: { inputsMax?: number; outputsMax?: number; effects?: Partial<EffectHandlers<Output>> } = {},
) {
  const core = new EchoCore();
  const clock = new FakeClock();
  const done: string[] = [];
  const writes: { finish: () => void; fail: (error: Error) => void }[] = [];
  const faults: DriverFault[] = [];
  const driver = new CoreDriver<readonly Output[], Output>({
    core,
    clock,
    effects: {
      send: ({ what }) => void done.push(what),
      persist: ({ what }) =>
        new Promise((resolve, reject) => {
          writes.push({
            finish: () => {
              done.push(`${what} on disk`);
              resolve();
            },
            fail: reject,
          });
        }),
      ...options.effects,
    },
    onFault: (fault) => faults.push(fault),
    ...(options.inputsMax === undefined ? {} : { inputsMax: options.inputsMax }),
    ...(options.outputsMax === undefined ? {} : { outputsMax: options.outputsMax }),
  });
  return { core, clock, done, writes, faults, driver };
}
const send = (what: string): Output => ({ type: 'send', what });
const persist = (what: string): Output => ({ type: 'persist', what });

test('carries out synchronous effects before submit returns', () => {
  const { driver, done } = rig();
  driver.submit([send('a'), send('b')]);
  expect(done).toEqual(['a', 'b']);
});

test('what follows a persist waits for the disk, also from later inputs and deadlines', async () => {
  const { driver, core, clock, done, writes } = rig();
  driver.submit([send('a'), persist('x'), send('b')]);
  driver.submit([send('c')]);
  core.deadline = 5;
  driver.submit([persist('y')]);
  clock.advance(5);
  expect(done).toEqual(['a']);
  // The core saw its inputs when they came.
  expect(core.handled).toEqual([0, 0, 0]);
  writes[0]?.finish();
  await Promise.resolve();
  await Promise.resolve();
  expect(done).toEqual(['a', 'x on disk', 'b', 'c']);
  const idle = driver.idle();
  await Promise.resolve();
  writes[1]?.finish();
  await idle;
  expect(done).toEqual(['a', 'x on disk', 'b', 'c', 'y on disk', 'expired at 5']);
});

test('an effect may submit; its input comes after what is under way', () => {
  const again: { submit?: (input: readonly Output[]) => boolean } = {};
  const seen: string[] = [];
  const { driver } = rig({
    effects: {
      send: ({ what }) => {
        seen.push(what);
        if (what === 'a') again.submit?.([send('from a')]);
      },
    },
  });
  again.submit = (input) => driver.submit(input);
  driver.submit([send('a'), send('b')]);
  expect(seen).toEqual(['a', 'b', 'from a']);
});

test('one timer is armed, always for the next deadline', () => {
  const { driver, core, clock, done } = rig();
  expect(clock.armed).toEqual([]);
  core.deadline = 10;
  driver.submit([]);
  expect(clock.armed.map(({ atMs }) => atMs)).toEqual([10]);
  const armed = clock.armed[0];
  driver.submit([]);
  expect(clock.armed[0]).toBe(armed);
  core.deadline = 7;
  driver.submit([]);
  expect(clock.armed.map(({ atMs }) => atMs)).toEqual([7]);
  clock.advance(8);
  expect(done).toEqual(['expired at 8']);
  expect(clock.armed).toEqual([]);
  core.deadline = 20;
  driver.submit([]);
  driver.stop();
  expect(clock.armed).toEqual([]);
});

test('a deadline that moves back costs no timer: the earlier one fires for nothing, and then the later is armed', () => {
  const { driver, core, clock, done } = rig();
  core.deadline = 10;
  driver.submit([]);
  const armed = clock.armed[0];
  core.deadline = 30;
  driver.submit([]);
  expect(clock.armed).toEqual([armed]);
  clock.advance(10);
  expect(done).toEqual([]);
  expect(clock.armed.map(({ atMs }) => atMs)).toEqual([30]);
  clock.advance(30);
  expect(done).toEqual(['expired at 30']);
});

test('at the bounds inputs wait, then are refused and counted', async () => {
  const { driver, core, done, writes, clock } = rig({ inputsMax: 2, outputsMax: 2 });
  driver.submit([persist('x'), send('1'), send('2')]);
  core.deadline = 1;
  expect(driver.submit([send('3')])).toBe(true);
  expect(driver.submit([send('4')])).toBe(true);
  expect(driver.submit([send('5')])).toBe(false);
  expect(driver.refusedInputs).toBe(1);
  expect(core.handled).toHaveLength(1);
  expect(clock.armed).toEqual([]);
  writes[0]?.finish();
  await driver.idle();
  expect(done).toEqual(['x on disk', '1', '2', '3', '4']);
  // The deadline was not forgotten.
  clock.advance(1);
  expect(done.at(-1)).toBe('expired at 1');
});

test.each([
  ['the core throws', [send('throw')], 'handle'],
  ['an effect throws', [send('a'), send('b')], 'effect'],
] as const)('%s: the driver stops and says so', (_, input, during) => {
  const { driver, faults } = rig({
    effects: {
      send: () => {
        throw new Error('effect');
      },
    },
  });
  driver.submit(input);
  expect(faults).toMatchObject([{ during, error: { message: during === 'handle' ? 'core' : 'effect' } }]);
  expect(driver.submit([])).toBe(false);
  expect(faults).toHaveLength(1);
});

test('a failing disk is a fault, and nothing after it happens', async () => {
  const { driver, faults, done, writes } = rig();
  driver.submit([persist('x'), send('promise')]);
  const idle = driver.idle();
  writes[0]?.fail(new Error('disk full'));
  await idle;
  await Promise.resolve();
  expect(faults).toMatchObject([{ during: 'effect', subject: { type: 'persist' }, pendingOutputs: 1 }]);
  expect(done).toEqual([]);
});

test('the system clock fires, not early, and can be called off', async () => {
  const clock = systemClock();
  const due = clock.nowMs() + 5;
  let off = false;
  const cancel = clock.at(due, () => {
    off = true;
  });
  cancel();
  await new Promise<void>((resolve) => {
    clock.at(due + 1, resolve);
  });
  expect(clock.nowMs()).toBeGreaterThanOrEqual(due);
  expect(off).toBe(false);
});
