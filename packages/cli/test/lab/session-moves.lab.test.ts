// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createNamespace } from '@vnfpool/platform/namespaces';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { instanceOf, labFolder, RunningSet } from './running-set.ts';
import { notBuilt } from './support.ts';

/* Sessions of one active instance of a set go to another one, by the manager's order. */

const missing = notBuilt || whyNoNamespaces();
const PORT = 7000;
const kv = fileURLToPath(new URL('../../../../examples/stateful/kv.mjs', import.meta.url));
const ask = fileURLToPath(new URL('../fixtures/ask-kv.mjs', import.meta.url));

function whyNoNamespaces(): string {
  try {
    createNamespace().close();
    return '';
  } catch (error) {
    return `no network namespaces: ${String(error)}`;
  }
}

describe.skipIf(missing !== '')(`sessions that move in a set ${missing}`, () => {
  let set: RunningSet;
  let file: string;

  beforeAll(async () => {
    file = `${labFolder()}.yaml`;
    writeFileSync(
      file,
      `set: sessions
nodes: [node-a, node-b, node-c]
pools:
  kv:
    function:
      program: ${process.execPath}
      arguments: [${kv}, --address, 0.0.0.0, --port, "{port}"]
      port: ${PORT}
      state: { via: socket, format: kv/1 }
    redundancy: { slots: 2, standbys: 1 }
    failover: { lease: 1s }
`,
    );
    set = await RunningSet.start({ file });
    await set.whole();
  }, 60_000);
  afterAll(async () => {
    await set?.takeDown();
    rmSync(file, { force: true });
  });

  /** What an instance answers. */
  async function say(instance: string, ...lines: readonly string[]): Promise<string[]> {
    const { address } = instanceOf(await set.state(), instance);
    const pid = await set.pidOf('registrar');
    const words = [process.execPath, ask, address ?? '', String(PORT), ...lines];
    const { code, stdout, stderr } = await set.inside(pid, ...words);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim().split('\n');
  }

  /** The two that hold a slot, and the one that waits. */
  async function instances(): Promise<[string, string, string]> {
    const { instances: all } = await set.state();
    const active = all.filter(({ slot }) => slot !== null).map(({ name }) => name);
    const waiting = all.find(({ slot }) => slot === null)?.name;
    return [active[0] ?? '', active[1] ?? '', waiting ?? ''];
  }

  test('a part of them, by ratio, then one by its URI; who has which is told, and all are served on', async () => {
    const [from, to] = await instances();
    await say(from, 'set a 1', 'set b 2', 'set c 3', 'set d 4');
    const said = await set.must('instance', 'move-sessions', from, '--to', to, '--ratio', '0.5');
    expect(said).toBe(`${from}: 2 sessions go to ${to}\n2 sessions of ${from} moved to ${to}.\n`);
    const rest = (await say(from, 'list')).slice(0, -1);
    expect([...rest, ...(await say(to, 'list')).slice(0, -1)].toSorted()).toEqual([
      'a 1',
      'b 2',
      'c 3',
      'd 4',
    ]);
    const [key = ''] = rest[0]?.split(' ') ?? [];
    await set.must('instance', 'move-sessions', from, '--to', to, '--uri', `sip:${key}@example.com`);
    expect(await say(to, `add ${key} 10`)).toEqual([`value ${Number(rest[0]?.split(' ')[1]) + 10}`]);
    const state = await set.untilState('both tell how many they have', ({ instances: all }) =>
      all.some(({ name, sessions }) => name === to && sessions === 3),
    );
    expect(instanceOf(state, from).sessions).toBe(1);
  });

  test('what is not there, and who would not serve them, is refused, and everything stays', async () => {
    const [from, to, waiting] = await instances();
    const before = await say(from, 'list');
    const none = await set.must(
      'instance',
      'move-sessions',
      from,
      '--to',
      to,
      '--uri',
      'sip:nobody@example.com',
    );
    expect(none).toBe(`${from}: no session is meant\n`);
    const { code, stderr } = await set.cli('instance', 'move-sessions', from, '--to', waiting, '--all');
    expect([code, stderr]).toEqual([1, `vnfpool: ${waiting} holds no slot: it would not serve them.\n`]);
    expect(await say(from, 'list')).toEqual(before);
  });
});
