// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { functionId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { silentLogger } from '@vnfpool/runtime/logging';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { describe, expect, onTestFinished, test } from 'vitest';
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

describe('secrets that a function is handed', () => {
  const secret = (digit: string): string => digit.repeat(64);
  const handed = (...digits: readonly string[]) => ({
    pool: 'web',
    secrets: digits.map(secret),
    maxAgeMs: 60_000,
  });
  const starting = (specification: Partial<FunctionSpecification> = {}) => ({
    functionId: KV,
    run: 1,
    name: 'kv#1',
    specification: { v: 1, kind: 'process', command: ['kv'], ...specification } as FunctionSpecification,
    environment: {},
    fill: (text: string): string => text,
    pid: () => 42,
  });
  const statesAt = (folder: string): FunctionStates =>
    new FunctionStates({ folder, give: () => undefined, logger: silentLogger });
  const secretsAt = (path: string): unknown =>
    (JSON.parse(readFileSync(path, 'utf8')) as { readonly secrets: unknown }).secrets;

  test.each<[string, Partial<FunctionSpecification>]>([
    ['of its own', {}],
    ['that it has already', { state: { via: 'socket' } }],
  ])('are in a folder %s from its start on, follow, and go with it', async (_, specification) => {
    const states = statesAt(temporaryFolder());
    states.hand(KV, handed('1'));
    const run = starting(specification);
    states.begin(run);
    const { environment, folder } = await states.open(run);
    const path = environment['VNFPOOL_COOKIE_SECRETS'] ?? '';
    expect(dirname(path)).toBe(folder);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(secretsAt(path)).toEqual([secret('1')]);
    states.hand(KV, handed('2', '1'));
    expect(secretsAt(path)).toEqual([secret('2'), secret('1')]);
    await states.end(run);
    expect(existsSync(path)).toBe(false);
  });

  test('are where a function of a former agent knows them', async () => {
    const base = temporaryFolder();
    const former = statesAt(base);
    former.hand(KV, handed('1'));
    const run = starting();
    former.begin(run);
    const { environment, folder = null } = await former.open(run);
    await former.leave();
    const states = statesAt(base);
    states.begin(run);
    await states.open({ ...run, formerFolder: folder });
    states.hand(KV, handed('2'));
    const path = environment['VNFPOOL_COOKIE_SECRETS'] ?? '';
    expect(secretsAt(path)).toEqual([secret('2')]);
    await states.end(run);
    expect(existsSync(path)).toBe(false);
  });

  test('are not there for a function without', async () => {
    const states = statesAt(temporaryFolder());
    const run = starting();
    states.hand(KV, handed('1'));
    states.hand(KV, null);
    states.begin(run);
    expect((await states.open(run)).environment).toEqual({});
  });
});
