// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hosts, missing } from './hosts.ts';
import { isWhole, slotOf } from './running-set.ts';
import { SecondSwitch } from './second-switch.ts';
import { type Child, until } from './support.ts';

/* Routers between two networks, of which one at a time forwards. */

const edge = fileURLToPath(new URL('../../../../examples/edge', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.78.0.2',
  'node-a': '10.78.0.11',
  'node-b': '10.78.0.12',
  'node-c': '10.78.0.13',
  client: '10.78.0.30',
  server: '10.78.0.40',
};
const OUTSIDE = '10.78.0.100';
const INSIDE = '10.79.0.100';
const SERVER = '10.79.0.40';
const declaration = (addressing: string): string => `set: edge
nodes: [node-a, node-b, node-c]
pools:
  gate:
    function:
      program: node
      arguments: [web.mjs, --port, "{port}"]
      directory: ${edge}
      port: 8080
      health: { http: /health, every: 1s, timeout: 1s, rise: 1, fall: 3 }
    redundancy: { slots: 1, standbys: 1 }
    address: [${OUTSIDE}/24, { address: ${INSIDE}/24, link: eth1 }]
    addressing: { ${addressing} }
    failover: { lease: 1s }
`;
const SERVE = `require('node:http').createServer((_, answer) => answer.end('inside')).listen(80, '${SERVER}', () => console.log('ready'));`;
const FETCH = `fetch('http://${SERVER}/', { signal: AbortSignal.timeout(1000) })
  .then((answer) => answer.text()).then((text) => process.stdout.write(text)).catch(() => {}).finally(() => process.exit());`;

describe.skipIf(missing !== '')(`a slot that is a gateway ${missing}`, () => {
  let hosts: Hosts;
  let second: SecondSwitch;
  let agents: ReadonlyMap<string, Child>;

  const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
    hosts.untilState('manager', what, isSo);
  const holderOf = (state: StateView): string => slotOf(state, 'gate').node ?? '';
  /** Whether the client reaches the server by way of that router. */
  const passes = async (router: string): Promise<boolean> => {
    hosts.ip('client', 'route', 'replace', '10.79.0.0/24', 'via', router);
    const child = hosts.start('client', [process.execPath, '-e', FETCH]);
    await child.ended;
    return child.stdout() === 'inside';
  };
  const addressOf = (node: string): string => ADDRESSES[node] ?? '';
  const apply = async (addressing: string): Promise<void> => {
    writeFileSync(`${hosts.folder}/set.yaml`, declaration(addressing));
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
  };

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    second = new SecondSwitch(hosts);
    for (const host of [...NODES, 'server']) second.join(host, addressOf(host).replace('10.78', '10.79'));
    for (const node of NODES) hosts.on(node, () => writeFileSync('/proc/sys/net/ipv4/ip_forward', '1'));
    hosts.ip('server', 'link', 'set', 'eth0', 'down');
    hosts.ip('server', 'route', 'add', '10.78.0.0/24', 'via', INSIDE);
    const server = hosts.start('server', [process.execPath, '-e', SERVE]);
    await until('the server listens', () => server.stdout().includes('ready'));
    agents = await hosts.startSet('edge', NODES);
  });
  afterAll(async () => {
    await hosts?.takeDown();
    second?.close();
  });

  test('who holds it forwards, and the others do not', async () => {
    await apply('forwarding: [eth1]');
    const state = await untilState('it is whole', isWhole);
    await until('the client gets through', () => passes(OUTSIDE));
    const holder = holderOf(state);
    expect(await passes(addressOf(holder))).toBe(true);
    const [first] = slotOf(state, 'gate').standbys;
    const standby = state.instances.find(({ name }) => name === first)?.node;
    expect(standby).toBeDefined();
    expect(await passes(addressOf(standby ?? ''))).toBe(false);
  });

  test('who has nothing to do with it but its vote forwards as it likes', async () => {
    const state = await untilState('it is whole', isWhole);
    const runs = state.instances.filter(({ pool }) => pool === 'gate').map(({ node }) => node);
    const other = NODES.find((node) => !runs.includes(node)) ?? '';
    expect(await passes(addressOf(other))).toBe(true);
  });

  test('after a hand-over it is the other way round', async () => {
    const before = await untilState('it is whole', isWhole);
    const to = slotOf(before, 'gate').standbys[0] ?? '';
    const { code, stderr } = await hosts.cli('manager', 'handover', 'gate/0', '--to', to);
    expect(code, stderr).toBe(0);
    const after = await untilState(
      'it is there',
      (state) => isWhole(state) && slotOf(state, 'gate').holder === to,
    );
    await until('the client gets through', () => passes(OUTSIDE));
    expect(await passes(addressOf(holderOf(after)))).toBe(true);
    expect(await passes(addressOf(holderOf(before)))).toBe(false);
  });

  test('a frozen agent’s node stops forwarding by the kernel’s clock, and does not begin again when it wakes', async () => {
    const before = await untilState('it is whole', isWhole);
    const frozen = holderOf(before);
    const agent = agents.get(frozen);
    agent?.process.kill('SIGSTOP');
    await untilState('another holds it', (state) => !['', frozen].includes(holderOf(state)));
    await until('the client gets through', () => passes(OUTSIDE));
    expect(await passes(addressOf(frozen))).toBe(false);
    agent?.process.kill('SIGCONT');
    await untilState('it is whole again', isWhole);
    expect(await passes(addressOf(frozen))).toBe(false);
    expect(await passes(OUTSIDE)).toBe(true);
  });

  test('a slot that is none any more leaves forwarding alone', async () => {
    const before = await untilState('it is whole', isWhole);
    await apply('onConflict: raise');
    for (const node of NODES)
      await until(`${node} forwards, as the host is set up`, () => passes(addressOf(node)));
    expect(holderOf(await untilState('it is whole', isWhole))).toBe(holderOf(before));
  });
});
