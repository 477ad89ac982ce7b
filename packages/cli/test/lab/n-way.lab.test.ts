// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labMissing } from '../../../platform/test/support/lab.ts';
import { labFolder, RunningSet } from './running-set.ts';
import { edgeFile, notBuilt, until } from './support.ts';

/* Three instances share six addresses: when the node of one dies the two others hold all of them, and give them back. */

const missing = labMissing || notBuilt;
const ADDRESSES = [1, 2, 3, 4, 5, 6].map((last) => `10.77.0.10${last}`);

describe.skipIf(missing !== '')(`an N-way pool ${missing}`, () => {
  let set: RunningSet;
  let file: string;

  beforeAll(async () => {
    file = `${labFolder()}.yaml`;
    writeFileSync(
      file,
      `set: shared
nodes: [node-a, node-b, node-c]
pools:
  web:
    function:
      program: ${process.execPath}
      arguments: [${dirname(edgeFile)}/web.mjs, --port, "{port}"]
      port: 8080
      health: { every: 2s, timeout: 2s, fall: 5 }
    redundancy: { model: n-way, slots: 6, instances: 3 }
    addresses: [${ADDRESSES.map((address) => `${address}/24`).join(', ')}]
    failover: { lease: 2s }
`,
    );
    set = await RunningSet.start({ file });
  }, 60_000);
  afterAll(async () => {
    await set?.takeDown();
    rmSync(file, { force: true });
  });

  /** How many slots each instance holds. */
  const shares = ({ slots, instances }: StateView): number[] =>
    instances
      .map(({ name }) => slots.filter(({ holder }) => holder === name).length)
      .toSorted((a, b) => a - b);

  /** Who answers at each address. */
  async function answers(): Promise<string[]> {
    const script = `Promise.all(${JSON.stringify(ADDRESSES)}.map((a) => fetch('http://' + a + ':8080/').then((r) => r.text())))
      .then((all) => console.log(JSON.stringify(all.map((text) => text.split(' ')[3]))))`;
    const { stdout } = await set.inside(await set.pidOf('registrar'), process.execPath, '-e', script);
    // Where one did not answer there is nothing to read.
    return stdout === '' ? [] : (JSON.parse(stdout) as string[]);
  }

  /** Slots that were handed to node-b. */
  const returned = ({ failovers }: StateView): number =>
    failovers.filter(({ toNode, cause }) => toNode === 'node-b' && cause.includes('on purpose')).length;

  /** So many answer for all addresses together; a neighbour may learn of a hand-over a moment later than the manager. */
  const answering = (count: number): Promise<unknown> =>
    until(`${count} answer`, async () => new Set(await answers()).size === count);

  test('every instance has its share; of one that is gone the others take all; it gets its share back', async () => {
    await set.untilState('each holds two', (state) => shares(state).join() === '2,2,2');
    await answering(3);

    // Those of node-b can go to either of the others, and what became of each is told.
    const lost = (await set.state()).slots
      .filter(({ node }) => node === 'node-b')
      .map(({ index }) => `web/${index}`);
    const told = await set.must('kill', 'node-b');
    for (const slot of lost) expect(told).toContain(slot);
    expect(told).not.toContain('no other candidate');
    const gone = await set.untilState('two hold everything', (state) => shares(state).join() === '0,3,3');
    const before = returned(gone);
    expect(gone.slots.every(({ node }) => node !== 'node-b')).toBe(true);
    await answering(2);

    await set.must('start', 'node-b');
    // A record comes behind the state of its slot; at the birth of the slots, too, some may have been passed on.
    await set.untilState(
      'each holds two again, handed over on purpose',
      (state) => shares(state).join() === '2,2,2' && returned(state) >= before + 2,
    );
    await answering(3);
  });

  test('a slot that is handed over by hand stays where it was put, and goes back by hand', async () => {
    const before = await set.untilState(
      'each holds two',
      (state) => shares(state).join() === '2,2,2' && (state.slots[0]?.standbys.length ?? 0) === 2,
    );
    const holder = before.slots[0]?.holder ?? '';
    const next = before.slots[0]?.standbys[0] ?? '';
    // What would balance it is decided as soon as the new holder is known.
    await set.must('handover', 'web/0', '--to', next);
    const there = await set.untilState('it is there', ({ slots }) => slots[0]?.holder === next);
    expect(shares(there)).toEqual([1, 2, 3]);
    expect(await set.must('explain', 'slot', 'web/0')).toContain(`counted in the share of ${holder}`);
    await answering(3);
    // One that is on its way back would be refused.
    await set.must('handover', 'web/0', '--to', holder);
    const back = await set.untilState(
      'it is back, on record',
      (state) => shares(state).join() === '2,2,2' && state.failovers.length >= before.failovers.length + 2,
    );
    expect(back.failovers.length).toBe(before.failovers.length + 2);
    expect(await set.must('explain', 'slot', 'web/0')).not.toContain('in the share of');
  });
});
