// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Conntrack, type ConntrackEntry } from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace } from '@vnfpool/platform/namespaces';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hosts, missing } from './hosts.ts';
import { slotOf } from './running-set.ts';
import { SecondSwitch } from './second-switch.ts';
import { type Child, until } from './support.ts';

/* A file transfer in active mode through a pair of NAT gateways: its data connection is announced to one, and comes to the other. */

const files = fileURLToPath(new URL('../../../../examples/nat', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const ADDRESSES: Readonly<Record<string, string>> = {
  manager: '10.78.0.2',
  'node-a': '10.78.0.11',
  'node-b': '10.78.0.12',
  'node-c': '10.78.0.13',
  server: '10.78.0.40',
};
const CLIENT = '10.79.0.30';
const OUTSIDE = '10.78.0.100';
const INSIDE = '10.79.0.100';

/** Beside the rules of the example, by which all of a client goes out as the gateway. */
const HELPER = `table inet helpers
delete table inet helpers
table inet helpers {
  ct helper ftp { type "ftp" protocol tcp; }
  chain in { type filter hook prerouting priority filter; tcp dport 21 ct helper set "ftp"; }
}
`;

const declaration = (folder: string, standby: string): string => `set: files
nodes: { node-a: {}, node-b: {}, node-c: { witness: true } }
pools:
  nat:
    function:
      program: /bin/sh
      arguments: [${folder}/gateway.sh]
      health: { command: [nft, list, table, inet, gateway], every: 1s, timeout: 1s }
      state: { via: conntrack, standby: ${standby}, filter: { protocols: [6, 17], addresses: [10.79.0.0/24] } }
    redundancy: { model: 1+1 }
    address: [${OUTSIDE}/24, { address: ${INSIDE}/24, link: eth1 }]
    addressing: { forwarding: [eth1] }
    failover: { lease: 1s }
    sharing: { method: [conntrack], loss: 1s }
`;

/** Answers USER and PORT, and calls what that named on RETR. */
const SERVER = `const net = require('node:net');
net.createServer((control) => {
  let at;
  control.on('error', () => {}).on('data', (octets) => {
    const [word, numbers] = octets.toString().trim().split(' ');
    if (word === 'USER') control.write('230 welcome\\r\\n');
    else if (word === 'PORT') {
      const [a, b, c, d, high, low] = numbers.split(',').map(Number);
      at = { host: [a, b, c, d].join('.'), port: high * 256 + low };
      console.log(JSON.stringify({ announced: at }));
      control.write('200 so be it\\r\\n');
    } else if (word === 'RETR') {
      net.connect(at).on('error', (error) => console.log(JSON.stringify({ failed: error.code }))).end('contents');
    }
  });
}).listen(21, '${ADDRESSES['server']}', () => console.log(JSON.stringify({ ready: true })));`;

/** Announces a port, which a helper reads behind another line only, and asks for the file when it is told to. */
const TRANSFER = `const net = require('node:net');
const data = net.createServer((socket) => socket.on('data', (octets) => console.log(JSON.stringify({ data: octets.toString() }))));
data.listen(0, '${CLIENT}', () => {
  const { port } = data.address();
  const control = net.connect(21, '${ADDRESSES['server']}', () => control.write('USER anonymous\\r\\n'));
  control.on('data', (answer) => {
    if (answer.toString().startsWith('230'))
      control.write('PORT ${CLIENT.replaceAll('.', ',')},' + (port >> 8) + ',' + (port & 255) + '\\r\\n');
    else console.log(JSON.stringify({ announced: port }));
  });
  control.on('error', (error) => console.log(JSON.stringify({ lost: error.code })));
  process.once('SIGUSR2', () => control.write('RETR file\\r\\n'));
});`;

/** Why it cannot be tried here, or nothing. */
function whyNot(): string {
  if (missing !== '') return missing;
  const namespace = createNamespace();
  try {
    return inNamespace(namespace.fd, () => spawnSync('nft', ['-f', '-'], { input: HELPER })).status === 0
      ? ''
      : 'nft or the kernel has no helper for FTP';
  } finally {
    namespace.close();
  }
}
const lacking = whyNot();

describe.skipIf(lacking !== '').each([
  ['userspace', '"flows":1,"kept":0'],
  ['kernel', '"flows":0,"kept":1'],
])(`a connection that is expected when its gateway dies, copies in %s ${lacking}`, (standby, committed) => {
  let hosts: Hosts;
  let second: SecondSwitch;
  let agents: ReadonlyMap<string, Child>;
  let server: Child;

  const holder = async (what: string, isSo: (node: string, isProtected: boolean) => boolean) => {
    const state = await hosts.untilState('manager', what, (each) => {
      if (each.slots.length === 0) return false;
      const { node, sharing } = slotOf(each, 'nat');
      return isSo(node ?? '', sharing?.isProtected === true);
    });
    return slotOf(state, 'nat').node ?? '';
  };
  const untilShared = (what: string, count: number): Promise<unknown> =>
    hosts.untilState('manager', `the standby has ${what}`, (state) => {
      const { sharing } = slotOf(state, 'nat');
      return sharing?.state?.keys === count && sharing.standbys.every(({ lagUpdates }) => lagUpdates === 0);
    });
  /** Connections to the server, and those that are expected, in a node's kernel. */
  const kernelHas = (node: string): number =>
    hosts.on(node, () => {
      const table = new Conntrack();
      const isControl = ({ original: { layer4 } }: ConntrackEntry): boolean =>
        layer4?.kind === 'ports' && layer4.destination === 21;
      const count = [...table.dump()].flat().filter(isControl).length + table.expectations().length;
      table.close();
      return count;
    });
  const transfer = async (): Promise<Child> => {
    const child = hosts.start('client', [process.execPath, '-e', TRANSFER]);
    await until('the port is announced', () => child.stdout().includes('announced'));
    return child;
  };
  const fetched = async (child: Child): Promise<void> => {
    child.process.kill('SIGUSR2');
    await until('the file came', () => {
      const said = child.stdout() + server.stdout();
      expect(said).not.toMatch(/lost|failed/);
      return child.stdout().includes('contents');
    });
  };

  beforeAll(async () => {
    hosts = new Hosts({ ...ADDRESSES, client: '10.78.0.30' });
    second = new SecondSwitch(hosts);
    for (const node of NODES) second.join(node, (ADDRESSES[node] ?? '').replace('10.78', '10.79'));
    second.join('client', CLIENT);
    hosts.ip('client', 'link', 'set', 'eth0', 'down');
    hosts.ip('client', 'route', 'add', 'default', 'via', INSIDE);
    const folder = `${hosts.folder}/rules`;
    mkdirSync(folder);
    writeFileSync(`${folder}/helpers.nft`, HELPER);
    copyFileSync(`${files}/gateway.nft`, `${folder}/gateway.nft`);
    writeFileSync(
      `${folder}/gateway.sh`,
      [
        'set -e',
        `cd ${folder}`,
        'nft -D ports=1024-65535 -f gateway.nft',
        'nft -f helpers.nft',
        'echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal',
        'echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_loose',
        'echo 1 >/proc/sys/net/ipv4/ip_forward',
        'exec sleep infinity',
        '',
      ].join('\n'),
    );
    server = hosts.start('server', [process.execPath, '-e', SERVER]);
    await until('the server listens', () => server.stdout().includes('ready'));
    agents = await hosts.startSet('files', NODES);
    writeFileSync(`${hosts.folder}/set.yaml`, declaration(folder, standby));
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
  });
  afterAll(async () => {
    await hosts?.takeDown();
    second?.close();
  });

  test('comes through the next one, with the translation that was announced', async ({ onTestFailed }) => {
    onTestFailed(async () => {
      await hosts.tellStory('manager');
      console.log(`server: ${server.stdout()}`);
      for (const node of ['node-a', 'node-b'] as const) {
        const listed = ['-L', '-L expect'].map((words) =>
          hosts.on(node, () =>
            spawnSync('conntrack', [...words.split(' '), '-o', 'extended'], { encoding: 'utf8' }),
          ),
        );
        console.log(`${node}: ${agents.get(node)?.stderr()}${listed.map(({ stdout }) => stdout).join('')}`);
      }
      for (const host of ['client', 'server'])
        console.log(
          `${host}: ${hosts.on(host, () => spawnSync('ss', ['-tanoi'], { encoding: 'utf8' })).stdout}`,
        );
    });
    const first = await holder(
      'the standby has the state',
      (node, isProtected) => node !== '' && isProtected,
    );
    // Without a failover it works: what follows is not the lab's doing.
    const before = await transfer();
    await fetched(before);
    before.process.kill('SIGTERM');
    await untilShared('nothing', 0);
    const waiting = await transfer();
    expect(server.stdout()).toContain(`"host":"${OUTSIDE}"`);
    await untilShared('the connection, and what it has announced', 2);
    const other = NODES.find((node) => node !== first && node !== 'node-c') ?? '';
    await until('the copy is where it is to be', () => kernelHas(other) === (standby === 'kernel' ? 2 : 0));
    agents.get(first)?.process.kill('SIGKILL');
    for (const pid of hosts.functionPids(first)) process.kill(pid, 'SIGKILL');
    for (const link of ['eth0', 'eth1']) hosts.ip(first, 'link', 'set', link, 'down');
    const next = await holder('the other node serves', (node) => !['', first].includes(node));
    await fetched(waiting);
    const told = agents.get(next)?.stderr() ?? '';
    expect(told).toContain('expected connections of the copy are in the kernel');
    expect(told).toContain(committed);
  });
});
