// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  adoptProgram,
  OutputFile,
  type ProcessIdentity,
  type ProgramExit,
  readProcessStat,
  startProgram,
  watchExit,
} from '../../src/processes/index.ts';

const notLinux = process.platform !== 'linux';

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'output.log');
}

/** A program that somebody else starts, who ends at once: it is nobody's child here. */
async function orphan(script: string, file: OutputFile): Promise<ProcessIdentity> {
  const code = `
    const { openSync } = require('node:fs');
    const fd = openSync(process.argv[1], 'a');
    const child = require('node:child_process').spawn('sh', ['-c', process.argv[2]], { detached: true, stdio: ['ignore', fd, fd] });
    console.log(child.pid);
    process.exit(0);`;
  const middle = spawn(process.execPath, ['-e', code, file.path, script]);
  let said = '';
  middle.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await new Promise((resolve) => middle.once('close', resolve));
  const stat = readProcessStat(Number(said));
  if (stat === undefined) throw new Error(`no process ${said}`);
  onTestFinished(() => {
    try {
      process.kill(-stat.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  });
  return { pid: stat.pid, startTicks: stat.startTicks };
}

describe.skipIf(notLinux)('a program that somebody else started', () => {
  test('is followed: its output, and its end at once, with how it ended where the kernel tells', async () => {
    const file = new OutputFile(temporaryFile());
    const wait = `echo begun; while [ ! -e ${file.path}.go ]; do sleep 0.02; done; echo end; exit 3`;
    const program = adoptProgram(await orphan(wait, file), file);
    await expect.poll(() => program.lines()).toEqual(['begun']);
    let told = 0;
    program.onExit(() => {
      told += 1;
    });
    writeFileSync(`${file.path}.go`, '');
    const exit = await program.exited;
    // Nobody can tell on kernels before 6.15 once its parent has collected it.
    expect([3, null]).toContain(exit.status);
    expect([exit.signal, told, program.lines()]).toEqual([null, 1, ['begun', 'end']]);
    expect(await program.stop(0)).toEqual(exit);
    const killed = adoptProgram(await orphan('exec sleep 600', file), file);
    killed.signal('SIGKILL');
    expect(['SIGKILL', null]).toContain((await killed.exited).signal);
  });

  test('is stopped with its group, also when it ignores the signal', async () => {
    const file = new OutputFile(temporaryFile());
    const identity = await orphan('trap "" TERM; echo ready; while :; do sleep 0.05; done', file);
    const program = adoptProgram(identity, file);
    await expect.poll(() => program.lines()).toEqual(['ready']);
    const exit = await program.stop(10);
    expect(exit.status).toBeNull();
    expect(readProcessStat(identity.pid)?.state ?? 'Z').toBe('Z');
  });

  test('that has ended, or whose number is another process now, is told as ended, and nobody is signalled', async () => {
    const other = startProgram({ command: ['sleep', '600'] });
    onTestFinished(() => void other.stop(0));
    const { pid, startTicks } = other.identity ?? { pid: 0, startTicks: 0 };
    const file = new OutputFile(temporaryFile());
    const program = adoptProgram({ pid, startTicks: startTicks - 1 }, file);
    program.signal('SIGKILL');
    expect(await program.stop(0)).toEqual({ status: null, signal: null });
    expect(readProcessStat(pid)?.startTicks).toBe(startTicks);
  });

  test('is not looked after any more once it is released', async () => {
    const child = startProgram({ command: ['sleep', '600'] });
    const exits: ProgramExit[] = [];
    const end = watchExit(child.identity ?? { pid: 0, startTicks: 0 }, (exit) => exits.push(exit));
    end();
    end();
    await child.stop(0);
    expect(exits).toEqual([]);
  });
});

describe('a file of output', () => {
  test('has the last lines of this run only', () => {
    const path = temporaryFile();
    writeFileSync(path, 'of the run before\n');
    const file = new OutputFile(path, { linesMax: 2, lineCharactersMax: 5 });
    expect([file.from, file.lines()]).toEqual([18, []]);
    appendFileSync(path, 'one\ntwo\nthree hundred\nun');
    expect(file.lines()).toEqual(['three', 'un']);
    // Whoever comes later knows where the run began.
    expect(new OutputFile(path, { from: 18 }).lines()).toEqual(['one', 'two', 'three hundred', 'un']);
    rmSync(path);
    expect(file.lines()).toEqual([]);
  });

  test('is cut in its place at its bound, and what was in it is kept once', () => {
    const path = temporaryFile();
    const file = new OutputFile(path, { bytesMax: 10 });
    appendFileSync(path, 'abc\n');
    expect(file.bound()).toBe(false);
    appendFileSync(path, '0123456789\n');
    const { ino } = statSync(path);
    expect(file.bound()).toBe(true);
    expect([statSync(path).ino, statSync(path).size, file.from]).toEqual([ino, 0, 0]);
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('123456789\n');
    expect(file.lines()).toEqual([]);
    appendFileSync(path, 'on\n');
    expect(file.lines()).toEqual(['on']);
  });

  test.skipIf(notLinux)('is written by the program itself', async () => {
    const file = new OutputFile(temporaryFile());
    const program = startProgram({ command: ['sh', '-c', 'echo one; echo two >&2'], outputFile: file });
    await program.exited;
    expect(program.lines()).toEqual(['one', 'two']);
  });
});
