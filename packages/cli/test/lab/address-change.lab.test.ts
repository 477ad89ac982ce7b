// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inNamespace } from '@vnfpool/platform/namespaces';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { answerTo, HandLab, told } from './hand-lab.ts';
import { Hosts } from './hosts.ts';
import { isWhole, slotOf } from './running-set.ts';
import { bin, type Child, notBuilt, until } from './support.ts';

/* The address of a node is replaced under its agent and its functions. */

const missing = labMissing || notBuilt;
const edge = fileURLToPath(new URL('../../../../examples/edge', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.78.0.2',
  'node-a': '10.78.0.11',
  'node-b': '10.78.0.12',
  'node-c': '10.78.0.13',
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
    redundancy: { slots: 1, standbys: 1 }
    address: ${ADDRESS}/24
    failover: { lease: 1s }
`;
const FETCH = `fetch(process.argv[1], { signal: AbortSignal.timeout(2000) })
  .then((answer) => answer.text()).then((text) => process.stdout.write(text)).catch(() => {});`;

/** Replaces the address of a host's link. */
function replace(hosts: Hosts, host: string, former: string, address: string): void {
  const ip = (...words: readonly string[]): void => {
    const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`);
  };
  inNamespace(hosts.network.host(host).namespace.fd, () => {
    ip('addr', 'del', `${former}/24`, 'dev', 'eth0');
    ip('addr', 'add', `${address}/24`, 'dev', 'eth0');
  });
}

describe.skipIf(missing !== '')(`a node whose address is replaced, in a set ${missing}`, () => {
  let hosts: Hosts;

  const served = async (): Promise<string> => {
    const child = hosts.start('client', [process.execPath, '-e', FETCH, `http://${ADDRESS}:8080/`]);
    await child.ended;
    return child.stdout();
  };
  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    await hosts.startSet('edge', NODES);
    writeFileSync(`${hosts.folder}/set.yaml`, DECLARATION);
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
    await hosts.untilState('manager', 'slot and standby are there', isWhole);
  });
  afterAll(() => hosts?.takeDown());

  test('it stays the same node with the same functions, its slot is served, all nodes know where it is, and a hand-over reaches it', async () => {
    const before = await hosts.state('manager');
    const holder = before.instances.find(({ name }) => name === slotOf(before, 'web').holder);
    const node = holder?.node ?? '';
    const former = ADDRESSES[node] ?? '';
    const id = before.nodes.find(({ name }) => name === node)?.nodeId;
    const pids = hosts.functionPids(node);
    const moved = former.replace(/\d+$/, (last) => `1${last}`);
    replace(hosts, node, former, moved);

    const after = await hosts.untilState('manager', 'the manager has it at its new address', (state) => {
      const found = state.nodes.find(({ name }) => name === node);
      return found?.address === moved && found.status === 'registered' && isWhole(state);
    });
    expect(after.nodes.find(({ name }) => name === node)?.nodeId).toBe(id);
    expect(after.instances.find(({ name }) => name === holder?.name)?.pid).toBe(holder?.pid);
    expect(after.events.map(({ type }) => type)).toContain('node.moved');
    expect(after.events.map(({ type }) => type)).not.toContain('node.lost');
    for (const name of NODES)
      await until(`${name} is told where leases are spoken`, () => {
        const text = readFileSync(`${hosts.stateOf(name)}/configuration.json`, 'utf8');
        return text.includes(`"${moved}"`) && !text.includes(`"${former}"`);
      });
    expect(await until('the address serves', served)).toContain('from process');
    expect(hosts.functionPids(node)).toEqual(pids);
    for (const pid of pids) expect(() => process.kill(pid, 0)).not.toThrow();

    // Away from it and back to it: leases are granted and released over its new address.
    const other = after.instances.find(({ name }) => name !== holder?.name)?.name ?? '';
    for (const to of [other, holder?.name ?? '']) {
      const { code, stderr } = await hosts.cli('manager', 'handover', 'web/0', '--to', to);
      expect(code, stderr).toBe(0);
      await hosts.untilState(
        'manager',
        `${to} holds the slot`,
        (state) => slotOf(state, 'web').holder === to,
      );
    }
    expect(await until('the address serves', served)).toContain('from process');
    expect(hosts.functionPids(node)).toEqual(pids);
  });
});

describe.skipIf(missing !== '')(`a node whose address is replaced, without a set ${missing}`, () => {
  let hosts: Hosts;
  const lab = new HandLab();

  beforeAll(() => {
    hosts = new Hosts({ manager: '10.78.0.2', a: '10.78.0.11', b: '10.78.0.12' });
  });
  afterAll(async () => {
    await hosts?.takeDown();
    await lab.close();
  });

  test('it is registered as the same node, and state is moved to it there', async () => {
    const spec = lab.movable(`${lab.folder}/taken`);
    const plain = ['--plain', '--protected-path'];
    const serve = ['mobility', 'serve', '--listen', '10.78.0.2', ...plain, '--json', '--timeout', '60s'];
    const commands = (...lines: readonly string[]): string[] => lines.flatMap((line) => ['--command', line]);
    const first = hosts.start('manager', [
      process.execPath,
      bin,
      ...serve,
      ...commands(
        'wait 1',
        'wait 2',
        `add 1 101 --spec ${spec}`,
        `add 2 102 --spec ${spec}`,
        'wait 1 101 Running',
        'wait 2 102 Running',
        'nodes',
      ),
      '--stay',
    ]);
    await until('it listens', () => told(first).find(({ ready }) => ready === true));
    const node = (host: string, id: string): Child =>
      hosts.daemon(
        host,
        'node',
        '--manager',
        '10.78.0.2',
        ...plain,
        '--state',
        hosts.stateOf(host),
        '--listen',
        'eth0',
        '--node-id',
        id,
      );
    node('a', '1');
    const agent = node('b', '2');
    await until('both functions run', () => answerTo(first, 'nodes'));
    const pids = hosts.functionPids('b');
    replace(hosts, 'b', '10.78.0.12', '10.78.0.112');
    const back = await until(
      'node 2 is back',
      () => told(first).filter(({ event, node: id }) => event === 'node-registered' && id === 2)[1],
    );
    expect(back).toMatchObject({ resumed: true, addresses: ['10.78.0.112'] });
    expect(told(first).filter(({ event }) => event === 'node-lost')).toEqual([]);
    // An agent that is killed and started again finds its functions, and says where they are now.
    agent.process.kill('SIGKILL');
    await agent.ended;
    node('b', '2');
    await until('the next agent has the function', () =>
      told(first)
        .filter(({ event }) => event === 'node-registered' || event === 'function-status')
        .findLast((each) => each['node'] === 2 && each['functionId'] === 102 && each['status'] === 'Running'),
    );
    first.process.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);

    const second = hosts.start('manager', [
      process.execPath,
      bin,
      ...serve,
      ...commands(
        'wait 1',
        'wait 2',
        `move 1 101 --to 2 --spec ${spec}`,
        'wait 2 101 Running',
        'wait 1 101 gone',
        'nodes',
      ),
    ]);
    const { code, stderr } = await second.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(answerTo(second, 'nodes')).toMatchObject({
      nodes: [
        { nodeId: 1, functions: [] },
        {
          nodeId: 2,
          addresses: ['10.78.0.112'],
          functions: [
            { functionId: 101, report: { address: '10.78.0.112' } },
            { functionId: 102, report: { pid: pids[0], address: '10.78.0.112' } },
          ],
        },
      ],
    });
    expect(readFileSync(`${lab.folder}/taken`, 'utf8')).toBe('what it knows\n');
  });
});
