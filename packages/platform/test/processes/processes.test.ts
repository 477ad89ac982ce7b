// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { FakeClocks } from '../../src/fakes/index.ts';
import {
  createLoadSampler,
  isAlive,
  OutputRecorder,
  parseProcessStat,
  readProcessStat,
  startProgram,
} from '../../src/processes/index.ts';

const notLinux = process.platform !== 'linux';

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within 10 s: ${what}`);
    await pause(1);
  }
}

describe.skipIf(notLinux)('programs', () => {
  test('run with command, environment and directory, and tell their exit', async () => {
    const program = startProgram({
      command: ['sh', '-c', 'pwd; echo "$GREETING"; echo wrong >&2; exit 3'],
      environment: { GREETING: 'hello', PATH: '/usr/bin:/bin' },
      directory: '/',
    });
    expect(await program.exited).toEqual({ status: 3, signal: null });
    await until('the output', () => program.lines().length === 3);
    expect([...program.lines()].toSorted()).toEqual(['/', 'hello', 'wrong']);
    let late = false;
    program.onExit(() => {
      late = true;
    });
    expect(late).toBe(true);
    expect(await program.stop(10)).toEqual({ status: 3, signal: null });
  });

  test('that cannot be run are told as such', async () => {
    const direct = startProgram({ command: ['/no/such/program'], diesWithUs: false });
    expect(direct.identity).toBeUndefined();
    expect(await direct.exited).toMatchObject({
      status: null,
      failure: expect.stringContaining('ENOENT') as string,
    });
    expect(await direct.stop(10)).toMatchObject({ status: null });
    const wrapped = startProgram({ command: ['/no/such/program'] });
    if (wrapped.diesWithUs) expect(await wrapped.exited).toEqual({ status: 127, signal: null });
  });

  test('stop on a signal', async () => {
    const program = startProgram({ command: ['sleep', '1000'] });
    expect(await program.stop(10_000)).toEqual({ status: null, signal: 'SIGTERM' });
  });

  test('are killed with their whole group when they do not stop', async () => {
    const program = startProgram({
      command: [
        'sh',
        '-c',
        'trap "" TERM; sh -c \'trap "" TERM; echo child $$; while :; do sleep 1; done\' & wait; wait; wait',
      ],
    });
    await until('the child', () => program.lines().some((line) => line.startsWith('child')));
    const child = readProcessStat(Number(program.lines()[0]?.split(' ')[1]));
    if (child === undefined || program.identity === undefined) throw new Error('not there');
    expect(isAlive(child)).toBe(true);
    expect(await program.stop(20)).toEqual({ status: null, signal: 'SIGKILL' });
    await until('the child to end', () => !isAlive(child));
    expect(isAlive(program.identity)).toBe(false);
  });

  test('leave nothing of their group when they end by themselves and are stopped then', async () => {
    const program = startProgram({ command: ['sh', '-c', 'sleep 1000 & echo child $!'] });
    await program.exited;
    await until('the child', () => program.lines().length === 1);
    const child = readProcessStat(Number(program.lines()[0]?.split(' ')[1]));
    if (child === undefined) throw new Error('not there');
    expect(isAlive(child)).toBe(true);
    await program.stop(10);
    await until('the child to end', () => !isAlive(child));
  });

  test('that were stopped by SIGSTOP are killed after the grace', async () => {
    const program = startProgram({ command: ['sleep', '1000'] });
    program.signal('SIGSTOP');
    // Both signals at once: the kernel would deliver SIGTERM first.
    await until('the stop', () => readProcessStat(program.identity?.pid ?? 0)?.state === 'T');
    expect(await program.stop(20)).toEqual({ status: null, signal: 'SIGKILL' });
  });

  test('die with whoever started them, when setpriv is there', async () => {
    const probe = startProgram({ command: ['true'] });
    await probe.exited;
    if (!probe.diesWithUs) return;
    // The middle one stands for us: it starts sleep as startProgram does, and is killed.
    const script = `
      const child = require('node:child_process').spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'sleep', '1000'], { detached: true });
      console.log(child.pid);`;
    const middle = spawn(process.execPath, ['-e', script]);
    let output = '';
    middle.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await until('the grandchild', () => output.includes('\n'));
    const pid = Number(output);
    await until('setpriv to hand over', () => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sleep');
    const child = readProcessStat(pid);
    if (child === undefined) throw new Error('not there');
    middle.kill('SIGKILL');
    await until('the kernel to end it', () => !isAlive(child));
  });
});

describe('the state of a process', () => {
  test('is read behind a name with spaces and brackets', () => {
    const line = '42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 123456 1000 10 184467';
    expect(parseProcessStat(line)).toEqual({
      pid: 42,
      parentPid: 1,
      state: 'S',
      cpuMs: 2000,
      startTicks: 123456,
    });
    expect(parseProcessStat('42 (a')).toBeUndefined();
    expect(parseProcessStat('')).toBeUndefined();
  });

  test.skipIf(notLinux)('tells a reused number from the same process', () => {
    const self = readProcessStat(process.pid);
    if (self === undefined) throw new Error('not there');
    expect(isAlive(self)).toBe(true);
    expect(isAlive({ ...self, startTicks: self.startTicks + 1 })).toBe(false);
    expect(readProcessStat(0x7ffffffe)).toBeUndefined();
  });

  test.skipIf(notLinux)('load is the share of processor time between two samples', () => {
    const self = readProcessStat(process.pid);
    if (self === undefined) throw new Error('not there');
    const clocks = new FakeClocks();
    const sampler = createLoadSampler(self, clocks);
    expect(sampler.sample()).toBe(0);
    const before = readProcessStat(process.pid)?.cpuMs ?? 0;
    while ((readProcessStat(process.pid)?.cpuMs ?? 0) < before + 100);
    clocks.advance(1e9);
    const share = sampler.sample();
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1e-3);
    expect(createLoadSampler({ pid: process.pid, startTicks: 1 }, clocks).sample()).toBe(0);
  });
});

describe('recorded output', () => {
  test('keeps the last lines, cut to their bound, streams apart', () => {
    const output = new OutputRecorder({ linesMax: 3, lineCharactersMax: 5 });
    output.take('out', Buffer.from('one\ntw'));
    output.take('error', Buffer.from('bad'));
    output.take('out', Buffer.from('o\n0123456789\n'));
    expect(output.lines).toEqual(['two', '01234', 'bad']);
    output.take('out', Buffer.from('a\nb\n'));
    expect(output.lines).toEqual(['a', 'b', 'bad']);
  });

  test('keeps characters that come in two pieces', () => {
    const output = new OutputRecorder();
    const bytes = Buffer.from('grün\n');
    output.take('out', bytes.subarray(0, 3));
    output.take('out', bytes.subarray(3));
    expect(output.lines).toEqual(['grün']);
  });

  test('a log file stays within its bound, with one older file', () => {
    const directory = mkdtempSync(join(tmpdir(), 'output-'));
    const logPath = join(directory, 'web.log');
    const output = new OutputRecorder({ logPath, logBytesMax: 100 });
    for (let line = 0; line < 50; line++) output.take('out', Buffer.from(`line ${line}\n`));
    output.take('out', Buffer.alloc(1000, 'x'));
    output.close();
    expect(readdirSync(directory).toSorted()).toEqual(['web.log', 'web.log.1']);
    expect(statSync(logPath).size).toBe(100);
    expect(statSync(`${logPath}.1`).size).toBeLessThanOrEqual(100);
    expect(readFileSync(`${logPath}.1`, 'utf8')).toContain('line 49');
    expect(output.logFailure).toBeUndefined();
    rmSync(directory, { recursive: true });
    expect(() => new OutputRecorder({ logPath })).toThrow(/ENOENT/);
  });
});
