// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SlotView, StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hosts, missing as lacking } from './hosts.ts';
import { failoverSince, isWhole, slotOf } from './running-set.ts';
import { SecondSwitch } from './second-switch.ts';
import { type Child, until } from './support.ts';

/* Two NAT gateways with an address of the slot inside only, and a witness that has no outer link. */

const missing =
  lacking ||
  (spawnSync('nft', ['--version']).error === undefined ? '' : 'gateways translate by nft: not installed');
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
const INSIDE = '10.78.0.100';
const SERVER = '10.79.0.40';
const DECLARATION = `set: edge
nodes: { node-a: {}, node-b: {}, node-c: { witness: true } }
pools:
  gate:
    function:
      program: node
      arguments: [web.mjs, --port, "{port}"]
      directory: ${edge}
      port: 8080
      health: { http: /health, every: 1s, timeout: 1s, rise: 1, fall: 3 }
    redundancy: { slots: 1, standbys: 1 }
    address: ${INSIDE}/24
    addressing: { forwarding: [eth1] }
    failover: { lease: 1s }
`;
const TRANSLATE = `
table ip gateway {
  chain translate {
    type nat hook postrouting priority srcnat
    oifname "eth1" masquerade
  }
}
`;
const SERVE = `require('node:http').createServer((_, answer) => answer.end('outside')).listen(80, '${SERVER}', () => console.log('ready'));`;
const FETCH = `fetch('http://${SERVER}/', { signal: AbortSignal.timeout(1000) })
  .then((answer) => answer.text()).then((text) => process.stdout.write(text)).catch(() => {}).finally(() => process.exit());`;
const ABSENT = 'there is no link eth1 for forwarding';
const UNPLUGGED = 'link eth1 has no carrier for forwarding';

describe.skipIf(missing !== '')(
  `the outer link of a gateway, without an address of its slot ${missing}`,
  () => {
    let hosts: Hosts;
    let outside: SecondSwitch;
    let agents: ReadonlyMap<string, Child>;

    const outer = (host: string): string => (ADDRESSES[host] ?? '').replace('10.78', '10.79');
    const join = (host: string): void => outside.join(host, outer(host));
    const plug = (host: string, isIn: boolean): void => outside.plug(outer(host), isIn);
    const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
      hosts.untilState('manager', what, isSo);
    const slot = (state: StateView): SlotView => slotOf(state, 'gate');
    const otherOf = (node: string): string => (node === 'node-a' ? 'node-b' : 'node-a');
    const says = async (...words: readonly string[]): Promise<string> => {
      const { stdout, stderr } = await hosts.cli('manager', ...words);
      return stdout + stderr;
    };
    /** The line of a node among the candidates of the slot. */
    const verdictOn = async (node: string): Promise<string> => {
      const lines = (await says('explain', 'slot', 'gate/0')).split('\n');
      return lines.find((line) => /^ +\d+\./.test(line) && line.includes(node)) ?? '';
    };
    const passes = async (): Promise<boolean> => {
      const child = hosts.start('client', [process.execPath, '-e', FETCH]);
      await child.ended;
      return child.stdout() === 'outside';
    };
    /** The slot is at the other node of the pair; the record of how it came there says what failed. */
    const untilElsewhere = async (
      former: SlotView,
      evidence: string,
      classes: readonly string[],
    ): Promise<void> => {
      const node = former.node ?? '';
      const after = await untilState('the other gateway has it', (state) => {
        const record = failoverSince(state, former);
        return slot(state).node === otherOf(node) && record?.evidence?.includes(evidence) && record;
      });
      await until('the client gets through', passes);
      const record = failoverSince(after, former);
      expect(classes).toContain(record?.class);
      expect(record).toMatchObject({
        fromNode: node,
        toNode: otherOf(node),
        fencedBy: 'release',
        cause: 'its node could not serve it whole',
        evidence: expect.stringContaining(`${node}: ${evidence}`),
      });
      expect(await says('failover', 'show', record?.id ?? '')).toContain(`class ${record?.class}: `);
      expect(await verdictOn(node)).toMatch(new RegExp(`${evidence}.*\\[rule: link\\]`));
      expect(slot(after).reason).toContain(`${node}: ${evidence}`);
    };

    beforeAll(async () => {
      hosts = new Hosts(ADDRESSES);
      outside = new SecondSwitch(hosts);
      for (const host of ['node-a', 'server']) join(host);
      for (const node of ['node-a', 'node-b'])
        hosts.on(node, () => {
          writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
          const { status, stderr } = spawnSync('nft', ['-f', '-'], { input: TRANSLATE, encoding: 'utf8' });
          expect(status, stderr).toBe(0);
        });
      hosts.ip('server', 'link', 'set', 'eth0', 'down');
      hosts.ip('client', 'route', 'add', '10.79.0.0/24', 'via', INSIDE);
      const server = hosts.start('server', [process.execPath, '-e', SERVE]);
      await until('the server listens', () => server.stdout().includes('ready'));
      agents = await hosts.startSet('edge', NODES);
    });
    afterAll(async () => {
      await hosts?.takeDown();
      outside?.close();
    });

    test('a node without it is no candidate from the first, and is one when the link comes; a witness needs none', async () => {
      writeFileSync(`${hosts.folder}/set.yaml`, DECLARATION);
      const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
      expect(applied.code, applied.stderr).toBe(0);
      const bare = await untilState(
        'one of them has it, and all run',
        (state) =>
          state.slots.length === 1 &&
          slot(state).node === 'node-a' &&
          slot(state).reason.includes(ABSENT) &&
          state.instances.length === 2 &&
          state.instances.every(({ status, healthy }) => status === 'running' && healthy),
      );
      expect(slot(bare).reason).toContain(`node-b: ${ABSENT}`);
      expect(slot(bare).reason).not.toContain('node-c');
      expect(bare.pools[0]).toMatchObject({ health: 'degraded', standbysReady: 0 });
      expect(await verdictOn('node-b')).toMatch(new RegExp(`${ABSENT}.*\\[rule: link\\]`));
      const standby = bare.instances.find(({ node }) => node === 'node-b')?.name ?? '';
      expect(await says('handover', 'gate/0', '--to', standby)).toContain(ABSENT);
      await until('the client gets through', passes);
      join('node-b');
      const whole = await untilState('it is whole', isWhole);
      expect(slot(whole)).toMatchObject({ node: 'node-a', standbys: [standby] });
      expect(slot(whole).reason).not.toContain('eth1');
      expect(await verdictOn('node-b')).toMatch(/ready$/);
    });

    test('when it loses its carrier at the holder, the other gateway takes over', async () => {
      const former = slot(await untilState('it is whole', isWhole));
      plug(former.node ?? '', false);
      await untilElsewhere(former, UNPLUGGED, ['link']);
      plug(former.node ?? '', true);
      const whole = await untilState('it is a candidate again', isWhole);
      expect(slot(whole).node).toBe(otherOf(former.node ?? ''));
    });

    test('when it vanishes at the holder, the other gateway takes over', async () => {
      const former = slot(await untilState('it is whole', isWhole));
      hosts.ip(former.node ?? '', 'link', 'del', 'eth1');
      // The link of the other one went a moment ago.
      await untilElsewhere(former, ABSENT, ['link', 'several']);
      join(former.node ?? '');
      await untilState('it is a candidate again', isWhole);
    });

    test('where the other gateway has none either it stays, and says so; nobody protects it meanwhile', async () => {
      const before = slot(await untilState('it is whole', isWhole));
      const node = before.node ?? '';
      plug(otherOf(node), false);
      const bare = await untilState('the standby is none', (state) => state.pools[0]?.standbysReady === 0);
      expect(bare.pools[0]).toMatchObject({ health: 'degraded' });
      expect(await verdictOn(otherOf(node))).toContain('[rule: link]');
      plug(node, false);
      const after = await untilState('both say so', (state) =>
        [node, otherOf(node)].every((each) => slot(state).reason.includes(`${each}: ${UNPLUGGED}`)),
      );
      expect(slot(after)).toMatchObject({ node, epoch: before.epoch });
      await until('the holder says that it stays', () =>
        agents.get(node)?.stderr().includes(`${UNPLUGGED}; it stays here, as no other node takes it`),
      );
      for (const each of [node, otherOf(node)]) plug(each, true);
      const whole = await untilState('it is whole', isWhole);
      expect(slot(whole)).toMatchObject({ node, epoch: before.epoch });
      expect(failoverSince(whole, before)).toBeUndefined();
      await until('the client gets through', passes);
    });
  },
);
