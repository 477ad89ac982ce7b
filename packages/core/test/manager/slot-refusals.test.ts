// SPDX-License-Identifier: Apache-2.0
import type { SlotRefusal, SlotState } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c'];
const NO_CARRIER: SlotRefusal = { rule: 'link', why: 'link eth1 has no carrier for 10.0.1.1' };
const HOOK: SlotRefusal = {
  rule: 'fence-hook',
  why: 'it has the lease, and waits for the hook that switches node 2 off',
};

/** Three nodes run the pool, whose slot web#1 holds; `tell` says what one of them would not do, and why. */
async function world(standbys = 2, spares = 0) {
  const domain = await FakeDomain.start();
  domain.give({ type: 'registrar', address: '10.0.0.9', port: 3863 });
  NODES.forEach((name, index) => domain.register(name, index + 1));
  const declared = set(NODES, [pool('web', 1, standbys, spares)]);
  domain.give({ type: 'apply', requestId: 1, declared, text: 'set: edge', file: 'set.yaml' });
  const views = () => domain.core.views(domain.nowMs);
  const web = () => views().pools[0];
  const tell = (
    node: number,
    refusal?: SlotRefusal,
    change: Partial<SlotState> = {},
    muteMs: number = 0,
  ): void => {
    const candidates = [1, 2, 3].map((id) => ({ node: id, functionId: id }));
    const holder = { node: 1, functionId: 1 };
    const told = { id: views().slots[0]?.id ?? '', epoch: '1', holder, candidates, reason: '' };
    const state = node === 1 ? 'holding' : 'held';
    domain.report(node, {
      muteMs,
      slots: [{ ...told, state, ...(refusal && { refusal }), ...change }],
      failovers: [],
    });
  };
  for (const node of [1, 2, 3]) tell(node);
  const explained = () =>
    domain.core
      .explainSlot('web', 0, domain.nowMs)
      ?.candidates.map(({ name, rule, verdict }) => `${name} ${rule}: ${verdict}`);
  const events = () =>
    views()
      .events.filter(({ type }) => type === 'slot.refused')
      .map(({ severity, message }) => `${severity} ${message}`)
      .toReversed();
  const handover = (to?: string) => {
    domain.give({ type: 'handover', requestId: 9, pool: 'web', index: 0, ...(to && { to }) });
    return domain.replies.at(-1);
  };
  return { domain, views, web, tell, explained, events, handover };
}

test('a standby whose node would not serve the slot ranks last, is refused by name, and protects nobody', async () => {
  const { web, tell, explained } = await world();
  expect(web()).toMatchObject({ health: 'whole', standbysReady: 2 });
  tell(2, NO_CARRIER);
  expect(explained()).toEqual([
    'web#1 null: holds it; ready',
    'web#3 null: ready',
    `web#2 link: ${NO_CARRIER.why}`,
  ]);
  expect(web()).toMatchObject({
    health: 'degraded',
    standbysReady: 1,
    reason: `It serves, but 1 standby is missing. web#2 on b: ${NO_CARRIER.why}.`,
  });
  tell(2);
  expect(web()).toMatchObject({ health: 'whole', standbysReady: 2 });
  expect(explained()?.at(-1)).toMatch(/^web#[23] null: ready$/);
});

test('a spare stands by in its place', async () => {
  const { domain, web, views, tell } = await world(1, 1);
  tell(2, NO_CARRIER);
  expect(views().slots[0]?.standbys).toEqual(['web#3']);
  expect(domain.core.explain('web', domain.nowMs)?.lines).toContain(
    `web#2 on b is wanted as spare of slot 0: ${NO_CARRIER.why}.`,
  );
  expect(web()).toMatchObject({ standbysReady: 1, sparesReady: 0, health: 'degraded' });
});

test('no hand-over to it is ordered, and the answer says why', async () => {
  const { tell, handover } = await world();
  tell(2, NO_CARRIER);
  expect(handover('web#2')).toEqual({
    ok: false,
    code: 'NOT_READY',
    message: `b would not serve the slot: ${NO_CARRIER.why}.`,
  });
  tell(3, { rule: 'clock', why: 'its clock is off' });
  expect(handover()).toMatchObject({ ok: false, code: 'NOT_READY' });
  tell(2);
  expect(handover()).toEqual({ ok: true, to: 'web#2' });
});

test('it is told once, stands in the slot, and ends; what the addresses of the slot tell is not told twice', async () => {
  const { views, tell, events } = await world();
  const clock: SlotRefusal = { rule: 'clock', why: 'its clock is off' };
  for (let n = 0; n < 3; n++) tell(2, clock);
  expect(views().slots[0]?.reason).toContain('b: its clock is off.');
  tell(3, NO_CARRIER, { trouble: NO_CARRIER.why });
  expect(views().slots[0]?.reason.split(NO_CARRIER.why)).toHaveLength(2);
  tell(2);
  tell(3);
  expect(events()).toEqual([
    'warning b does not serve the slot: its clock is off.',
    'info b would serve the slot again.',
  ]);
});

test('a holder that waits for the hook of another node is not taken for one that serves', async () => {
  const { web, tell, explained } = await world();
  tell(1, HOOK, { state: 'held' });
  expect(web()).toMatchObject({ health: 'down', slotsHeld: 0 });
  expect(explained()).toContain(`web#1 fence-hook: ${HOOK.why}`);
  tell(1);
  expect(web()).toMatchObject({ health: 'whole', slotsHeld: 1 });
});

test('a holder that serves the slot, but not whole, leaves the pool degraded', async () => {
  const { web, tell } = await world();
  tell(1, NO_CARRIER);
  expect(web()).toMatchObject({
    health: 'degraded',
    slotsHeld: 1,
    reason: `It serves, but not whole: web#1 on a: ${NO_CARRIER.why}.`,
  });
});

describe('members that were started anew', () => {
  test('keep nobody from the slot as long as a majority votes, and are named', async () => {
    const { domain, tell, explained } = await world();
    tell(2, undefined, {}, 4_200);
    expect(domain.core.explainSlot('web', 0, domain.nowMs)?.council).toBe(
      '3 of 3 members of the council answer (2 are needed), b was started anew and is mute for another 5 s: leases can be granted.',
    );
    expect(explained()).toContain('web#2 null: ready');
  });

  test('keep everybody but the holder from it where no majority votes', async () => {
    const { domain, tell, explained } = await world();
    tell(2, undefined, {}, 4_200);
    tell(3, undefined, {}, 1_000);
    expect(explained()).toEqual([
      'web#1 null: holds it; ready',
      ...['web#2', 'web#3'].map(
        (name) =>
          `${name} mute: ready, but no majority of the council votes: b was started anew and is mute for another 5 s, c was started anew and is mute for another 1 s`,
      ),
    ]);
    expect(domain.core.explainSlot('web', 0, domain.nowMs)?.council).toContain(
      'no lease is granted to anybody else until more of them vote',
    );
    // Nobody tells that it is over.
    domain.nowMs += 4_000;
    expect(explained()).toContain('web#2 null: ready');
  });
});
