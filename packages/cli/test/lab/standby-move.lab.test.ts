// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mentioning } from './host.ts';
import { isWhole, labFolder, slotOf } from './running-set.ts';
import { ask, bin, type Child, notBuilt, start, until, vnfpool } from './support.ts';

/* A move is under way when the manager that ordered it is killed, and a standby leads. */

const missing = notBuilt || (process.platform === 'linux' ? '' : 'locks are of Linux');
const HERE = '127.0.0.1';
const NODES = ['node-a', 'node-b', 'node-c'];
const counter = fileURLToPath(new URL('../fixtures/counter.mjs', import.meta.url));

describe.skipIf(missing !== '')(`a standby leads in the middle of a move ${missing}`, () => {
  const folder = labFolder();
  const state = `${folder}/m`;
  const managers = `${folder}/managers`;
  const gate = `${folder}/gate`;
  const children: Child[] = [];
  let leader: Child;

  const daemon = (...args: readonly string[]): Child => {
    const child = start([process.execPath, bin, ...args]);
    children.push(child);
    return child;
  };
  const manager = (...more: readonly string[]): Child =>
    daemon(
      'manager',
      '--state',
      state,
      '--set',
      'moving',
      '--mode',
      'loopback',
      '--listen',
      HERE,
      '--port',
      '0',
      '--join-port',
      '0',
      ...more,
    );
  /** It leads, and nodes know where. */
  const leads = async (child: Child): Promise<void> => {
    const line = await until('it leads', () => {
      if (child.isOver()) throw new Error(`it ended: ${child.stderr()}`);
      return child
        .stdout()
        .split('\n')
        .find((each) => each.includes('"ready"'));
    });
    writeFileSync(managers, `${HERE}:${String((JSON.parse(line) as { port: number }).port)}\n`);
    leader = child;
  };
  const must = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await vnfpool(...words, '--state', state);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  const untilView = (what: string, isSo: (now: StateView) => boolean): Promise<StateView> =>
    until(what, async () => {
      const answer = await ask({ socketPath: `${state}/api.sock` }, '/v1/state').catch(() => null);
      const now = answer === null ? null : (JSON.parse(answer.text) as StateView);
      return now !== null && isSo(now) ? now : null;
    });
  const isSettled = (now: StateView): boolean =>
    isWhole(now) && now.instances.every(({ move }) => move === null);

  beforeAll(async () => {
    await leads(manager());
    for (const name of NODES) {
      const token = await must('token', 'create', '--role', 'node', '--name', name);
      const at = ['--listen', HERE, '--port', '0', '--loopback', '--manager-file', managers];
      daemon('node', '--state', `${folder}/${name}`, '--name', name, '--join', token, ...at);
    }
    const file = `${folder}/set.yaml`;
    writeFileSync(
      file,
      `set: moving
nodes: [${NODES.join(', ')}]
pools:
  count:
    function:
      program: ${process.execPath}
      arguments: [${counter}, "{port}", ${gate}]
      port: 7000
      state: { via: socket }
    redundancy: { slots: 1 }
    failover: { lease: 1s }
`,
    );
    await must('apply', file);
    await untilView('the set is whole', isSettled);
  });
  afterAll(async () => {
    rmSync(gate, { force: true });
    for (const child of children.toReversed()) {
      if (child.isOver()) continue;
      child.process.kill('SIGTERM');
      const late = setTimeout(() => child.process.kill('SIGKILL'), 12_000);
      await child.ended;
      clearTimeout(late);
    }
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ['state goes on while nobody leads', true],
    ['state goes on only under the next one', false],
  ])('%s: it is settled, and one serves', async (_, opensFirst) => {
    const before = await untilView('the set is whole', isSettled);
    const { holder, node } = slotOf(before, 'count');
    const to = NODES.find((name) => name !== node) ?? '';
    const standby = manager('--standby');
    await until('it stands by', () => standby.stderr().includes('standing by'));
    rmSync(`${gate}.reached`, { force: true });
    writeFileSync(gate, 'snapshot');
    await must('instance', 'move', holder ?? '', '--to', to, '--no-wait');
    await until(
      'the move stands before its state goes',
      () => existsSync(`${gate}.reached`) && readFileSync(`${gate}.reached`, 'utf8').includes('snapshot'),
    );
    leader.process.kill('SIGKILL');
    await leader.ended;
    if (opensFirst) rmSync(gate);
    await leads(standby);
    await untilView('all nodes are with the next one', ({ nodes }) =>
      nodes.every(({ status }) => status === 'registered'),
    );
    rmSync(gate, { force: true });
    const after = await untilView('the set is whole, and nothing moves', isSettled);
    // It went through, or it was taken back: one instance is there, at one place, with the slot.
    expect(after.instances).toHaveLength(1);
    expect([node, to]).toContain(after.instances[0]?.node);
    expect(slotOf(after, 'count')).toMatchObject({ holder, node: after.instances[0]?.node });
    const having = after.nodes.filter(({ functions }) => functions.length > 0);
    expect(having.map(({ name }) => name)).toEqual([after.instances[0]?.node]);
    expect(mentioning(gate)).toEqual([after.instances[0]?.pid]);
  });
});
