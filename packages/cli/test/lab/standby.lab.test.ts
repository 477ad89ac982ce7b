// SPDX-License-Identifier: Apache-2.0
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { StateView } from '@vnfpool/core/management';
import { libc } from '@vnfpool/platform/libc';
import { openMptcp } from '@vnfpool/platform/tcp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labFolder } from './running-set.ts';
import { ask, bin, type Child, edgeFile, notBuilt, start, until, vnfpool } from './support.ts';

/* Managers on one state folder, of which one leads, and a node with a function and its slot. */

const missing = notBuilt || (process.platform === 'linux' ? '' : 'locks are of Linux');
const HERE = '127.0.0.1';

const pool = (name: string): string => `  ${name}:
    function:
      program: node
      arguments: [web.mjs, --port, "{port}"]
      directory: ${dirname(edgeFile)}
      port: 8080
      health: { http: /health, every: 1s, timeout: 1s, rise: 1, fall: 3 }
    redundancy: { slots: 1 }
    failover: { lease: 1s }
`;

/** Two ports that are free now. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, HERE, () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return [ports[0] ?? 0, ports[1] ?? 0];
}

describe.skipIf(missing !== '')(`a second manager on one folder ${missing}`, () => {
  const folder = labFolder();
  const state = `${folder}/manager`;
  const children: Child[] = [];
  let ports: readonly [number, number];
  let joinPort = 0;
  let leader: Child;
  let node: Child;
  let before: { readonly pids: readonly number[]; readonly epoch: unknown };

  const daemon = (...args: readonly string[]): Child => {
    const child = start([process.execPath, bin, ...args]);
    children.push(child);
    return child;
  };
  const manager = (port: number, ...more: readonly string[]): Child => {
    const at = [
      '--transport',
      'mptcp',
      '--listen',
      HERE,
      '--port',
      String(port),
      '--join-port',
      String(joinPort),
    ];
    return daemon('manager', '--state', state, '--set', 'edge', '--mode', 'loopback', ...at, ...more);
  };
  const isReady = (child: Child): boolean => child.stdout().includes('"ready"');
  const leads = async (child: Child): Promise<void> => {
    await until('it leads', () => {
      if (child.isOver()) throw new Error(`it ended: ${child.stderr()}`);
      return isReady(child);
    });
  };
  const standsBy = (child: Child): Promise<boolean> =>
    until('it stands by', () => {
      if (child.isOver()) throw new Error(`it ended: ${child.stderr()}`);
      return child.stderr().includes('standing by');
    });
  const termOf = (child: Child): number =>
    Number(/"term":"(\d+)".*"msg":"leading"/.exec(child.stderr())?.[1] ?? 0);
  const view = async (api = `${state}/api.sock`): Promise<StateView> =>
    JSON.parse((await ask({ socketPath: api }, '/v1/state')).text) as StateView;
  const apply = async (pools: readonly string[], ...api: readonly string[]): ReturnType<typeof vnfpool> => {
    writeFileSync(`${folder}/set.yaml`, `set: edge\nnodes: [node-a]\npools:\n${pools.map(pool).join('')}`);
    return await vnfpool('apply', `${folder}/set.yaml`, ...(api.length > 0 ? api : ['--state', state]));
  };
  const pids = (): readonly number[] =>
    (JSON.parse(readFileSync(`${folder}/node/functions.json`, 'utf8')) as { pid: number }[]).map(
      ({ pid }) => pid,
    );
  const untilView = (what: string, isSo: (now: StateView) => boolean, api?: string): Promise<StateView> =>
    until(what, async () => {
      const now = await view(api).catch(() => null);
      return now !== null && isSo(now) ? now : null;
    });
  /** The node has this manager, and neither function nor slot noticed. */
  const isUntouched = async (api?: string): Promise<void> => {
    const { slots } = await untilView(
      'the node is with the one that leads',
      ({ nodes, instances }) =>
        nodes[0]?.status === 'registered' && instances.some(({ pid }) => pid === before.pids[0]),
      api,
    );
    const slot = slots.find(({ pool: of }) => of === 'web');
    expect(slot?.epoch).toEqual(before.epoch);
    expect(slot?.holder).not.toBeNull();
    expect(pids()).toEqual(expect.arrayContaining([...before.pids]));
    for (const pid of before.pids) expect(() => process.kill(pid, 0)).not.toThrow();
  };

  beforeAll(async () => {
    const [first, second] = await freePorts();
    [joinPort] = await freePorts();
    ports = [first, second];
    leader = manager(first);
    await leads(leader);
    const created = await vnfpool('token', 'create', '--role', 'node', '--name', 'node-a', '--state', state);
    expect(created.code, created.stderr).toBe(0);
    const places = ports.flatMap((port) => ['--manager-address', `${HERE}:${port}`]);
    node = daemon(
      'node',
      '--state',
      `${folder}/node`,
      '--name',
      'node-a',
      '--listen',
      HERE,
      '--port',
      '0',
      '--loopback',
      '--transport',
      'mptcp',
      '--join',
      created.stdout.trim(),
      ...places,
    );
    const applied = await apply(['web']);
    expect(applied.code, applied.stderr).toBe(0);
    const { slots } = await untilView(
      'the function runs and holds its slot',
      ({ instances, slots: [slot] }) =>
        instances[0]?.pid !== undefined && instances[0]?.pid !== null && typeof slot?.holder === 'string',
    );
    before = { pids: pids(), epoch: slots[0]?.epoch };
    expect(before.pids).toHaveLength(1);
  });
  afterAll(async () => {
    for (const child of children.toReversed()) {
      if (child.isOver()) continue;
      child.process.kill('SIGCONT');
      child.process.kill('SIGTERM');
      const late = setTimeout(() => child.process.kill('SIGKILL'), 12_000);
      await child.ended;
      clearTimeout(late);
    }
    rmSync(folder, { recursive: true, force: true });
  });

  test('Multipath TCP is below TLS, where it was asked for and the kernel has it', () => {
    const [, multipath] = /"multipath":(\w+).*"msg":"connected to a manager"/.exec(node.stderr()) ?? [];
    const fd = openMptcp(HERE);
    if (fd !== null) libc().close(fd);
    expect(multipath).toBe(String(fd !== null));
  });

  test('without --standby it does not start while the first one leads', async () => {
    const other = manager(ports[1]);
    const { code, stderr } = await other.ended;
    expect(code).toBe(1);
    expect(stderr).toContain(`locked by process ${leader.pid}`);
  });

  test('the first is killed: the standby leads at another port, nodes find it, functions and slots go on, apply works', async () => {
    const standby = manager(ports[1], '--standby');
    await standsBy(standby);
    expect(isReady(standby)).toBe(false);
    const term = termOf(leader);
    leader.process.kill('SIGKILL');
    await leader.ended;
    await leads(standby);
    leader = standby;
    expect(termOf(standby)).toBe(term + 1);
    await isUntouched();
    const applied = await apply(['web', 'second']);
    expect(applied.code, applied.stderr).toBe(0);
    await untilView(
      'what was applied is so',
      ({ instances }) => instances.filter(({ pid }) => typeof pid === 'number').length === 2,
    );
    await isUntouched();
  });

  test('the first ends by itself: the standby leads at the same port', async () => {
    const standby = manager(ports[1], '--standby');
    await standsBy(standby);
    leader.process.kill('SIGTERM');
    expect((await leader.ended).code).toBe(0);
    await leads(standby);
    await isUntouched();
    leader = standby;
  });

  test('the first is stopped (SIGSTOP): the standby ends it where that was asked for, then leads', async () => {
    const standby = manager(ports[0], '--standby', '--end-silent', '2s');
    await standsBy(standby);
    leader.process.kill('SIGSTOP');
    await leads(standby);
    expect((await leader.ended).signal).toBe('SIGKILL');
    await isUntouched();
    leader = standby;
  });

  test('one that was stopped and lost its lock does not lead when it wakes: nodes refuse it, its store refuses it, it ends', async () => {
    leader.process.kill('SIGSTOP');
    rmSync(`${state}/manager.lock`);
    const api = `${folder}/second.sock`;
    // The join port is the stopped one's.
    const second = daemon(
      'manager',
      '--state',
      state,
      '--set',
      'edge',
      '--mode',
      'loopback',
      '--listen',
      HERE,
      '--port',
      String(ports[1]),
      '--join-port',
      '0',
      '--api-socket',
      api,
    );
    await leads(second);
    await isUntouched(api);
    leader.process.kill('SIGCONT');
    const { code, stderr } = await leader.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('another manager leads');
    await isUntouched(api);
    const applied = await apply(['web'], '--api', `unix:${api}`);
    expect(applied.code, applied.stderr).toBe(0);
    await isUntouched(api);
    expect(node.isOver()).toBe(false);
  });
});
