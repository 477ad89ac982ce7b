// SPDX-License-Identifier: Apache-2.0
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionId } from '@vnfpool/core';
import type { FunctionRecord } from '@vnfpool/core/agent';
import { readProcessStat } from '@vnfpool/platform/processes';
import { ntpTimestamp, type SlotAssignment } from '@vnfpool/wire/mobility';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FunctionTable } from '../../src/node/function-table.ts';
import type { RunRecord } from '../../src/node/kept-function.ts';

const WEB = functionId(101);
const notLinux = process.platform !== 'linux';
const octets = new TextEncoder().encode('{"v":1,"kind":"process","command":["web"],"port":8080}');
const assignment: SlotAssignment = {
  v: 1,
  pool: 'web',
  name: 'web#1',
  slot: { id: '00000000000000aa', index: 0 },
  role: 'active',
  epoch: '7',
  addresses: ['192.0.2.1/24'],
  council: { generation: 0, number: 1, randomId: '0000000000000001' },
  ranking: [101],
};
const record: FunctionRecord = {
  name: 'web#1',
  octets,
  assignment,
  life: {
    phase: 'started',
    run: 3,
    incarnation: '00000000000000ff',
    healthy: true,
    restarts: 2,
    awaitsState: false,
    leaving: null,
  },
  transfer: { role: 'source', mode: 'move', peer: 11, token: '07'.repeat(16) },
};

/** A process that lives: we. */
function runRecord(over: Partial<RunRecord> = {}): RunRecord {
  const { startTicks } = readProcessStat(process.pid) ?? { startTicks: 0 };
  return {
    pid: process.pid,
    startTicks,
    run: 3,
    name: 'web_1.101.3',
    address: '192.0.2.11',
    port: 8080,
    startedMs: 12.5,
    bootTime: '17198220852581701255',
    folder: null,
    output: { path: '/tmp/web.log', from: 17 },
    ...over,
  };
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-table-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function open(folder: string, { machine = 'boot-1', wallMs = 1_800_000_000_000 } = {}) {
  const warnings: string[] = [];
  const table = FunctionTable.open({
    folder,
    machine,
    wallMs: () => wallMs,
    warn: (message) => void warnings.push(message),
  });
  onTestFinished(() => table.close());
  return { table, warnings };
}

/** A folder whose agent ended without a word, with one function. */
function left(run: RunRecord | null = runRecord()): string {
  const folder = temporary();
  const { table } = open(folder);
  table.keep(WEB, record);
  if (run) table.keepRun(WEB, run);
  table.close();
  return folder;
}

describe('a table of functions', () => {
  test('that is new has the boot time of now; the next agent finds it as it was', () => {
    const folder = left();
    const { table, warnings } = open(folder, { wallMs: 1_900_000_000_000 });
    expect(table.bootTime).toBe(ntpTimestamp(1_800_000_000_000));
    expect([table.isKept, warnings]).toEqual([true, []]);
    expect(table.left).toEqual([
      {
        functionId: WEB,
        record,
        run: runRecord(),
        specification: { v: 1, kind: 'process', command: ['web'], port: 8080 },
      },
    ]);
  });

  test.skipIf(notLinux)('tells processes that are as they were from others with their numbers', () => {
    expect([...open(left()).table.living.keys()]).toEqual([WEB]);
    const others = [
      null,
      runRecord({ startTicks: 1 }),
      // Of an earlier start: this one did not get to its process.
      runRecord({ run: 2 }),
      runRecord({ pid: 2 ** 22 + 1 }),
    ];
    for (const run of others) expect(open(left(run)).table.living.size).toBe(0);
  });

  test('forgets a function that is gone, and a run that nobody asked for', () => {
    const folder = left();
    const { table } = open(folder);
    table.keep(WEB, null);
    table.keepRun(WEB, runRecord());
    expect(open(folder).table.left).toEqual([]);
  });

  test('that ended in order is followed by a new one', () => {
    const folder = left();
    open(folder).table.end();
    const { table } = open(folder, { wallMs: 1_900_000_000_000 });
    expect(table.bootTime).toBe(ntpTimestamp(1_900_000_000_000));
    expect([table.isKept, table.left]).toEqual([false, []]);
  });

  test('is no more after a restart of the machine: nothing is adopted, whatever has its number now', () => {
    const folder = left();
    const { table } = open(folder, { machine: 'boot-2', wallMs: 1_900_000_000_000 });
    expect(table.bootTime).toBe(ntpTimestamp(1_900_000_000_000));
    expect([table.isKept, table.left]).toEqual([false, []]);
    expect(readdirSync(`${folder}/functions`)).toEqual(['table']);
    // A file that did not get to the disk is not looked at then.
    writeFileSync(`${folder}/functions/101.json`, '');
    expect(open(folder, { machine: 'boot-3' }).table.left).toEqual([]);
  });

  test('in a folder that was moved: its functions are ended by their label, which stays', () => {
    const folder = left();
    const { label } = open(folder).table;
    const moved = `${temporary()}/moved`;
    renameSync(folder, moved);
    const { table, warnings } = open(moved);
    expect([table.isKept, table.left, table.label]).toEqual([false, [], label]);
    expect(warnings).toEqual([expect.stringContaining(`was ${folder}: functions that still run are ended`)]);
  });

  test('in a folder that is a copy: functions of the other one are left alone', () => {
    const folder = left();
    const { label } = open(folder).table;
    const copy = `${temporary()}/copy`;
    cpSync(folder, copy, { recursive: true });
    const { table, warnings } = open(copy);
    expect([table.isKept, table.left]).toEqual([false, []]);
    expect(table.label).not.toBe(label);
    expect(warnings).toEqual([expect.stringContaining(`is a copy of ${folder}`)]);
    expect(open(folder).table.left).toHaveLength(1);
  });

  test('with a damaged file is an error that names it and says what to do; nothing is changed', () => {
    const folder = left();
    const file = `${folder}/functions/101.json`;
    const good = readFileSync(file, 'utf8');
    const written = JSON.parse(good) as Record<string, unknown>;
    const bad = [
      '',
      good.slice(0, 50),
      'null',
      '{}',
      JSON.stringify({ ...written, v: 2 }),
      JSON.stringify({ ...written, specification: 'bm8gSlNPTg==' }),
      JSON.stringify({ ...written, assignment: 'e30=' }),
      JSON.stringify({ ...written, life: { ...record.life, phase: 'asleep' } }),
      JSON.stringify({ ...written, life: { ...record.life, run: -1 } }),
      JSON.stringify({ ...written, run: { ...runRecord(), pid: 1 } }),
      JSON.stringify({ ...written, run: { ...runRecord(), pid: -1 } }),
      JSON.stringify({ ...written, run: { ...runRecord(), name: '../x' } }),
      JSON.stringify({ ...written, transfer: { role: 'judge', mode: null, peer: 1 } }),
    ];
    for (const text of bad) {
      writeFileSync(file, text);
      expect(() => open(folder), text).toThrow(
        /101\.json is damaged \(.*\); remove it to go on without that function/,
      );
      expect(readFileSync(file, 'utf8')).toBe(text);
    }
    writeFileSync(file, good);
    const head = `${folder}/functions/table`;
    for (const text of ['', 'x', '{}', '{"v":1,"bootTime":"no"}', 'null']) {
      writeFileSync(head, text);
      expect(() => open(folder), text).toThrow(/table is damaged \(.*\); remove the folder .*functions/);
    }
    expect(existsSync(file)).toBe(true);
  });

  test('where there is no room: told once, the functions go on, and it is written as soon as it can be', async () => {
    const folder = temporary();
    const { table, warnings } = open(folder);
    const blocked = `${folder}/functions/101.json.new`;
    // What root may write, too: a folder in the place of the file.
    mkdirSync(blocked);
    table.keep(WEB, record);
    table.keepRun(WEB, runRecord());
    expect(warnings).toEqual([expect.stringContaining('not kept for the next agent')]);
    rmSync(blocked, { recursive: true });
    await expect.poll(() => warnings.length, { timeout: 10_000 }).toBe(2);
    table.close();
    expect(open(folder).table.left).toMatchObject([{ record: { name: 'web#1' }, run: { run: 3 } }]);
  });
});
