// SPDX-License-Identifier: Apache-2.0
import type { DeclaredSharing } from '@vnfpool/core/declared';
import {
  type Ask,
  acknowledgedBy,
  changesBetween,
  type InstanceOffers,
  lossOf,
  RECOVERY_MS,
  recoveryOf,
  type StateLevel,
  securityStateOf,
  settle,
} from '@vnfpool/core/state-level';
import type { OfferedLevel, SharingMethod } from '@vnfpool/wire/mobility';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  acknowledged,
  behind,
  bounded,
  checkpoint,
  conntrack,
  cookie,
  gossip,
  held,
  through,
} from './levels.ts';

/* Few values of each field, so that instances often have something in common and as often nearly. */

const bit = fc.boolean();
const changed: fc.Arbitrary<OfferedLevel> = fc
  .record({
    base: fc.constantFrom<OfferedLevel>(
      cookie,
      { ...cookie, lossUpdates: 0 },
      checkpoint,
      held,
      bounded,
      acknowledged,
      gossip,
      through,
      behind,
      conntrack,
    ),
    recovery: fc.constantFrom('real-time' as const, 'near' as const, 'cold' as const),
    securityState: fc.constantFrom(...(['excluded', 'excluded', 'excluded', 'sealed'] as const)),
    encryption: bit,
    updatesPerSecond: fc.constantFrom(1_000, 5_000),
    windowOctets: fc.constantFrom(1_000, 65_536),
    k: fc.integer({ min: 1, max: 3 }),
    ms: fc.constantFrom(10, 1_000),
    isShed: bit,
    defer: bit,
  })
  .map(
    ({ base, recovery, securityState, encryption, updatesPerSecond, windowOctets, k, ms, isShed, defer }) => {
      const own = {
        ...base,
        recovery,
        protection: { integrity: true, encryption, securityState },
        ...('updatesPerSecond' in base ? { updatesPerSecond, windowOctets } : {}),
        ...('overload' in base && isShed ? { overload: 'shed' as const } : {}),
        ...('acknowledged' in base ? { acknowledged: k } : {}),
        ...('intervalMs' in base ? { intervalMs: ms } : {}),
        ...('lag' in base ? { lag: 'ms' in base.lag ? { ms } : { updates: ms } } : {}),
        ...('lagMs' in base ? { lagMs: ms, defer } : {}),
      };
      return own as OfferedLevel;
    },
  );
const instances = fc
  .array(fc.array(changed, { maxLength: 6 }), { maxLength: 4 })
  .map((all): readonly InstanceOffers[] =>
    all.map((levels, index) => ({ instance: `kv#${index + 1}`, levels })),
  );
/** Instances that have something in common, more often than not. */
const likely = fc
  .tuple(instances, fc.array(changed, { minLength: 1, maxLength: 8 }))
  .map(([all, common]) => all.map((each) => ({ ...each, levels: [...each.levels, ...common] })));

const methods = fc.shuffledSubarray<SharingMethod>(
  ['replicate', 'checkpoint', 'shared', 'gossip', 'conntrack', 'cookie', 'none'],
  { minLength: 1 },
) as unknown as fc.Arbitrary<DeclaredSharing['methods']>;
/** Mostly nothing: pools that ask for everything get nothing. */
const some = <const Values extends readonly unknown[]>(...values: Values) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...values) },
  );
const ask: fc.Arbitrary<Ask> = fc.record({
  sharing: fc
    .record({
      methods,
      loss: some(0, { ms: 10 }, { ms: 1_000 }, { updates: 100 }),
      mappingLoss: some(0),
      acknowledged: some(1, 2),
      recovery: some('real-time', 'near', 'relaxed'),
      updatesPerSecond: some(2_000),
      windowOctets: some(2_000),
      overload: some('block', 'shed'),
      encryption: some(true),
      securityState: some('sealed'),
      store: some('valkey'),
    })
    .map(
      (record) =>
        Object.fromEntries(
          Object.entries(record).filter(([, value]) => value !== undefined),
        ) as unknown as DeclaredSharing,
    ),
  standbys: fc.constantFrom(0, 2, 3),
  active: fc.integer({ min: 1, max: 2 }),
  hasSessions: bit,
});

test('settling gives the same whoever is told first', () => {
  fc.assert(
    fc.property(ask, likely, fc.infiniteStream(fc.nat()), (asked, offers, random) => {
      const shuffled = offers
        .map((each) => ({ each, key: random.next().value as number }))
        .sort((a, b) => a.key - b.key)
        .map(({ each }) => each);
      const settled = settle(asked, offers);
      expect(settle(asked, shuffled)).toEqual(settled);
      expect(settle(asked, offers)).toEqual(settled);
    }),
  );
});

/** What the ask says, once more and in the plainest way. */
function meets(level: StateLevel, { sharing, standbys, active, hasSessions }: Ask): boolean {
  const loss = lossOf(level);
  const { loss: most, recovery = 'cold', acknowledged: least = 0 } = sharing;
  const has = (name: string): unknown => (name in level ? level[name as keyof StateLevel] : undefined);
  const within = (name: 'ms' | 'updates'): boolean =>
    typeof loss === 'object' &&
    typeof most === 'object' &&
    (loss as Record<string, number>)[name]! <= (most as Record<string, number>)[name]!;
  return [
    sharing.methods.includes(level.method),
    level.method !== 'cookie' || hasSessions,
    level.method !== 'gossip' || active > 1,
    level.method !== 'shared' || (sharing.store !== undefined && level.store === sharing.store),
    level.method !== 'conntrack' || (standbys > 0 && most !== 0),
    level.method !== 'replicate' || (standbys > 0 && acknowledgedBy(level) <= standbys),
    most === undefined || loss === 0 || within('ms') || within('updates'),
    sharing.mappingLoss === undefined || loss === 0 || has('defer') === true,
    acknowledgedBy(level) >= least,
    RECOVERY_MS[recoveryOf(level)] <= RECOVERY_MS[recovery],
    has('updatesPerSecond') === undefined ||
      (has('updatesPerSecond') as number) >= (sharing.updatesPerSecond ?? 0),
    has('windowOctets') === undefined ||
      (has('windowOctets') as number) <= (sharing.windowOctets ?? Number.POSITIVE_INFINITY),
    sharing.overload === undefined || has('overload') === undefined || has('overload') === sharing.overload,
    level.method === 'none' || !sharing.encryption || level.protection.encryption,
    securityStateOf(level) === (sharing.securityState ?? 'excluded'),
    securityStateOf(level) === 'excluded' || (level.method !== 'none' && level.protection.encryption),
  ].every(Boolean);
}

/** Whether an offer promises all that the level does: fields are alike, and amounts as good. */
function covers(offer: OfferedLevel, level: object): boolean {
  const atLeast = ['updatesPerSecond', 'windowOctets', 'acknowledged'];
  const atMost = ['lossUpdates', 'intervalMs', 'lagMs', 'ms', 'updates'];
  return Object.entries(level).every(([name, value]) => {
    const own: unknown = offer[name as keyof OfferedLevel];
    if (name === 'store') return true;
    if (name === 'recovery') return RECOVERY_MS[own as 'near'] <= RECOVERY_MS[value as 'near'];
    if (typeof value === 'object')
      return typeof own === 'object' && covers(own as OfferedLevel, value as object);
    if (atLeast.includes(name)) return (own as number) >= value;
    return atMost.includes(name) ? (own as number) <= value : own === value;
  });
}

test('a settled level meets the ask, and every instance offers it', () => {
  let settledCount = 0;
  fc.assert(
    fc.property(ask, likely, (asked, offers) => {
      const { level } = settle(asked, offers);
      if (level === null) return;
      expect(meets(level, asked)).toBe(true);
      if (level.method === 'none') return;
      settledCount += 1;
      for (const { levels } of offers) expect(levels.some((offer) => covers(offer, level))).toBe(true);
    }),
    { numRuns: 500 },
  );
  expect(settledCount).toBeGreaterThan(50);
});

test('no method of the pool before the settled one could be had', () => {
  fc.assert(
    fc.property(ask, likely, (asked, offers) => {
      const { level } = settle(asked, offers);
      const before = asked.sharing.methods.slice(
        0,
        level ? asked.sharing.methods.indexOf(level.method) : undefined,
      );
      for (const method of before)
        expect(
          settle({ ...asked, sharing: { ...asked.sharing, methods: [method] } }, offers).level,
        ).toBeNull();
    }),
  );
});

test('a refusal names a rule and a reason for each method, and so does whatever is not taken', () => {
  fc.assert(
    fc.property(ask, instances, (asked, offers) => {
      const { level, reason, notTaken } = settle(asked, offers);
      for (const { rule, verdict } of notTaken) {
        expect(rule).not.toBe('');
        expect(verdict).not.toBe('');
      }
      expect(reason).not.toContain('undefined');
      if (level !== null) return;
      const named = new Set(notTaken.map(({ method }) => method));
      for (const method of asked.sharing.methods) expect(named).toContain(method);
      expect(notTaken.map(({ rule }) => rule)).not.toContain('order');
    }),
  );
});

test('each offer is used, or it is told why not', () => {
  fc.assert(
    fc.property(ask, likely, (asked, offers) => {
      const { level, notTaken } = settle(asked, offers);
      for (const { instance, levels } of offers) {
        const told = notTaken.filter((each) => each.instance === instance && each.rule !== 'offered');
        const isUsed = level !== null && level.method !== 'none';
        expect(told).toHaveLength(levels.length - (isUsed ? 1 : 0));
      }
    }),
  );
});

test('one offer more never turns a settled pool into a refused one', () => {
  fc.assert(
    fc.property(ask, likely, changed, fc.nat(), fc.nat(), (asked, offers, more, who, where) => {
      if (settle(asked, offers).level === null) return;
      const after = offers.map(({ instance, levels }, index) => ({
        instance,
        levels:
          index === who % offers.length ? levels.toSpliced(where % (levels.length + 1), 0, more) : levels,
      }));
      expect(settle(asked, after).level).not.toBeNull();
    }),
    { numRuns: 500 },
  );
});

test('what does not change needs nothing, and what needs a restart needs it both ways', () => {
  const settled = changed.map(
    (level): StateLevel => (level.method === 'shared' ? { ...level, store: 'valkey' } : level),
  );
  fc.assert(
    fc.property(settled, settled, (a, b) => {
      expect(changesBetween(a, a)).toEqual([]);
      const restarts = (from: StateLevel, to: StateLevel) =>
        changesBetween(from, to).map(({ axis, needsRestart }) => `${axis} ${needsRestart}`);
      expect(restarts(b, a)).toEqual(restarts(a, b));
    }),
  );
});
