// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import type { StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hosts, missing } from './hosts.ts';
import { ledgerClient } from './ledger-client.ts';
import { ADDRESSES, declaration, NODES, SERVICE } from './ledger-set.ts';
import { instanceOf, isWhole, slotOf } from './running-set.ts';
import { ask, type Child } from './support.ts';

/* A standby whose copy of the state is not what the holder has, or to which nothing comes any more: somebody is told within seconds. */

describe.skipIf(missing !== '')(`a copy that is not what it should be ${missing}`, () => {
  let hosts: Hosts;
  let agents: Map<string, Child>;

  const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
    hosts.untilState('manager', what, isSo);
  const isWell = (state: StateView): boolean => {
    const sharing = slotOf(state, 'ledger').sharing;
    return isWhole(state) && sharing?.isProtected === true && sharing.alarms === undefined;
  };
  const told = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await hosts.cli('manager', ...args);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  /** The agent of the first standby, with its name as events say it. */
  const standbyOf = (
    state: StateView,
  ): { readonly agent: Child; readonly who: string; readonly node: string } => {
    const name = slotOf(state, 'ledger').standbys[0] ?? '';
    const node = instanceOf(state, name).node ?? '';
    return { agent: agents.get(node) as Child, who: `${name} on ${node}`, node };
  };
  const { accounts, add } = ledgerClient(() => hosts, SERVICE);

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    hosts.nodeOptions = ['--import', new URL('damaged-copies.mjs', import.meta.url).href];
    agents = await hosts.startSet('ledger', NODES);
    writeFileSync(`${hosts.folder}/set.yaml`, declaration);
    const applied = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(applied.code, applied.stderr).toBe(0);
    await untilState('a standby has the state', isWell);
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => hosts.tellStory('manager'));
  });
  afterAll(async () => {
    await hosts?.takeDown();
  });

  test('a standby whose memory fails: an event and an alarm, until it agrees again', async () => {
    await add('paid');
    const { agent, who, node } = standbyOf(await untilState('a standby has the state', isWell));
    agent.process.kill('SIGWINCH');
    const words = `${who} had another state than the holder of slot 0 of ledger: it gets all of it anew.`;
    const state = await untilState('an alarm says so', (each) =>
      slotOf(each, 'ledger').sharing?.alarms?.includes(words),
    );
    expect(state.pools[0]).toMatchObject({
      health: 'degraded',
      reason: expect.stringContaining('It serves, but'),
    });
    // All of it is there again before it is over.
    const filled = await untilState('it is filled anew', (each) =>
      slotOf(each, 'ledger').sharing?.standbys.some(
        (standby) => standby.node === node && standby.isListed && standby.stream?.fills === 2,
      ),
    );
    expect(
      slotOf(filled, 'ledger').sharing?.standbys.find((each) => each.node === node)?.digests,
    ).toMatchObject({
      differed: 1,
      isDiffering: true,
    });
    expect(await told('status')).toContain('a copy differs');
    expect(await told('explain', 'slot', 'ledger/0')).toMatch(
      /Look: .* had another state .*\n.*digests agreed \d+ times, last \ds ago; differed once, and lately; got all 2 times/s,
    );
    const { text } = await ask({ socketPath: `${hosts.stateOf('manager')}/api.sock` }, '/v1/metrics');
    expect(text).toMatch(
      new RegExp(`^vnfpool_standby_digests_differed_count\\{.*node="${node}".*\\} 1$`, 'm'),
    );
    await untilState('it agrees again', isWell);
    const events = await told('events');
    expect(events).toContain(words);
    expect(events).toContain(`${who} has the state of slot 0 of ledger as its holder has it again, for 5 s`);
    // What it goes on with is what was answered.
    await told('handover', 'ledger/0', '--to', who.split(' ')[0] ?? '');
    expect(await accounts()).toEqual({ paid: 1 });
  });

  test('a holder whose memory fails: its function tells the value anew, and nobody is given the other one', async () => {
    const before = await accounts();
    const former = await untilState('a standby has the state', isWell);
    const { holder } = slotOf(former, 'ledger');
    const holding = instanceOf(former, holder ?? '').node ?? '';
    const { who, node } = standbyOf(former);
    const fills = (state: StateView): number | undefined =>
      slotOf(state, 'ledger').sharing?.standbys.find((each) => each.node === node)?.stream?.fills;
    agents.get(holding)?.process.kill('SIGWINCH');
    const mended = await untilState('it was found, and told anew', (each) => {
      const damage = slotOf(each, 'ledger').sharing?.damage;
      return damage?.found === 1 && damage.now === 0;
    });
    // Whoever had all of it is not touched.
    expect(fills(mended)).toBe(fills(former));
    const events = await told('events');
    expect(events).toContain(
      `Some of the state of slot 0 of ledger is damaged in the memory of ${holding}, which holds it: no standby is given that until its function says it again.`,
    );
    expect(events).toContain(
      `Nothing of the state of slot 0 of ledger is damaged in the memory of ${holding} any more;`,
    );
    await untilState('the slot is well', isWell);
    expect(await accounts()).toEqual(before);
    await told('handover', 'ledger/0', '--to', who.split(' ')[0] ?? '');
    expect(await accounts()).toEqual(before);
  });

  test('a standby that does not answer: an event and an alarm, though its node is not lost', async () => {
    const { agent, who } = standbyOf(await untilState('a standby has the state', isWell));
    agent.process.kill('SIGSTOP');
    const words = `${who} does not answer: it gets the state of slot 0 of ledger no more.`;
    try {
      await untilState('an alarm says so', (each) => slotOf(each, 'ledger').sharing?.alarms?.includes(words));
    } finally {
      agent.process.kill('SIGCONT');
    }
    await untilState('it answers', isWell);
    const events = await told('events');
    expect(events).toContain(
      `${who} does not count as having the state of slot 0 of ledger any more: it does not answer.`,
    );
    expect(events).toContain(`${who} has the state of slot 0 of ledger and may take over.`);
  });
});
