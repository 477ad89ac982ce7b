// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { readProcessStat } from '@vnfpool/platform/processes';
import { createLogger } from '@vnfpool/runtime/logging';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startAnew, takeOver, waitingSuccessor } from '../../src/node/take-over.ts';

const missing = process.platform === 'linux' ? '' : 'processes are looked up in /proc';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/take-over-`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const ask = (text: string): void => writeFileSync(`${folder}/successor.json`, text);

describe.skipIf(missing !== '')(`taking an agent's place ${missing}`, () => {
  test('where none runs it has the lock at once, and what is left there is nobody’s', async () => {
    writeFileSync(`${folder}/handed-on.json`, '{}');
    const { lock, handedOn, formerEnded } = await takeOver(
      folder,
      createLogger({ component: 'test', level: 'silent' }),
    );
    expect(handedOn).toBeNull();
    await formerEnded();
    expect(() => startAnew(folder)).toThrow(`locked by process ${process.pid}`);
    lock?.release();
    expect(existsSync(`${folder}/handed-on.json`)).toBe(false);
  });

  test('a plain start lets nobody go on', () => {
    writeFileSync(`${folder}/handed-on.json`, '{}');
    const { lock, handedOn } = startAnew(folder);
    lock?.release();
    expect([handedOn, existsSync(`${folder}/handed-on.json`)]).toEqual([null, false]);
  });

  test('who has asked is the process that it says, as long as it lives', async () => {
    const child = spawn('sleep', ['60']);
    const stat = readProcessStat(child.pid ?? 0);
    const identity = { pid: child.pid, startTicks: stat?.startTicks };
    try {
      expect(waitingSuccessor(folder)).toBeNull();
      ask(JSON.stringify(identity));
      expect(waitingSuccessor(folder)).toEqual(identity);
      ask(JSON.stringify({ ...identity, startTicks: (stat?.startTicks ?? 0) + 1 }));
      expect(waitingSuccessor(folder)).toBeNull();
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    ask(JSON.stringify(identity));
    expect(waitingSuccessor(folder)).toBeNull();
  });

  test.each([
    ['nonsense', 'nonsense'],
    [
      'this very process',
      JSON.stringify({ pid: process.pid, startTicks: readProcessStat(process.pid)?.startTicks }),
    ],
    ['nobody', 'null'],
  ])('%s has not asked', (_, text) => {
    ask(text);
    expect(waitingSuccessor(folder)).toBeNull();
  });
});
