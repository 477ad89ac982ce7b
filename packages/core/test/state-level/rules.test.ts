// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSharing } from '@vnfpool/core/declared';
import {
  type Ask,
  askOf,
  consistencyOf,
  type LevelRule,
  lossOf,
  type PossibleLevel,
  placeOf,
  refusalOf,
} from '@vnfpool/core/state-level';
import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  asking,
  behind,
  bounded,
  checkpoint,
  conntrack,
  cookie,
  gossip,
  held,
  through,
} from './levels.ts';

const none = { method: 'none' } as const;
const all: readonly PossibleLevel[] = [
  none,
  cookie,
  checkpoint,
  held,
  bounded,
  acknowledged,
  gossip,
  through,
  behind,
  conntrack,
];

test('what asks for nothing refuses nothing', () => {
  expect(all.map((level) => refusalOf(level, asking({})))).toEqual(all.map(() => null));
});

test.each<[string, PossibleLevel, Partial<DeclaredSharing>, Partial<Ask>, LevelRule, string]>([
  ['a method', gossip, { methods: ['replicate'] }, {}, 'method', 'the pool does not ask for gossip'],
  [
    'a cookie without sessions',
    cookie,
    {},
    { hasSessions: false },
    'sessions',
    'a cookie is left with the user of an RSerPool session, and users reach this pool by its address',
  ],
  [
    'gossip of one',
    gossip,
    {},
    { active: 1 },
    'active',
    'gossip is for pools where several instances are active, and here one is',
  ],
  [
    'more acknowledgements offered than standbys',
    { ...held, acknowledged: 3 },
    {},
    {},
    'standbys',
    '3 standbys would have to acknowledge, and the pool declares 2',
  ],
  [
    'more acknowledgements asked than standbys',
    held,
    { acknowledged: 2 },
    { standbys: 1 },
    'standbys',
    '2 standbys would have to acknowledge, and the pool declares 1',
  ],
  [
    'held output without a standby',
    held,
    {},
    { standbys: 0 },
    'standbys',
    '1 standby would have to acknowledge, and the pool declares 0',
  ],
  [
    'a stream to nobody',
    bounded,
    {},
    { standbys: 0 },
    'standbys',
    'there is nobody to send the state to: the pool declares no standbys',
  ],
  [
    'connections to nobody',
    conntrack,
    {},
    { standbys: 0 },
    'standbys',
    'there is nobody to send the state to: the pool declares no standbys',
  ],
  [
    'none and a bound',
    none,
    { loss: { ms: 60_000 } },
    {},
    'loss',
    'every session is lost at a failover, and the pool asks for at most 60000 ms',
  ],
  [
    'cookies that lag',
    cookie,
    { loss: { updates: 1 } },
    {},
    'loss',
    '3 updates may be missing from the last cookie, and the pool asks for at most 1 update',
  ],
  [
    'a checkpoint and loss 0',
    checkpoint,
    { loss: 0 },
    {},
    'loss',
    'what came after the last checkpoint is lost, up to its interval of 1000 ms, and the pool asks for loss 0',
  ],
  [
    'a checkpoint too seldom',
    checkpoint,
    { loss: { ms: 999 } },
    {},
    'loss',
    'what came after the last checkpoint is lost, up to its interval of 1000 ms, and the pool asks for at most 999 ms',
  ],
  [
    'a checkpoint and a bound in updates',
    checkpoint,
    { loss: { updates: 1_000_000 } },
    {},
    'loss',
    'what came after the last checkpoint is lost, up to its interval of 1000 ms, and the pool asks for at most 1000000 updates',
  ],
  [
    'a stream without held output and loss 0',
    acknowledged,
    { loss: 0 },
    {},
    'loss',
    'output does not wait for standbys, so up to 20 ms may be lost, and the pool asks for loss 0',
  ],
  [
    'a stream too far behind',
    bounded,
    { loss: { updates: 99 } },
    {},
    'loss',
    'output does not wait for standbys, so up to 100 updates may be lost, and the pool asks for at most 99 updates',
  ],
  [
    'gossip and any bound',
    gossip,
    { loss: { ms: 60_000 } },
    {},
    'loss',
    'gossip is eventual: nothing bounds what a failover loses, and the pool asks for at most 60000 ms',
  ],
  [
    'a store written behind and loss 0',
    behind,
    { loss: 0 },
    {},
    'loss',
    'output does not wait for the store, so up to 200 ms may be lost, and the pool asks for loss 0',
  ],
  [
    'connections and loss 0',
    conntrack,
    { loss: 0 },
    {},
    'loss',
    'connection tracking is always bounded, here by 200 ms: the kernel raises its event when the first packet is already on its way, and the pool asks for loss 0',
  ],
  [
    'deferred connections and loss 0',
    { ...conntrack, defer: true },
    { loss: 0 },
    {},
    'loss',
    'connection tracking is always bounded, here by 200 ms: the kernel raises its event when the first packet is already on its way; defer makes the loss 0 for mappings only, and the pool asks for loss 0',
  ],
  [
    'connections that lose mappings',
    conntrack,
    { mappingLoss: 0 },
    {},
    'mapping-loss',
    'mappings may be lost: no packet waits until a standby has them',
  ],
  [
    'a stream that nobody acknowledges',
    bounded,
    { acknowledged: 1 },
    {},
    'acknowledged',
    'no standby acknowledges, and the pool asks for 1',
  ],
  [
    'fewer acknowledgements',
    held,
    { acknowledged: 2 },
    {},
    'acknowledged',
    '1 standby acknowledges, and the pool asks for 2',
  ],
  [
    'slow recovery',
    checkpoint,
    { recovery: 'real-time' },
    {},
    'recovery',
    'recovery is near (less than 1 s), and the pool asks for real-time (less than 50 ms)',
  ],
  [
    'none and recovery',
    none,
    { recovery: 'relaxed' },
    {},
    'recovery',
    'recovery is cold (no time that it says), and the pool asks for relaxed (less than 10 s)',
  ],
  [
    'other pieces of state',
    checkpoint,
    { granularity: 'key' },
    {},
    'granularity',
    'state is kept by session, and the pool asks for key',
  ],
  [
    'connections by the session',
    conntrack,
    { granularity: 'session' },
    {},
    'granularity',
    'state is kept by flow, and the pool asks for session',
  ],
  [
    'another format',
    conntrack,
    { encoding: 'pfsync' },
    {},
    'format',
    'the format is conntrack, and the pool asks for pfsync',
  ],
  [
    'another version',
    held,
    { schema: { id: 'kv', version: 3 } },
    {},
    'format',
    'the schema is kv/2, and the pool asks for kv/3',
  ],
  [
    'no schema',
    conntrack,
    { schema: { id: 'kv', version: 3 } },
    {},
    'format',
    'the schema is none, and the pool asks for kv/3',
  ],
  [
    'too slow a stream',
    gossip,
    { updatesPerSecond: 5_001 },
    {},
    'rate',
    'it carries 5000 updates a second, and the pool asks for 5001',
  ],
  [
    'too large a window',
    held,
    { windowOctets: 65_535 },
    {},
    'window',
    'it has 65536 octets under way, and the pool asks for 65535 at most',
  ],
  [
    'a kernel that is to wait',
    conntrack,
    { overload: 'block' },
    {},
    'overload',
    'the rule at overload is shed, and the pool asks for block',
  ],
  [
    'no integrity',
    { ...held, protection: { ...held.protection, integrity: false } },
    { integrity: true },
    {},
    'integrity',
    'the state travels without integrity, and the pool asks for it',
  ],
  [
    'no encryption',
    { ...cookie, protection: { ...cookie.protection, encryption: false } },
    { encryption: true },
    {},
    'encryption',
    'the state travels without encryption, and the pool asks for it',
  ],
  [
    'secrets that nobody asked for',
    { ...held, protection: { ...held.protection, securityState: 'sealed' } },
    {},
    {},
    'security-state',
    'security state is sealed, and the pool asks for excluded',
  ],
  [
    'secrets that stay away',
    held,
    { securityState: 're-derive' },
    {},
    'security-state',
    'security state is excluded, and the pool asks for re-derive',
  ],
  [
    'secrets in a store',
    checkpoint,
    { securityState: 'sealed' },
    {},
    'security-state',
    'security state is excluded, and the pool asks for sealed: whoever takes the slot next reads the store, and is not known when a secret would be sealed to it',
  ],
  [
    'secrets in a store that is shared',
    through,
    { securityState: 'sealed' },
    {},
    'security-state',
    'security state is excluded, and the pool asks for sealed: whoever takes the slot next reads the store, and is not known when a secret would be sealed to it',
  ],
  [
    'secrets that all instances would have',
    gossip,
    { securityState: 'sealed' },
    {},
    'security-state',
    'security state is excluded, and the pool asks for sealed: every instance has all of it, and nothing of it can be sealed to some',
  ],
  [
    'secrets among connections',
    conntrack,
    { securityState: 'sealed' },
    {},
    'security-state',
    'security state is excluded, and the pool asks for sealed: the kernel marks no connection as secret',
  ],
  [
    'none and secrets',
    none,
    { securityState: 'sealed' },
    {},
    'security-state',
    'security state is excluded, and the pool asks for sealed',
  ],
  [
    'secrets in the open',
    { ...held, protection: { integrity: true, encryption: false, securityState: 'sealed' } },
    { securityState: 'sealed' },
    {},
    'security-state',
    'security state is sealed, which needs encryption',
  ],
])('refused: %s', (_, level, sharing, pool, rule, verdict) => {
  expect(refusalOf(level, asking(sharing, pool))).toEqual({ rule, verdict });
});

test('refused: shared without a store', () => {
  expect(refusalOf(through, { ...asking({}), sharing: { methods: ['shared'] } })).toEqual({
    rule: 'store',
    verdict: 'the state needs a store, and the pool names none',
  });
});

test.each<[string, PossibleLevel, Partial<DeclaredSharing>, Partial<Ask>]>([
  ['held output has loss 0', held, { loss: 0, acknowledged: 1 }, { standbys: 1 }],
  ['a cookie before each answer has loss 0', { ...cookie, lossUpdates: 0 }, { loss: 0 }, { standbys: 0 }],
  ['a store that is waited for has loss 0', through, { loss: 0, mappingLoss: 0 }, { standbys: 0 }],
  ['an interval that fits', checkpoint, { loss: { ms: 1_000 } }, { standbys: 0 }],
  ['deferred mappings', { ...conntrack, defer: true }, { mappingLoss: 0, loss: { ms: 200 } }, {}],
  ['a faster class', held, { recovery: 'relaxed' }, {}],
  [
    'what none has not cannot be wrong',
    none,
    { granularity: 'key', encoding: 'json', schema: { id: 'a', version: 1 }, updatesPerSecond: 9 },
    {},
  ],
  ['a cookie has no stream', cookie, { windowOctets: 1, overload: 'block' }, {}],
])('meets: %s', (_, level, sharing, pool) => {
  expect(refusalOf(level, asking(sharing, pool))).toBeNull();
});

describe('what follows from a level', () => {
  test.each<[PossibleLevel, ReturnType<typeof lossOf>, string, string]>([
    [none, 'everything', 'none', 'nobody'],
    [cookie, { updates: 3 }, 'bounded', 'client'],
    [{ ...cookie, lossUpdates: 0 }, 0, 'held', 'client'],
    [checkpoint, { ms: 1_000 }, 'bounded', 'store'],
    [bounded, { updates: 100 }, 'bounded', 'standbys'],
    [acknowledged, { ms: 20 }, 'acknowledged', 'standbys'],
    [held, 0, 'held', 'standbys'],
    [gossip, 'unbounded', 'eventual', 'instances'],
    [through, 0, 'held', 'store'],
    [behind, { ms: 200 }, 'bounded', 'store'],
    [{ ...conntrack, defer: true }, { ms: 200 }, 'bounded', 'standbys'],
  ])('$method', (level, loss, consistency, place) => {
    expect([lossOf(level), consistencyOf(level), placeOf(level)]).toEqual([loss, consistency, place]);
  });
});

describe('what of a pool counts', () => {
  const sharing: DeclaredSharing = { methods: ['replicate'] };
  test.each([
    ['N+M', { slots: 3, standbys: 2, spares: 1 }, [], { standbys: 2, active: 3, hasSessions: true }],
    [
      'N-way: the others stand by',
      { slots: 6, standbys: 0, spares: 0, instances: 3 },
      ['10.0.0.1/24'],
      { standbys: 2, active: 3, hasSessions: false },
    ],
  ])('%s', (_, redundancy, addresses, expected) => {
    expect(askOf(sharing, { redundancy, addresses })).toEqual({ sharing, ...expected });
  });
});
