// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { functionId, nodeId } from '@vnfpool/core';
import { type HandManager, runHandManager } from '@vnfpool/daemons/hand-manager';
import { runNodeAlone } from '@vnfpool/daemons/node-alone';
import { silentLogger } from '@vnfpool/runtime/logging';
import { type FunctionSpecification, MobilityError } from '@vnfpool/wire/mobility';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { FunctionContainers } from '../../../src/node/containers/index.ts';
import { temporaryFolder } from '../function-state/fake-function.ts';
import { Client } from '../function-state/programs.ts';
import { makeRootFileSystem, noRootFileSystem } from './root-file-system.ts';

// By the wire: a manager, two agents, and a real program with state, in containers.
const base = mkdtempSync(join(tmpdir(), 'vnfpool-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const opened = await FunctionContainers.open(mkdtempSync(join(base, 'probe-')));
const python = existsSync('/usr/bin/python3') ? null : 'there is no /usr/bin/python3';
const reason = typeof opened === 'string' ? opened : (noRootFileSystem() ?? python);

const KV = functionId(101);
const WAIT = { timeout: 30_000 };

async function scene(): Promise<HandManager> {
  const running = await runHandManager({
    host: '127.0.0.1',
    port: 0,
    security: { kind: 'plain' },
    onEvent: () => undefined,
    onFault: (error) => {
      throw error;
    },
  });
  onTestFinished(() => running.stop());
  const { manager, address } = running;
  for (const id of [10, 11]) {
    const agent = await runNodeAlone(
      {
        state: temporaryFolder(),
        manager: { host: '127.0.0.1', port: address.port },
        security: { kind: 'plain' },
        listen: '127.0.0.1',
        statePort: 0,
        loopback: true,
        nodeId: id,
        catalogue: null,
      },
      silentLogger,
    );
    onTestFinished(() => agent.stop());
  }
  await expect.poll(() => manager.nodes().map(({ nodeId: id }) => id), WAIT).toEqual([10, 11]);
  return manager;
}

function specificationOf(): FunctionSpecification {
  const rootfs = existsSync(`${base}/root`) ? `${base}/root` : makeRootFileSystem(`${base}/root`);
  const kv = fileURLToPath(new URL('../../../../../examples/stateful/kv.py', import.meta.url));
  const system = ['/usr', '/lib', '/lib64'].filter((path) => existsSync(path));
  return {
    v: 1,
    kind: 'container',
    command: ['/usr/bin/python3', '/kv/kv.py', '--address', '{address}', '--port', '{port}'],
    port: 0,
    state: { via: 'socket', format: 'kv/1' },
    container: {
      rootfs,
      user: '1234',
      mounts: [...system, '/kv'].map((target) => ({
        target,
        source: target === '/kv' ? dirname(kv) : target,
      })),
    },
  };
}

async function open(manager: HandManager, node: number): Promise<Client> {
  const find = () => manager.node(node)?.functions.find((each) => each.functionId === KV);
  await expect.poll(() => find()?.report?.port ?? 0, WAIT).toBeGreaterThan(0);
  let client: Client | null = null;
  await expect
    .poll(async () => {
      client = await Client.open(find()?.report?.port ?? 0);
      return await client.ask('get nothing');
    }, WAIT)
    .toBeTypeOf('string');
  return client as unknown as Client;
}

describe.skipIf(reason !== null)(`containers over the wire${reason === null ? '' : ` [${reason}]`}`, () => {
  test('a function in a container moves with its state to a container at another node', async () => {
    const manager = await scene();
    const specification = specificationOf();
    const add = { type: 'add', functionId: KV, name: 'kv', specification } as const;
    expect(await manager.order({ ...add, node: nodeId(10) })).toMatchObject({ code: 0 });
    const client = await open(manager, 10);
    expect(await client.ask('add counter 5')).toBe('value 5');
    const token = new Uint8Array(randomBytes(16));
    const prepare = { token, from: nodeId(10) };
    expect(await manager.order({ ...add, node: nodeId(11), prepare })).toMatchObject({ code: 0 });
    const destination = {
      node: nodeId(11),
      addresses: manager.node(11)?.addresses ?? [],
      port: manager.node(11)?.statePort ?? null,
    };
    const order = { node: nodeId(10), functionId: KV, destination, token } as const;
    expect(await manager.order({ type: 'move', ...order })).toMatchObject({ code: 0 });
    await expect.poll(() => manager.node(10)?.functions.length, WAIT).toBe(0);
    const moved = await open(manager, 11);
    expect(await moved.ask('add counter')).toBe('value 6');
  }, 90_000);

  test('what a node does not have is refused with error 6, in words', async () => {
    const manager = await scene();
    const { container, ...rest } = specificationOf();
    const specification = { ...rest, container: { ...container, rootfs: '/nowhere/root' } };
    const answer = await manager.order({
      type: 'add',
      node: nodeId(10),
      functionId: KV,
      name: 'kv',
      specification,
    });
    expect(answer).toMatchObject({
      code: 128,
      error: MobilityError.specificationRefused,
      text: 'container.rootfs: there is no folder /nowhere/root',
    });
  }, 60_000);
});
