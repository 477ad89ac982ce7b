// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { CliIo } from '../../src/io.ts';
import { run } from '../../src/run.ts';

/* What is said wrongly is said so before a process is started. */

async function told(args: readonly string[], file = ''): Promise<readonly [code: number, err: string]> {
  let err = '';
  const io: CliIo = {
    env: {},
    uid: 0,
    colour: false,
    out: () => {},
    err: (text) => void (err += text),
    drained: () => Promise.resolve(),
    now: () => 0,
    readText: () => (file === '' ? Promise.reject(new Error('no such file')) : Promise.resolve(file)),
    readPieces: () => {
      throw new Error('not asked for');
    },
    signal: AbortSignal.abort(),
  };
  return [await run(['evaluate-state', ...args], io), err];
}

describe('evaluate-state', () => {
  test.each([
    [['--workload', 'dns'], "argument 'dns' is invalid"],
    [['--objective', 'best'], "argument 'best' is invalid"],
    [['--rate', '0'], 'It is a whole number from 1 to 100000.'],
    [['--keys', '1e3'], 'It is a whole number from 1 to 50000.'],
    [['--delay', '0.5ms'], 'It is a whole number of milliseconds up to 1000: 2ms.'],
    [['--mechanism', 'raft'], '--mechanism raft: there are none, replicate bounded,'],
    [['--recorded', 'x', '--size', '5'], '--size and --keys are not of a recording'],
  ])('%j: said wrongly', async (args, why) => {
    const [code, err] = await told(args);
    expect(code).toBe(2);
    expect(err).toContain(why);
  });

  test('a recording that cannot be read, or played', async () => {
    expect(await told(['--recorded', 'x'])).toEqual([1, expect.stringContaining('no such file')]);
    expect(await told(['--recorded', 'x'], '{}')).toEqual([1, expect.stringContaining('line 1: "at"')]);
  });

  test('given up before it began', async () => {
    const [code, err] = await told([]);
    expect([code, err]).toEqual([1, expect.stringContaining('given up; nothing is left behind')]);
  });
});
