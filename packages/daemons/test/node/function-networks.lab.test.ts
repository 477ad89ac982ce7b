// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { createLinuxClocks } from '@vnfpool/platform/clocks';
import { createNetwork, inNamespace, linkAlias, type NetworkHost } from '@vnfpool/platform/namespaces';
import {
  findLink,
  listLinks,
  NETLINK_ROUTE,
  NetlinkSocket,
  setDefaultRoute,
} from '@vnfpool/platform/netlink';
import { type RunningProgram, startProgram } from '@vnfpool/platform/processes';
import type { FunctionLimits, FunctionSpecification, NetworkSpecification } from '@vnfpool/wire/mobility';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FunctionHost } from '../../src/node/function-host.ts';
import { FunctionNetworks } from '../../src/node/function-networks.ts';

// Real namespaces of this machine; addresses of RFC 2544, which nobody routes.
const id = randomBytes(3).toString('hex');
const networks = FunctionNetworks.open(id);
const missing = typeof networks === 'string' ? ` [${networks}]` : '';
const ID = functionId(1);
const patient = { timeout: 20_000 };

/** Links of the host that functions of this test have. */
const linkNames = (): string[] => {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    return listLinks(socket).flatMap(({ name, alias }) => (alias === linkAlias(id) ? [name] : []));
  } finally {
    socket.close();
  }
};

function createHost() {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  const given: AgentInput[] = [];
  const host = new FunctionHost({
    folder,
    address: '127.0.0.1',
    freePorts: true,
    clocks: createLinuxClocks(),
    give: (input) => given.push(input),
    networks,
  });
  onTestFinished(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const of = <Type extends AgentInput['type']>(type: Type) =>
    given.find((input): input is AgentInput & { type: Type } => input.type === type);
  const start = (
    netns: NetworkSpecification,
    command: readonly string[],
    port?: number,
    limits?: FunctionLimits,
  ) => {
    const specification: FunctionSpecification = {
      v: 1,
      kind: 'netns',
      command,
      netns,
      ...(port === undefined ? {} : { port }),
      ...(limits && { limits }),
    };
    return host.start({ type: 'start', functionId: ID, run: 1, name: 'web#1', specification });
  };
  const stop = () => host.stop({ type: 'stop', functionId: ID, run: 1, signal: 'SIGTERM', graceMs: 100 });
  return { host, of, start, stop };
}

/** A TCP server that tells each client which address it sees. */
const TELLS =
  // A health check may reset its connection, having read nothing.
  "require('net').createServer((s) => s.on('error', () => {}).end(s.remoteAddress)).listen(Number(process.argv[1]), process.argv[2])";
/** A client that prints what it was told, or what went wrong; the kernel by itself tries for minutes. */
const ASKS = `
const socket = require('net').connect(Number(process.argv[1]), process.argv[2]);
const fail = (word) => { console.log(word); process.exit(1); };
setTimeout(fail, 3000, 'no answer').unref();
socket.on('error', (error) => fail(error.code)).on('data', (data) => console.log(String(data)));
`;

function run(at: NetworkHost, script: string, ...args: readonly string[]): RunningProgram {
  const program = startProgram({
    command: [process.execPath, '-e', script, ...args],
    namespace: at.namespace,
    output: { linesMax: 5 },
  });
  onTestFinished(async () => {
    await program.stop(0);
  });
  return program;
}

describe.skipIf(missing !== '')(`functions of kind netns${missing}`, () => {
  test('a program in a namespace of its own serves over its link, and nothing is left of it', async () => {
    const { host, of, start, stop } = createHost();
    const peer = `w${id}`;
    const netns = {
      interfaces: [{ name: 'eth0', peer, addresses: ['198.18.71.2/30'], peerAddresses: ['198.18.71.1/30'] }],
    };
    await start(netns, [process.execPath, '-e', TELLS, '{port}', '{address}'], 0);
    const started = of('started');
    expect(started).toMatchObject({ address: '198.18.71.2', port: 49_152 });
    expect(readlinkSync(`/proc/${started?.pid}/ns/net`)).not.toBe(readlinkSync('/proc/self/ns/net'));
    await expect
      .poll(async () => {
        const client = startProgram({
          command: [process.execPath, '-e', ASKS, '49152', '198.18.71.2'],
          output: { linesMax: 1 },
        });
        await client.exited;
        return client.lines().at(-1);
      }, patient)
      .toBe('198.18.71.1');
    const check = { type: 'tcp', intervalMs: 100, timeoutMs: 5_000, rise: 1, fall: 1 } as const;
    const at = { functionId: ID, run: 1, address: '198.18.71.2', port: 49_152 };
    await host.check({ type: 'check-health', ...at, check });
    expect(of('health')).toMatchObject({ ok: true });
    expect(linkNames()).toContain(peer);
    await stop();
    expect(of('exited')).toMatchObject({ reason: expect.stringContaining('SIGTERM') });
    expect(linkNames()).not.toContain(peer);
  });

  test('a command that checks health runs inside', async () => {
    const { host, of, start } = createHost();
    await start({ interfaces: [] }, ['sleep', '600']);
    const check = {
      type: 'command',
      command: ['/bin/sh', '-c', 'test "$(readlink /proc/self/ns/net)" = "$(readlink /proc/$0/ns/net)"'],
      intervalMs: 500,
      timeoutMs: 10_000,
      rise: 1,
      fall: 1,
    } as const;
    const command = [...check.command, String(of('started')?.pid)];
    const at = { functionId: ID, run: 1, address: '127.0.0.1', port: null };
    await host.check({ type: 'check-health', ...at, check: { ...check, command } });
    expect(of('health')).toMatchObject({ ok: true });
  });

  test('only rules: a function that is NAT passes a connection between two other namespaces', async () => {
    const lan = createNetwork({ bridge: `l${id}`, hosts: [{ name: 'client', address: '198.18.72.2/24' }] });
    onTestFinished(() => lan.close());
    const wan = createNetwork({ bridge: `o${id}`, hosts: [{ name: 'server', address: '198.18.73.2/24' }] });
    onTestFinished(() => wan.close());
    const client = lan.host('client');
    inNamespace(client.namespace.fd, () => {
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      setDefaultRoute(socket, findLink(socket, 'eth0').index, '198.18.72.1');
      socket.close();
    });
    run(wan.host('server'), TELLS, '80', '198.18.73.2');
    const ask = async () => {
      const program = run(client, ASKS, '80', '198.18.73.2');
      await program.exited;
      return program.lines().at(-1);
    };

    const { of, start, stop } = createHost();
    await start(
      {
        interfaces: [
          { name: 'lan', bridge: `l${id}`, addresses: ['198.18.72.1/24'] },
          { name: 'wan', bridge: `o${id}`, addresses: ['198.18.73.1/24'] },
        ],
        sysctls: { 'net.ipv4.ip_forward': '1' },
        rules: `table ip nat {
  chain out {
    type nat hook postrouting priority srcnat;
    oifname "wan" masquerade
  }
}
`,
      },
      [],
    );
    expect(of('exited')).toBeUndefined();
    // The server has no way back to the client: it sees the function.
    await expect.poll(ask, patient).toBe('198.18.73.1');
    expect(linkNames()).toHaveLength(2);
    await stop();
    expect(of('exited')).toBeDefined();
    expect(linkNames()).toEqual([]);
    expect(await ask()).toMatch(/^(no answer|E[A-Z]+)$/);
  });

  test('what passed its links is told, and no more passes than its limit', async () => {
    const { host, of, start } = createHost();
    const netns = {
      interfaces: [
        { name: 'eth0', peer: `v${id}`, addresses: ['198.18.75.2/30'], peerAddresses: ['198.18.75.1/30'] },
      ],
    };
    const limits = { bandwidthBps: 800_000 };
    const refusal = host.refusal({ netns, limits });
    if (refusal !== null) {
      expect(refusal).toMatch(/^limit not enforceable: bandwidth \(/);
      return;
    }
    const flood =
      "const s = require('dgram').createSocket('udp4'); setInterval(() => { for (let i = 0; i < 100; i++) s.send(Buffer.alloc(1000), 9, process.argv[1]); }, 100)";
    // Each sends eight times what may pass.
    await start(netns, [process.execPath, '-e', flood, '198.18.75.1'], undefined, limits);
    expect(of('started')).toBeDefined();
    const outside = startProgram({ command: [process.execPath, '-e', flood, '198.18.75.2'] });
    onTestFinished(async () => void (await outside.stop(0)));
    await expect
      .poll(() => host.information(ID).bandwidthUsedBitsPerSecond ?? 0n, { timeout: 40_000 })
      .toBeGreaterThan(100_000n);
    const { receivedBitsPerSecond } = host.views()[0]?.usage ?? {};
    expect(receivedBitsPerSecond).toBeGreaterThan(50_000);
    // What is allowed at once goes on top of the first seconds.
    expect(receivedBitsPerSecond).toBeLessThan(2_000_000);
  });

  test('a network that cannot be made: refused beforehand where that can be seen, else told as the end', async () => {
    const { host, of, start } = createHost();
    const interfaces = [{ name: 'lan', bridge: `no${id}`, addresses: [] }];
    expect(host.refusal({ netns: { interfaces } })).toBe(
      `kind netns not available: interface lan: this node has no bridge no${id}`,
    );
    await start({ interfaces: [], rules: 'no rules' }, ['sleep', '600']);
    expect(of('exited')).toMatchObject({ reason: expect.stringMatching(/^rules: line 1:.*syntax error/) });
    expect(of('started')).toBeUndefined();
  });
});
