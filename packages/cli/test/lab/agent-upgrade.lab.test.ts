// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { Hosts } from './hosts.ts';
import { AddressProbe } from './random-faults/address-probe.ts';
import { instanceOf, isWhole, slotOf } from './running-set.ts';
import { ask, type Child, has, notBuilt, until } from './support.ts';

/* Agents that are replaced by their next version, as processes: neither functions nor leases nor packets notice. */

const missing = labMissing || notBuilt || (has('perl', '-v') ? '' : 'perl is not installed');
const ECHO = fileURLToPath(new URL('../../../../bench/outage/echo.pl', import.meta.url));
const NODES = ['node-a', 'node-b', 'node-c'] as const;
const HOSTS: Readonly<Record<string, string>> = {
  manager: '10.78.0.2',
  'node-a': '10.78.0.11',
  'node-b': '10.78.0.12',
  'node-c': '10.78.0.13',
  client: '10.78.0.30',
};
const ADDRESS = '10.78.0.100';
const PORT = 7000;
const ROUNDS = 3;

const DECLARATION = `set: live
nodes: [${NODES.join(', ')}]
pools:
  echo:
    function:
      program: perl
      arguments: [${JSON.stringify(ECHO)}, "{port}", "{name}", ${ADDRESS}]
      port: ${PORT}
      health: { every: 500ms, timeout: 400ms, fall: 5 }
    redundancy: { slots: 1, standbys: 1, spares: 1 }
    address: ${ADDRESS}/24
    failover: { lease: 1s }
`;

describe.skipIf(missing !== '')(`an agent that is upgraded ${missing}`, () => {
  let hosts: Hosts;
  let probe: AddressProbe;
  const agents = new Map<string, Child>();

  const agent = (name: string, ...more: readonly string[]): Child => {
    const listen = ['--listen', HOSTS[name] ?? '', '--interface', 'eth0'];
    return hosts.daemon(name, 'node', '--state', hosts.stateOf(name), '--name', name, ...listen, ...more);
  };
  const whole = (): Promise<StateView> => hosts.untilState('manager', 'the set is whole', isWhole);
  const incarnationOf = (name: string): string =>
    readFileSync(`${hosts.stateOf(name)}/incarnation`, 'utf8').trim();

  /** The next version takes the place of the agent that runs. */
  async function upgrade(name: string): Promise<Child> {
    const former = agents.get(name);
    const next = agent(name, '--take-over');
    expect(await hosts.ready(next)).toMatchObject({ takeOver: 'went on' });
    agents.set(name, next);
    expect((await former?.ended)?.code).toBe(0);
    return next;
  }

  beforeAll(async () => {
    hosts = new Hosts(HOSTS);
    mkdirSync(hosts.stateOf('manager'));
    const listen = ['--state', hosts.stateOf('manager'), '--set', 'live', '--listen', HOSTS['manager'] ?? ''];
    await hosts.ready(hosts.daemon('manager', 'manager', ...listen));
    for (const name of NODES)
      agents.set(name, agent(name, '--join', await hosts.token('manager', 'node', name)));
    for (const child of agents.values()) await hosts.ready(child);
    writeFileSync(`${hosts.folder}/set.yaml`, DECLARATION);
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    if (applied.code !== 0) throw new Error(applied.stderr);
    await whole();
    const client = hosts.start('client', ['sleep', '600']);
    probe = new AddressProbe(client.process.pid ?? 0, ADDRESS, PORT);
    await probe.ready();
    await until('the address answers', () => probe.answers > 100);
  });
  afterAll(async () => {
    await probe?.stop();
    await hosts?.takeDown();
  });

  test(`all of them, ${ROUNDS} times: one lease of one holder, and no packet is lost`, async () => {
    const before = await whole();
    const slot = slotOf(before, 'echo');
    const incarnations = NODES.map(incarnationOf);
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of NODES) {
        const next = await upgrade(name);

        expect(next.stderr()).not.toContain('this is a restart');
        const answered = probe.answers;
        await until('it answers on', () => probe.answers > answered + 100);
      }
    }
    const after = await whole();
    expect(slotOf(after, 'echo')).toMatchObject({
      holder: slot.holder,
      epoch: slot.epoch,
      since: slot.since,
    });
    expect(after.failovers).toEqual(before.failovers);
    expect(NODES.map(incarnationOf)).toEqual(incarnations);
    const pidsOf = ({ instances }: StateView) => instances.map(({ name, pid }) => [name, pid]);
    expect(pidsOf(after)).toEqual(pidsOf(before));
    expect(probe.unanswered).toEqual([]);
  });

  test('passes on what a short lease would lose, and only that', async () => {
    const before = await whole();
    const { node } = slotOf(before, 'echo');
    const short = DECLARATION.replace('lease: 1s', 'lease: 150ms');
    writeFileSync(`${hosts.folder}/set.yaml`, short);
    expect((await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`)).code).toBe(0);
    await hosts.untilState(
      'manager',
      'the lease is shorter',
      (state) => slotOf(state, 'echo').leaseMs === 150 && isWhole(state),
    );
    const next = await upgrade(node ?? '');
    expect(next.stderr()).not.toContain('this is a restart');
    const after = await whole();
    expect(slotOf(after, 'echo').node).not.toBe(node);
    expect(after.failovers[0]).toMatchObject({ fencedBy: 'release' });
    writeFileSync(`${hosts.folder}/set.yaml`, DECLARATION);
    expect((await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`)).code).toBe(0);
    await hosts.untilState(
      'manager',
      'the lease is as before',
      (state) => slotOf(state, 'echo').leaseMs === 1000 && isWhole(state),
    );
  });

  test('whose function has ended in between gives the slot up like any other', async () => {
    const before = await whole();
    const { node, holder } = slotOf(before, 'echo');
    await upgrade(node ?? '');
    process.kill(instanceOf(before, holder ?? '').pid ?? 0, 'SIGKILL');
    const after = await hosts.untilState(
      'manager',
      'another one holds it',
      (state) => slotOf(state, 'echo').holder !== holder && isWhole(state),
    );
    expect(after.failovers[0]).toMatchObject({ fencedBy: 'release' });
  });

  test('that is killed in the place of handing on is a restart, as ever', async () => {
    const { node } = slotOf(await whole(), 'echo');
    const name = node ?? '';
    const incarnation = Number(incarnationOf(name));
    const former = agents.get(name);
    former?.process.kill('SIGSTOP');
    const next = agent(name, '--take-over', '--wait-vote');
    await until('it has asked', () => next.stderr().includes('asking the agent to hand on'));
    former?.process.kill('SIGKILL');
    const facts = await hosts.ready(next);
    agents.set(name, next);
    // It was mute, and said that it is ready when it was not any more.
    expect(facts).toMatchObject({ takeOver: 'restarted instead', because: 'it has handed nothing on' });
    expect(facts).not.toHaveProperty('muteMs');
    const { text } = await ask({ socketPath: `${hosts.stateOf(name)}/agent.sock` }, '/v1/node');
    const { muteMs, start } = JSON.parse(text) as { muteMs: number; start: { muteMs?: number } };
    expect(muteMs).toBe(0);
    expect(start.muteMs).toBeGreaterThan(0);
    expect(next.stderr()).toContain('this is a restart');
    expect(Number(incarnationOf(name))).toBe(incarnation + 1);
    await whole();
  });

  test('where none runs, it starts as usual', async () => {
    const name = 'node-c';
    const former = agents.get(name);
    former?.process.kill('SIGKILL');
    await former?.ended;
    const next = agent(name, '--take-over');
    agents.set(name, next);
    expect(await hosts.ready(next)).toMatchObject({ takeOver: 'none ran' });
    await whole();
  });
});
