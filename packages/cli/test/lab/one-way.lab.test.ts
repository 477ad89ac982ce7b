// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { EventView, StandbyStateView, StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hosts, missing } from './hosts.ts';
import { ledgerClient } from './ledger-client.ts';
import { ADDRESSES, declaration, NODES, SERVICE } from './ledger-set.ts';
import { instanceOf, isWhole, slotOf } from './running-set.ts';
import { ask as askApi, has, until } from './support.ts';

/*
 * A way between the holder of a slot and its standby that lets nothing pass in one direction, while the other one is open, as behind a switch that
 * has learned something wrong: nobody else notices.
 */

const cannot = missing || (has('nft', '--version') ? '' : 'nft is not installed');

describe.skipIf(cannot !== '')(`a standby that is cut off in one direction ${cannot}`, () => {
  let hosts: Hosts;
  const untilState = (what: string, isSo: (state: StateView) => unknown): Promise<StateView> =>
    hosts.untilState('manager', what, isSo);
  /** Every candidate besides the holder may take over at any moment. */
  const isProtected = (state: StateView): boolean => {
    const { sharing } = slotOf(state, 'ledger');
    const others = state.instances.length - 1;
    return (
      isWhole(state) &&
      sharing?.isProtected === true &&
      sharing.standbys.filter(({ isListed, state: at }) => isListed && at === 'following').length ===
        others &&
      state.sets[0]?.councils[0]?.cut === null
    );
  };

  const { accounts, add } = ledgerClient(() => hosts, SERVICE);
  const events = async (): Promise<readonly EventView[]> => {
    const { text } = await askApi({ socketPath: `${hosts.stateOf('manager')}/api.sock` }, '/v1/events');
    return (JSON.parse(text) as { readonly items: readonly EventView[] }).items;
  };
  const lastEvent = async (): Promise<number> => (await events()).at(-1)?.id ?? 0;
  /** Of these types, as they were told behind an event. */
  const told = async (behind: number, types: readonly string[]): Promise<readonly string[]> =>
    (await events())
      .filter(({ id, type }) => id > behind && types.includes(type))
      .map(({ type, message }) => `${type}: ${message}`);
  const nft = (host: string, rules: string): void => {
    const { status, stderr } = hosts.on(host, () => spawnSync('nft', [rules], { encoding: 'utf8' }));
    if (status !== 0) throw new Error(`nft ${rules}: ${stderr}`);
  };
  /** Nothing of `from` comes to `to` any more. */
  const cut = (from: string, to: string): void =>
    nft(
      to,
      `add table inet cut; add chain inet cut in { type filter hook input priority -300; }; add rule inet cut in ip saddr ${ADDRESSES[from]} drop`,
    );
  const mend = (to: string): void => nft(to, 'delete table inet cut');
  const standbyOf = (state: StateView, node: string): StandbyStateView | undefined =>
    slotOf(state, 'ledger').sharing?.standbys.find((each) => each.node === node);
  const apply = async (standbys: number): Promise<void> => {
    writeFileSync(`${hosts.folder}/set.yaml`, declaration.replace('standbys: 1', `standbys: ${standbys}`));
    const { code, stderr } = await hosts.cli('manager', 'apply', `${hosts.folder}/set.yaml`);
    expect(code, stderr).toBe(0);
  };

  beforeAll(async () => {
    hosts = new Hosts(ADDRESSES);
    await hosts.startSet('ledger', NODES);
    await apply(1);
    await untilState('the standby has the state', isProtected);
    for (const name of ['one', 'two', 'three']) await add(name);
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => hosts.tellStory('manager'));
  });
  afterAll(async () => {
    await hosts?.takeDown();
  });

  const SLOT_EVENTS = [
    'slot.standby-unlisted',
    'slot.standby-listed',
    'slot.unprotected',
    'slot.protected',
    'slot.standby-differs',
    'slot.lossy',
  ];
  const HEARING = ['council.member-silent', 'council.member-heard'];

  test.each([
    ['from the holder', true],
    ['from the standby', false],
  ])(
    '%s to the other: it is said which way it is, the holder goes on alone, and fills it up',
    async (_, isHolderCut) => {
      const before = await untilState('the standby has the state', isProtected);
      const { holder, node: ours, standbys } = slotOf(before, 'ledger');
      const standby = standbys[0] ?? '';
      const [holderNode, standbyNode] = [ours ?? '', instanceOf(before, standby).node ?? ''];
      const { fills } = standbyOf(before, standbyNode)?.stream ?? {};
      const [from, to] = isHolderCut ? [holderNode, standbyNode] : [standbyNode, holderNode];
      const sofar = await lastEvent();
      cut(from, to);
      const alone = await untilState('it is told', (state) => {
        const cutNow = state.sets[0]?.councils[0]?.cut;
        return slotOf(state, 'ledger').sharing?.isProtected === false && cutNow;
      });
      expect(alone.sets[0]?.councils[0]?.cut?.who).toBe(`${to} hears nothing of ${from}`);
      expect(slotOf(alone, 'ledger').sharing?.verdict).toBe(
        'No standby has the state of slot 0 of ledger: a failover would lose state.',
      );
      expect(standbyOf(alone, standbyNode)?.isListed).toBe(false);
      await until('it is an event', async () => (await told(sofar, HEARING)).length > 0);
      expect(await told(sofar, HEARING)).toEqual([
        `council.member-silent: ${to} hears nothing of ${from}: lease datagrams (UDP) do not come from there to ${to}.`,
      ]);
      expect(await told(sofar, SLOT_EVENTS)).toEqual([
        expect.stringMatching(
          `^slot\\.standby-unlisted: ${standby} on ${standbyNode} does not count as having the state of slot 0 of ledger any more: (it does not answer|there is no connection)\\.$`,
        ),
        expect.stringContaining('slot.unprotected: No standby has the state'),
      ]);
      const balance = await add('one');
      await add('two');
      // Whoever lacks these may not go on.
      expect(slotOf(await hosts.state('manager'), 'ledger').holder).toBe(holder);
      mend(to);
      const after = await untilState('the standby has the state again', isProtected);
      expect(slotOf(after, 'ledger').holder).toBe(holder);
      expect(after.failovers).toEqual(before.failovers);
      // What it lacked, and not everything.
      expect(standbyOf(after, standbyNode)?.stream?.fills).toBe(fills);
      expect((await told(sofar, SLOT_EVENTS)).slice(2).map((text) => text.replace(/:.*/, ''))).toEqual([
        'slot.standby-listed',
        'slot.protected',
      ]);
      await until('its end is an event', async () => (await told(sofar, HEARING)).length > 1);
      expect((await told(sofar, HEARING))[1]).toBe(`council.member-heard: ${to} hears ${from} again.`);
      const had = await accounts();
      expect(had['one']).toBe(balance);
      process.kill(instanceOf(after, holder ?? '').pid ?? 0, 'SIGKILL');
      await untilState('the standby goes on', (state) => slotOf(state, 'ledger').holder === standby);
      expect(await accounts()).toEqual(had);
    },
  );

  test('to one of two: the other one keeps the slot protected', async () => {
    await apply(2);
    const before = await untilState('both standbys have the state', isProtected);
    const { holder, node, standbys } = slotOf(before, 'ledger');
    const [mute = '', other = ''] = standbys.map((name) => instanceOf(before, name).node ?? '');
    const sofar = await lastEvent();
    cut(node ?? '', mute);
    const one = await untilState('it is told', (state) => standbyOf(state, mute)?.isListed === false);
    expect(slotOf(one, 'ledger').sharing).toMatchObject({ isProtected: true, isLossy: false });
    expect(standbyOf(one, other)?.isListed).toBe(true);
    // It is to be looked at all the same.
    expect(one.pools[0]?.health).toBe('degraded');
    await add('three');
    mend(mute);
    const after = await untilState('both have it again', isProtected);
    expect([slotOf(after, 'ledger').holder, after.failovers]).toEqual([holder, before.failovers]);
    expect(await told(sofar, ['slot.unprotected', 'slot.standby-differs', 'slot.lossy'])).toEqual([]);
  });
});
