// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { FakeClocks } from '@vnfpool/platform/fakes';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { expect, onTestFinished, test } from 'vitest';
import { FunctionHost } from '../../src/node/function-host.ts';
import { commandOf, portInside } from '../../src/node/function-networks.ts';

const netns = { interfaces: [{ name: 'lan', bridge: 'br-lan', addresses: ['10.0.0.2/24'] }] };
const plain: FunctionSpecification = { v: 1, kind: 'netns', command: ['serve'], netns };
const onlyRules: FunctionSpecification = {
  ...plain,
  command: [],
  netns: { ...netns, rules: 'table ip x { }' },
};

/** A host that is told why it makes no networks. */
function createHost(networks?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-'));
  const given: AgentInput[] = [];
  const host = new FunctionHost({
    folder,
    address: '127.0.0.1',
    freePorts: true,
    clocks: new FakeClocks(),
    give: (input) => given.push(input),
    ...(networks === undefined ? {} : { networks }),
  });
  onTestFinished(async () => {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { host, given };
}

test('a node that cannot make networks says so beforehand, and never runs the function without', async () => {
  const { host, given } = createHost('no network namespaces: EPERM');
  const refusal = 'kind netns not available: no network namespaces: EPERM';
  expect(host.refusal(plain)).toBe(refusal);
  expect(host.refusal({ limits: {} })).toBeNull();
  await host.start({ type: 'start', functionId: functionId(1), run: 1, name: 'nat#1', specification: plain });
  expect(given).toEqual([{ type: 'exited', functionId: 1, run: 1, reason: refusal }]);
});

test('a host that was given none says so too', () => {
  expect(createHost().host.refusal(plain)).toContain('this agent makes no networks');
});

test.each<[string, FunctionSpecification, number | null]>([
  ['none is wanted', plain, null],
  ['a fixed one', { ...plain, port: 80 }, 80],
  ['any', { ...plain, port: 0 }, 49_152],
  ['any, but nothing listens', { ...onlyRules, port: 0 }, null],
  ['the one that rules pass on', { ...onlyRules, port: 80 }, 80],
  ['one without an address', { ...plain, netns: { interfaces: [] }, port: 80 }, null],
])('port inside: %s', (_what, specification, port) => {
  expect(portInside(specification)).toBe(port);
});

test('without a program something holds the namespace', () => {
  expect(commandOf(plain)).toEqual(['serve']);
  expect(commandOf(onlyRules)).toEqual(['sleep', 'infinity']);
});
