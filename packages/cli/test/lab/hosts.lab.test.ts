// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FailoverView, StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { commandLine, familyOf, isThere, lives } from './host.ts';
import { Hosts } from './hosts.ts';
import { failoverSince, isWhole, slotOf } from './running-set.ts';
import { bin, type Child, notBuilt, until } from './support.ts';

const missing = labMissing || notBuilt;
const edge = fileURLToPath(new URL('../../../../examples/edge', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.78.0.2',
  second: '10.78.0.3',
  registrar: '10.78.0.1',
  'node-a': '10.78.0.11',
  'node-b': '10.78.0.12',
  'node-c': '10.78.0.13',
  stranger: '10.78.0.20',
  client: '10.78.0.30',
};
const ADDRESS = '10.78.0.100';

const DECLARATION = `set: edge
nodes: [node-a, node-b, node-c]
pools:
  web:
    function:
      program: node
      arguments: [web.mjs, --port, "{port}"]
      directory: ${edge}
      port: 8080
      health: { http: /health, every: 1s, timeout: 1s, rise: 1, fall: 3 }
    redundancy: { slots: 1, standbys: 1, spares: 1 }
    address: ${ADDRESS}/24
    failover: { lease: 1s }
`;

const FETCH = `fetch(process.argv[1], { signal: AbortSignal.timeout(2000) })
  .then((answer) => answer.text()).then((text) => process.stdout.write(text)).catch(() => {});`;

describe.skipIf(missing !== '')(`several hosts, by hand ${missing}`, () => {
  let hosts: Hosts;
  let manager: Child;
  let mounted = false;
  const agents = new Map<string, Child>();
  const tokens = new Map<string, string>();

  const nodeArguments = (host: string, name: string, token: string | null): string[] => [
    'node',
    '--state',
    hosts.stateOf(host),
    '--name',
    name,
    '--listen',
    ADDRESSES[host] ?? '',
    '--interface',
    'eth0',
    ...(token === null ? [] : ['--join', token]),
  ];

  /** On the one folder, so a second one has to stand by. */
  const startManager = (host: string, ...more: readonly string[]): Child => {
    const folder = ['--state', hosts.stateOf('manager'), '--set', 'edge'];
    return hosts.daemon(host, 'manager', ...folder, '--listen', ADDRESSES[host] ?? '', ...more);
  };

  const served = async (): Promise<string> => {
    const child = hosts.start('client', [process.execPath, '-e', FETCH, `http://${ADDRESS}:8080/`]);
    await child.ended;
    return child.stdout();
  };

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    const state = hosts.stateOf('manager');
    mkdirSync(state);
    // A disk of its own, small enough to be filled.
    mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=700', 'tmpfs', state]).status === 0;
    manager = startManager('manager');
    await hosts.ready(manager);
    const token = await hosts.token('manager', 'registrar', 'registrar');
    const registrar = [
      '--state',
      hosts.stateOf('registrar'),
      '--listen',
      ADDRESSES['registrar'] ?? '',
      '--join',
      token,
    ];
    await hosts.ready(hosts.daemon('registrar', 'registrar', ...registrar));
    for (const name of NODES) {
      tokens.set(name, await hosts.token('manager', 'node', name));
      agents.set(name, hosts.daemon(name, ...nodeArguments(name, name, tokens.get(name) ?? '')));
    }
    for (const agent of agents.values()) await hosts.ready(agent);
    writeFileSync(`${hosts.folder}/set.yaml`, DECLARATION);
  });
  afterAll(() =>
    hosts?.takeDown(() => {
      if (mounted) spawnSync('umount', [hosts.stateOf('manager')]);
    }),
  );

  test('a file is applied and the pool comes up whole', async () => {
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
    const state = await hosts.untilState('manager', 'the set is whole', isWhole);
    expect(state.sets[0]?.mode).toBe('hosts');
    expect(await until('the address serves', served)).toContain('from process');
  });

  test.each([
    ['a used token', () => tokens.get('node-a') ?? '', 'used'],
    ['a wrong token', () => (tokens.get('node-a') ?? '').replace(/.{6}$/, 'AAAAAA'), ''],
    ['no token at all', () => 'nonsense', ''],
  ])('%s is refused with a reason', async (_what, token, word) => {
    const child = hosts.daemon('stranger', ...nodeArguments('stranger', 'node-x', token()));
    const { code } = await child.ended;
    expect(code).toBe(1);
    expect(child.stderr()).toContain('vnfpool node: ');
    expect(child.stderr()).toContain(word);
    expect(child.stdout()).not.toContain('ready');
    rmSync(hosts.stateOf('stranger'), { recursive: true, force: true });
    const { nodes } = await hosts.state('manager');
    expect(nodes.map(({ name }) => name).toSorted()).toEqual([...NODES]);
  });

  test('a second node of the same name is refused while the first one lives', async () => {
    const before = await hosts.untilState('manager', 'the set is whole', isWhole);
    const token = await hosts.token('manager', 'node', 'node-a');
    const child = hosts.daemon('stranger', ...nodeArguments('stranger', 'node-a', token));
    expect((await child.ended).code).toBe(1);
    expect(child.stderr()).toMatch(/vnfpool node: .*name/i);
    rmSync(hosts.stateOf('stranger'), { recursive: true, force: true });
    // Nor may two agents run on one folder.
    const twice = hosts.daemon('node-a', ...nodeArguments('node-a', 'node-a', null));
    expect((await twice.ended).code).toBe(1);
    expect(twice.stderr()).toContain('vnfpool node: ');
    const after = await hosts.state('manager');
    expect(after.nodes.map(({ name, address }) => ({ name, address }))).toEqual(
      before.nodes.map(({ name, address }) => ({ name, address })),
    );
    expect(slotOf(after, 'web').holder).toBe(slotOf(before, 'web').holder);
  });

  test('a node with the certificate of another set is not let in', async () => {
    // The other set has its manager on the stranger's host.
    const other = `${hosts.folder}/other`;
    const listen = ADDRESSES['stranger'] ?? '';
    const foreigner = hosts.start('stranger', [
      process.execPath,
      bin,
      'manager',
      '--state',
      other,
      '--set',
      'other',
      '--listen',
      listen,
    ]);
    await hosts.ready(foreigner);
    const token = await hosts.token('other', 'node', 'node-z');
    const member = hosts.daemon('stranger', ...nodeArguments('stranger', 'node-z', token));
    await hosts.ready(member);
    member.process.kill('SIGKILL');
    foreigner.process.kill('SIGKILL');
    await Promise.all([member.ended, foreigner.ended]);
    // With that certificate it goes to our manager, whose authority it is told to trust.
    cpSync(`${hosts.stateOf('node-a')}/ca.pem`, `${hosts.folder}/ca.pem`);
    const script = `const { readFileSync } = require('node:fs');
const [folder, ca, host, port] = process.argv.slice(1);
const pem = (name) => readFileSync(folder + '/' + name + '.pem');
const socket = require('node:tls').connect({ host, port: Number(port), key: pem('key'), cert: pem('certificate'),
  ca: readFileSync(ca), checkServerIdentity: () => undefined, minVersion: 'TLSv1.3' });
socket.on('secureConnect', () => process.stdout.write('handshake '));
socket.on('data', () => process.stdout.write('data '));
socket.on('error', (error) => process.stdout.write('error:' + error.code + ' '));
socket.on('close', () => { process.stdout.write('closed'); process.exit(0); });`;
    const attempt = (folder: string): Child =>
      hosts.start('stranger', [
        process.execPath,
        '-e',
        script,
        folder,
        `${hosts.folder}/ca.pem`,
        ADDRESSES['manager'] ?? '',
        '49877',
      ]);
    const foreign = attempt(hosts.stateOf('stranger'));
    await foreign.ended;
    expect(foreign.stdout()).toContain('closed');
    expect(foreign.stdout()).not.toContain('data');
    await until('the manager says why', () =>
      manager
        .stderr()
        .split('\n')
        .some((line) => line.includes('peer refused') && line.includes('certificate')),
    );
    expect((await hosts.state('manager')).nodes.map(({ name }) => name).toSorted()).toEqual([...NODES]);
    rmSync(hosts.stateOf('stranger'), { recursive: true, force: true });
  });

  test('a full disk of the manager: an apply is refused, and service goes on', async ({ skip }) => {
    if (!mounted) skip('a small file system cannot be mounted');
    const before = await hosts.untilState('manager', 'the set is whole', isWhole);
    const filler = `${hosts.stateOf('manager')}/filler`;
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'], { stdio: 'ignore' });
    // Free pages inside the store's own file may still take something small.
    writeFileSync(`${hosts.folder}/more.yaml`, `${DECLARATION}${morePools(60)}`);
    const refused = await hosts.cli('manager', 'apply', `${hosts.folder}/more.yaml`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('no room on the disk');
    expect(refused.stderr).toContain('nothing was applied');
    expect(await served()).toContain('from process');
    const after = await hosts.state('manager');
    expect(after.sets[0]?.generation).toBe(before.sets[0]?.generation);
    expect(after.pools.map(({ name }) => name)).toEqual(['web']);
    rmSync(filler);
    const again = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(again.code, again.stderr).toBe(0);
  });

  test('the node of the active dies, link and all: another one takes the address', async () => {
    const before = await hosts.untilState('manager', 'the set is whole', isWhole);
    const former = slotOf(before, 'web');
    const node = former.node ?? '';
    const victims = [agents.get(node)?.pid ?? 0, ...hosts.functionPids(node)];
    expect(victims.every((pid) => pid > 0)).toBe(true);
    hosts.network.cut(node);
    for (const pid of victims) process.kill(pid, 'SIGKILL');
    const after = await hosts.untilState('manager', 'another instance holds the slot', (state) => {
      const slot = slotOf(state, 'web');
      return slot.epoch > former.epoch && slot.holder === failoverSince(state, former)?.to;
    });
    expect(failoverSince(after, former)).toMatchObject({
      from: former.holder,
      cause: 'the lease ran out',
      fencedBy: 'timeout',
    });
    expect(slotOf(after, 'web').node).not.toBe(node);
    const pid = after.instances.find(({ name }) => name === slotOf(after, 'web').holder)?.pid;
    expect(await until('the address serves', served)).toContain(`process ${pid} `);

    await hosts.untilState('manager', 'the node is missed', ({ nodes }) =>
      nodes.some(({ name, status }) => name === node && status !== 'registered'),
    );
    // The host is repaired: what its folder holds is enough to come back.
    hosts.network.heal(node);
    const agent = hosts.daemon(node, ...nodeArguments(node, node, null));
    agents.set(node, agent);
    await hosts.ready(agent);
    const back = await hosts.untilState('manager', 'the set is whole again', isWhole);
    expect(slotOf(back, 'web').epoch).toBeGreaterThanOrEqual(slotOf(after, 'web').epoch);
    expect(readFileSync(`${hosts.stateOf(node)}/incarnation`, 'utf8').trim()).toBe('2');
  });

  /** The node whose function answers at the address, which the client asks for anew; null: nobody answers. */
  const server = async (): Promise<{ readonly node: string; readonly pid: number } | null> => {
    hosts.ip('client', 'neigh', 'flush', 'dev', 'eth0');
    const pid = Number(/from process (\d+)/.exec(await served())?.[1]);
    const node = NODES.find((name) => hosts.functionPids(name).includes(pid));
    return node === undefined ? null : { node, pid };
  };

  /** Kills what runs beside the agent of a node, but for its functions: the shell that waits to bound their output. */
  const endBeside = async (node: string): Promise<void> => {
    const agent = agents.get(node);
    const functions = hosts.functionPids(node);
    const beside = familyOf(agent?.pid ?? 0).filter(
      ({ pid }) =>
        pid !== agent?.pid && functions.every((of) => !familyOf(of).some((each) => each.pid === pid)),
    );
    expect(beside.map(({ pid }) => commandLine(pid))).toContainEqual(
      expect.stringContaining('vnfpool-output'),
    );
    for (const each of beside) if (lives(each)) process.kill(each.pid, 'SIGKILL');
    await until('nothing runs beside the agent', () => !beside.some(lives));
    expect(agent?.isOver()).toBe(false);
  };

  test('with both managers dead, and all that runs beside the agents: a function dies, then an agent, and each time another one serves, alone', async () => {
    const before = await hosts.untilState('manager', 'the set is whole', isWhole);
    const { epoch } = slotOf(before, 'web');
    const standby = startManager('second', '--standby');
    await until('it stands by', () => standby.stderr().includes('standing by'));
    // The standby first: it would lead.
    for (const each of [standby, manager]) {
      each.process.kill('SIGKILL');
      await each.ended;
    }
    for (const node of NODES) await endBeside(node);

    const first = await until('the address serves without a manager', server);
    process.kill(first.pid, 'SIGKILL');
    const second = await until('another node serves', async () => {
      const now = await server();
      return now?.node === first.node ? null : now;
    });

    const agent = agents.get(second.node);
    agent?.process.kill('SIGKILL');
    await agent?.ended;
    await until('another node serves again', async () => {
      const now = await server();
      return now?.node === second.node ? null : now;
    });
    // The function of the dead agent runs still, and the address is on its link: the kernel's fence alone keeps them silent.
    expect(isThere(second.pid)).toBe(true);
    expect(hosts.ip(second.node, '-o', 'address', 'show', 'dev', 'eth0')).toContain(`${ADDRESS}/`);
    for (let times = 0; times < 5; times++) {
      const { node } = await until('the address serves', server);
      expect(node).not.toBe(second.node);
    }

    manager = startManager('manager');
    await hosts.ready(manager);
    const back = hosts.daemon(second.node, ...nodeArguments(second.node, second.node, null));
    agents.set(second.node, back);
    await hosts.ready(back);
    const after = await hosts.untilState(
      'manager',
      'what has happened meanwhile is told, and the set is whole',
      (state) => isWhole(state) && failoverFrom(state, second.node) && failoverFrom(state, first.node),
    );
    expect(failoverFrom(after, first.node)).toMatchObject({
      cause: 'the function ended',
      fencedBy: 'release',
    });
    expect(failoverFrom(after, second.node)).toMatchObject({
      cause: 'the lease ran out',
      fencedBy: 'timeout',
    });
    expect(failoverFrom(after, second.node)?.epoch).toBeGreaterThan(
      failoverFrom(after, first.node)?.epoch ?? 0,
    );

    function failoverFrom({ failovers }: StateView, node: string): FailoverView | undefined {
      return failovers.find((each) => each.fromNode === node && each.epoch > epoch);
    }
  });
});

function morePools(count: number): string {
  const pool = (index: number): string => `  more-${index}:
    function: { program: sleep, arguments: [infinity, ${'x'.repeat(2_000)}] }
    redundancy: { slots: 1 }
`;
  return Array.from({ length: count }, (_each, index) => pool(index)).join('');
}
