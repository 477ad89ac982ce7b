// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StateView } from '@vnfpool/core/management';
import { announceAllAddresses } from '@vnfpool/platform/addresses';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hosts, missing } from './hosts.ts';
import { isWhole, slotOf } from './running-set.ts';
import { SecondSwitch } from './second-switch.ts';
import { until } from './support.ts';

/* A slot with two addresses on two links, and a stranger who wants one of them. */

const edge = fileURLToPath(new URL('../../../../examples/edge', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.78.0.2',
  'node-a': '10.78.0.11',
  'node-b': '10.78.0.12',
  'node-c': '10.78.0.13',
  client: '10.78.0.30',
  stranger: '10.78.0.66',
};
const FIRST = '10.78.0.100';
const SECOND = '10.79.0.100';
const SIXTH = '2001:db8:78::100';
const THIRD = '10.78.0.101';
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
    address: [${FIRST}/24, { address: ${SECOND}/24, link: eth1 }]
    failover: { lease: 1s }
`;
const FETCH = `fetch(process.argv[1], { signal: AbortSignal.timeout(2000) })
  .then((answer) => answer.text()).then((text) => process.stdout.write(text)).catch(() => {});`;

/** The instance on a node. */
function nameAt(state: StateView, node: string): string {
  return state.instances.find((each) => each.node === node)?.name ?? '';
}

describe.skipIf(missing !== '')(`addresses of a set that others touch ${missing}`, () => {
  let hosts: Hosts;
  let second: SecondSwitch;

  const joinSecond = (host: string): void =>
    second.join(host, (ADDRESSES[host] ?? '').replace('10.78', '10.79'));
  const ip = (host: string, ...words: readonly string[]): string => hosts.ip(host, ...words);
  const fetched = async (address: string): Promise<boolean> => {
    const child = hosts.start('client', [process.execPath, '-e', FETCH, `http://${address}:8080/`]);
    await child.ended;
    return child.stdout().includes('from process');
  };
  const served = async (): Promise<boolean> => (await fetched(FIRST)) && (await fetched(SECOND));
  const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
    hosts.untilState('manager', what, isSo);
  const holderOf = (state: StateView): string => slotOf(state, 'web').node ?? '';
  const link = (host: string): string => ip(host, '-o', 'link', 'show', 'eth0');
  const hardware = (host: string): string => /link\/ether (\S+)/.exec(link(host))?.[1] ?? '';

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    second = new SecondSwitch(hosts);
    for (const host of [...NODES, 'client']) joinSecond(host);
    await hosts.startSet('edge', NODES);
  });
  afterAll(async () => {
    await hosts?.takeDown();
    second?.close();
  });

  test('a slot is not raised while a stranger has one of its addresses, and says who; then it is', async () => {
    ip('stranger', 'addr', 'add', `${FIRST}/24`, 'dev', 'eth0');
    writeFileSync(`${hosts.folder}/set.yaml`, DECLARATION);
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
    const words = `${FIRST} is in use by ${hardware('stranger')} on eth0, which is not of this set`;
    const refused = await untilState('it is said', (state) => slotOf(state, 'web').reason.includes(words));
    expect(refused.events.find(({ type }) => type === 'slot.addresses')?.message).toContain(words);
    expect((await hosts.cli('manager', 'explain', 'pool', 'web')).stdout).toContain(words);
    expect(refused.pools[0]?.health).toBe('down');
    for (const node of NODES) {
      expect(ip(node, 'addr')).not.toContain(`${FIRST}/32`);
      expect(ip(node, 'addr')).not.toContain(`${SECOND}/32`);
    }
    ip('stranger', 'addr', 'del', `${FIRST}/24`, 'dev', 'eth0');
    const whole = await untilState('it is raised', isWhole);
    await until('both addresses serve', served);
    const node = holderOf(whole);
    expect(ip(node, 'addr', 'show', 'dev', 'eth0')).toContain(`${FIRST}/32`);
    expect(ip(node, 'addr', 'show', 'dev', 'eth1')).toContain(`${SECOND}/32`);
    expect(slotOf(await hosts.state('manager'), 'web').reason).not.toContain('stranger');
  });

  test('a hand-over takes both along, and leaves neither behind', async () => {
    const before = await untilState('it is whole', isWhole);
    const from = holderOf(before);
    const to = slotOf(before, 'web').standbys[0] ?? '';
    const { code, stderr } = await hosts.cli('manager', 'handover', 'web/0', '--to', to);
    expect(code, stderr).toBe(0);
    const after = await untilState(
      'it is there',
      (state) => isWhole(state) && slotOf(state, 'web').holder === to,
    );
    await until('both addresses serve', served);
    expect(ip(from, 'addr')).not.toMatch(/10\.7[89]\.0\.100/);
    expect(holderOf(after)).not.toBe(from);
  });

  test('one that a stranger has is not raised at a slot that serves, which serves on; then it is', async () => {
    ip('stranger', 'addr', 'add', `${THIRD}/24`, 'dev', 'eth0');
    const apply = async (text: string): Promise<void> => {
      writeFileSync(`${hosts.folder}/set.yaml`, text);
      const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
      expect(applied.code, applied.stderr).toBe(0);
    };
    const before = await untilState('it is whole', isWhole);
    await apply(DECLARATION.replace('address: [', `address: [${THIRD}/24, `));
    const words = `not raised: ${THIRD} is in use by ${hardware('stranger')} on eth0, which is not of this set`;
    const refused = await untilState('it is said', (state) => slotOf(state, 'web').reason.includes(words));
    expect(
      refused.events.some(({ type, message }) => type === 'slot.addresses' && message.includes(words)),
    ).toBe(true);
    expect((await hosts.cli('manager', 'explain', 'pool', 'web')).stdout).toContain(words);
    for (const node of NODES) expect(ip(node, 'addr')).not.toContain(`${THIRD}/32`);
    expect(await served()).toBe(true);
    ip('stranger', 'addr', 'del', `${THIRD}/24`, 'dev', 'eth0');
    await until('all three serve', async () => (await fetched(THIRD)) && (await served()));
    const after = await untilState('it is over', (state) => !slotOf(state, 'web').reason.includes(THIRD));
    expect(slotOf(after, 'web').epoch).toBe(slotOf(before, 'web').epoch);
    await apply(DECLARATION);
    await until('it is left', () => !ip(holderOf(after), 'addr').includes(THIRD));
  });

  test('somebody who claims an address of the set later is told, and the slot serves on', async () => {
    const before = await untilState('it is whole', isWhole);
    hosts.on('stranger', () => {
      spawnSync('ip', ['addr', 'add', `${FIRST}/24`, 'dev', 'eth0']);
      announceAllAddresses();
      spawnSync('ip', ['addr', 'del', `${FIRST}/24`, 'dev', 'eth0']);
    });
    const words = `${FIRST} is claimed by ${hardware('stranger')} on eth0 too`;
    const told = await untilState('it is told', (state) => slotOf(state, 'web').reason.includes(words));
    expect(
      told.events.some(({ type, message }) => type === 'slot.addresses' && message.includes(words)),
    ).toBe(true);
    expect(holderOf(told)).toBe(holderOf(before));
    await until('both addresses serve', served);
  });

  test('an address that somebody removes is put back', async () => {
    const node = holderOf(await untilState('it is whole', isWhole));
    ip(node, 'addr', 'del', `${SECOND}/32`, 'dev', 'eth1');
    await until('it is there again', () => ip(node, 'addr', 'show', 'dev', 'eth1').includes(`${SECOND}/32`));
    await until('both addresses serve', served);
  });

  test('a slot whose link goes is handed over to a node that has it', async () => {
    const before = await untilState('it is whole', isWhole);
    const node = holderOf(before);
    ip(node, 'link', 'del', 'eth1');
    const words = `there is no link eth1 for ${SECOND}`;
    const after = await untilState(
      'another node has it',
      (state) =>
        holderOf(state) !== '' && holderOf(state) !== node && slotOf(state, 'web').reason.includes(words),
    );
    expect(
      after.events.some(({ type, message }) => type === 'slot.addresses' && message.includes(words)),
    ).toBe(true);
    await until('both addresses serve', served);
    expect((await hosts.cli('manager', 'explain', 'pool', 'web')).stdout).toContain(`${node}: ${words}`);
    joinSecond(node);
    await untilState('it is a candidate again', (state) => !slotOf(state, 'web').reason.includes(words));
  });

  test('a slot with one of its links without a carrier is handed over to a node that has both', async () => {
    const node = holderOf(await untilState('it is whole', isWhole));
    ip(node, 'link', 'set', 'eth1', 'down');
    const words = `link eth1 has no carrier for ${SECOND}`;
    const isElsewhere = (state: StateView): boolean => holderOf(state) !== '' && holderOf(state) !== node;
    const after = await untilState('another node has it', isElsewhere);
    expect(after.events.some(({ message }) => message.includes(words))).toBe(true);
    await until('both addresses serve', served);
    ip(node, 'link', 'set', 'eth1', 'up');
    await untilState('it is a candidate again', (state) => !slotOf(state, 'web').reason.includes(words));
  });

  test('who stands by without a carrier is refused by name, and protects nobody', async () => {
    const before = await untilState('it is whole', isWhole);
    const others = NODES.filter((each) => each !== holderOf(before));
    const [one = '', other = ''] = others;
    const explained = async (): Promise<string> =>
      (await hosts.cli('manager', 'explain', 'slot', 'web/0')).stdout;
    const lineOf = (text: string, node: string): string =>
      text.split('\n').find((line) => /^ +\d+\./.test(line) && line.includes(node)) ?? '';
    ip(one, 'link', 'set', 'eth1', 'down');
    // The spare stands by in its place.
    const spared = await untilState('it is known', (state) => state.pools[0]?.sparesReady === 0);
    expect(spared.pools[0]).toMatchObject({ health: 'degraded', standbysReady: 1 });
    const text = await explained();
    expect(lineOf(text, one)).toMatch(
      new RegExp(`^  3\\. .*link eth1 has no carrier for ${SECOND}.*\\[rule: link\\]`),
    );
    expect(lineOf(text, other)).toMatch(/^ {2}2\. .*ready$/);
    ip(other, 'link', 'set', 'eth1', 'down');
    const bare = await untilState('nobody protects it', (state) => state.pools[0]?.standbysReady === 0);
    expect(bare.pools[0]?.reason).toContain('1 standby is missing');
    expect((await hosts.cli('manager', 'status')).stdout).toMatch(/web +degraded .*1\/1 +0\/1 +0\/1/);
    expect((await hosts.cli('manager', 'handover', 'web/0', '--to', nameAt(bare, other))).stderr).toContain(
      'link eth1 has no carrier',
    );
    for (const node of others) ip(node, 'link', 'set', 'eth1', 'up');
    await untilState('it is whole', isWhole);
  });

  test('where no node has that carrier it stays, and serves by the other link', async () => {
    const before = await untilState('it is whole', isWhole);
    for (const node of NODES.filter((each) => each !== holderOf(before)))
      ip(node, 'link', 'set', 'eth1', 'down');
    ip(holderOf(before), 'link', 'set', 'eth1', 'down');
    const words = (node: string): string => `${node}: link eth1 has no carrier for ${SECOND}`;
    const after = await untilState('all say so', (state) =>
      NODES.every((node) => slotOf(state, 'web').reason.includes(words(node))),
    );
    expect(holderOf(after)).toBe(holderOf(before));
    await until('the first address serves', () => fetched(FIRST));
    for (const node of NODES) ip(node, 'link', 'set', 'eth1', 'up');
    await untilState('it is whole', isWhole);
    await until('both addresses serve', served);
  });

  test('a slot of which the kernel refuses an address is handed over to a node whose kernel takes it', async () => {
    const node = holderOf(await untilState('it is whole', isWhole));
    const disable = (isDisabled: boolean): void =>
      hosts.on(node, () =>
        writeFileSync('/proc/sys/net/ipv6/conf/eth0/disable_ipv6', isDisabled ? '1' : '0'),
      );
    disable(true);
    writeFileSync(
      `${hosts.folder}/set.yaml`,
      DECLARATION.replace(/address: .*/, `address: [${FIRST}/24, "${SIXTH}/64"]`),
    );
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
    const words = `${node}: ${SIXTH} cannot be raised`;
    const after = await untilState(
      'another node has it',
      (state) =>
        holderOf(state) !== '' && holderOf(state) !== node && slotOf(state, 'web').reason.includes(words),
    );
    await until('it is raised', () => ip(holderOf(after), 'addr').includes(`${SIXTH}/128`));
    expect(ip(node, 'addr')).not.toContain(`${FIRST}/32`);
    disable(false);
    await untilState('it can be raised', (state) => !slotOf(state, 'web').reason.includes(SIXTH));
    expect(ip(node, 'addr')).not.toContain(`${SIXTH}/128`);
  });

  test('with a hardware address of its own it moves without that neighbours learn anything', async () => {
    const text = DECLARATION.replace(
      /address: .*/,
      `address: ${FIRST}/24\n    addressing: { mode: same-mac, vrid: 7 }`,
    );
    writeFileSync(`${hosts.folder}/set.yaml`, text);
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
    const known = (): string => ip('client', 'neigh', 'show', FIRST);
    await until(
      'the client knows it by that',
      async () => (await fetched(FIRST)) && known().includes('00:00:5e:00:01:07'),
    );
    const before = await untilState('it is whole', isWhole);
    // It believes nobody from here on.
    ip('client', 'neigh', 'replace', FIRST, 'lladdr', '00:00:5e:00:01:07', 'dev', 'eth0', 'nud', 'permanent');
    const to = slotOf(before, 'web').standbys[0] ?? '';
    const { code, stderr } = await hosts.cli('manager', 'handover', 'web/0', '--to', to);
    expect(code, stderr).toBe(0);
    const after = await untilState('it is there', (state) => slotOf(state, 'web').holder === to);
    expect(holderOf(after)).not.toBe(holderOf(before));
    await until('it serves', () => fetched(FIRST));
  });
});
