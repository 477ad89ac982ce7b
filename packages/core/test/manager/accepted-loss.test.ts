// SPDX-License-Identifier: Apache-2.0
import type { FailoverRecord, StandbyReport } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { world } from './sharing-world.ts';

const BEHIND: Partial<StandbyReport> = {
  isListed: false,
  state: 'following',
  lagUpdates: 3,
  lagMs: 2_000,
  lagBytes: 96,
  stream: {
    silentMs: 500,
    updatesPerSecond: 0,
    bytesPerSecond: 0,
    updatesSent: 90,
    bytesSent: 2_880,
    underWayBytes: 0,
    fills: 1,
  },
  digests: { agreed: 12, differed: 0, sinceAgreedMs: 1_000, isDiffering: false },
};

/** The holder has told of its standbys, if of any, and is gone since 7 s. */
async function gone(...standbys: readonly [number, Partial<StandbyReport>][]) {
  const scene = await world();
  const { domain, views, standby } = scene;
  const told = standbys.map(([node, change]) => standby(node, change));
  scene.tell(standbys.length === 0 ? null : told);
  const ask = (more: object = {}) => {
    domain.replies.length = 0;
    const request = { type: 'handover', requestId: 9, pool: 'kv', index: 0 } as const;
    domain.give({ ...request, acceptsLoss: true, ...more });
    return domain.replies[0];
  };
  const letGo = (): void => {
    domain.nowMs += 7_000;
    const slot = { id: views().slots[0]?.id ?? '', epoch: '1', holder: null, candidates: [], reason: '' };
    domain.report(1, { slots: [{ ...slot, state: 'free' }], failovers: [] });
  };
  /** The instance on the node takes the slot. */
  const taken = (node: number, epoch: number): void => {
    const slot = views().slots[0]?.id ?? '';
    const holder = { node, functionId: node };
    const record: FailoverRecord = {
      id: `${slot}/${epoch}`,
      slot,
      epoch: String(epoch),
      from: { node: 1, functionId: 1 },
      to: holder,
      cause: 'lease-expired',
      fencedBy: 'release',
      steps: [{ name: 'serving', atMs: 1 }],
    };
    const state = { id: slot, state: 'holding' as const, epoch: String(epoch), holder, candidates: [holder] };
    domain.report(node, { slots: [{ ...state, reason: '' }], failovers: [record] });
  };
  const last = () => views().failovers[0];
  return { ...scene, ask, letGo, taken, last };
}

const WORDS =
  'kv#2 lacked 3 updates (96 octets, 2000 ms) when the holder told of it last, 7 s ago; its digest agreed 1 s before that; it was heard 0.5 s before that. What was changed since is not known.';

describe('a slot that nobody who has its state can take', () => {
  test('is taken by whom an operator names, and what that one lacked is recorded', async () => {
    const { views, ask, letGo, taken, last, domain } = await gone([2, BEHIND]);
    letGo();
    const acceptedLoss = {
      at: expect.any(Number),
      toldAt: expect.any(Number),
      lagUpdates: 3,
      lagBytes: 96,
      lagMs: 2_000,
      digests: 'agreed',
      agreedAt: expect.any(Number),
      heardAt: expect.any(Number),
      words: WORDS,
    };
    expect(ask({ to: 'kv#2' })).toEqual({ ok: true, to: 'kv#2', acceptedLoss });
    expect(views().events).toContainEqual(
      expect.objectContaining({
        type: 'slot.loss-accepted',
        severity: 'warning',
        message: `An operator lets kv#2 take slot 0 of kv without its state, behind epoch 1. ${WORDS}`,
      }),
    );
    taken(2, 2);
    expect(last()).toMatchObject({ to: 'kv#2', epoch: 2, acceptedLoss });
    expect(domain.rows('failovers').at(-1)).toEqual(last());
    // Once, and not at a failover that follows.
    taken(2, 3);
    expect(last()).toMatchObject({ epoch: 3 });
    expect(last()).not.toHaveProperty('acceptedLoss');
  });

  test('that another one has taken meanwhile: nothing was accepted of that', async () => {
    const { ask, letGo, taken, last } = await gone([2, BEHIND]);
    letGo();
    ask({ to: 'kv#2' });
    taken(3, 2);
    expect(last()).not.toHaveProperty('acceptedLoss');
    taken(2, 3);
    expect(last()).not.toHaveProperty('acceptedLoss');
  });

  test.each<[string, Partial<StandbyReport>, string, string]>([
    [
      'differed',
      { ...BEHIND, digests: { agreed: 0, differed: 2, sinceAgreedMs: null, isDiffering: true } },
      'differed',
      'its digest differed, and never agreed; it was heard 0.5 s before that',
    ],
    [
      'of an agent of an earlier version',
      { isListed: false, lagUpdates: 1, lagMs: 0 },
      'unknown',
      'kv#2 lacked 1 update (96 octets, 0 ms) when the holder told of it last, 7 s ago; whether its digest agreed is unknown; when it was heard is unknown.',
    ],
  ])('and a digest that %s', async (_, change, digests, words) => {
    const { ask, letGo } = await gone([2, change]);
    letGo();
    expect(ask({ to: 'kv#2' })).toMatchObject({
      acceptedLoss: { digests, words: expect.stringContaining(words) },
    });
  });

  test.each<[string, readonly [number, Partial<StandbyReport>][]]>([
    ['the holder told nothing', []],
    ['the holder told of others', [[3, BEHIND]]],
  ])('and what is lost is unknown, where %s', async (_, standbys) => {
    const { ask, letGo, taken, last } = await gone(...standbys);
    letGo();
    const words = 'What kv#2 lacks is unknown: no holder has told of it.';
    const unknown = {
      at: expect.any(Number),
      toldAt: null,
      lagUpdates: null,
      lagBytes: null,
      lagMs: null,
      digests: 'unknown',
      agreedAt: null,
      heardAt: null,
      words,
    };
    expect(ask({ to: 'kv#2' })).toMatchObject({ acceptedLoss: unknown });
    taken(2, 2);
    expect(last()).toMatchObject({ acceptedLoss: unknown });
  });

  test('who held it last has what its own node kept, which nobody knows', async () => {
    const { ask, letGo } = await gone([2, BEHIND]);
    letGo();
    expect(ask({ to: 'kv#1' })).toMatchObject({
      acceptedLoss: {
        toldAt: null,
        words: 'What kv#1 lacks is unknown: it held the slot last, and goes on with what its node has kept.',
      },
    });
  });

  test.each<[string, object, string]>([
    ['somebody holds', {}, 'Somebody holds slot 0 of kv'],
    ['is not there', { index: 7 }, 'has no slot 7'],
    ['of another pool', { pool: 'no' }, 'There is no pool no'],
  ])('is refused where the slot %s', async (_, more, why) => {
    const { ask } = await gone();
    expect(ask({ to: 'kv#2', ...more })).toMatchObject({ ok: false, message: expect.stringContaining(why) });
  });

  test.each<[object, string]>([
    [{}, `Say who is to take slot 0 of kv without its state: kv#1, kv#2, kv#3. What kv#1 lacks is unknown`],
    [{ to: 'kv#9' }, 'kv#9 is no candidate for slot 0 of kv; candidates: kv#1, kv#2, kv#3. What kv#1 lacks'],
    [{ to: 'kv#2', acceptsLoss: false }, 'Nobody holds slot 0 of kv, so it cannot be handed over'],
  ])('is refused to %j, with what each lacks', async (more, why) => {
    const { ask, letGo } = await gone([2, BEHIND]);
    letGo();
    const refused = ask(more);
    expect(refused).toMatchObject({ ok: false, message: expect.stringContaining(why) });
    expect(refused).toMatchObject({ message: expect.stringContaining(WORDS) });
  });
});

test('who lacks the state gets nothing handed over, and it is said what it lacks', async () => {
  const { ask } = await gone([2, BEHIND]);
  expect(ask({ to: 'kv#2', acceptsLoss: false })).toMatchObject({
    code: 'NOT_READY',
    message:
      "kv#2 has not all of the slot's state yet. kv#2 lacked 3 updates (96 octets, 2000 ms) when the holder told of it last, 0 s ago; its digest agreed 1 s before that; it was heard 0.5 s before that. What was changed since is not known.",
  });
});
