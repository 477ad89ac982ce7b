// SPDX-License-Identifier: Apache-2.0
import { openSync } from 'node:fs';
import type { FailoverView, StateView } from '@vnfpool/core/management';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { labMissing, openArpTap } from '../../../platform/test/support/lab.ts';
import { failoverSince, instanceOf, isWhole, RunningSet, slotOf } from './running-set.ts';
import { has, notBuilt, start, until } from './support.ts';

const missing = labMissing || notBuilt || (has('nsenter', '--version') ? '' : 'nsenter is not installed');
const noCapture = has('tcpdump', '--version') ? '' : 'tcpdump is not installed';
const STEPS = ['detected', 'fenced', 'decided', 'committed', 'switched', 'serving', 'first-served'];
const ADDRESS = '10.77.0.100';

/** The steps are told by one clock in the order in which they came. */
function expectOrderedSteps(record: FailoverView): void {
  const names = record.steps.map(({ name }) => name);
  expect(names).toEqual(STEPS.filter((step) => names.includes(step)));
  expect(names).toEqual(expect.arrayContaining(['decided', 'committed', 'switched', 'serving']));
  const times = record.steps.map(({ at }) => at);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
}

describe.skipIf(missing !== '')(`faults of a running set ${missing}`, () => {
  let set: RunningSet;

  beforeAll(async () => {
    set = await RunningSet.start();
  });
  // One that failed half-way must not spoil the others.
  afterEach(() => set?.mend());
  afterAll(() => set?.takeDown());

  /** The slot has gone on to somebody else, and the traffic source has measured what that cost. */
  async function takenOver(before: StateView): Promise<{ state: StateView; record: FailoverView }> {
    const former = slotOf(before, 'web');
    const state = await set.untilState('somebody else holds web/0, and the outage is measured', (now) => {
      const slot = slotOf(now, 'web');
      const record = failoverSince(now, former);
      return slot.epoch > former.epoch && slot.holder === record?.to && record?.outageMs !== null;
    });
    const record = failoverSince(state, former);
    if (!record) throw new Error('no record');
    expect(record.from).toBe(former.holder);
    expect(record.to).toBe(slotOf(state, 'web').holder);
    expectOrderedSteps(record);
    return { state, record };
  }

  test('the active instance is killed: its standby takes over, and it comes back', async () => {
    const before = await set.whole();
    const former = slotOf(before, 'web');
    const [standby] = former.standbys;

    const told = await set.must('kill', former.holder ?? '');
    expect(told).toContain(`${former.holder}: killed`);
    const { record } = await takenOver(before);
    expect(record).toMatchObject({ to: standby, cause: 'the function ended', fencedBy: 'release' });
    expect(record.outageMs).toBeGreaterThan(0);

    // The spare has become the standby, and who comes back queues behind it, unless it was back before anybody looked.
    const spare = before.instances.find(({ pool, role }) => pool === 'web' && role === 'spare');
    const after = await set.untilState('one of the two stands by, the other is a spare', (now) => {
      const both = [former.holder, spare?.name].map((name) => instanceOf(now, name ?? '').role);
      return both.toSorted().join() === 'spare,standby' && isWhole(now);
    });
    const back = instanceOf(after, former.holder ?? '');
    expect(back.restarts).toBe(instanceOf(before, back.name).restarts + 1);
    expect(back.pid).not.toBe(instanceOf(before, back.name).pid);
    expect(await set.must('failover', 'show')).toContain('the function ended');
  });

  test('the agent of the active is replaced: another process, the same epoch; of anything else it is refused', async () => {
    const before = await set.whole();
    const slot = slotOf(before, 'web');
    const node = slot.node ?? '';
    const former = await set.pidOf(node);
    expect(await set.must('replace', node)).toBe(`${node}: another agent has taken its place\n`);
    const after = await set.whole();
    expect(await set.pidOf(node)).not.toBe(former);
    expect(slotOf(after, 'web')).toMatchObject({ holder: slot.holder, epoch: slot.epoch });
    expect(after.failovers).toEqual(before.failovers);
    expect(set.log(node)).toContain('leases go on');
    for (const target of ['manager', slot.holder ?? '']) {
      const { code, stderr } = await set.cli('replace', target);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`${target} is no node`)]);
    }
  });

  test('the node of the active is killed: taken over after the lease, and started it is a member again', async () => {
    const before = await set.whole();
    const node = slotOf(before, 'web').node ?? '';
    const spare = before.instances.find(({ pool, role }) => pool === 'web' && role === 'spare');
    await set.must('kill', node);
    const { record } = await takenOver(before);
    expect(record).toMatchObject({ cause: 'the lease ran out', fencedBy: 'timeout' });
    const without = await set.untilState('the pool says what it lacks', (state) =>
      state.pools.some(({ name, health }) => name === 'web' && health === 'degraded'),
    );
    expect(without.nodes.find(({ name }) => name === node)?.status).not.toBe('registered');
    // The one that was spare stands by now.
    await set.untilState(
      'the spare stands by',
      (state) => instanceOf(state, spare?.name ?? '').role === 'standby',
    );
    expect(slotOf(await set.state(), 'web').standbys).toContain(spare?.name);

    const epochs = new Map(without.slots.map(({ id, epoch }) => [id, epoch]));
    const logged = set.log(node).length;
    await set.must('start', node);
    const after = await set.whole();
    const ready = set
      .log(node)
      .slice(logged)
      .split('\n')
      .find((line) => line.includes('leases ready'));
    expect((JSON.parse(ready ?? '{}') as { muteMs?: number }).muteMs).toBeGreaterThan(0);
    expect(slotOf(after, 'web').node).not.toBe(node);
    for (const { id, epoch } of after.slots) expect(epoch).toBeGreaterThanOrEqual(epochs.get(id) ?? 0);
  });

  test.skipIf(noCapture !== '')(
    `a paused node says nothing for the address once another one does ${noCapture}`,
    async () => {
      const before = await set.whole();
      const former = slotOf(before, 'web');
      const node = former.node ?? '';
      const macs = new Map<string, string>();
      for (const { name } of before.nodes) {
        const { stdout } = await set.inside(await set.pidOf(name), 'ip', '-o', 'link', 'show', 'dev', 'eth0');
        macs.set(name, /link\/ether (\S+)/.exec(stdout)?.[1] ?? '');
      }
      const ownMac = macs.get(node) ?? '';
      expect(ownMac).toMatch(/^(..:){5}..$/);
      const asker = await set.pidOf('registrar');
      const fd = openSync(`/proc/${asker}/ns/net`, 'r');
      const tap = openArpTap({
        name: 'registrar',
        address: '10.77.0.1',
        interface: 'eth0',
        namespace: { fd, identity: '', close: () => {} },
      });
      const answersFrom = (mac: string): number =>
        tap
          .poll()
          .filter(
            ({ operation, sender, senderHardware }) =>
              operation === 2 && sender === ADDRESS && senderHardware === mac.replaceAll(':', ''),
          ).length;
      // Everything on the bridge that is said in the name of the address.
      const capture = start([
        'nsenter',
        '-t',
        String(set.labPid()),
        '-n',
        '--',
        'tcpdump',
        '-i',
        'vnfpool',
        '-e',
        '-n',
        '-l',
        '-tt',
        '--immediate-mode',
        `src host ${ADDRESS} or (arp and arp[14:4] = 0x0a4d0064)`,
      ]);
      const frames = (): string[] =>
        capture
          .stdout()
          .split('\n')
          .slice(0, -1)
          .map((line) => line.split(' ')[1] ?? '');
      try {
        await until('the capture listens', () => capture.stderr().includes('listening on'));
        // While it holds the slot it answers: the test could see it.
        await until('the holder is heard', () => {
          tap.ask(ADDRESS, '10.77.0.1');
          return answersFrom(ownMac) > 0 && frames().includes(ownMac);
        });

        await set.must('pause', node, '--no-wait');
        const { state, record } = await takenOver(before);
        expect(record).toMatchObject({ cause: 'the lease ran out', fencedBy: 'timeout' });
        const newMac = macs.get(slotOf(state, 'web').node ?? '') ?? '';
        await until('the new holder is heard', () => frames().includes(newMac));

        // The old node's kernel still runs, and has the address: ask it, by everybody and to its face.
        const links = await set.inside(
          await set.pidOf(node),
          'ip',
          '-4',
          '-o',
          'addr',
          'show',
          'dev',
          'eth0',
        );
        expect(links.stdout).toContain(`${ADDRESS}/32`);
        const answered = answersFrom(ownMac);
        const heard = answersFrom(newMac);
        await until('the new holder has answered many times', () => {
          tap.ask(ADDRESS, '10.77.0.1');
          return answersFrom(newMac) > heard + 20;
        });
        expect(answersFrom(ownMac)).toBe(answered);
        await set.inside(
          asker,
          'ip',
          'neigh',
          'replace',
          ADDRESS,
          'lladdr',
          ownMac,
          'dev',
          'eth0',
          'nud',
          'permanent',
        );
        const direct = await set.inside(asker, process.execPath, '-e', CONNECT, ADDRESS, '8080');
        expect(direct.stdout).toBe('nobody');
        const own = before.nodes.find(({ name }) => name === node)?.address ?? '';
        const byOwn = await set.inside(asker, process.execPath, '-e', CONNECT, own, '8080');
        expect(byOwn.stdout).toBe('connected');

        await set.must('resume', node);
        const after = await set.whole();
        expect(slotOf(after, 'web').epoch).toBeGreaterThanOrEqual(record.epoch);
        expect(failoverSince(after, slotOf(state, 'web'))).toBeUndefined();
        expect(slotOf(after, 'web').holder).toBe(record.to);
        expect(instanceOf(after, former.holder ?? '').role).not.toBe('active');
        const stillSilent = await set.inside(asker, process.execPath, '-e', CONNECT, ADDRESS, '8080');
        expect(stillSilent.stdout).toBe('nobody');

        const all = frames();
        expect(all.lastIndexOf(ownMac)).toBeLessThan(all.indexOf(newMac));
      } finally {
        capture.process.kill('SIGTERM');
        await capture.ended;
        await set.inside(asker, 'ip', 'neigh', 'flush', 'to', ADDRESS, 'nud', 'permanent');
        tap.close();
      }
    },
  );

  test('the manager is killed: traffic and failover go on, and its return disturbs nothing', async () => {
    const before = await set.whole();
    const former = slotOf(before, 'web');
    const asker = await set.pidOf('registrar');
    const served = async (): Promise<number | null> => {
      const { stdout } = await set.inside(asker, process.execPath, '-e', FETCH, `http://${ADDRESS}:8080/`);
      const pid = /process (\d+)/.exec(stdout)?.[1];
      return pid === undefined ? null : Number(pid);
    };
    await set.must('kill', 'manager');
    expect((await set.cli('status')).code).toBe(3);
    expect(await served()).toBe(instanceOf(before, former.holder ?? '').pid);

    await set.must('kill', former.holder ?? '');
    const [standby = ''] = former.standbys;
    await until(
      'the standby serves without a manager',
      async () => (await served()) === instanceOf(before, standby).pid,
    );

    await set.must('start', 'manager');
    const after = await set.whole();
    expect(after.sets[0]?.generation).toBe(before.sets[0]?.generation);
    const slot = slotOf(after, 'web');
    expect(slot.holder).toBe(standby);
    expect(slot.epoch).toBeGreaterThan(former.epoch);
    expect(failoverSince(after, former)).toMatchObject({
      from: former.holder,
      to: standby,
      cause: 'the function ended',
    });
    expect(await served()).toBe(instanceOf(before, standby).pid);
    for (const instance of before.instances) {
      const now = instanceOf(after, instance.name);
      expect(now.node).toBe(instance.node);
      if (instance.name !== former.holder)
        expect(now).toMatchObject({ pid: instance.pid, restarts: instance.restarts });
    }
    for (const { id, epoch, holder } of before.slots.filter(({ pool }) => pool !== 'web')) {
      const now = after.slots.find((each) => each.id === id);
      expect(now).toMatchObject({ epoch, holder });
    }
  });

  test('a manager that comes back to a set at rest changes nothing', async () => {
    const before = await set.whole();
    await set.must('kill', 'manager');
    await set.must('start', 'manager');
    const after = await set.whole();
    expect(after.slots.map(({ id, epoch, holder }) => ({ id, epoch, holder }))).toEqual(
      before.slots.map(({ id, epoch, holder }) => ({ id, epoch, holder })),
    );
    const bare = (state: StateView): unknown =>
      state.instances.map(({ name, pid, node, restarts }) => ({ name, pid, node, restarts }));
    expect(bare(after)).toEqual(bare(before));
    expect(after.sets[0]?.generation).toBe(before.sets[0]?.generation);
  });

  test('a slot is moved on purpose, to the first candidate or to whom is named', async () => {
    const before = await set.whole();
    const former = slotOf(before, 'web');
    const told = await set.must('handover', 'web/0');
    expect(told).toContain('web/0: hand-over ordered');
    const { state, record } = await moved(before);
    expect(record).toMatchObject({
      from: former.holder,
      to: former.standbys[0],
      cause: 'it was handed over on purpose',
      fencedBy: 'release',
    });
    expect(instanceOf(state, former.holder ?? '').pid).toBe(instanceOf(before, former.holder ?? '').pid);

    const then = await set.whole();
    await set.must('handover', 'web/0', '--to', former.holder ?? '');
    const again = await moved(then);
    expect(again.record).toMatchObject({
      to: former.holder,
      cause: 'it was handed over on purpose',
      fencedBy: 'release',
    });
    await set.whole();

    const refused = await set.cli('handover', 'web/0', '--to', 'web#99');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('web#99');
  });

  /** As `takenOver`; on purpose, traffic may not notice. */
  async function moved(before: StateView): Promise<{ state: StateView; record: FailoverView }> {
    const former = slotOf(before, 'web');
    const state = await set.untilState('the slot has moved and it is told how', (now) => {
      const { epoch, holder } = slotOf(now, 'web');
      return epoch > former.epoch && holder !== former.holder && failoverSince(now, former);
    });
    const record = failoverSince(state, former);
    if (!record) throw new Error('no record');
    expectOrderedSteps(record);
    return { state, record };
  }
});

/** Says whether somebody accepts a connection; the bound only ends the wait for one who never answers. */
const CONNECT = `const [host, port] = process.argv.slice(1);
const socket = require('node:net').connect({ host, port: Number(port) });
const say = (word) => { process.stdout.write(word); process.exit(0); };
socket.on('connect', () => say('connected'));
socket.on('error', () => say('nobody'));
setTimeout(() => say('nobody'), 1500);`;

const FETCH = `fetch(process.argv[1], { signal: AbortSignal.timeout(2000) })
  .then((answer) => answer.text()).then((text) => process.stdout.write(text)).catch(() => {});`;
