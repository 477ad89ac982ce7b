// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSharing } from '@vnfpool/core/declared';
import type { SlotRefusal } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { HELD, kv, NODES, world } from './sharing-world.ts';

describe('a declaration is refused before anything runs', () => {
  test('whose function cannot do what its pool asks', async () => {
    const { domain, views } = await world(kv(HELD, 'kv/1', false));
    expect(domain.replies).toEqual([
      {
        ok: false,
        code: 'NOT_SETTLED',
        message: expect.stringContaining('refused: replicate of kv: it offers no replicate'),
      },
    ]);
    expect(views().pools).toEqual([]);
    expect(domain.running.size).toBe(0);
  });

  test('whose new version could not share with the former one; what was declared stands', async () => {
    const { domain, apply, views } = await world();
    domain.orders = [];
    expect(apply(kv(HELD, 'kv/2'))).toMatchObject({
      code: 'NOT_SETTLED',
      message: expect.stringMatching(
        /While kv is upgraded.*\n?.*the former version of kv offers it with another format\.version/s,
      ),
    });
    expect(domain.orders).toEqual([]);
    expect(views().pools[0]).toMatchObject({ upgrade: null, sharing: { method: 'replicate' } });
    // With a method that both have behind the others it is taken.
    const soft: DeclaredSharing = { methods: ['replicate', 'none'] };
    expect(apply(kv(soft))).toMatchObject({ ok: true });
    expect(apply(kv(soft, 'kv/2'))).toMatchObject({ ok: true });
    expect(views().pools[0]).toMatchObject({ upgrade: { state: 'going' }, sharing: { method: 'none' } });
  });

  test('that running instances could not follow', async () => {
    const { apply } = await world();
    const cookies: DeclaredSharing = { methods: ['cookie'] };
    expect(apply(kv(cookies))).toMatchObject({
      code: 'NOT_SETTLED',
      message:
        'Instances of kv run with method replicate and cannot go over to cookie as they are: by cookie a function moves its state itself, which is decided when it starts. Declare another version of the function with it; a variable in its environment will do.',
    });
    expect(
      apply({ ...kv(cookies), function: { ...kv(cookies).function, environment: { N: '2' } } }),
    ).toMatchObject({
      ok: true,
    });
  });
});

test('a change of what is asked is a change, is told, and running instances go on', async () => {
  const { domain, apply, views } = await world();
  domain.orders = [];
  const next: DeclaredSharing = { methods: ['replicate'], loss: { ms: 2_000 }, lastResortMs: 10_000 };
  expect(apply(kv(next))).toMatchObject({
    ok: true,
    applied: {
      changes: [
        {
          detail: 'sharing: replicate, loss 0 → replicate, loss {"ms":2000}, lastResortMs 10000',
          reason: 'the file asks for another sharing of state',
        },
      ],
    },
  });
  expect(domain.orders).toEqual(['configure 1', 'configure 2', 'configure 3']);
  expect(views().pools[0]?.sharing).toMatchObject({
    loses: 'up to 2000 ms while a standby is there',
    lastResortMs: 10_000,
  });
  expect(views().events.find(({ type }) => type === 'sharing.settled')?.message).toBe(
    'kv shares its state by replicate per key, opaque kv/1, at most 2000 ms behind, before by replicate per key, opaque kv/1, held by 1 standby: a failover loses up to 2000 ms while a standby is there.',
  );
});

test('a plan is refused as its declaration would be, and changes nothing', async () => {
  const { domain, views } = await world();
  const before = views();
  const refusal = (declared: DeclaredPool) => domain.core.refusal(set(NODES, [declared]), domain.nowMs);
  expect(refusal(kv(HELD, 'kv/2'))).toMatchObject({ code: 'NOT_SETTLED' });
  expect(refusal(kv({ methods: ['replicate', 'none'] }, 'kv/2'))).toBeUndefined();
  expect(domain.core.refusal({ ...set(NODES, []), name: 'other' }, domain.nowMs)).toMatchObject({
    code: 'OTHER_SET',
  });
  expect(views()).toEqual(before);
});

test('nothing is handed to who lacks the state', async () => {
  const declared = kv(HELD);
  const failover = { leaseMs: 300, failback: { rule: 'delayed', delayMs: 1 } } as const;
  const { domain, tell, standby } = await world({ ...declared, failover });
  const handover = (to?: string) => {
    const request = { requestId: 5, pool: 'kv', index: 0, ...(to === undefined ? {} : { to }) };
    domain.give({ type: 'handover', ...request });
    return domain.replies.at(-1);
  };
  tell([standby(2, { isListed: false })]);
  expect(handover('kv#2')).toMatchObject({
    code: 'NOT_READY',
    message: expect.stringContaining("kv#2 has not all of the slot's state yet."),
  });
  expect(handover()).toMatchObject({ code: 'NOT_READY' });
  tell([standby(2)], {}, '1', [2]);
  expect(handover()).toMatchObject({ ok: true, to: 'kv#2' });
  // It took the slot, and its home is there, without the state.
  const id = domain.core.views(domain.nowMs).slots[0]?.id ?? '';
  const holder = { node: 2, functionId: 2 };
  const taken = { id, state: 'holding' as const, epoch: '2', holder, reason: '' };
  domain.report(2, { slots: [{ ...taken, candidates: [holder] }], failovers: [] });
  const planned = () => domain.core.explainSlot('kv', 0, domain.nowMs)?.failback;
  expect(planned()).toBeNull();
  domain.report(2, {
    slots: [{ ...taken, candidates: [holder, { node: 1, functionId: 1 }] }],
    failovers: [],
  });
  expect(planned()).toMatchObject({ to: 'kv#1' });
});

test('a restart of the manager changes nothing', async () => {
  const { domain, views } = await world();
  const before = views().pools[0]?.sharing;
  expect(before?.since).not.toBeNull();
  expect(domain.rows('sharing')).toMatchObject([{ pool: 'kv', level: { consistency: 'held' } }]);
  await domain.restart();
  NODES.forEach((name, index) => domain.register(name, index + 1));
  expect(views().pools[0]?.sharing).toEqual(before);
  expect(domain.orders.filter((each) => each.startsWith('configure'))).toEqual([]);
  expect(domain.rows('events').filter(({ type }) => type === 'sharing.settled')).toHaveLength(1);
});

test('the level stands in the pool with what is not used, and in explain', async () => {
  const { domain, views } = await world();
  expect(views().pools[0]?.sharing).toMatchObject({
    method: 'replicate',
    level: 'replicate per key, opaque kv/1, held by 1 standby',
    reason: 'the pool prefers it; all 3 instances offer it',
    loses: 'nothing that was acknowledged outside while a standby is there',
    lastResortMs: null,
  });
  expect(views().pools[0]?.sharing?.notUsed[0]).toEqual({
    by: 'kv',
    level: 'replicate per key, opaque kv/1, at most 1000 ms behind',
    rule: 'loss',
    verdict: 'output does not wait for standbys, so up to 1000 ms may be lost, and the pool asks for loss 0',
  });
  expect(domain.core.explain('kv', domain.nowMs)?.lines).toEqual(
    expect.arrayContaining([
      'State sharing, used: replicate per key, opaque kv/1, held by 1 standby',
      '  because: the pool prefers it; all 3 instances offer it',
      '  a failover loses: nothing that was acknowledged outside while a standby is there',
    ]),
  );
});

test('where standbys have to acknowledge nothing is lost whoever is there, and no less is said', async () => {
  const { tell, standby, views } = await world(kv({ methods: ['replicate'], loss: 0, acknowledged: 1 }));
  expect(views().pools[0]?.sharing?.loses).toBe('nothing that was acknowledged outside');
  tell([standby(2)]);
  expect(views().slots[0]?.sharing?.verdict).toBe('A failover loses nothing that was acknowledged outside.');
});

describe('what a holder tells of its standbys', () => {
  test('stands in the slot', async () => {
    const { tell, standby, views, domain } = await world();
    expect(views().slots[0]?.sharing).toBeNull();
    tell([standby(2), standby(3, { isListed: false, state: 'filling', roundTripMs: null })]);
    expect(views().slots[0]?.sharing).toEqual({
      method: 'replicate',
      isProtected: true,
      isLossy: false,
      verdict: 'A failover loses nothing that was acknowledged outside while a standby is there.',
      state: { at: expect.any(Number), keys: 5, bytes: 160, sequence: 40, updatesPerSecond: 10, waiting: 0 },
      standbys: [
        {
          instance: 'kv#2',
          node: 'b',
          isListed: true,
          state: 'following',
          lagUpdates: 3,
          lagMs: 2,
          lagBytes: 96,
          roundTripMs: 0.5,
        },
        {
          instance: 'kv#3',
          node: 'c',
          isListed: false,
          state: 'filling',
          lagUpdates: 3,
          lagMs: 2,
          lagBytes: 96,
          roundTripMs: null,
        },
      ],
    });
    expect(domain.core.explainSlot('kv', 0, domain.nowMs)?.sharing).toEqual(views().slots[0]?.sharing);
    expect(
      domain.core
        .explainSlot('kv', 0, domain.nowMs)
        ?.candidates.map(({ name, verdict }) => `${name} ${verdict}`),
    ).toContain('kv#2 it lacks state of the slot; the holder lists it once it has all');
  });

  test('is an event when a standby goes, when none is left, and when they are back', async () => {
    const { tell, standby, events, views } = await world();
    tell([standby(2), standby(3)]);
    expect(events()).toEqual([]);
    tell([standby(2, { state: 'silent' }), standby(3)]);
    tell([standby(2, { isListed: false, state: 'silent' }), standby(3)]);
    for (let n = 0; n < 3; n++) tell([standby(2, { isListed: false, state: 'silent' })]);
    expect(views().pools[0]).toMatchObject({
      health: 'degraded',
      reason: 'It serves, but: No standby has the state of slot 0 of kv: a failover would lose state.',
    });
    tell([standby(2)]);
    expect(events()).toEqual([
      'warning slot.standby-silent: kv#2 on b may take over and does not answer: it gets the state of slot 0 of kv no more.',
      'warning slot.standby-unlisted: kv#2 on b does not count as having the state of slot 0 of kv any more: it does not answer.',
      'warning slot.standby-unlisted: kv#3 on c does not count as having the state of slot 0 of kv any more: it is no candidate any more.',
      'error slot.unprotected: No standby has the state of slot 0 of kv: a failover would lose state.',
      'info slot.standby-listed: kv#2 on b has the state of slot 0 of kv and may take over.',
      'info slot.protected: Standbys have the state of slot 0 of kv again.',
    ]);
    expect(views().pools[0]?.health).toBe('whole');
  });

  test('protects nothing where the node of who has the state would not serve the slot', async () => {
    const { domain, tell, standby, views, events } = await world();
    const refusing = (refusal?: SlotRefusal): void => {
      const id = views().slots[0]?.id ?? '';
      const state = { id, state: 'held', epoch: '1', holder: { node: 1, functionId: 1 } } as const;
      const told = { ...state, candidates: [], reason: '', ...(refusal && { refusal }) };
      domain.report(2, { slots: [told], failovers: [] });
    };
    tell([standby(2)]);
    refusing({ rule: 'link', why: 'link eth1 has no carrier for 10.0.1.1' });
    const verdict =
      '1 of the 1 standbys that have to acknowledge the state of slot 0 of kv have it; kv#2 on b would not serve it: link eth1 has no carrier for 10.0.1.1.';
    expect(views().slots[0]?.sharing).toMatchObject({ isProtected: false, verdict });
    tell([standby(2), standby(3)]);
    expect(views().slots[0]?.sharing).toMatchObject({ isProtected: true });
    tell([standby(2)]);
    refusing();
    expect(views().slots[0]?.sharing).toMatchObject({ isProtected: true });
    expect(events().filter((event) => !event.includes('listed'))).toEqual([
      `error slot.unprotected: ${verdict}`,
      'info slot.protected: Standbys have the state of slot 0 of kv again.',
      `error slot.unprotected: ${verdict}`,
      'info slot.protected: Standbys have the state of slot 0 of kv again.',
    ]);
  });

  test('begins anew with each holder, who may lack some of the state', async () => {
    const { tell, standby, events, views } = await world();
    tell([standby(2)]);
    tell([], { isLossy: true }, '2', [], 2);
    tell([standby(1)], { isLossy: true }, '2', [], 2);
    expect(events()).toEqual([
      'warning slot.unprotected: No standby has the state of slot 0 of kv: a failover would lose state.',
      'warning slot.lossy: The holder of slot 0 of kv may have begun without some of its state.',
      'info slot.standby-listed: kv#1 on a has the state of slot 0 of kv and may take over.',
      'info slot.protected: Standbys have the state of slot 0 of kv again.',
    ]);
    expect(views().slots[0]?.sharing).toMatchObject({ isProtected: true, isLossy: true });
    expect(views().pools[0]?.health).toBe('degraded');
  });

  test('is well again with the next holder, and that is told, too', async () => {
    const { tell, standby, events } = await world();
    tell([standby(2)]);
    tell([]);
    // It has the slot, and has not told of its state yet.
    tell(null, {}, '2', [], 2);
    tell([standby(1)], {}, '2', [], 2);
    tell([standby(2)], {}, '3');
    expect(events().filter((event) => !event.includes('listed'))).toEqual([
      'error slot.unprotected: No standby has the state of slot 0 of kv: a failover would lose state.',
      'info slot.protected: Standbys have the state of slot 0 of kv again.',
    ]);
  });

  test('counts as nothing when it is not told', async () => {
    const { tell, standby, views } = await world();
    tell([standby(2)]);
    tell(null);
    expect(views().slots[0]?.sharing).toMatchObject({ isProtected: false, state: null, standbys: [] });
    expect(views().pools[0]?.reason).toContain('has not told who has its state');
  });

  test('of first packets stands there too, and that they are dropped is told once, with its end', async () => {
    const { tell, standby, views, events } = await world();
    const firstPackets = { waiting: 1, released: 20, dropped: 0, isDropping: false };
    tell([standby(2)], { firstPackets });
    expect(views().slots[0]?.sharing?.firstPackets).toEqual({ waiting: 1, released: 20, dropped: 0 });
    for (const dropped of [3, 5])
      tell([standby(2)], { firstPackets: { ...firstPackets, dropped, isDropping: true } });
    for (const waiting of [1, 0])
      tell([standby(2)], { firstPackets: { ...firstPackets, waiting, dropped: 5 } });
    expect(events()).toEqual([
      'warning slot.first-packets-dropped: First packets of new flows are dropped at slot 0 of kv, as they would wait for its standbys too long, or too many do: 3 so far.',
      'info slot.first-packets-pass: First packets of new flows pass at slot 0 of kv again.',
    ]);
  });

  test('is not enough where its source does not tell all; that is told once with its reason, and its end', async () => {
    const { tell, standby, views, events } = await world();
    tell([standby(2)]);
    const full = (count: number): string => `the copy is full, and ${count} connections wait for room`;
    for (const count of [1, 7]) tell([standby(2)], { fault: full(count) });
    expect(views().slots[0]?.sharing).toMatchObject({
      isProtected: false,
      fault: full(7),
      verdict: `Not all of the state of slot 0 of kv is told, and a failover would lose the rest: ${full(7)}.`,
    });
    expect(views().pools[0]?.health).toBe('degraded');
    tell([standby(2, { isListed: false })], { fault: full(7) });
    expect(views().slots[0]?.sharing?.verdict).toBe(
      `No standby has the state of slot 0 of kv: a failover would lose state. Not all of the state of slot 0 of kv is told, and a failover would lose the rest: ${full(7)}.`,
    );
    tell([standby(2)], { fault: full(7), refusals: 2 });
    expect(views().slots[0]?.sharing).toMatchObject({ refusals: 2 });
    tell([standby(2)]);
    expect(views().slots[0]?.sharing).toMatchObject({ isProtected: true });
    expect(views().slots[0]?.sharing).not.toHaveProperty('fault');
    expect(events().filter((event) => !event.includes('standby-'))).toEqual([
      `error slot.unprotected: Not all of the state of slot 0 of kv is told, and a failover would lose the rest: ${full(1)}.`,
      `warning slot.not-told: Not all of the state of slot 0 of kv is told: ${full(1)}.`,
      'info slot.protected: Standbys have the state of slot 0 of kv again.',
      'info slot.told: All of the state of slot 0 of kv is told again.',
    ]);
  });

  test('is told of one that lacked something from the beginning, also where nobody has it', async () => {
    const { tell, events } = await world();
    tell([], { fault: 'the kernel does not tell it' });
    expect(events().map((event) => event.split(':')[0])).toEqual([
      'warning slot.unprotected',
      'warning slot.not-told',
    ]);
    tell([]);
    expect(events().at(-1)).toBe('info slot.told: All of the state of slot 0 of kv is told again.');
  });

  test('is not enough where more have to acknowledge', async () => {
    const asked: DeclaredSharing = { ...HELD, acknowledged: 2 };
    const declared = { ...kv(asked), redundancy: { slots: 1, standbys: 2, spares: 0 } };
    const { tell, standby, views } = await world(declared);
    tell([standby(2), standby(3, { isListed: false })]);
    expect(views().slots[0]?.sharing).toMatchObject({
      isProtected: false,
      verdict: '1 of the 2 standbys that have to acknowledge the state of slot 0 of kv have it.',
    });
  });

  test('is not shown of a pool whose state nobody shares', async () => {
    const { tell, standby, views } = await world(kv(undefined));
    tell([standby(2)]);
    expect(views().slots[0]?.sharing).toBeNull();
    expect(views().pools[0]).toMatchObject({ sharing: null, health: 'whole' });
  });
});

test.each<[string, DeclaredSharing, string, string]>([
  [
    'through',
    { methods: ['shared'], loss: 0 },
    'nothing that was acknowledged outside',
    'what they bring about waits for it',
  ],
  ['behind', { methods: ['shared'], loss: { ms: 2_000 } }, 'up to 2000 ms', 'a failover would lose them'],
])(
  'state in a store, %s: who has it is told, and what a store that does not answer means',
  async (_, sharing, loses, means) => {
    const { tell, views, events } = await world(
      kv({ ...sharing, store: 'main', storeAddress: 'redis://store' }),
    );
    const told = (fault: string, ageMs: number): void =>
      tell([], { checkpoint: { sequence: 40, ageMs, isCurrent: fault === '', fault } });
    told('', 0);
    expect(views().slots[0]?.sharing).toMatchObject({
      method: 'shared',
      isProtected: true,
      verdict: `A failover loses ${loses}.`,
    });
    told('it is gone', 3_000);
    const words = `The store lacks changes of slot 0 of kv that are 3000 ms old: ${means}. The last try failed: it is gone.`;
    expect(views().slots[0]?.sharing).toMatchObject({ isProtected: false, verdict: words });
    told('', 0);
    expect(events()).toEqual([
      `error slot.unprotected: ${words}`,
      'info slot.protected: The store has the state of slot 0 of kv, as agreed.',
    ]);
  },
);

test.each<[string, number, string, string]>([
  ['no longer than the loss', 1_000, 'info', 'up to 1000 ms while a standby is there'],
  [
    'longer than the loss',
    3_000,
    'warning',
    'up to 1000 ms while a standby is there, and of a holder that is cut off up to its lease of 3000 ms, as the kernel waits for nobody',
  ],
])('connections with a lease %s: what a failover loses is told', async (_, leaseMs, severity, loses) => {
  const declared: DeclaredPool = {
    ...pool('kv', 1, 1, 1, { state: { via: 'conntrack' } }),
    sharing: { methods: ['conntrack'], loss: { ms: 1_000 } },
    failover: { leaseMs },
  };
  const { tell, standby, views } = await world(declared);
  expect(views().events.find(({ type }) => type === 'sharing.settled')).toMatchObject({
    severity,
    message: expect.stringContaining(`: a failover loses ${loses}.`),
  });
  expect(views().pools[0]?.sharing).toMatchObject({ loses });
  tell([standby(2)]);
  expect(views().slots[0]?.sharing).toMatchObject({ verdict: `A failover loses ${loses}.` });
});
