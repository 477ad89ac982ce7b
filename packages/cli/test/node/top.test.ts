// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeFunctionsView } from '@vnfpool/daemons/node';
import { startStatusServer } from '@vnfpool/runtime/status';
import { expect, onTestFinished, test } from 'vitest';
import { type CliIo, run } from 'vnfpool';

const usage = {
  processors: 0.48,
  cpuMs: 1_000,
  throttledMs: 300,
  memoryBytes: 50 << 20,
  memoryPeakBytes: 60 << 20,
  memoryKills: 0,
  processes: 3,
  threads: 5,
  refusedStarts: 0,
  load: 1,
  loadAverage: 0.25,
  diskReadBytes: 0,
  diskWrittenBytes: 2_048,
  receivedBitsPerSecond: 80_000,
  sentBitsPerSecond: null,
};
const view: NodeFunctionsView = {
  node: { id: 1, name: 'a' },
  groups: '/sys/fs/cgroup/vnfpool.t',
  kinds: { process: null, netns: null, container: 'crun cannot be run' },
  functions: [
    {
      functionId: 101,
      name: 'web#1',
      pid: 77,
      upMs: 65_000,
      restarts: 2,
      limits: { processors: 0.5, memoryBytes: 64 << 20, processes: 32 },
      usage,
    },
    { functionId: 102, name: 'evil\u001b[31m#2', pid: null, upMs: 0, restarts: 0, limits: {}, usage: null },
  ],
};

/** Agents of a set that `up` would run, each with its socket; and the command beside them. */
async function bench(nodes: Readonly<Record<string, () => unknown>>) {
  const base = mkdtempSync(join(tmpdir(), 'vnfpool-cli-'));
  const folder = join(base, 'edge');
  mkdirSync(folder, { mode: 0o700 });
  const servers = [await startStatusServer(join(folder, 'api.sock'), {})];
  for (const [name, answer] of Object.entries(nodes))
    servers.push(
      await startStatusServer(join(folder, name, 'agent.sock'), {
        '/v1/functions': () => ({ json: answer() }),
      }),
    );
  onTestFinished(async () => {
    await Promise.all(servers.map((server) => server.close()));
    rmSync(base, { recursive: true, force: true });
  });
  const top = async (args: readonly string[], part: Partial<CliIo> = {}) => {
    let [out, err] = ['', ''];
    const io: CliIo = {
      env: { VNFPOOL_RUNTIME_DIR: base },
      uid: process.getuid?.() ?? 0,
      colour: false,
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
      drained: () => Promise.resolve(),
      now: () => 0,
      readText: () => Promise.resolve(''),
      readPieces: () => {
        throw new Error('nothing to read');
      },
      signal: new AbortController().signal,
      ...part,
    };
    const code = await run(['node', 'top', ...args], io);
    const failure = code === 0 ? null : err.trim().split('\n').at(-1)?.replace('vnfpool: ', '');
    return { out, err, failure };
  };
  return { folder, run: top };
}

test('once, without a terminal: a line a function, of every node that runs here', async () => {
  const { run } = await bench({
    a: () => view,
    b: () => ({ ...view, node: { id: 2, name: 'b' }, functions: [] }),
  });
  const { out, err, failure } = await run([]);
  expect([err, failure]).toEqual(['', null]);
  expect(out.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
    'FUNCTION | NODE | CPU | MEMORY | PROCESSES | LOAD | IN | OUT | UP | RESTARTS | LIMITS',
    'web#1 | a | 48% | 50 MiB | 3 | 0.25 | 80 kbit/s | - | 65s | 2 | 0.5 cpu, 64 MiB, 32 processes',
    'evil#2 | a | - | - | - | - | - | - | 0s | 0 | -',
    '',
  ]);
});

test('--json is what the agents told; --node and --state choose one', async () => {
  const b = { ...view, node: { id: 2, name: 'b' } };
  const { run, folder } = await bench({ a: () => view, b: () => b });
  expect(JSON.parse((await run(['--json'])).out)).toEqual({ nodes: [view, b] });
  expect(JSON.parse((await run(['--json', '--node', 'b'])).out)).toEqual({ nodes: [b] });
  expect(JSON.parse((await run(['--json', '--state', join(folder, 'a')])).out)).toEqual({ nodes: [view] });
  expect((await run(['--node', 'c'])).failure).toBe('no node c runs here (running: a, b)');
});

test('a node that does not answer is named, and the others are shown; none at all is a failure', async () => {
  const failing = (): never => {
    throw new Error('no figures');
  };
  const { run } = await bench({ a: failing, b: () => view });
  const { out, err, failure } = await run([]);
  expect(out).toContain('web#1');
  expect(err).toMatch(/^vnfpool: a: /);
  expect(failure).toBeNull();
  expect((await run(['--node', 'a'])).failure).toBe('no node agent answers');
  expect((await run(['--state', '/no/such/folder'])).err).toContain(
    'no node agent answers at unix:/no/such/folder/agent.sock',
  );
});

test('on a terminal again and again until it is stopped; the cursor comes back', async () => {
  const ending = new AbortController();
  let asked = 0;
  const { run } = await bench({
    a: () => {
      if (++asked === 3) ending.abort();
      return view;
    },
  });
  const { out, failure } = await run(['--every', '1ms'], {
    terminal: true,
    colour: true,
    signal: ending.signal,
  });
  expect(failure).toBeNull();
  expect(asked).toBe(3);
  expect(out.startsWith('\u001b[?25l\u001b[H\u001b[J')).toBe(true);
  expect(out.match(/web#1/g)).toHaveLength(2);
  expect(out.endsWith('\u001b[?25h')).toBe(true);
  // 48 of 50 percent: near its limit.
  expect(out).toContain('\u001b[31m48%');
});
