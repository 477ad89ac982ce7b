// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { functionId, nodeId } from '@vnfpool/core';
import { type HandEvent, type HandManager, runHandManager } from '@vnfpool/daemons/hand-manager';
import { runNodeAlone } from '@vnfpool/daemons/node-alone';
import { silentLogger } from '@vnfpool/runtime/logging';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../node/function-state/fake-function.ts';
import { Client, EXAMPLES } from '../node/function-state/programs.ts';

/* A manager and the agents of two nodes, with a real program that counts. */

const KV = functionId(101);
const WAIT = { timeout: 30_000 };

interface Scene {
  readonly manager: HandManager;
  readonly events: HandEvent[];
  readonly specification: FunctionSpecification;
}

async function scene(program: FunctionSpecification): Promise<Scene> {
  const events: HandEvent[] = [];
  const running = await runHandManager({
    host: '127.0.0.1',
    port: 0,
    security: { kind: 'plain' },
    onEvent: (event) => void events.push(event),
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
  return { manager, events, specification: { ...program, port: 0 } };
}

/** The program runs on node 10, and has counted to one. */
async function counting({ manager, specification }: Scene): Promise<Client> {
  const name = 'kv';
  expect(
    await manager.order({ type: 'add', node: nodeId(10), functionId: KV, name, specification }),
  ).toMatchObject({ code: 0 });
  const client = await open(manager, 10);
  expect(await client.ask('add counter')).toBe('value 1');
  return client;
}

function statusOf(manager: HandManager, node: number, id: number = KV): string {
  return manager.node(node)?.functions.find((each) => each.functionId === id)?.status ?? 'none';
}

/** A client of the program on a node. */
async function open(manager: HandManager, node: number, id: number = KV): Promise<Client> {
  const find = () => manager.node(node)?.functions.find((each) => each.functionId === id);
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

const stateAt = (manager: HandManager, node: number) => ({
  node: nodeId(node),
  addresses: manager.node(node)?.addresses ?? [],
  port: manager.node(node)?.statePort ?? null,
});

async function prepare({ manager, specification }: Scene, token: Uint8Array, id = KV) {
  return await manager.order({
    type: 'add',
    node: nodeId(11),
    functionId: id,
    name: 'kv',
    specification,
    prepare: { token, from: nodeId(10) },
  });
}

describe.each(EXAMPLES)('$name', ({ missing, specification }) => {
  test('a function moves with its state; the source is gone, and says why', async ({ skip }) => {
    skip(missing !== null, missing ?? '');
    const here = await scene(specification);
    const { manager, events } = here;
    await counting(here);
    const token = new Uint8Array(randomBytes(16));
    expect(await prepare(here, token)).toMatchObject({ code: 0, status: 'Starting' });
    const order = { node: nodeId(10), functionId: KV, destination: stateAt(manager, 11), token } as const;
    expect(await manager.order({ type: 'move', ...order })).toMatchObject({ code: 0, status: 'Running' });
    await expect
      .poll(() => [statusOf(manager, 10), statusOf(manager, 11)], WAIT)
      .toEqual(['none', 'Running']);
    const told = events.filter((event) => event.type === 'function-status' && event.node === 10);
    expect(told.at(-1)).toMatchObject({ gone: true, reason: 'moved to node 11' });
    const moved = await open(manager, 11);
    expect(await moved.ask('add counter')).toBe('value 2');
  }, 60_000);
});

describe('with one of them', () => {
  const example = EXAMPLES.find(({ missing }) => missing === null);
  const needs = EXAMPLES.map(({ missing }) => missing).join('; ');

  test('a copy has the state under a number of its own, and both serve', async ({ skip }) => {
    skip(example === undefined, needs);
    if (example === undefined) return;
    const here = await scene(example.specification);
    const { manager } = here;
    const client = await counting(here);
    const token = new Uint8Array(randomBytes(16));
    const copyId = functionId(202);
    await prepare(here, token, copyId);
    const order = {
      node: nodeId(10),
      functionId: KV,
      copyId,
      destination: stateAt(manager, 11),
      token,
    } as const;
    expect(await manager.order({ type: 'copy', ...order })).toMatchObject({ code: 0 });
    await expect.poll(() => statusOf(manager, 11, copyId), WAIT).toBe('Running');
    const copy = await open(manager, 11, copyId);
    expect([await client.ask('add counter'), await copy.ask('add counter 10')]).toEqual([
      'value 2',
      'value 11',
    ]);
    expect(statusOf(manager, 10)).toBe('Running');
  }, 60_000);

  test('nobody is prepared there: it serves on, and says why it did not move', async ({ skip }) => {
    skip(example === undefined, needs);
    if (example === undefined) return;
    const here = await scene(example.specification);
    const { manager, events } = here;
    const client = await counting(here);
    const token = new Uint8Array(randomBytes(16));
    const order = { node: nodeId(10), functionId: KV, destination: stateAt(manager, 11), token } as const;
    await manager.order({ type: 'move', ...order });
    const reasons = () => events.flatMap((event) => (event.type === 'function-status' ? [event.reason] : []));
    await expect.poll(reasons, WAIT).toContain('not transferred to node 11: token not valid here');
    expect(await client.ask('add counter')).toBe('value 2');
    // And it can try again.
    const next = new Uint8Array(randomBytes(16));
    await prepare(here, next);
    await manager.order({ type: 'move', ...order, token: next });
    await expect
      .poll(() => [statusOf(manager, 10), statusOf(manager, 11)], WAIT)
      .toEqual(['none', 'Running']);
    expect(await (await open(manager, 11)).ask('add counter')).toBe('value 3');
  }, 60_000);

  test('orders that mean nothing are refused with their reason', async ({ skip }) => {
    skip(example === undefined, needs);
    if (example === undefined) return;
    const here = await scene(example.specification);
    const { manager } = here;
    await counting(here);
    const token = (): Uint8Array => new Uint8Array(randomBytes(16));
    const order = { node: nodeId(10), destination: stateAt(manager, 11) } as const;
    const unknown = await manager.order({
      type: 'move',
      ...order,
      functionId: functionId(7),
      token: token(),
    });
    expect(unknown).toMatchObject({ code: 128, error: 2 });
    const again = await manager.order({
      type: 'add',
      node: nodeId(10),
      functionId: KV,
      specification: { ...here.specification, env: { OTHER: 'yes' } },
      prepare: { token: token(), from: nodeId(11) },
    });
    expect(again).toMatchObject({ code: 128, text: expect.stringContaining('is here already') as string });
    const plain = await manager.order({ type: 'move', ...order, functionId: KV, token: null });
    expect(plain).toMatchObject({ code: 130, error: 3 });
  }, 60_000);
});
