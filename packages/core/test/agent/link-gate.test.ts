// SPDX-License-Identifier: Apache-2.0
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import { beforeEach, expect, test } from 'vitest';
import { type GateInput, type KeeperInput, LinkGate } from '../../src/agent/index.ts';

const VIP = '00000000000000a1';
const ALONE = '00000000000000a2';
const BARE = '00000000000000a3';

let told: KeeperInput[];
let gate: LinkGate;
let now: number;

function slot(id: string, addresses: readonly string[], nodes: readonly number[]): SlotDefinition {
  const candidates = nodes.map((node) => ({ node, functionId: node }));
  return {
    id,
    pool: 'web',
    index: 0,
    leaseMs: 300,
    addresses,
    genesis: { randomId: '0'.repeat(16), candidates },
    candidates,
    lastResort: { rule: 'never' },
  };
}

function configure(...slots: readonly SlotDefinition[]): GateInput {
  const version = { generation: 1, number: 1, randomId: '1' };
  return { type: 'configure', councils: [{ id: 1, version, members: [1, 2, 3] }], slots };
}

const candidate = (id: string, ready = true): GateInput => ({
  type: 'candidate-state',
  slot: id,
  functionId: 1,
  functionIncarnation: 1n,
  ready,
  rank: 0,
});

const link = (isUp: boolean): GateInput => ({ type: 'link', isUp });

/** What the keeper was told of slots since the last look. */
function news(): string[] {
  const lines = told.flatMap((input) => {
    if (input.type === 'candidate-state')
      return [`${input.slot.at(-1)} ${input.ready}${input.rank > 0 ? `, place ${input.rank}` : ''}`];
    return input.type === 'release' ? [`${input.slot.at(-1)} release`] : [];
  });
  told = [];
  return lines;
}

function give(...inputs: readonly GateInput[]): string[] {
  for (const input of inputs) gate.handle(input, now);
  return news();
}

beforeEach(() => {
  told = [];
  now = 1_000;
  const keeper = {
    handle: (input: KeeperInput) => {
      told.push(input);
      return [];
    },
    expire: () => [],
    nextDeadline: () => undefined,
  };
  gate = new LinkGate(keeper, 1, 'eth0');
  give(
    configure(
      slot(VIP, ['10.0.0.100/24'], [1, 2]),
      slot(ALONE, ['10.0.0.101/24'], [1]),
      slot(BARE, [], [1, 2]),
    ),
  );
});

test('a lost carrier gives up the slots of the link that others may take, and no others', () => {
  expect(give(candidate(VIP), candidate(ALONE), candidate(BARE))).toEqual(['1 true', '2 true', '3 true']);
  expect(give(link(false))).toEqual(['1 false', '1 release']);
  // Whatever the function says meanwhile.
  expect(give(candidate(VIP))).toEqual(['1 false']);
  expect(give(candidate(ALONE), candidate(BARE))).toEqual(['2 true', '3 true']);
});

test('while the link is down the keeper knows of which slots to say so', () => {
  const barred = (): string[] | undefined => {
    const last = told.findLast((input) => input.type === 'barred');
    return last && [...last.slots].map((id) => `${id.at(-1)} ${last.why}`);
  };
  const look = (...inputs: readonly GateInput[]): string[] | undefined => {
    told = [];
    for (const input of inputs) gate.handle(input, now);
    return barred();
  };
  expect(look(candidate(VIP))).toBeUndefined();
  expect(look(link(false))).toEqual(['1 link eth0 has no carrier']);
  expect(look(configure(slot(VIP, ['10.0.0.100/24'], [1]), slot(ALONE, ['10.0.0.101/24'], [1, 3])))).toEqual([
    '2 link eth0 has no carrier',
  ]);
  expect(look(link(true))).toEqual([]);
});

test('a slot with addresses on other links only stays, one that names the link goes', () => {
  give(configure(slot(VIP, ['10.1.0.100%eth1/24'], [1, 2]), slot(ALONE, ['10.0.0.101%eth0/24'], [1, 2])));
  give(candidate(VIP), candidate(ALONE));
  expect(give(link(false))).toEqual(['2 false', '2 release']);
});

test('a slot that only forwards into the link goes, where this node has a candidate for it', () => {
  const gateway = { ...slot(VIP, ['10.1.0.100%eth1/24'], [1, 2]), addressing: { forwarding: ['eth0'] } };
  const outside = { ...slot(ALONE, ['10.1.0.101%eth1/24'], [1, 2]), addressing: { forwarding: ['eth2'] } };
  give(configure(gateway, outside));
  give(candidate(VIP), candidate(ALONE));
  expect(give(link(false))).toEqual(['1 false', '1 release']);
  told = [];
  gate.handle(configure({ ...gateway, candidates: [{ node: 2, functionId: 2 }] }), now);
  expect(told.findLast((input) => input.type === 'barred')?.slots).toEqual(new Set());
});

test('with its carrier back it tries behind all others, and as before once the carrier has stayed for a while', () => {
  give(candidate(VIP), link(false));
  now += 5_000;
  expect(give(link(true))).toEqual(['1 true, place 2']);
  expect(give(candidate(VIP))).toEqual(['1 true, place 2']);
  expect(gate.nextDeadline()).toBe(now + 1_000);
  now += 500;
  expect(give(link(false))).toEqual(['1 false', '1 release']);
  expect(gate.nextDeadline()).toBeUndefined();
  now += 10_000;
  give(link(true));
  now += 1_000;
  gate.expire(now);
  expect(news()).toEqual(['1 true']);
  expect(gate.nextDeadline()).toBeUndefined();
});

test('a link that goes up and down is waited for longer and longer, within a bound', () => {
  give(candidate(VIP));
  let waitedMs = 0;
  for (let times = 0; times < 50; times++) {
    expect(give(link(false), link(true)).at(-1)).toBe('1 true, place 2');
    waitedMs = (gate.nextDeadline() ?? 0) - now;
    now += 100;
  }
  expect(waitedMs).toBeGreaterThan(60_000);
  expect(waitedMs).toBeLessThan(120_000);
  now += waitedMs;
  gate.expire(now);
  expect(news()).toEqual(['1 true']);
});

test('a slot that gets another candidate while the link is down is given up then, and one that loses it is kept', () => {
  give(candidate(VIP), candidate(ALONE), link(false));
  expect(give(configure(slot(VIP, ['10.0.0.100/24'], [1]), slot(ALONE, ['10.0.0.101/24'], [1, 3])))).toEqual([
    '2 false',
    '2 release',
    '1 true',
  ]);
});

test('a link that was down from the beginning counts as one that lost its carrier', () => {
  expect(give(link(false))).toEqual([]);
  expect(give(candidate(VIP))).toEqual(['1 false']);
});
