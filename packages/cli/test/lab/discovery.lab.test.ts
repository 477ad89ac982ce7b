// SPDX-License-Identifier: Apache-2.0
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DnsResponder, type DnsZone, startDnsResponder } from './dns-responder.ts';
import { labFolder } from './running-set.ts';
import { ask, bin, type Child, edgeFile, notBuilt, start, until, vnfpool } from './support.ts';

const HERE = '127.0.0.1';
const DOMAIN = 'vnfpool.example';
const SERVICE = `_svcmob._tcp.${DOMAIN}`;

const DECLARATION = `set: edge
nodes: [node-a]
pools:
  web:
    function:
      program: node
      arguments: [web.mjs, --port, "{port}"]
      directory: ${dirname(edgeFile)}
      port: 8080
      health: { http: /health, every: 1s, timeout: 1s, rise: 1, fall: 3 }
    redundancy: { slots: 1 }
`;

const REGISTRAR = 'registrar, pool vnfpool.manager';

const EMPTY: DnsZone = { srv: {}, a: {} };
const managerInDns = (port: number): DnsZone => ({
  srv: { [SERVICE]: [{ priority: 10, weight: 0, port, target: `manager.${DOMAIN}` }] },
  a: { [`manager.${DOMAIN}`]: HERE },
});

/** A manager that took over from another one, on a copy of its folder. */
interface Manager {
  readonly child: Child;
  readonly folder: string;
  readonly port: number;
}

describe.skipIf(notBuilt !== '')(`a node finds the next manager ${notBuilt}`, () => {
  const folder = labFolder();
  const file = `${folder}/managers`;
  const children: Child[] = [];
  let dns: DnsResponder;
  let manager: Manager;
  let node: Child;
  let registrarPort = 0;
  let pids: readonly number[] = [];
  let count = 0;

  const daemon = (...args: readonly string[]): Child => {
    const child = start([process.execPath, bin, ...args]);
    children.push(child);
    return child;
  };
  const ready = (child: Child): Promise<Record<string, unknown>> =>
    until('the daemon is ready', () => {
      if (child.isOver()) throw new Error(`it ended: ${child.stderr()}`);
      const line = child
        .stdout()
        .split('\n')
        .find((each) => each.includes('"ready"'));
      return line === undefined ? null : (JSON.parse(line) as Record<string, unknown>);
    });
  const startManager = async (state: string): Promise<Manager> => {
    const child = daemon(
      'manager',
      '--state',
      state,
      '--set',
      'edge',
      '--listen',
      HERE,
      '--port',
      '0',
      '--join-port',
      '0',
      '--mode',
      'loopback',
    );
    const { port } = await ready(child);
    return { child, folder: state, port: Number(port) };
  };
  /** Kills the manager and starts the next one on a copy of what it left, at another port. */
  const nextManager = async (): Promise<Manager> => {
    manager.child.process.kill('SIGKILL');
    await manager.child.ended;
    count += 1;
    const state = `${folder}/manager-${count}`;
    cpSync(manager.folder, state, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    return await startManager(state);
  };
  const token = async (role: string, name: string): Promise<string> => {
    const created = await vnfpool(
      'token',
      'create',
      '--role',
      role,
      '--name',
      name,
      '--state',
      manager.folder,
    );
    expect(created.code, created.stderr).toBe(0);
    return created.stdout.trim();
  };
  const stateOf = async ({ folder: state }: Manager): Promise<StateView> => {
    const { text } = await ask({ socketPath: `${state}/api.sock` }, '/v1/state');
    return JSON.parse(text) as StateView;
  };
  const functionPids = (): number[] =>
    (JSON.parse(readFileSync(`${folder}/node/functions.json`, 'utf8')) as { pid: number }[]).map(
      ({ pid }) => pid,
    );
  const lines = (): Record<string, unknown>[] =>
    node
      .stderr()
      .split('\n')
      // The last one may be only half there yet.
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const lastManaged = (): { port?: number; source?: string } =>
    lines().findLast(({ msg }) => msg === 'managed')?.['manager'] as { port?: number; source?: string };

  /** The node has this manager, found in this way, and its functions never noticed. */
  const isManagedBy = async (wanted: Manager, source: string): Promise<void> => {
    await until(`managed by the manager at ${wanted.port}`, () => lastManaged().port === wanted.port);
    expect(lastManaged().source).toBe(source);
    await until('the manager knows node and function', async () => {
      const { nodes, instances } = await stateOf(wanted);
      return nodes[0]?.status === 'registered' && instances[0]?.pid === pids[0];
    });
    expect(functionPids()).toEqual(pids);
    for (const pid of pids) expect(() => process.kill(pid, 0)).not.toThrow();
  };

  beforeAll(async () => {
    dns = await startDnsResponder(EMPTY);
    manager = await startManager(`${folder}/manager-0`);
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
      '--join',
      await token('node', 'node-a'),
      '--manager-domain',
      DOMAIN,
      '--dns-server',
      `${HERE}:${dns.port}`,
      '--manager-file',
      file,
    );
    await ready(node);
    writeFileSync(`${folder}/set.yaml`, DECLARATION);
    const applied = await vnfpool('apply', `${folder}/set.yaml`, '--state', manager.folder);
    expect(applied.code, applied.stderr).toBe(0);
    await until('the function runs', async () => {
      const { instances, slots } = await stateOf(manager);
      return instances[0]?.pid !== undefined && slots[0]?.holder !== null;
    });
    pids = functionPids();
    expect(pids).toHaveLength(1);
  });
  afterAll(async () => {
    for (const child of children.toReversed()) {
      if (child.isOver()) continue;
      child.process.kill('SIGTERM');
      const late = setTimeout(() => child.process.kill('SIGKILL'), 12_000);
      await child.ended;
      clearTimeout(late);
    }
    await dns.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('by DNS SRV, when its manager was killed and the next one is elsewhere', async () => {
    const next = await nextManager();
    dns.zone = managerInDns(next.port);
    manager = next;
    await isManagedBy(next, `DNS ${SERVICE}`);
    expect(dns.asked).toContain(SERVICE);
  });

  test('by a file; every source that gave nothing is told with its reason', async () => {
    const next = await nextManager();
    dns.zone = EMPTY;
    writeFileSync(`${file}.new`, `# from DHCP\n${HERE}:${next.port}\nnonsense here\n`);
    renameSync(`${file}.new`, file);
    manager = next;
    await isManagedBy(next, `file ${file}`);
    const told = lines().filter(({ msg }) => msg === 'looking for the manager');
    expect(
      told.some(({ source, reason }) => source === `DNS ${SERVICE}` && /NOTFOUND/.test(String(reason))),
    ).toBe(true);
    expect(told.some(({ reason }) => String(reason).startsWith('line 3: '))).toBe(true);
  });

  test('by a registrar, when nothing else knows', async () => {
    rmSync(file);
    const registrar = daemon(
      'registrar',
      '--state',
      `${folder}/registrar`,
      '--listen',
      HERE,
      '--port',
      '0',
      '--join',
      await token('registrar', 'registrar'),
    );
    registrarPort = Number((await ready(registrar))['port']);
    await until('the node knows the registrar', () =>
      readFileSync(`${folder}/node/configuration.json`, 'utf8').includes(`"port":${registrarPort}`),
    );
    manager = await nextManager();
    await isManagedBy(manager, REGISTRAR);
  });

  test('past a manager with an old term and a member that is no manager, though they come first', async () => {
    const stale = await startManager(`${folder}/manager-0`);
    dns.zone = managerInDns(stale.port);
    writeFileSync(file, `${HERE}:${registrarPort}\n`);
    manager = await nextManager();
    await isManagedBy(manager, REGISTRAR);
    expect(lines().filter(({ event }) => event === 'term-refused')).not.toEqual([]);
    expect((await stateOf(stale)).nodes[0]?.status).not.toBe('registered');
    const refused = lines().find(
      ({ msg, port }) => msg === 'cannot reach the manager' && port === registrarPort,
    );
    expect(refused?.['reason']).toContain('registrar is no manager');
  });
});
