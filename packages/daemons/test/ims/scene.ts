// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { functionId, nodeId } from '@vnfpool/core';
import { type HandManager, runHandManager } from '@vnfpool/daemons/hand-manager';
import { runNodeAlone } from '@vnfpool/daemons/node-alone';
import { silentLogger } from '@vnfpool/runtime/logging';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from '../node/function-state/fake-function.ts';
import { Client } from '../node/function-state/programs.ts';
import { random } from './phone.ts';
import { type VirtualAddress, virtualTcp, virtualUdp } from './virtual-address.ts';

/* A manager, two nodes, and the functions of examples/ims as processes, each behind an address that stays. */

const root = fileURLToPath(new URL('../../../../', import.meta.url));
export const WAIT = { timeout: 30_000 };
/** Why the functions cannot be run here. */
export const missing: string | null = ['client/dist/stateful', 'wire/dist/sip'].every((folder) =>
  existsSync(`${root}packages/${folder}/index.js`),
)
  ? null
  : 'needs packages that are built';

interface Placed {
  readonly id: number;
  readonly specification: FunctionSpecification;
  readonly address: VirtualAddress;
}

export interface Scene {
  readonly manager: HandManager;
  readonly proxy: Placed;
  readonly hss: Placed;
}

export async function startScene(): Promise<Scene> {
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
  for (const id of [10, 11]) {
    const agent = await runNodeAlone(
      {
        state: temporaryFolder(),
        manager: { host: '127.0.0.1', port: running.address.port },
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
  const { manager } = running;
  await expect.poll(() => manager.nodes().map(({ nodeId: id }) => id), WAIT).toEqual([10, 11]);
  const [udp, tcp] = [await virtualUdp(), await virtualTcp()];
  const at = ['--address', '{address}', '--port', '{port}'];
  const example = (name: string, ...more: string[]): FunctionSpecification => ({
    v: 1,
    kind: 'process',
    command: [process.execPath, `${root}examples/ims/${name}`, ...at, ...more],
    state: { via: 'socket', format: 'kv/1' },
    port: 0,
  });
  const places = ['--advertise', `127.0.0.1:${udp.port}`, '--hss', `127.0.0.1:${tcp.port}`];
  const scene: Scene = {
    manager,
    proxy: { id: 101, address: udp, specification: example('proxy.mjs', '--counters', ...places) },
    hss: { id: 102, address: tcp, specification: example('hss.mjs') },
  };
  for (const placed of [scene.hss, scene.proxy]) {
    const { id, specification } = placed;
    const order = { node: nodeId(10), functionId: functionId(id), name: 'sip', specification } as const;
    expect(await manager.order({ type: 'add', ...order })).toMatchObject({ code: 0 });
    await lead(scene, placed, 10);
  }
  return scene;
}

function find({ manager }: Scene, { id }: Placed, node: number) {
  return manager.node(node)?.functions.find((each) => each.functionId === id);
}

/** Where it listens, whichever address leads there. */
export function portOf(scene: Scene, placed: Placed, node: number): number | null {
  return find(scene, placed, node)?.report?.port ?? null;
}

async function lead(scene: Scene, placed: Placed, node: number): Promise<void> {
  await expect.poll(() => find(scene, placed, node)?.status, WAIT).toBe('Running');
  await expect.poll(() => portOf(scene, placed, node) ?? 0, WAIT).toBeGreaterThan(0);
  placed.address.lead(portOf(scene, placed, node));
}

/** Moves a function from node 10 to node 11, and its address with it. */
export async function move(scene: Scene, placed: Placed): Promise<void> {
  const { manager } = scene;
  const { id, specification } = placed;
  const token = new Uint8Array(randomBytes(16));
  const of = { functionId: functionId(id), name: 'sip' };
  const prepare = { token, from: nodeId(10) };
  expect(await manager.order({ type: 'add', node: nodeId(11), ...of, specification, prepare })).toMatchObject(
    { code: 0, status: 'Starting' },
  );
  const { addresses = [], statePort = null } = manager.node(11) ?? {};
  const destination = { node: nodeId(11), addresses, port: statePort };
  expect(await manager.order({ type: 'move', node: nodeId(10), ...of, destination, token })).toMatchObject({
    code: 0,
  });
  await lead(scene, placed, 11);
  await expect.poll(() => find(scene, placed, 10) === undefined, WAIT).toBe(true);
}

/** Asks the store; it may be starting, or on its way. */
export async function askHss({ hss }: Scene, op: string, user: string): Promise<Record<string, unknown>> {
  let answer: string | null = null;
  const identity = `sip:${user}@example.test`;
  const asks = async () => {
    const client = await Client.open(hss.address.port);
    answer = await client.ask(JSON.stringify({ id: 1, op, identity }));
    return answer;
  };
  await expect.poll(asks, WAIT).toContain('"ok":true');
  return JSON.parse(answer ?? '') as Record<string, unknown>;
}

/** Users, transactions, dialogs and counters of the proxy, as it tells. */
export interface Told {
  readonly users: number;
  readonly dialogs: number;
  readonly transactions: number;
  readonly counters: Readonly<Record<string, number>>;
}

export const optionsFields = (): Record<string, string> => ({
  From: `<sip:test@example.test>;tag=${random()}`,
  To: '<sip:example.test>',
  'Call-ID': random(),
  Accept: 'application/json',
});
