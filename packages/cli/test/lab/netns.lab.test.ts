// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { StateView } from '@vnfpool/core/management';
import { createNamespace } from '@vnfpool/platform/namespaces';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endAll, endFunctions } from './functions-left.ts';
import { isThere } from './host.ts';
import { RunningSet } from './running-set.ts';
import { bin, type Child, notBuilt, start, until } from './support.ts';

/* Functions with a network of their own, in a real agent that is killed. */

const missing = notBuilt || whyNoNamespaces();

function whyNoNamespaces(): string {
  try {
    createNamespace().close();
    return '';
  } catch (error) {
    return `no network namespaces: ${String(error)}`;
  }
}

let folder: string;
let children: Child[];

beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/vnfpool-netns-`);
  children = [];
});
afterEach(async () => {
  await endAll(children);
  endFunctions(folder);
  rmSync(folder, { recursive: true, force: true });
});

function launch(...args: readonly string[]): Child {
  const child = start([process.execPath, bin, ...args]);
  children.push(child);
  return child;
}

function told(child: Child): Record<string, unknown>[] {
  const lines = child.stdout().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function serve(...commands: readonly string[]): Promise<[Child, string]> {
  const fixed = ['--listen', '127.0.0.1:0', '--json', '--timeout', '30s', '--plain', '--stay'];
  const manager = launch('mobility', 'serve', ...fixed, ...commands.flatMap((line) => ['--command', line]));
  const ready = await until('the manager listens', () => {
    if (manager.isOver()) throw new Error(manager.stderr());
    return told(manager).find((line) => line['ready'] === true);
  });
  return [manager, `127.0.0.1:${String(ready['port'])}`];
}

const node = (manager: string): Child =>
  launch('node', '--manager', manager, '--state', `${folder}/node`, '--listen', '127.0.0.1', '--plain');

function specification(name: string, text: object): string {
  writeFileSync(`${folder}/${name}`, JSON.stringify(text));
  return `${folder}/${name}`;
}

const isLink = (name: string): boolean => existsSync(`/sys/class/net/${name}`);

describe.skipIf(missing !== '')(`functions of kind netns ${missing}`, () => {
  /** A function whose child is not told of the end of its parent, and keeps the namespace. */
  async function running(
    peer: string,
  ): Promise<{ manager: Child; at: string; agent: Child; pid: number; stray: number }> {
    const stray = `${folder}/stray`;
    const script = 'setsid sh -c \'echo $$ > "$0"; exec sleep 600\' "$0" & exec sleep 600';
    const spec = specification('own.json', {
      command: ['/bin/sh', '-c', script, stray],
      netns: { interfaces: [{ name: 'eth0', peer, addresses: ['198.18.75.2/30'] }] },
    });
    const [manager, at] = await serve('wait 1', `add 1 101 --spec ${spec}`, 'wait 1 101 Running');
    const agent = node(at);
    const status = await until('the function runs', () =>
      told(manager).find(
        ({ event, status: its, report }) =>
          event === 'function-status' && its === 'Running' && (report as { pid: number | null }).pid,
      ),
    );
    const { pid } = status['report'] as { pid: number };
    const text = await until('its child runs', () => existsSync(stray) && readFileSync(stray, 'utf8').trim());
    return { manager, at, agent, pid, stray: Number(text) };
  }

  const kill = async (agent: Child): Promise<void> => {
    agent.process.kill('SIGKILL');
    await agent.ended;
  };

  test('an agent that is killed: the next one finds the function in its network, and takes both away', async () => {
    const peer = `k${randomBytes(4).toString('hex')}`;
    const { manager, at, agent, pid, stray } = await running(peer);
    const own = readlinkSync(`/proc/${pid}/ns/net`);
    await kill(agent);
    expect(isLink(peer)).toBe(true);

    const next = node(at);
    await until(
      'it is back',
      () => told(manager).filter(({ event }) => event === 'node-registered').length === 2,
    );
    expect(isLink(peer)).toBe(true);
    expect(readlinkSync(`/proc/${pid}/ns/net`)).toBe(own);
    next.process.kill('SIGTERM');
    await next.ended;
    expect(isLink(peer)).toBe(false);
    expect(isThere(pid)).toBe(false);
    await until('the child is ended', () => !existsSync(`/proc/${stray}/ns/net`));
  });

  test('what no agent knows of is removed: links of a function that has ended, even where a process kept them', async () => {
    const peer = `k${randomBytes(4).toString('hex')}`;
    const { at, agent, pid, stray } = await running(peer);
    await kill(agent);
    process.kill(pid, 'SIGKILL');
    expect(isLink(peer)).toBe(true);
    rmSync(`${folder}/node/functions/101.json`);

    node(at);
    await until('the link is gone', () => !isLink(peer));
    await until('the child is ended', () => !existsSync(`/proc/${stray}/ns/net`));
  });

  test('what this node cannot make is refused with error 6, and why', async () => {
    const spec = specification('bridge.json', {
      netns: { interfaces: [{ name: 'lan', bridge: 'no-such', addresses: [] }], rules: 'table ip x { }' },
    });
    const [manager, at] = await serve('wait 1', `add 1 101 --spec ${spec}`);
    node(at);
    const answer = await until('the answer', () =>
      told(manager).find(({ command }) => typeof command === 'string' && command.startsWith('add')),
    );
    expect(answer).toMatchObject({ done: false, result: { code: 128, error: 6 } });
    expect(JSON.stringify(answer)).toContain('interface lan: this node has no bridge no-such');
  });

  test('declared in a set: rules only run; what a node cannot make is not run, and the list says why', async () => {
    const peer = `d${randomBytes(4).toString('hex')}`;
    const file = `${folder}/set.yaml`;
    writeFileSync(
      file,
      `set: own
nodes: [a]
pools:
  nat:
    function:
      netns:
        interfaces: [{ name: wan, peer: ${peer}, addresses: [198.18.76.2/30], peerAddresses: [198.18.76.1/30] }]
        sysctls: { net.ipv4.ip_forward: "1" }
  lost:
    function: { program: sleep, arguments: ["600"], netns: { interfaces: [{ name: lan, bridge: no-such }] } }
`,
    );
    const set = await RunningSet.start({ file, args: ['--mode', 'loopback'] });
    try {
      const instanceOf = ({ instances }: StateView, pool: string) =>
        instances.find((instance) => instance.pool === pool);
      const state = await set.untilState(
        'nat runs, lost is refused',
        (now) =>
          instanceOf(now, 'nat')?.status === 'running' && instanceOf(now, 'lost')?.reason.includes('refused'),
      );
      expect(instanceOf(state, 'nat')).toMatchObject({ address: '198.18.76.2', restarts: 0 });
      expect(instanceOf(state, 'lost')?.status).toBe('pending');
      expect(instanceOf(state, 'lost')?.reason).toContain('interface lan: this node has no bridge no-such');
      expect(isLink(peer)).toBe(true);
    } finally {
      await set.takeDown();
    }
    expect(isLink(peer)).toBe(false);
  });
});
