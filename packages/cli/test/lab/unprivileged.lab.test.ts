// SPDX-License-Identifier: Apache-2.0
import { chownSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { familyOf, lives } from './host.ts';
import { failoverSince, labFolder, RunningSet, slotOf } from './running-set.ts';
import { bin, has, notBuilt } from './support.ts';

const NOBODY = 65_534;
const asNobody = ['setpriv', '--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', '--'];

function whyNot(): string {
  if (notBuilt) return notBuilt;
  if (process.getuid?.() !== 0) return 'only root can become somebody else';
  const [setpriv = '', ...drop] = asNobody;
  if (!has(setpriv, ...drop, 'true')) return 'setpriv is not installed';
  if (!has(setpriv, ...drop, process.execPath, bin, '--version'))
    return 'an ordinary user cannot read this checkout';
  const enter = [
    'unshare',
    '--user',
    '--map-root-user',
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--mount-proc',
    'true',
  ];
  return has(setpriv, ...drop, ...enter) ? '' : 'this system gives ordinary users no namespaces';
}

const missing = whyNot();

describe.skipIf(missing !== '')(`up as an ordinary user ${missing}`, () => {
  const folder = missing === '' ? labFolder() : '';
  let set: RunningSet;
  beforeAll(async () => {
    chownSync(folder, NOBODY, NOBODY);
    set = await RunningSet.start({ folder, before: asNobody });
  });
  afterAll(async () => {
    await set?.takeDown();
    rmSync(folder, { recursive: true, force: true });
  });

  test('has the full mode, in a user namespace', async () => {
    const state = await set.whole();
    expect(state.sets[0]?.mode).toBe('namespaces');
    expect(state.nodes.map(({ fence }) => fence)).toEqual(['nft', 'nft', 'nft']);
    expect(state.traffic.find(({ pool }) => pool === 'web')?.target).toContain('10.77.0.100');
  });

  test('the active is killed: the address moves', async () => {
    const former = slotOf(await set.whole(), 'web');
    await set.must('kill', former.holder ?? '');
    const after = await set.untilState('the failover is told', (state) => {
      const slot = slotOf(state, 'web');
      return slot.epoch > former.epoch && failoverSince(state, former)?.outageMs;
    });
    expect(slotOf(after, 'web').node).not.toBe(former.node);
  });

  test('Ctrl-C takes every process away', async () => {
    const family = familyOf(set.child.pid);
    expect((await set.interrupt()).code).toBe(0);
    expect(family.filter(lives)).toEqual([]);
  });
});
