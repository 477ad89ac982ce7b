// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FailoverView, StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { isWhole, labFolder, RunningSet, slotOf } from './running-set.ts';
import { edgeFile, notBuilt } from './support.ts';

/*
 * A live pool gets other versions of its program, other counts and other values, while somebody asks at its address every
 * millisecond: a slot changes hands only by hand-over, and whoever need not change goes on.
 */

const missing = labMissing || notBuilt;
const examples = dirname(edgeFile);

interface Declared {
  readonly greeting?: string;
  /** In place of the program. */
  readonly shell?: string;
  readonly redundancy?: string;
  readonly policy?: string;
  readonly calc?: string;
}

function declaration({
  greeting = 'hello',
  shell,
  redundancy,
  policy,
  calc = 'calc',
}: Declared = {}): string {
  const web = shell === undefined ? `[${examples}/web.mjs, --port, "{port}", --greeting, ${greeting}]` : '';
  return `set: live
nodes: [node-a, node-b, node-c]
pools:
  web:
    function:
      program: ${shell === undefined ? process.execPath : 'sh'}
      arguments: ${shell === undefined ? web : `[-c, "${shell}"]`}
      port: 8080
      health: { http: /health, every: 2s, timeout: 2s, fall: 5 }
      stop: { grace: 1s }
    redundancy: ${redundancy ?? '{ slots: 1, standbys: 1, spares: 1 }'}
    address: 10.77.0.100/24
    policy: ${policy ?? 'priority'}
    failover: { lease: 2s }
    upgrade: { gate: 300ms, deadline: 40s }
  calc:
    function:
      program: ${process.execPath}
      arguments: [${examples}/calc.mjs, --port, "{port}"]
      environment: { NAMED: ${calc} }
      health: { every: 2s, timeout: 2s, fall: 5 }
      stop: { grace: 1s }
    redundancy: { slots: 2 }
    failover: { lease: 2s }
    upgrade: { gate: 300ms, deadline: 40s }
probes:
  - { pool: web, every: 1ms, deadline: 5s, path: / }
`;
}

describe.skipIf(missing !== '')(`a live pool ${missing}`, () => {
  let set: RunningSet;
  let file: string;
  let before: StateView;
  /** When a test began. */
  let since = 0;

  beforeAll(async () => {
    file = `${labFolder()}.yaml`;
    writeFileSync(file, declaration());
    set = await RunningSet.start({ file });
  }, 60_000);
  afterAll(async () => {
    await set?.takeDown();
    rmSync(file, { force: true });
  });
  beforeEach(async () => {
    await set.mend();
    before = await set.untilState('the set is whole and nothing is upgraded', isSettled);
    since = Date.now();
  });

  const isSettled = (state: StateView): boolean =>
    isWhole(state) && state.pools.every(({ upgrade }) => upgrade === null || upgrade.state === 'rolled-back');
  const pids = (state: StateView, pool: string): Record<string, number | null> =>
    Object.fromEntries(
      state.instances.filter((each) => each.pool === pool).map(({ name, pid }) => [name, pid]),
    );
  const failovers = (state: StateView, pool: string): readonly FailoverView[] =>
    state.failovers.filter(
      (each) => each.pool === pool && !before.failovers.some(({ id }) => id === each.id),
    );
  /** A request that found no answer is known at its deadline, seconds later: its outage is counted where it was. */
  const outages = (state: StateView) =>
    (state.traffic[0]?.history ?? []).filter(({ firstOkAt }) => firstOkAt > since);
  const told = (state: StateView): string[] =>
    outages(state).map(
      ({ lastOkAt, firstOkAt, failed, reason }) =>
        `${failed} requests, ${lastOkAt - since} to ${firstOkAt - since} ms after the start: ${reason}`,
    );
  const events = (state: StateView) =>
    state.events.filter(({ id }) => id > (before.events[0]?.id ?? 0)).map(({ type }) => type);

  async function apply(declared: Declared): Promise<string> {
    writeFileSync(file, declaration(declared));
    return set.must('apply', file);
  }

  /** What is said at the address. */
  async function answer(): Promise<string> {
    const script = "fetch('http://10.77.0.100:8080/').then((r) => r.text()).then(console.log)";
    const { stdout } = await set.inside(await set.pidOf('registrar'), process.execPath, '-e', script);
    return stdout;
  }

  test('another version goes from instance to instance; the slot is handed over once, and nothing else is lost', async () => {
    expect(await apply({ greeting: 'moin' })).toContain('slots are handed over before');
    await set.untilState('it has begun', ({ pools }) => pools[0]?.upgrade);
    expect(await set.must('upgrade', 'status', 'web', '--follow')).toContain('web: runs what is declared');
    const after = await set.untilState('it is over', isSettled);
    for (const [name, pid] of Object.entries(pids(after, 'web')))
      expect(pid).not.toBe(pids(before, 'web')[name]);
    expect(pids(after, 'calc')).toEqual(pids(before, 'calc'));
    expect(await answer()).toMatch(/^moin from/);
    const handed = failovers(after, 'web');
    expect(handed.map(({ cause, fencedBy }) => `${cause}, ${fencedBy}`)).toEqual([
      'it was handed over on purpose, release',
    ]);
    // A machine that does much else holds requests back; the deadline of the probe is long enough for that.
    for (const { lastOkAt, firstOkAt } of outages(after)) {
      const steps = handed.flatMap((each) => each.steps.map(({ at }) => at));
      expect(lastOkAt).toBeLessThan(Math.max(...steps) + 1_000);
      expect(firstOkAt).toBeGreaterThan(Math.min(...steps) - 1_000);
    }
  });

  test('a version that does not work is rolled back, and its users do not notice', async () => {
    const greeted = await answer();
    await apply({ shell: 'echo the library is missing; exit 3' });
    const after = await set.untilState('it is rolled back', isSettled);
    expect(after.pools[0]?.upgrade).toMatchObject({ state: 'rolled-back', done: 3, total: 3 });
    expect(failovers(after, 'web')).toEqual([]);
    expect(slotOf(after, 'web')).toMatchObject({
      holder: slotOf(before, 'web').holder,
      epoch: slotOf(before, 'web').epoch,
    });
    expect(told(after)).toEqual([]);
    expect((await answer()).split(' ').slice(0, 4)).toEqual(greeted.split(' ').slice(0, 4));
    const changed = Object.entries(pids(after, 'web')).filter(
      ([name, pid]) => pids(before, 'web')[name] !== pid,
    );
    expect(changed).toHaveLength(1);
    const { code, stderr } = await set.cli('upgrade', 'status', 'web', '--follow');
    expect(code).toBe(1);
    expect(stderr).toContain('rolled-back');
    expect(await set.must('explain', 'pool', 'web')).toContain('not what is declared');
    expect(await set.must('status')).toContain('UPGRADE');
    await apply({ greeting: 'moin' });
    const mended = await set.untilState(
      'it runs what is declared',
      ({ pools }) => pools[0]?.upgrade === null,
    );
    expect(pids(mended, 'web')).toEqual(pids(after, 'web'));
  });

  test('a manager that is killed in the middle goes on', async () => {
    await apply({ greeting: 'hej' });
    await set.untilState('the first instance is new', ({ pools }) => (pools[0]?.upgrade?.done ?? 0) > 0);
    await set.must('kill', 'manager');
    await set.must('start', 'manager');
    const after = await set.untilState('it is over', ({ pools }) => pools[0]?.upgrade === null);
    await set.whole();
    expect(await answer()).toMatch(/^hej from/);
    expect(failovers(after, 'web').every(({ cause }) => cause === 'it was handed over on purpose')).toBe(
      true,
    );
  });

  test('a pool without standbys gets an instance more meanwhile, and its slots pass on', async () => {
    await apply({ greeting: 'hej', calc: 'newer' });
    await set.untilState(
      'there is one more',
      ({ instances }) => instances.filter(({ pool }) => pool === 'calc').length === 3,
    );
    const after = await set.untilState(
      'it is over, and both hand-overs are on record',
      (state) => isSettled(state) && failovers(state, 'calc').length >= 2,
    );
    expect(after.instances.filter(({ pool }) => pool === 'calc')).toHaveLength(2);
    expect(failovers(after, 'calc').map(({ cause }) => cause)).toEqual(
      failovers(after, 'calc').map(() => 'it was handed over on purpose'),
    );
    expect(pids(after, 'web')).toEqual(pids(before, 'web'));
  });

  test('other counts and another policy touch nobody who stays', async () => {
    await apply({
      greeting: 'hej',
      calc: 'newer',
      policy: 'round-robin',
      redundancy: '{ slots: 1, standbys: 1 }',
    });
    const fewer = await set.untilState(
      'it is one less',
      (state) => isSettled(state) && state.instances.filter(({ pool }) => pool === 'web').length === 2,
    );
    expect(pids(before, 'web')).toMatchObject(pids(fewer, 'web'));
    // Its holder tells the council of other candidates, in a higher epoch.
    expect(slotOf(fewer, 'web').holder).toBe(slotOf(before, 'web').holder);
    await apply({ greeting: 'hej', calc: 'newer' });
    const after = await set.untilState(
      'it is as it was',
      (state) => isSettled(state) && state.instances.filter(({ pool }) => pool === 'web').length === 3,
    );
    expect(pids(after, 'web')).toMatchObject(pids(fewer, 'web'));
    expect(failovers(after, 'web')).toEqual([]);
    expect(told(after)).toEqual([]);
  });

  test('a node in maintenance gives its slot up, is missed by nobody, and comes back', async () => {
    const { node, holder } = slotOf(before, 'web');
    // The other pool has no standbys, and no node of three is free for its instance.
    const refused = await set.cli('node', 'maintenance', node ?? '', '--for', '1h');
    if (refused.code !== 0) {
      expect(refused.stderr).toContain('would be left without a holder');
      await set.must('node', 'maintenance', node ?? '', '--for', '1h', '--force');
    }
    const left = await set.untilState('somebody else holds the slot', (state) => {
      const slot = slotOf(state, 'web');
      return slot.holder !== null && slot.holder !== holder;
    });
    expect(failovers(left, 'web').map(({ cause }) => cause)).toEqual(['it was handed over on purpose']);
    await set.must('kill', node ?? '');
    const gone = await set.untilState('it is lost', ({ nodes }) =>
      nodes.some(({ status }) => status === 'lost'),
    );
    expect(gone.events.filter(({ id }) => id > (before.events[0]?.id ?? 0))).not.toContainEqual(
      expect.objectContaining({ type: 'node.lost', severity: 'error' }),
    );
    expect(
      gone.instances.filter(({ pool }) => pool === 'web').map(({ name, node: at }) => `${name} ${at}`),
    ).toEqual(
      before.instances.filter(({ pool }) => pool === 'web').map(({ name, node: at }) => `${name} ${at}`),
    );
    await set.must('start', node ?? '');
    await set.must('node', 'maintenance', node ?? '', '--off');
    const back = await set.untilState(
      'all is well again',
      ({ nodes, pools }) =>
        nodes.every(({ status }) => status === 'registered') &&
        pools.every(({ health }) => health === 'whole'),
    );
    expect(events(back)).toContain('node.maintenance-ended');
  });
});
