// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionId } from '@vnfpool/core';
import type { AgentInput, FunctionRecord } from '@vnfpool/core/agent';
import { createLinuxClocks } from '@vnfpool/platform/clocks';
import { isAlive, readProcessStat } from '@vnfpool/platform/processes';
import { silentLogger } from '@vnfpool/runtime/logging';
import { encodeFunctionSpecification, type FunctionSpecification } from '@vnfpool/wire/mobility';
import { describe, expect, onTestFinished, test } from 'vitest';
import { adoptFunctions } from '../../src/node/adopt-functions.ts';
import { functionGroupsOf } from '../../src/node/function-groups.ts';
import { FunctionHost } from '../../src/node/function-host.ts';
import { FunctionNetworks } from '../../src/node/function-networks.ts';
import { FunctionTable } from '../../src/node/function-table.ts';
import { refusedAt } from './limit-cases.ts';

/* Hosts that come and go over functions of this machine, with the groups, counters and networks that it has. */

const ID = functionId(101);
const patient = { timeout: 30_000 };
const noLinux = process.platform === 'linux' ? '' : ' [processes are looked up in /proc]';
const processes = noLinux || (await refusedAt('auto', { processes: 12 }));
const networks = FunctionNetworks.open('probe');
const noNetworks = typeof networks === 'string' ? ` [${networks}]` : '';

/** What agents of one folder do, one after the other. */
class Node {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'vnfpool-adopt-'));
  readonly where: string;
  given: AgentInput[] = [];
  warnings: string[] = [];
  #end: () => Promise<void> = () => Promise.resolve();

  constructor(where = 'auto') {
    this.where = where;
    onTestFinished(async () => {
      await this.#end();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** The next agent: its host, and what it has found. */
  async open() {
    this.given = [];
    this.warnings = [];
    const clocks = createLinuxClocks();
    const warn = (message: string): void => void this.warnings.push(message);
    const table = FunctionTable.open({ folder: this.folder, wallMs: () => clocks.wallMs(), warn });
    const parts = await functionGroupsOf(this.folder, this.where, silentLogger, table);
    const host = new FunctionHost({
      folder: this.folder,
      address: '127.0.0.1',
      freePorts: true,
      clocks,
      give: (input) => void this.given.push(input),
      ...parts,
      table,
      warn,
    });
    this.#end = async () => {
      await host.close();
      table.end();
    };
    const adopted = await adoptFunctions({ table, host, undecided: new Set() });
    host.follow();
    return { host, table, adopted };
  }

  of<Type extends AgentInput['type']>(type: Type): (AgentInput & { readonly type: Type })[] {
    return this.given.filter((input): input is AgentInput & { readonly type: Type } => input.type === type);
  }
}

function recordOf(specification: FunctionSpecification): FunctionRecord {
  const life = {
    phase: 'started',
    run: 1,
    incarnation: '0'.repeat(16),
    healthy: true,
    restarts: 0,
    awaitsState: false,
    leaving: null,
  } as const;
  const octets = encodeFunctionSpecification(specification);
  return { name: 'web#1', octets, assignment: null, life, transfer: null };
}

async function start(
  { host, table }: Awaited<ReturnType<Node['open']>>,
  specification: Omit<FunctionSpecification, 'v'>,
): Promise<void> {
  const whole: FunctionSpecification = { v: 1, ...specification };
  table.keep(ID, recordOf(whole));
  await host.start({ type: 'start', functionId: ID, run: 1, name: 'web#1', specification: whole });
}

const script = (text: string, ...args: readonly string[]) =>
  ({ kind: 'process', command: ['/bin/sh', '-c', text, 'sh', ...args] }) as const;

for (const where of ['auto', 'none'] as const) {
  describe.skipIf(noLinux !== '')(`groups ${where}${noLinux}`, () => {
    test('the same process is measured on, and ended with all that it started', async () => {
      const node = new Node(where);
      const first = await node.open();
      const child = `${node.folder}/child`;
      const busy =
        'setsid sh -c \'trap "" TERM; echo $$ > "$0"; while :; do sleep 1; done\' "$1" & echo begun; while :; do :; done';
      await start(first, script(busy, child));
      await expect.poll(() => existsSync(child) && readFileSync(child, 'utf8') !== '', patient).toBe(true);
      const stray = readProcessStat(Number(readFileSync(child, 'utf8')));
      const [view] = first.host.views();
      first.host.leave();

      const { host, adopted } = await node.open();
      expect(adopted).toMatchObject([{ process: { pid: view?.pid, address: '127.0.0.1', port: null } }]);
      expect(host.views()).toMatchObject([{ functionId: ID, name: 'web#1', pid: view?.pid, restarts: 0 }]);
      await expect.poll(() => host.views()[0]?.usage?.processors, patient).toBeGreaterThan(0);
      expect(host.views()[0]?.usage?.processes).toBeGreaterThan(1);
      expect(node.of('output').at(-1)?.lines).toEqual(['begun']);
      expect(host.information(ID)).toHaveProperty('bootTime');
      const check = { intervalMs: 500, timeoutMs: 10_000, rise: 1, fall: 1, type: 'command' } as const;
      const at = { functionId: ID, run: 1, address: '127.0.0.1', port: null };
      await host.check({ type: 'check-health', ...at, check: { ...check, command: ['true'] } });
      expect(node.of('health')).toMatchObject([{ ok: true }]);
      await host.stop({ type: 'stop', functionId: ID, run: 1, signal: 'SIGTERM', graceMs: 10_000 });
      expect(node.of('exited')).toMatchObject([{ functionId: ID, run: 1 }]);
      await expect.poll(() => stray !== undefined && isAlive(stray), patient).toBe(false);
      expect(node.warnings).toEqual([]);
    }, 60_000);

    test('what is in no table is ended; what ended in between is told as such', async () => {
      const node = new Node(where);
      const first = await node.open();
      const begun = `${node.folder}/begun`;
      await start(first, script('echo > "$1"; exec sleep 600', begun));
      // In its group: a program enters it by itself.
      await expect.poll(() => existsSync(begun), patient).toBe(true);
      const [known] = node.of('started');
      const process_ = readProcessStat(known?.pid ?? 0);
      first.host.leave();
      rmSync(`${node.folder}/functions/101.json`);
      const second = await node.open();
      expect(second.adopted).toEqual([]);
      await expect.poll(() => process_ !== undefined && isAlive(process_), patient).toBe(false);

      await start(second, script('exec sleep 600'));
      second.host.leave();
      const [next] = node.of('started');
      const ended = readProcessStat(next?.pid ?? 0);
      process.kill(next?.pid ?? 0, 'SIGKILL');
      await expect.poll(() => ended !== undefined && isAlive(ended), patient).toBe(false);
      const third = await node.open();
      expect(third.adopted).toMatchObject([
        { process: null, reason: 'while no agent looked after it, nobody saw how' },
      ]);
    }, 60_000);
  });
}

test.skipIf(processes !== '')(
  `limits hold on, and are told${processes}`,
  async () => {
    const node = new Node();
    const first = await node.open();
    const forks = 'f() { while :; do (f) & done; }; (f) & exec sleep 600';
    await start(first, { ...script(forks), limits: { processes: 12 } });
    first.host.leave();
    const { host } = await node.open();
    const usage = () => host.views()[0]?.usage;
    await expect.poll(() => usage()?.refusedStarts, patient).toBeGreaterThan(0);
    expect(usage()?.threads).toBeLessThanOrEqual(12);
    await host.stop({ type: 'stop', functionId: ID, run: 1, signal: 'SIGTERM', graceMs: 0 });
    await expect.poll(() => host.views(), patient).toEqual([]);
  },
  60_000,
);

test.skipIf(noLinux !== '')(
  'output that is longer than its file may be is cut, by the next agent too',
  async () => {
    const node = new Node('none');
    const first = await node.open();
    const file = `${node.folder}/go`;
    const lines =
      'while [ ! -e "$1" ]; do sleep 0.05; done; yes 0123456789abcdef | head -c 6000000; echo; echo last; exec sleep 600';
    await start(first, script(lines, file));
    first.host.leave();
    writeFileSync(file, '');
    const log = `${node.folder}/output/web#1.log`;
    await expect.poll(() => readFileSync(log).length, patient).toBeGreaterThan(6_000_000);
    await node.open();
    await expect.poll(() => readFileSync(log).length, patient).toBeLessThan(100);
    expect(readFileSync(`${log}.1`).length).toBe(4 * 1024 * 1024);
  },
  60_000,
);

test.skipIf(noNetworks !== '')(
  `a network of its own is kept, and taken away at the end${noNetworks}`,
  async () => {
    const node = new Node();
    const first = await node.open();
    const peer = `ad${String(process.pid).slice(-6)}`;
    const interfaces = [{ name: 'eth0', peer, addresses: ['198.18.77.2/30'] }];
    const netns = { interfaces, sysctls: { 'net.ipv4.ip_forward': '1' } };
    await start(first, { kind: 'netns', command: [], netns });
    expect(node.of('exited')).toEqual([]);
    const [started] = node.of('started');
    const own = readlinkSync(`/proc/${started?.pid}/ns/net`);
    first.host.leave();
    const { host, adopted } = await node.open();
    expect(adopted).toMatchObject([{ process: { pid: started?.pid, address: '198.18.77.2' } }]);
    expect(existsSync(`/sys/class/net/${peer}`)).toBe(true);
    // A check by a command is made inside.
    const inside = ['/bin/sh', '-c', `test "$(readlink /proc/self/ns/net)" = "${own}"`];
    const check = { intervalMs: 500, timeoutMs: 10_000, rise: 1, fall: 1, type: 'command' } as const;
    const at = { functionId: ID, run: 1, address: '127.0.0.1', port: null };
    await host.check({ type: 'check-health', ...at, check: { ...check, command: inside } });
    expect(node.of('health')).toMatchObject([{ ok: true }]);
    await host.stop({ type: 'stop', functionId: ID, run: 1, signal: 'SIGTERM', graceMs: 10_000 });
    expect(existsSync(`/sys/class/net/${peer}`)).toBe(false);
  },
  60_000,
);
