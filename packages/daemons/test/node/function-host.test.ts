// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { FakeClocks } from '@vnfpool/platform/fakes';
import { readProcessStat } from '@vnfpool/platform/processes';
import { expect, onTestFinished, test } from 'vitest';
import { FunctionHost } from '../../src/node/function-host.ts';

/** A host and what it gives to the agent. */
function createHost({ address = '127.0.0.1', freePorts = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  const given: AgentInput[] = [];
  const waiting: { readonly type: AgentInput['type']; readonly resolve: () => void }[] = [];
  const host = new FunctionHost({
    folder,
    address,
    freePorts,
    clocks: new FakeClocks(),
    give: (input) => {
      given.push(input);
      for (const { type, resolve } of waiting) if (type === input.type) resolve();
    },
  });
  onTestFinished(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const next = async <Type extends AgentInput['type']>(type: Type) => {
    const found = () => given.find((input): input is AgentInput & { type: Type } => input.type === type);
    if (!found()) await new Promise<void>((resolve) => waiting.push({ type, resolve }));
    return found();
  };
  return { host, next };
}

function start(command: readonly string[], port?: number) {
  const specification = { v: 1, kind: 'process', command, ...(port === undefined ? {} : { port }) } as const;
  return { type: 'start', functionId: functionId(1), run: 1, name: 'web#1', specification } as const;
}

test.runIf(process.platform === 'linux')('what a function started in turn ends with it', async () => {
  const { host, next } = createHost();
  await host.start(start(['sh', '-c', 'sleep 600 & echo $!; exit 3']));
  expect(await next('exited')).toMatchObject({ reason: 'exit code 3' });
  const output = await next('output');
  const child = Number(output?.lines[0]);
  expect(child).toBeGreaterThan(1);
  // Killed, though perhaps not collected yet by whoever inherited it.
  await expect.poll(() => readProcessStat(child)?.state ?? 'Z').toBe('Z');
});

test('a node says which kinds of functions it runs, and why not the others', () => {
  const { host } = createHost();
  expect(host.kinds).toEqual({
    process: null,
    netns: 'this agent makes no networks',
    container: 'this agent makes no containers',
  });
  expect(host.refusal({ container: { rootfs: '/' } })).toBe(
    'kind container not available: this agent makes no containers',
  );
});

test('a function whose node has lost its address fails, and the agent does not', async () => {
  // TEST-NET-1: nobody has this address.
  const { host, next } = createHost({ address: '192.0.2.1', freePorts: true });
  await host.start(start(['true'], 80));
  expect(await next('exited')).toMatchObject({ reason: expect.stringContaining('192.0.2.1') });
});
