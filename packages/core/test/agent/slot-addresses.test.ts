// SPDX-License-Identifier: Apache-2.0
import { type KeeperInput, type KeeperOutput, SlotKeeper } from '@vnfpool/core/agent';
import type { NodeLeases, NodeLeasesInput, NodeLeasesOutput } from '@vnfpool/core/lease';
import type { SlotAddressing, SlotDefinition } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';

const SLOT = '00000000000000a1';
const A = '10.0.0.100';
const B = '2001:db8::100';
const STRANGER = '02:00:00:00:00:99';
const council = { id: 1, version: { generation: 1, number: 1, randomId: '00000000000000c0' }, members: [1] };
const at = (address: string, link: string | null = null) => ({ address, link, own: null });

function slot(addresses: readonly string[], addressing?: SlotAddressing): SlotDefinition {
  return {
    id: SLOT,
    pool: 'web',
    index: 0,
    leaseMs: 300,
    addresses,
    ...(addressing === undefined ? {} : { addressing }),
    genesis: { randomId: '00000000000000e5', candidates: [] },
    candidates: [1, 2, 3].map((node) => ({ node, functionId: node + 6 })),
    lastResort: { rule: 'never' },
  };
}

function granted(cause: 'genesis' | 'lease-expired' | 'handover'): NodeLeasesOutput {
  return {
    type: 'granted',
    slot: SLOT,
    epoch: 5,
    functionId: 7,
    functionIncarnation: 1n,
    cause,
    fencedBy: 'none',
    previous: null,
    candidates: [
      { node: 1, functionId: 7 },
      { node: 2, functionId: 8 },
      { node: 3, functionId: 9 },
    ].map((each) => ({ ...each, functionIncarnation: 1n })),
    lossMark: false,
    detectedAtMs: 0,
    leaseUntilMs: 300,
  };
}

const candidate: NodeLeasesInput = {
  type: 'candidate-state',
  slot: SLOT,
  functionId: 7,
  functionIncarnation: 1n,
  ready: true,
  rank: 0,
};

/** A keeper over an engine that answers as the test says, with hands that carry out marks and closings at once. */
function world(addresses: readonly string[], addressing?: SlotAddressing) {
  let nowMs = 1_000;
  let answers: NodeLeasesOutput[] = [];
  const asked: NodeLeasesInput[] = [];
  const engine = {
    handle: (input: NodeLeasesInput) => {
      asked.push(input);
      if (input.type === 'fence-closed')
        return [{ type: 'lost', slot: SLOT, epoch: 5, reason: 'operator' } satisfies NodeLeasesOutput];
      return answers.splice(0);
    },
    expire: () => [],
    nextDeadline: () => undefined,
    councils: [],
    isClockOutside: () => false,
  };
  const core = new SlotKeeper(engine as unknown as NodeLeases, 1);
  const carryOut = (queue: KeeperOutput[]): KeeperOutput[] => {
    const done: KeeperOutput[] = [];
    for (let output = queue.shift(); output; output = queue.shift()) {
      done.push(output);
      if (output.type === 'mark') {
        const { slots, step } = output;
        queue.unshift(...core.handle({ type: 'marked', slots, step, wallMs: nowMs }, nowMs));
      } else if (output.type === 'close') {
        const { slot: id, epoch } = output;
        queue.unshift(...core.handle({ type: 'fence-closed', slot: id, epoch }, nowMs));
      }
    }
    return done;
  };
  const give = (input: KeeperInput, ...engineSays: NodeLeasesOutput[]): KeeperOutput[] => {
    answers = engineSays;
    return carryOut(core.handle(input, nowMs));
  };
  const configure = (...changed: SlotDefinition[]) =>
    give({ type: 'configure', councils: [council], slots: changed });
  configure(slot(addresses, addressing));
  return {
    give,
    configure,
    asked,
    take: (cause: 'genesis' | 'lease-expired' | 'handover') => give(candidate, granted(cause)),
    pass: (ms: number) => {
      nowMs += ms;
      return carryOut(core.expire(nowMs));
    },
    deadline: () => (core.nextDeadline() ?? Number.POSITIVE_INFINITY) - nowMs,
  };
}

const ofType = <Type extends KeeperOutput['type']>(outputs: readonly KeeperOutput[], type: Type) =>
  outputs.filter((output): output is KeeperOutput & { type: Type } => output.type === type);
const refusalOf = (outputs: readonly KeeperOutput[]) => ofType(outputs, 'slot').at(-1)?.state.refusal;
const troubleOf = (outputs: readonly KeeperOutput[]) => ofType(outputs, 'slot').at(-1)?.state.trouble;
const claims = [{ address: A, hardwareAddress: STRANGER, link: 'eth0' }];

test('at its birth a slot asks whether somebody has an address, and raises all of them when nobody has', () => {
  const { give, take } = world([`${A}/24`, `${B}%eth1/64`]);
  const places = [at(A), at(B, 'eth1')];
  const taken = take('genesis');
  expect(ofType(taken, 'probe')).toEqual([{ type: 'probe', slot: SLOT, attempt: 1, places }]);
  expect(ofType(taken, 'raise')).toEqual([]);
  const free = give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] });
  expect(ofType(free, 'raise')).toEqual([{ type: 'raise', places, isPrepared: false, isQuiet: false }]);
  expect(ofType(free, 'announce')).toEqual([{ type: 'announce', places }]);
  expect(ofType(free, 'slot').at(-1)?.state.state).toBe('holding');
});

test('later nobody is asked: a takeover does not wait', () => {
  const taken = world([`${A}/24`]).take('lease-expired');
  expect(ofType(taken, 'probe')).toEqual([]);
  expect(ofType(taken, 'raise')).toHaveLength(1);
});

test('an address that a stranger has is not raised, told loudly, and asked for until it is free', () => {
  const { give, take, pass } = world([`${A}/24`]);
  take('genesis');
  const refused = give({ type: 'probed', slot: SLOT, attempt: 1, claims });
  expect(ofType(refused, 'raise')).toEqual([]);
  expect(ofType(refused, 'event')).toMatchObject([{ severity: 'error' }]);
  expect(troubleOf(refused)).toBe(
    `not raised: ${A} is in use by ${STRANGER} on eth0, which is not of this set`,
  );
  const again = pass(5_000);
  expect(ofType(again, 'probe')).toMatchObject([{ attempt: 2 }]);
  // What comes late answers nothing; the same answer again is no news.
  expect(ofType(give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] }), 'raise')).toEqual([]);
  expect(ofType(give({ type: 'probed', slot: SLOT, attempt: 2, claims }), 'event')).toEqual([]);
  pass(5_000);
  const free = give({ type: 'probed', slot: SLOT, attempt: 3, claims: [] });
  expect(ofType(free, 'raise')).toHaveLength(1);
  expect(troubleOf(free)).toBeUndefined();
});

test('with onConflict raise it is raised all the same, and said', () => {
  const { give, take } = world([`${A}/24`], { onConflict: 'raise' });
  take('genesis');
  const outputs = give({ type: 'probed', slot: SLOT, attempt: 1, claims });
  expect(ofType(outputs, 'raise')).toHaveLength(1);
  expect(ofType(outputs, 'event')).toMatchObject([{ severity: 'warning' }]);
});

test('a slot that is lost while it asks raises nothing any more', () => {
  const { give, take } = world([`${A}/24`]);
  take('genesis');
  const close: NodeLeasesOutput = { type: 'fence-close', slot: SLOT, epoch: 5, reason: 'operator' };
  give({ type: 'release', slot: SLOT, reason: 'operator' }, close);
  expect(ofType(give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] }), 'raise')).toEqual([]);
});

test('addresses that change while it asks are asked for', () => {
  const { give, take, configure } = world([`${A}/24`]);
  take('genesis');
  const changed = configure(slot(['10.0.0.101/24']));
  expect(ofType(changed, 'raise')).toEqual([]);
  expect(ofType(changed, 'probe')).toMatchObject([{ attempt: 2, places: [at('10.0.0.101')] }]);
  expect(ofType(give({ type: 'probed', slot: SLOT, attempt: 2, claims: [] }), 'raise')).toMatchObject([
    { places: [at('10.0.0.101')] },
  ]);
});

test('a slot whose addresses all go while it asks is served without', () => {
  const { give, take, configure } = world([`${A}/24`]);
  take('genesis');
  const changed = configure(slot([]));
  expect(ofType(changed, 'probe')).toEqual([]);
  expect(ofType(changed, 'slot').at(-1)?.state).toMatchObject({ state: 'holding', epoch: '5' });
  expect(ofType(give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] }), 'slot')).toEqual([]);
});

test('a slot that waits for an address of somebody else is served when it has no address any more', () => {
  const { give, take, configure } = world([`${A}/24`]);
  take('genesis');
  give({ type: 'probed', slot: SLOT, attempt: 1, claims: taken(A) });
  const left = configure(slot([]));
  expect(ofType(left, 'slot').at(-1)?.state).toMatchObject({ state: 'holding' });
});

test('a new epoch while it asks neither raises nor loses the answer', () => {
  const { give, take } = world([`${A}/24`]);
  take('genesis');
  const renumbered: NodeLeasesOutput = {
    type: 'renumbered',
    slot: SLOT,
    epoch: 6,
    formerEpoch: 5,
    candidates: [],
    listSerial: 0,
  };
  expect(ofType(give(candidate, renumbered), 'raise')).toEqual([]);
  const free = give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] });
  expect(ofType(free, 'slot').at(-1)?.state).toMatchObject({ state: 'holding', epoch: '6' });
});

const C = '10.0.0.101';
const D = '10.0.0.102';
const taken = (address: string) => [{ address, hardwareAddress: STRANGER, link: 'eth0' }];

/** It serves with A, and has nothing to announce any more. */
function serving(addressing?: SlotAddressing) {
  const made = world([`${A}/24`], addressing);
  made.take('lease-expired');
  made.pass(10_000);
  return made;
}

test('an address that a slot gets while it is held is asked for, and raised and announced when nobody has it', () => {
  const { give, configure, pass } = serving();
  const changed = configure(slot([`${A}/24`, `${C}/24`]));
  expect(ofType(changed, 'probe')).toEqual([{ type: 'probe', slot: SLOT, attempt: 1, places: [at(C)] }]);
  // An earlier process may have left it; what is served stays.
  expect(ofType(changed, 'withdraw')).toEqual([{ type: 'withdraw', addresses: [C] }]);
  expect(ofType(changed, 'raise')).toEqual([]);
  expect(pass(200)).toEqual([]);
  const free = give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] });
  expect(free).toEqual([{ type: 'raise', places: [at(C)], isPrepared: false, isQuiet: false }]);
  expect(pass(100)).toEqual([{ type: 'announce', places: [at(A), at(C)] }]);
  expect(ofType(configure(slot([`${A}/24`, `${C}/24`])), 'probe')).toEqual([]);
});

test('one that a stranger has is not raised, the slot serves on with the others, and it is asked for until it is free', () => {
  const { give, configure, pass } = serving({ announce: { repeats: 1, everyMs: 50 } });
  configure(slot([`${A}/24`, `${C}/24`, `${D}/24`]));
  const refused = give({ type: 'probed', slot: SLOT, attempt: 1, claims: taken(C) });
  expect(ofType(refused, 'raise')).toMatchObject([{ places: [at(D)] }]);
  const conflict = `${C} is in use by ${STRANGER} on eth0, which is not of this set`;
  expect(ofType(refused, 'event')).toEqual([
    {
      type: 'event',
      severity: 'error',
      message: `slot web/0: ${conflict}; it is not raised as long as that lasts`,
    },
  ]);
  expect(ofType(refused, 'slot').at(-1)?.state).toMatchObject({
    state: 'holding',
    trouble: `not raised: ${conflict}`,
  });
  // Nothing brings it up, or says that we had it, meanwhile.
  expect(ofType(pass(3_000), 'announce')).toEqual([{ type: 'announce', places: [at(A), at(D)] }]);
  expect(ofType(give({ type: 'address-vanished', address: C }), 'raise')).toEqual([]);
  give({ type: 'address-placed', address: C, missing: 'there is no link eth0' });
  expect(ofType(give({ type: 'address-placed', address: C, missing: null }), 'raise')).toEqual([]);
  expect(ofType(configure(slot([`${A}/24`, `${C}/24`, `${D}/24`])), 'raise')).toEqual([]);
  expect(ofType(pass(2_000), 'probe')).toMatchObject([{ attempt: 2, places: [at(C)] }]);
  const free = give({ type: 'probed', slot: SLOT, attempt: 2, claims: [] });
  expect(ofType(free, 'raise')).toMatchObject([{ places: [at(C)] }]);
  expect(ofType(free, 'event')).toMatchObject([{ severity: 'info' }]);
  expect(ofType(free, 'slot')).toHaveLength(1);
  expect(troubleOf(free)).toBeUndefined();
});

test('with onConflict raise one that comes later is raised all the same, and said', () => {
  const { give, configure } = serving({ onConflict: 'raise' });
  configure(slot([`${A}/24`, `${C}/24`], { onConflict: 'raise' }));
  const outputs = give({ type: 'probed', slot: SLOT, attempt: 1, claims: taken(C) });
  expect(ofType(outputs, 'raise')).toMatchObject([{ places: [at(C)] }]);
  expect(ofType(outputs, 'event')).toMatchObject([{ severity: 'warning' }]);
});

test('an answer about addresses that the slot has no more says nothing of those that it has', () => {
  const { give, configure, deadline } = serving();
  configure(slot([`${A}/24`, `${C}/24`]));
  expect(ofType(configure(slot([`${A}/24`])), 'withdraw')).toEqual([]);
  expect(ofType(configure(slot([`${A}/24`, `${D}/24`])), 'probe')).toMatchObject([{ places: [at(D)] }]);
  expect(give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] })).toEqual([]);
  // Both are asked for as soon as there are two.
  const both = ofType(configure(slot([`${A}/24`, `${D}/24`, `${C}/24`])), 'probe')[0];
  expect(both?.places).toEqual([at(D), at(C)]);
  configure(slot([`${A}/24`, `${D}/24`]));
  const free = give({ type: 'probed', slot: SLOT, attempt: both?.attempt ?? 0, claims: taken(C) });
  expect(free).toEqual([{ type: 'raise', places: [at(D)], isPrepared: false, isQuiet: false }]);
  configure(slot([`${A}/24`, `${D}/24`, `${C}/24`]));
  configure(slot([`${A}/24`, `${D}/24`]));
  expect(deadline()).toBe(100);
});

test('one that comes while the slot is being taken waits for its answer, and the slot does not', () => {
  const { give, configure } = world([`${A}/24`]);
  give({ type: 'unfenced', nodes: new Set([2]), hasHook: true });
  const former = { node: 2, functionId: 8, functionIncarnation: 1n };
  const lost = { ...granted('lease-expired'), fencedBy: 'timeout', previous: former } as NodeLeasesOutput;
  expect(ofType(give(candidate, lost), 'fence-node')).toHaveLength(1);
  expect(ofType(configure(slot([`${A}/24`, `${C}/24`])), 'probe')).toMatchObject([{ places: [at(C)] }]);
  const off = give({ type: 'node-fenced', slot: SLOT, epoch: 5, isOff: true, reason: '' });
  expect(ofType(off, 'raise')).toMatchObject([{ places: [at(A)] }]);
  expect(ofType(off, 'announce')).toEqual([{ type: 'announce', places: [at(A)] }]);
  expect(ofType(give({ type: 'probed', slot: SLOT, attempt: 1, claims: [] }), 'raise')).toMatchObject([
    { places: [at(C)] },
  ]);
});

test('a slot that is left while one of its addresses is asked for raises it no more, and the next holding asks for none', () => {
  const { give, configure, take } = serving();
  configure(slot([`${A}/24`, `${C}/24`]));
  give(
    { type: 'release', slot: SLOT, reason: 'operator' },
    { type: 'fence-close', slot: SLOT, epoch: 5, reason: 'operator' },
  );
  const again = take('lease-expired');
  expect(ofType(again, 'probe')).toEqual([]);
  expect(ofType(again, 'raise')).toMatchObject([{ places: [at(A), at(C)] }]);
  expect(give({ type: 'probed', slot: SLOT, attempt: 1, claims: taken(C) })).toEqual([]);
});

test('an address of the slot that gets a link of its own is not asked for, one that goes to another network is', () => {
  const { configure } = serving();
  const own = configure(slot([`${A}/24`], { sameMac: {} }));
  expect(ofType(own, 'probe')).toEqual([]);
  expect(ofType(own, 'raise')).toHaveLength(1);
  const moved = configure(slot([`${A}%eth1/24`], { sameMac: {} }));
  expect(ofType(moved, 'withdraw')).toEqual([{ type: 'withdraw', addresses: [A] }]);
  expect(ofType(moved, 'raise')).toEqual([]);
  expect(ofType(moved, 'probe')).toMatchObject([{ places: [{ address: A, link: 'eth1' }] }]);
});

const offered: NodeLeasesOutput = { type: 'offered', slot: SLOT, epoch: 4, nonce: 'a', untilMs: 1_290 };

test('a slot that is offered is raised ahead, quietly and once, and taken without more', () => {
  const { give, take } = world([`${A}/24`]);
  const declined = { ...offered, untilMs: null };
  expect(give(candidate, declined)).toEqual([]);
  const answer: NodeLeasesOutput = { type: 'send', councilId: 1, to: 2, messages: [] };
  // Others wait for what is sent.
  expect(give(candidate, offered, answer)).toEqual([
    answer,
    { type: 'raise', places: [at(A)], isPrepared: false, isQuiet: true },
    { type: 'expect', untilMs: 1_290 },
  ]);
  expect(give(candidate, offered)).toEqual([]);
  expect(ofType(take('handover'), 'raise')).toMatchObject([{ isPrepared: true, isQuiet: false }]);
});

test('what was raised ahead is withdrawn when the slot does not come', () => {
  const { give, pass, deadline } = world([`${A}/24`]);
  give(candidate, offered);
  expect(deadline()).toBe(1_200);
  expect(pass(1_199)).toEqual([]);
  expect(pass(1)).toEqual([{ type: 'withdraw', addresses: [A] }]);
  expect(pass(100_000)).toEqual([]);
});

test('what was raised ahead and removed by somebody is raised anew with the slot', () => {
  const { give, take } = world([`${A}/24`]);
  give(candidate, offered);
  expect(ofType(give({ type: 'address-vanished', address: A }), 'raise')).toEqual([]);
  expect(ofType(take('handover'), 'raise')).toMatchObject([{ isPrepared: false }]);
});

test('an address that somebody removes is put back and announced, at most once a second', () => {
  const { give, take, pass } = world([`${A}/24`]);
  take('lease-expired');
  pass(10_000);
  const put = { type: 'raise', places: [at(A)], isPrepared: true, isQuiet: false };
  const announce = { type: 'announce', places: [at(A)] };
  const vanished = { type: 'address-vanished', address: A } as const;
  expect(give(vanished).filter(({ type }) => type !== 'event')).toEqual([put, announce]);
  expect(ofType(give(vanished), 'raise')).toEqual([]);
  expect(ofType(give(vanished), 'raise')).toEqual([]);
  expect(pass(999)).toEqual([]);
  expect(pass(1)).toEqual([put, announce]);
  expect(pass(10_000)).toEqual([]);
});

test('a foreign claim is told and answered, and however many come, once in ten seconds', () => {
  const { give, take, pass } = world([`${A}/24`]);
  take('lease-expired');
  pass(10_000);
  const claimed: KeeperInput = {
    type: 'address-claimed',
    claim: { address: A, hardwareAddress: STRANGER, link: 'eth0' },
  };
  const first = give(claimed);
  expect(ofType(first, 'announce')).toEqual([{ type: 'announce', places: [at(A)] }]);
  expect(ofType(first, 'event')).toEqual([
    {
      type: 'event',
      severity: 'warning',
      message: `slot web/0: ${STRANGER} on eth0, which is not of this set, claims ${A}`,
    },
  ]);
  expect(troubleOf(first)).toBe(`${A} is claimed by ${STRANGER} on eth0 too`);
  for (let n = 0; n < 100; n++) expect(give(claimed)).toEqual([]);
  pass(10_000);
  expect(give(claimed).map(({ type }) => type)).toEqual(['announce']);
  // A minute of silence, and it is over.
  expect(pass(59_999)).toEqual([]);
  const over = ofType(pass(1), 'slot');
  expect(over).toHaveLength(1);
  expect(over[0]?.state.trouble).toBeUndefined();
});

test('claims by ever other hardware addresses are remembered up to a bound', () => {
  const { give, take, pass } = world([`${A}/24`]);
  take('lease-expired');
  pass(10_000);
  let events = 0;
  for (let n = 0; n < 1_000; n++) {
    const hardwareAddress = `02:00:00:00:${(n >> 8).toString(16)}:${(n & 255).toString(16)}`;
    const claim = { address: A, hardwareAddress, link: 'eth0' };
    events += ofType(give({ type: 'address-claimed', claim }), 'event').length;
  }
  expect(events).toBe(8);
});

test('claims of what is not held here are nothing to us', () => {
  const { give } = world([`${A}/24`]);
  expect(
    give({ type: 'address-claimed', claim: { address: A, hardwareAddress: STRANGER, link: 'eth0' } }),
  ).toEqual([]);
});

const gone: KeeperInput = { type: 'address-placed', address: B, missing: 'there is no link eth1' };
const back: KeeperInput = { type: 'address-placed', address: B, missing: null };
const failed = (nonce: string): NodeLeasesOutput => ({
  type: 'hand-over-failed',
  slot: SLOT,
  nonce,
  reason: 'no-answer',
});

test('who lacks a link is no candidate as long as it does', () => {
  const { give, asked } = world([`${A}/24`, `${B}%eth1/64`]);
  give(candidate);
  const told = give(gone);
  expect(asked.at(-1)).toEqual({ ...candidate, ready: false });
  expect(ofType(told, 'event')).toMatchObject([{ severity: 'warning' }]);
  expect(troubleOf(told)).toBe(`there is no link eth1 for ${B}`);
  expect(refusalOf(told)).toEqual({ rule: 'link', why: `there is no link eth1 for ${B}` });
  give(candidate);
  expect(asked.at(-1)).toEqual({ ...candidate, ready: false });
  expect(refusalOf(give(back))).toBeUndefined();
  expect(asked.at(-1)).toEqual(candidate);
});

test('who lacks a link of which no address speaks any more is a candidate again', () => {
  const { give, configure, asked } = world([`${A}/24`, `${B}%eth1/64`]);
  give(candidate);
  give(gone);
  expect(asked.at(-1)).toEqual({ ...candidate, ready: false });
  configure(slot([`${A}/24`]));
  expect(asked.at(-1)).toEqual(candidate);
});

test('a holder whose link goes offers the slot to the others in turn, then stays and says what is missing', () => {
  const { give, take, asked, pass } = world([`${A}/24`, `${B}%eth1/64`]);
  take('lease-expired');
  pass(10_000);
  expect(ofType(give(gone), 'event')).toMatchObject([{ severity: 'error' }]);
  const orders = () => asked.flatMap((input) => (input.type === 'hand-over' ? [input] : []));
  expect(orders()).toMatchObject([{ to: { node: 2, functionId: 8 } }]);
  expect(ofType(give(candidate, failed(orders()[0]?.nonce ?? '')), 'event')).toEqual([]);
  expect(orders()[1]).toMatchObject({ to: { node: 3, functionId: 9 } });
  expect(orders()[1]?.nonce).not.toBe(orders()[0]?.nonce);
  const stays = give(candidate, failed(orders()[1]?.nonce ?? ''));
  expect(ofType(stays, 'event')).toMatchObject([
    {
      severity: 'error',
      message: `slot web/0: there is no link eth1 for ${B}; it stays here, as no other node takes it`,
    },
  ]);
  // It is there again: the address is raised, the slot stays.
  const healed = give(back);
  expect(ofType(healed, 'raise')).toMatchObject([{ places: [at(B, 'eth1')] }]);
  expect(troubleOf(healed)).toBeUndefined();
  // A link that comes and goes does not make the slot wander.
  give(gone);
  expect(orders()).toHaveLength(2);
});

const GATEWAY: SlotAddressing = { forwarding: ['eth1', 'eth2'] };
const NO_CARRIER = 'link eth2 has no carrier for forwarding';
const dead: KeeperInput = { type: 'link-placed', link: 'eth2', missing: 'link eth2 has no carrier' };
const alive: KeeperInput = { type: 'link-placed', link: 'eth2', missing: null };

test('links that a gateway only forwards into are followed where it has a candidate, each once; those of its addresses are so anyhow', () => {
  const { configure } = world([`${A}/24`]);
  const followed = (...slots: SlotDefinition[]) => ofType(configure(...slots), 'follow').at(-1)?.links;
  const gateway = slot([`${A}/24`, `${B}%eth1/64`], GATEWAY);
  const other = { ...slot([`${C}/24`], { forwarding: ['eth2'] }), id: '00000000000000a2' };
  expect(followed(gateway)).toEqual(['eth2']);
  expect(followed(gateway, other)).toEqual(['eth2']);
  expect(followed(slot([`${A}/24`], GATEWAY))).toEqual(['eth1', 'eth2']);
  expect(followed(slot([`${A}/24`], { forwarding: ['eth2'] }))).toEqual(['eth2']);
  // Who only votes may have no such link at all.
  const elsewhere = { ...gateway, candidates: [{ node: 2, functionId: 8 }] };
  expect(followed(elsewhere)).toEqual([]);
});

test('who lacks a link that it only forwards into is no candidate as long as it does, also where it lacked it from the first', () => {
  const { give, asked } = world([`${A}/24`], GATEWAY);
  const told = give({ ...dead, missing: 'there is no link eth2' });
  give(candidate);
  expect(asked.at(-1)).toEqual({ ...candidate, ready: false });
  expect(ofType(told, 'event')).toEqual([
    { type: 'event', severity: 'warning', message: 'slot web/0: there is no link eth2 for forwarding' },
  ]);
  expect(troubleOf(told)).toBe('there is no link eth2 for forwarding');
  expect(refusalOf(told)).toEqual({ rule: 'link', why: 'there is no link eth2 for forwarding' });
  const came = give(dead);
  expect(refusalOf(came)).toEqual({ rule: 'link', why: NO_CARRIER });
  expect(asked.at(-1)).toEqual({ ...candidate, ready: false });
  const back = give(alive);
  expect(refusalOf(back)).toBeUndefined();
  expect(troubleOf(back)).toBeUndefined();
  expect(ofType(back, 'event')).toMatchObject([{ severity: 'info' }]);
  expect(asked.at(-1)).toEqual(candidate);
  expect(give(alive)).toEqual([]);
});

test('a link that no slot needs is nothing to anybody', () => {
  const { give } = world([`${A}/24`, `${B}%eth2/64`], GATEWAY);
  give(candidate);
  expect(give(dead)).toEqual([]);
});

test('who lacks a link of which the slot speaks no more is a candidate again, and so is who lacked it before', () => {
  const { give, configure, asked } = world([`${A}/24`], GATEWAY);
  give(candidate);
  give(dead);
  expect(asked.at(-1)).toEqual({ ...candidate, ready: false });
  configure(slot([`${A}/24`], { forwarding: ['eth1'] }));
  expect(asked.at(-1)).toEqual(candidate);
  // The platform tells anew what is missing.
  expect(troubleOf(configure(slot([`${A}/24`], GATEWAY)))).toBeUndefined();
});

test('a holder offers the slot to the others in turn when a link goes that it forwards into, then stays and says so', () => {
  const { give, take, asked, pass } = world([`${A}/24`], GATEWAY);
  take('lease-expired');
  pass(10_000);
  const gone = give(dead);
  expect(ofType(gone, 'event')).toMatchObject([{ severity: 'error', message: `slot web/0: ${NO_CARRIER}` }]);
  expect(ofType(gone, 'slot').at(-1)?.state).toMatchObject({
    state: 'holding',
    trouble: NO_CARRIER,
    refusal: { rule: 'link', why: NO_CARRIER },
  });
  const orders = () => asked.flatMap((input) => (input.type === 'hand-over' ? [input] : []));
  expect(orders()).toMatchObject([{ to: { node: 2, functionId: 8 } }]);
  give(candidate, failed(orders()[0]?.nonce ?? ''));
  expect(orders()[1]).toMatchObject({ to: { node: 3, functionId: 9 } });
  const stays = give(candidate, failed(orders()[1]?.nonce ?? ''));
  expect(ofType(stays, 'event')).toMatchObject([
    { message: `slot web/0: ${NO_CARRIER}; it stays here, as no other node takes it` },
  ]);
  // Addresses have nothing to do with it: they stay raised.
  expect(ofType(stays, 'withdraw')).toEqual([]);
  pass(30_000);
  expect(orders()).toHaveLength(3);
  const healed = give(alive);
  expect(troubleOf(healed)).toBeUndefined();
  expect(ofType(healed, 'raise')).toEqual([]);
  pass(120_000);
  expect(orders()).toHaveLength(3);
});

test('whoever takes a slot without a link that it forwards into passes it on', () => {
  const { give, take, asked } = world([`${A}/24`], GATEWAY);
  give(dead);
  take('lease-expired');
  expect(asked.at(-1)).toMatchObject({ type: 'hand-over', to: { node: 2, functionId: 8 } });
});

test('a link that two slots forward into, as one of them is going, takes both along', () => {
  const { give, configure, asked, take, deadline, pass } = world([`${A}/24`], GATEWAY);
  give(dead);
  take('lease-expired');
  const orders = () => asked.flatMap((input) => (input.type === 'hand-over' ? [input.slot] : []));
  expect(orders()).toEqual([SLOT]);
  const other = { ...slot([`${C}/24`], { forwarding: ['eth2'] }), id: '00000000000000a2' };
  const told = configure(slot([`${A}/24`], GATEWAY), other);
  expect(ofType(told, 'slot').map(({ state }) => [state.id, state.refusal?.why])).toEqual([
    [other.id, NO_CARRIER],
  ]);
  const back = ofType(give(alive), 'slot').map(({ state }) => [state.id, state.refusal]);
  expect(back).toEqual([
    [SLOT, undefined],
    [other.id, undefined],
  ]);
  pass(deadline());
  expect(orders()).toEqual([SLOT]);
});

describe('how a holding ended that the node itself passed on', () => {
  const over = (reason: 'handover' | 'expired'): NodeLeasesOutput => ({
    type: 'lost',
    slot: SLOT,
    epoch: 5,
    reason,
  });
  const passedOn = (outputs: readonly KeeperOutput[]) => ofType(outputs, 'slot').at(-1)?.state.passedOn;

  test('is told until it holds the slot again', () => {
    const { give, take } = world([`${A}/24`], GATEWAY);
    take('lease-expired');
    expect(passedOn(give(dead))).toBeUndefined();
    const told = { epoch: '5', rule: 'link', why: NO_CARRIER };
    expect(passedOn(give(candidate, over('handover')))).toEqual(told);
    // The link is well again, and how it ended is what it was.
    expect(passedOn(give(alive))).toEqual(told);
    expect(passedOn(take('lease-expired'))).toBeUndefined();
    expect(passedOn(give(candidate, over('handover')))).toBeUndefined();
  });

  test('is not told where somebody else had it handed over, or it ended otherwise', () => {
    const { give, take, asked } = world([`${A}/24`], GATEWAY);
    take('lease-expired');
    expect(passedOn(give(candidate, over('handover')))).toBeUndefined();
    // What goes later is not why.
    expect(passedOn(give(dead))).toBeUndefined();
    give(alive);
    take('lease-expired');
    give(dead);
    expect(passedOn(give(candidate, over('expired')))).toBeUndefined();
    give(alive);
    take('lease-expired');
    give(dead);
    for (let n = 0; n < 2; n++) {
      const order = asked.findLast((input) => input.type === 'hand-over');
      give(candidate, failed(order?.nonce ?? ''));
    }
    // Nobody took it; an operator has it handed over.
    expect(passedOn(give(candidate, over('handover')))).toBeUndefined();
  });
});

const refused: KeeperInput = { type: 'address-refused', address: B, reason: 'EACCES' };
const accepted: KeeperInput = { type: 'address-accepted', address: B };
const REFUSED = `${B} cannot be raised: EACCES`;

test('what the kernel refuses is told once and tried until it is taken', () => {
  const { give, take, pass } = world([`${A}/24`, `${B}/64`]);
  take('lease-expired');
  pass(10_000);
  const told = give(refused);
  expect(troubleOf(told)).toBe(REFUSED);
  expect(refusalOf(told)).toEqual({ rule: 'address', why: REFUSED });
  expect(ofType(told, 'event')[0]).toMatchObject({ severity: 'error', message: `slot web/0: ${REFUSED}` });
  for (let n = 0; n < 3; n++) {
    expect(pass(5_000)).toEqual([{ type: 'raise', places: [at(B)], isPrepared: true, isQuiet: false }]);
    expect(give(refused)).toEqual([]);
  }
  const taken = give(accepted);
  expect(ofType(taken, 'announce')).toEqual([{ type: 'announce', places: [at(B)] }]);
  expect(troubleOf(taken)).toBeUndefined();
  expect(ofType(pass(5_000), 'raise')).toEqual([]);
});

test('a holder whose kernel refuses an address offers the slot to the others, and again later when none takes it', () => {
  const { give, take, asked, pass } = world([`${A}/24`, `${B}/64`]);
  take('lease-expired');
  pass(10_000);
  give(refused);
  const orders = () => asked.flatMap((input) => (input.type === 'hand-over' ? [input] : []));
  expect(orders()).toMatchObject([{ to: { node: 2, functionId: 8 } }]);
  give(candidate, failed(orders()[0]?.nonce ?? ''));
  expect(orders()[1]).toMatchObject({ to: { node: 3, functionId: 9 } });
  const stays = give(candidate, failed(orders()[1]?.nonce ?? ''));
  expect(ofType(stays, 'event').map(({ message }) => message)).toEqual([
    `slot web/0: ${REFUSED}; it stays here, as no other node takes it`,
  ]);
  pass(29_999);
  expect(orders()).toHaveLength(2);
  pass(1);
  expect(orders()[2]).toMatchObject({ to: { node: 2, functionId: 8 } });
  give(candidate, failed(orders()[2]?.nonce ?? ''));
  give(candidate, failed(orders()[3]?.nonce ?? ''));
  // Twice the time from then on.
  pass(59_999);
  expect(orders()).toHaveLength(4);
  pass(1);
  expect(orders()).toHaveLength(5);
});

test('whoever let go of a slot for a refused address is no candidate until the kernel takes it, behind the fence', () => {
  const { give, take, asked, pass } = world([`${A}/24`, `${B}/64`]);
  give(candidate);
  take('lease-expired');
  give(refused);
  give(
    { type: 'release', slot: SLOT, reason: 'operator' },
    { type: 'fence-close', slot: SLOT, epoch: 5, reason: 'operator' },
  );
  give(candidate);
  expect(asked.at(-1)).toEqual({ ...candidate, ready: false });
  const trial: KeeperOutput[] = [
    { type: 'raise', places: [at(B)], isPrepared: true, isQuiet: true },
    { type: 'withdraw', addresses: [B] },
  ];
  expect(pass(5_000)).toEqual(trial);
  expect(give(refused)).toEqual([]);
  expect(asked.at(-1)).toEqual({ ...candidate, ready: false });
  expect(pass(5_000)).toEqual(trial);
  expect(troubleOf(give(accepted))).toBeUndefined();
  expect(asked.at(-1)).toEqual(candidate);
  expect(pass(60_000)).toEqual([]);
});

test('a successor that is refused what it raises ahead passes the slot on when it has come', () => {
  const { give, take, asked } = world([`${A}/24`, `${B}/64`]);
  give(candidate, offered);
  give(refused);
  expect(asked.at(-1)).toEqual({ ...candidate, ready: false });
  take('handover');
  expect(asked.at(-1)).toMatchObject({ type: 'hand-over', to: { node: 2, functionId: 8 } });
});

test('a link that is another one now may take what the one before refused', () => {
  const { give, asked } = world([`${A}/24`, `${B}%eth1/64`]);
  give(candidate);
  give(refused);
  give(gone);
  expect(asked.at(-1)).toEqual({ ...candidate, ready: false });
  give(back);
  expect(asked.at(-1)).toEqual(candidate);
});

test('announcements are repeated as configured', () => {
  const moments = (addressing?: SlotAddressing) => {
    const { take, pass, deadline } = world([`${A}/24`], addressing);
    take('lease-expired');
    const found: number[] = [];
    for (let sum = 0; deadline() < Number.POSITIVE_INFINITY; ) {
      sum += deadline();
      found.push(sum);
      expect(pass(deadline())).toEqual([{ type: 'announce', places: [at(A)] }]);
    }
    return found;
  };
  expect(moments()).toEqual([100, 1_000, 3_000]);
  expect(moments({ announce: { repeats: 2, everyMs: 250 } })).toEqual([250, 500]);
  expect(moments({ announce: { repeats: 0, everyMs: 250 } })).toEqual([]);
});

test('a hardware address of its own is kept known to switches, as long as the slot is held', () => {
  const { give, take, pass, deadline } = world([`${A}/24`], { sameMac: {} });
  take('lease-expired');
  for (const ms of [100, 900, 2_000, 60_000, 60_000]) {
    expect(deadline()).toBe(ms);
    expect(ofType(pass(ms), 'announce')).toHaveLength(1);
  }
  give(
    { type: 'release', slot: SLOT, reason: 'operator' },
    { type: 'fence-close', slot: SLOT, epoch: 5, reason: 'operator' },
  );
  expect(deadline()).toBe(Number.POSITIVE_INFINITY);
});

test('a hardware address of its own is the same on every node, and another one for every slot and link', () => {
  const own = (id: string, address: string, addressing: SlotAddressing) => {
    const engine = {
      handle: () => [],
      expire: () => [],
      nextDeadline: () => undefined,
      councils: [],
      isClockOutside: () => false,
    };
    const core = new SlotKeeper(engine as unknown as NodeLeases, 1);
    const slots = [{ ...slot([address], addressing), id }];
    return ofType(core.handle({ type: 'configure', councils: [council], slots }, 0), 'follow')[0]?.places[0]
      ?.own;
  };
  const first = own(SLOT, `${A}/24`, { sameMac: {} });
  expect(first?.hardwareAddress).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  expect(first?.name).toMatch(/^vn[0-9a-f]{12}$/);
  expect(own(SLOT, `${A}/24`, { sameMac: {} })).toEqual(first);
  // Both families are on one link.
  expect(own(SLOT, `${B}/64`, { sameMac: {} })).toEqual({ ...first, prefix: 64 });
  for (const other of [
    own('00000000000000a2', `${A}/24`, { sameMac: {} }),
    own(SLOT, `${A}%eth1/24`, { sameMac: {} }),
  ]) {
    expect(other?.hardwareAddress).not.toBe(first?.hardwareAddress);
    expect(other?.name).not.toBe(first?.name);
  }
  expect(own(SLOT, `${A}/24`, { sameMac: { vrid: 17 } })?.hardwareAddress).toBe('00:00:5e:00:01:11');
  expect(own(SLOT, `${B}/64`, { sameMac: { vrid: 17 } })?.hardwareAddress).toBe('00:00:5e:00:02:11');
});
