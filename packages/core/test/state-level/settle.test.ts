// SPDX-License-Identifier: Apache-2.0
import {
  type Ask,
  explainSettlement,
  type InstanceOffers,
  levelWords,
  type SettleRule,
  settle,
} from '@vnfpool/core/state-level';
import type { OfferedLevel, StateFormat } from '@vnfpool/wire/mobility';
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

/** Offers of `kv#1`, `kv#2`, and so on. */
const offers = (...instances: readonly (readonly OfferedLevel[])[]): readonly InstanceOffers[] =>
  instances.map((levels, index) => ({ instance: `kv#${index + 1}`, levels }));
const json = (version: number): StateFormat => ({ encoding: 'json', schema: 'kv', version });

describe('what is taken', () => {
  test('the first of the pool, whatever instances like', () => {
    const { level, reason } = settle(asking({}), offers([checkpoint, held], [checkpoint, held]));
    expect(level).toEqual(held);
    expect(reason).toBe('the pool prefers it; all 2 instances offer it');
  });

  test('the next when one instance cannot', () => {
    const { level, reason } = settle(
      asking({ methods: ['replicate', 'checkpoint'] }),
      offers([held, checkpoint], [checkpoint]),
    );
    expect(level).toEqual(checkpoint);
    expect(reason).toBe('replicate cannot be had, and it is next; all 2 instances offer it');
  });

  test.each<[string, OfferedLevel, OfferedLevel, object]>([
    ['the slower rate', held, { ...held, updatesPerSecond: 9 }, { updatesPerSecond: 9 }],
    ['the smaller window', held, { ...held, windowOctets: 9 }, { windowOctets: 9 }],
    ['fewer acknowledgements', { ...held, acknowledged: 2 }, held, { acknowledged: 1 }],
    ['the longer interval', checkpoint, { ...checkpoint, intervalMs: 5_000 }, { intervalMs: 5_000 }],
    ['more updates behind', bounded, { ...bounded, lag: { updates: 500 } }, { lag: { updates: 500 } }],
    ['more time behind', acknowledged, { ...acknowledged, lag: { ms: 500 } }, { lag: { ms: 500 } }],
    ['connections later', conntrack, { ...conntrack, lagMs: 500 }, { lagMs: 500 }],
    ['cookies that lack more', cookie, { ...cookie, lossUpdates: 9 }, { lossUpdates: 9 }],
    ['slower recovery', held, { ...held, recovery: 'relaxed' }, { recovery: 'relaxed' }],
    ['not a faster one', held, { ...held, recovery: 'real-time' }, { recovery: 'near' }],
  ])('of amounts the lesser one: %s', (_, one, other, lesser) => {
    const expected = { ...one, ...lesser };
    expect(settle(asking({}), offers([one], [other])).level).toEqual(expected);
    expect(settle(asking({}), offers([other], [one])).level).toEqual(expected);
  });

  test('of kinds the one that the instances like best together', () => {
    const [one, two, three] = [1, 2, 3].map((version) => ({ ...held, format: json(version) }));
    const like = (...levels: readonly (OfferedLevel | undefined)[]): readonly OfferedLevel[] =>
      levels.flatMap((level) => level ?? []);
    expect(
      settle(asking({}), offers(like(two, one, three), like(three, two, one), like(two, three, one))).level,
    ).toEqual(two);
    // Places alike: by the names of the kinds.
    expect(settle(asking({}), offers(like(one, two), like(two, one))).level).toEqual(one);
  });

  test('a store is that of the pool', () => {
    expect(settle(asking({ methods: ['shared'] }), offers([behind])).level).toEqual({
      ...behind,
      store: 'valkey',
    });
  });

  test('none, which says what it means', () => {
    expect(settle(asking({ methods: ['replicate', 'none'] }), offers([], []))).toMatchObject({
      level: { method: 'none' },
      reason: 'replicate cannot be had, and it is next; every session is lost at a failover',
    });
    expect(settle(asking({ methods: ['none'] }), offers([held])).reason).toBe(
      'the pool prefers it; every session is lost at a failover',
    );
  });
});

/** `instance level: rule: verdict`, of each that is not taken. */
function verdicts(ask: Ask, instances: readonly InstanceOffers[]): readonly string[] {
  return settle(ask, instances).notTaken.map(
    ({ instance, method, rule, verdict }) => `${instance ?? 'pool'} ${method}: ${rule}: ${verdict}`,
  );
}

describe('why the others are not', () => {
  const replicated = asking({ methods: ['replicate'] });

  test.each<[string, Ask, readonly InstanceOffers[], SettleRule, readonly string[]]>([
    [
      'nobody is there',
      asking({ methods: ['replicate', 'none'] }),
      [],
      'instances',
      [
        'pool replicate: instances: no instance has told yet what it offers',
        'pool none: instances: no instance has told yet what it offers',
      ],
    ],
    [
      'an instance has nothing by the method',
      replicated,
      offers([held], [checkpoint]),
      'offered',
      [
        'kv#1 replicate: common: kv#2 offers no replicate',
        'kv#2 replicate: offered: it offers no replicate',
        'kv#2 checkpoint: method: the pool does not ask for checkpoint',
      ],
    ],
    [
      'instances have it in different kinds',
      replicated,
      offers([held], [{ ...held, format: json(3) }], [{ ...bounded, granularity: 'key' }]),
      'common',
      [
        'kv#1 replicate: common: kv#2 offers it with another format.version, and 1 more cannot either',
        'kv#2 replicate: common: kv#1 offers it with another format.version, and 1 more cannot either',
        'kv#3 replicate: common: kv#1 offers it with another acknowledged, consistency, granularity, lag.updates, and 1 more cannot either',
      ],
    ],
    [
      'what the other has is refused',
      asking({ methods: ['checkpoint'], loss: { ms: 1_000 } }),
      offers([checkpoint], [{ ...checkpoint, intervalMs: 2_000 }]),
      'loss',
      [
        'kv#1 checkpoint: common: kv#2 offers no checkpoint that meets what is asked',
        'kv#2 checkpoint: loss: what came after the last checkpoint is lost, up to its interval of 2000 ms, and the pool asks for at most 1000 ms',
      ],
    ],
    [
      'another one is preferred',
      asking({ methods: ['replicate', 'checkpoint', 'shared', 'none'] }),
      offers([held, bounded, { ...held, acknowledged: 2 }, checkpoint]),
      'order',
      [
        'kv#1 replicate: order: the instances prefer replicate per session, json kv/2, held by 1 standby',
        'kv#1 replicate: order: the instance names another one of this kind before it',
        'kv#1 checkpoint: order: the pool prefers replicate',
        'pool none: order: the pool prefers replicate',
      ],
    ],
    [
      'none does not do',
      asking({ methods: ['none'], recovery: 'near' }),
      offers([]),
      'recovery',
      [
        'pool none: recovery: recovery is cold (no time that it says), and the pool asks for near (less than 1 s)',
      ],
    ],
  ])('%s', (_, ask, instances, rule, expected) => {
    expect(verdicts(ask, instances)).toEqual(expected);
    expect(settle(ask, instances).notTaken.map((each) => each.rule)).toContain(rule);
  });

  test('a refusal names what stood in the way, method by method', () => {
    const ask = asking({ methods: ['gossip', 'replicate', 'checkpoint'], loss: 0, acknowledged: 1 });
    const other: OfferedLevel = { ...held, format: json(3) };
    expect(settle(ask, offers([gossip, bounded, held], [other, checkpoint]))).toMatchObject({
      level: null,
      reason:
        'gossip of kv#1: gossip is eventual: nothing bounds what a failover loses, and the pool asks for loss 0; ' +
        'replicate of kv#1: kv#2 offers it with another format.version; ' +
        'checkpoint of kv#1: it offers no checkpoint',
    });
  });

  test('instances are told by their numbers', () => {
    const many = Array.from({ length: 11 }, () => []);
    const told = settle(replicated, offers(...many)).notTaken.map(({ instance }) => instance);
    expect(told.slice(-3)).toEqual(['kv#9', 'kv#10', 'kv#11']);
  });
});

test('for people', () => {
  const instances = offers([held, checkpoint], [checkpoint]);
  const asked = asking({ methods: ['replicate', 'checkpoint'] });
  expect(explainSettlement(settle(asked, instances), asked.sharing)).toBe(
    [
      'used: checkpoint per session, json kv/2, every 1000 ms',
      'because: replicate cannot be had, and it is next; all 2 instances offer it',
      'a failover loses: up to 1000 ms',
      'not used: replicate per session, json kv/2, held by 1 standby (kv#1)',
      '  common: kv#2 offers no replicate',
      'not used: replicate (kv#2)',
      '  offered: it offers no replicate',
    ].join('\n'),
  );
});

test.each([
  [undefined, 'a failover loses: nothing that was acknowledged outside while a standby is there'],
  [1, 'a failover loses: nothing that was acknowledged outside'],
])('what is said of held output with %s that acknowledge', (acknowledged, line) => {
  const asked = asking({ methods: ['replicate'], loss: 0, ...(acknowledged && { acknowledged }) });
  expect(explainSettlement(settle(asked, offers([held])), asked.sharing).split('\n')).toContain(line);
});

test.each<[OfferedLevel, string]>([
  [cookie, 'cookie per session, opaque calc/1, at most 3 updates behind'],
  [{ ...cookie, lossUpdates: 0 }, 'cookie per session, opaque calc/1, before each answer'],
  [checkpoint, 'checkpoint per session, json kv/2, every 1000 ms'],
  [bounded, 'replicate per session, json kv/2, at most 100 updates behind'],
  [acknowledged, 'replicate per session, json kv/2, acknowledged by 1 standby, at most 20 ms behind'],
  [{ ...held, acknowledged: 2 }, 'replicate per session, json kv/2, held by 2 standbys'],
  [gossip, 'gossip per session, json kv/2'],
  [through, 'shared per session, json kv/2, written through'],
  [behind, 'shared per session, json kv/2, at most 200 ms behind'],
  [conntrack, 'conntrack per flow, conntrack 1, at most 200 ms behind'],
  [
    { ...conntrack, defer: true },
    'conntrack per flow, conntrack 1, at most 200 ms behind, first packets deferred',
  ],
])('in words: $method', (level, words) => {
  expect(levelWords(level)).toBe(words);
});
