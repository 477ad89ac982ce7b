// SPDX-License-Identifier: Apache-2.0
import { functionId, nodeId } from '@vnfpool/core';
import { runHandManager } from '@vnfpool/daemons/hand-manager';
import { runNodeAlone } from '@vnfpool/daemons/node-alone';
import { silentLogger } from '@vnfpool/runtime/logging';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../node/function-state/fake-function.ts';

// What a node and its functions tell of themselves, from their own figures to a manager by the wire.
const ID = functionId(100);
const NODE = nodeId(10);
const WAIT = { timeout: 40_000, interval: 500 };

async function scene() {
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
  const agent = await runNodeAlone(
    {
      state: temporaryFolder(),
      manager: { host: '127.0.0.1', port: address.port },
      security: { kind: 'plain' },
      listen: '127.0.0.1',
      statePort: 0,
      loopback: true,
      nodeId: NODE,
      catalogue: null,
    },
    silentLogger,
  );
  onTestFinished(() => agent.stop());
  await expect.poll(() => manager.nodes().length, WAIT).toBe(1);
  return manager;
}

test.runIf(process.platform === 'linux')(
  'every option of node and function that the loopback has comes to the manager, and is true',
  { timeout: 60_000 },
  async () => {
    const manager = await scene();
    const folder = temporaryFolder();
    const specification: FunctionSpecification = {
      v: 1,
      kind: 'process',
      // Keeps a processor busy, and 4 MB on disk.
      command: ['/bin/sh', '-c', 'head -c 4000000 /dev/zero > file; while :; do :; done'],
      directory: folder,
    };
    expect(
      await manager.order({ type: 'add', node: NODE, functionId: ID, name: 'busy', specification }),
    ).toMatchObject({ code: 0 });
    const ask = () => manager.order({ type: 'get', node: NODE, functionId: ID });
    const told = () =>
      manager.node(NODE)?.functions.find((each) => each.functionId === ID)?.information ?? {};
    await expect
      .poll(async () => {
        await ask();
        return told().storageBytes ?? 0n;
      }, WAIT)
      .toBeGreaterThanOrEqual(4_000_000n);
    const function_ = told();
    expect(function_).toMatchObject({ name: 'busy', status: 'Running', load: expect.any(Number) });
    expect(function_.loadAverage).toBeGreaterThan(0);
    expect(function_.memoryBytes).toBeGreaterThan(100_000n);
    expect(function_.memoryBytes).toBeLessThan(100_000_000n);
    expect(function_.memoryFreeBytes).toBeGreaterThan(0n);
    expect(function_.storageBytes).toBeLessThan(5_000_000n);
    expect(function_.storageFreeBytes).toBeGreaterThan(0n);
    expect(function_.bootTime).toBeGreaterThan(0n);
    await expect
      .poll(async () => {
        await manager.order({ type: 'get', node: NODE, functionId: functionId(0) });
        return manager.node(NODE)?.information.bandwidthAverageBitsPerSecond;
      }, WAIT)
      .toBeDefined();
    const node = manager.node(NODE)?.information ?? {};
    expect(node.load).toBeGreaterThan(0);
    expect(node.memoryBytes).toBeGreaterThan(node.memoryFreeBytes ?? 0n);
    expect(node.storageBytes).toBeGreaterThan(node.storageFreeBytes ?? 0n);
    expect(node).toMatchObject({
      loadAverage: expect.any(Number),
      memoryFreeBytes: expect.any(BigInt),
      bandwidthUsedBitsPerSecond: expect.any(BigInt),
      bootTime: expect.any(BigInt),
    });
    // The loopback has no speed: better nothing than a guess.
    expect(node).not.toHaveProperty('bandwidthBitsPerSecond');
  },
);
