// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream';
import { functionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { silentLogger } from '@vnfpool/runtime/logging';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { expect, onTestFinished, test } from 'vitest';
import { FunctionStates } from '../../src/node/function-states.ts';
import { FakeFunction, temporaryFolder } from './function-state/fake-function.ts';

const KV = functionId(101);

/** Starts a function, as far as its state goes. */
async function started(specification: FunctionSpecification) {
  const given: AgentInput[] = [];
  const give = (input: AgentInput): void => void given.push(input);
  const states = new FunctionStates({ folder: temporaryFolder(), give, logger: silentLogger });
  const run = { functionId: KV, run: 3 };
  states.begin(run);
  const fill = (text: string): string => text;
  const state = await states.open({
    ...run,
    name: 'kv#1',
    specification,
    environment: {},
    fill,
    pid: () => 42,
  });
  onTestFinished(() => states.end(run));
  return { states, given, path: state.environment['VNFPOOL_SOCKET'] ?? '' };
}

test('what a function said of its sessions is told again to an agent core that comes to know it later', async () => {
  const { states, given, path } = await started({
    v: 1,
    kind: 'process',
    command: ['kv'],
    state: { via: 'socket' },
  });
  states.tellSessions();
  expect(given).toEqual([]);
  new FakeFunction(path).say({ op: 'hello', v: 1, sessions: true }, { op: 'sessions', count: 7 });
  const word = { type: 'sessions', functionId: KV, run: 3, movable: true };
  await expect
    .poll(() => given)
    .toEqual([
      { ...word, count: null },
      { ...word, count: 7 },
    ]);
  states.tellSessions();
  expect(given.at(-1)).toEqual({ ...word, count: 7 });
});

test('a function with the hooks for it says nothing, and its sessions can move', async () => {
  const hook = ['true'];
  const hooks = { export: hook, import: hook, quiesce: hook, resume: hook };
  const command = ['kv'];
  const whole = await started({ v: 1, kind: 'process', command, state: { via: 'hooks' }, hooks });
  expect(whole.given).toEqual([]);
  const able = { ...hooks, select: hook, accept: hook, moved: hook, discard: hook };
  const { given } = await started({ v: 1, kind: 'process', command, state: { via: 'hooks' }, hooks: able });
  expect(given).toEqual([{ type: 'sessions', functionId: KV, run: 3, movable: true, count: null }]);
});

test('connections of the node neither leave with a function nor come with one', async () => {
  const specification = { v: 1, kind: 'process', command: ['a'], state: { via: 'conntrack' } } as const;
  const state = await (await started(specification)).states.of(KV);
  expect([state.format, state.environment]).toEqual([null, {}]);
  const { signal } = new AbortController();
  const refused = expect.objectContaining({
    code: 'unsupported',
    message: 'connections of the node are shared, they do not move',
  });
  const nothing = Readable.from([]) as AsyncIterable<Uint8Array>;
  await expect(state.export('snapshot', () => Promise.resolve(), signal)).rejects.toEqual(refused);
  await expect(state.import('snapshot', nothing, signal)).rejects.toEqual(refused);
});
