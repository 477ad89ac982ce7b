// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '@vnfpool/core/declared';
import type { DigestReport, StandbyReport, StreamReport } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { pool } from '../planner/world.ts';
import { world } from './sharing-world.ts';

const well: DigestReport = { agreed: 40, differed: 0, sinceAgreedMs: 80, isDiffering: false };
const stream: StreamReport = {
  silentMs: 60,
  updatesPerSecond: 10,
  bytesPerSecond: 320,
  updatesSent: 90,
  bytesSent: 2_880,
  underWayBytes: 32,
  fills: 1,
};

test('what goes to each standby and how its digests compare stands in the slot', async () => {
  const { tell, standby, views, domain } = await world();
  tell([standby(2, { digests: well, stream }), standby(3, { digests: { ...well, sinceAgreedMs: null } })]);
  const { sharing } = views().slots[0] ?? {};
  const at = sharing?.state?.at ?? 0;
  expect(sharing?.standbys).toMatchObject([
    { node: 'b', stream, digests: { agreed: 40, differed: 0, agreedAt: at - 80, isDiffering: false } },
    { node: 'c', digests: { agreedAt: null } },
  ]);
  expect(sharing).not.toHaveProperty('alarms');
  expect(domain.core.explainSlot('kv', 0, domain.nowMs)?.sharing).toEqual(sharing);
});

test('a stream that breaks off again and again is one event and an alarm, until it did not for a while', async () => {
  const { tell, standby, events, views } = await world();
  tell([standby(2, { digests: well })]);
  const reason = 'it refuses what it is sent: type 99';
  for (const times of [1, 4, 9])
    tell([standby(2, { digests: well, breaks: { times, reason, isAmid: true } })]);
  const words =
    'The stream of the state of slot 0 of kv to kv#2 on b broke off: it refuses what it is sent: type 99.';
  expect(views().slots[0]?.sharing).toMatchObject({
    alarms: [words],
    standbys: [{ breaks: { times: 9, isAmid: true } }],
  });
  expect(views().pools[0]?.health).toBe('degraded');
  for (let n = 0; n < 2; n++)
    tell([standby(2, { digests: well, breaks: { times: 9, reason, isAmid: false } })]);
  expect(views().slots[0]?.sharing).not.toHaveProperty('alarms');
  // One that lasts for less than the time between two reports is both at once.
  tell([standby(2, { digests: well, breaks: { times: 10, reason, isAmid: false } })]);
  const over = (times: number): string =>
    `info slot.stream-mended: The stream of the state of slot 0 of kv to kv#2 on b did not break off for 5 s; it did ${times} times since the slot is held.`;
  expect(events().filter((event) => event.includes('stream'))).toEqual([
    `warning slot.stream-broken: ${words}`,
    over(9),
    `warning slot.stream-broken: ${words}`,
    over(10),
  ]);
});

describe('a standby with another state', () => {
  const differing: DigestReport = { agreed: 40, differed: 1, sinceAgreedMs: 900, isDiffering: true };

  test('is an event when it begins and when it is over, whatever becomes of the list meanwhile', async () => {
    const { tell, standby, events, views } = await world();
    tell([standby(2, { digests: well })], {}, '1');
    // It leaves the list and comes back: each is another epoch of the same holder.
    tell([standby(2, { digests: differing, isListed: false, state: 'filling' })], {}, '2');
    expect(views().slots[0]?.sharing?.alarms).toEqual([
      'kv#2 on b had another state than the holder of slot 0 of kv: it gets all of it anew.',
    ]);
    expect(views().pools[0]?.health).toBe('degraded');
    for (const differed of [1, 2]) tell([standby(2, { digests: { ...differing, differed } })], {}, '3');
    // All who are to have the state have it, and it is to be looked at.
    expect(views().slots[0]?.sharing?.isProtected).toBe(true);
    expect(views().pools[0]).toMatchObject({
      health: 'degraded',
      reason:
        'It serves, but: kv#2 on b had another state than the holder of slot 0 of kv: it gets all of it anew.',
    });
    for (let n = 0; n < 2; n++) tell([standby(2, { digests: { ...well, differed: 2 } })], {}, '3');
    expect(views().pools[0]?.health).toBe('whole');
    expect(views().slots[0]?.sharing).not.toHaveProperty('alarms');
    expect(events().filter((event) => /differs|agrees/.test(event))).toEqual([
      'error slot.standby-differs: kv#2 on b had another state than the holder of slot 0 of kv: it gets all of it anew.',
      'info slot.standby-agrees: kv#2 on b has the state of slot 0 of kv as its holder has it again, for 5 s; it had another one 2 times since the slot is held.',
    ]);
  });

  test('again and again says so when it is not filled anew at once', async () => {
    const { tell, standby, events } = await world();
    tell([standby(2, { digests: differing })]);
    const paused = { ...differing, differed: 3, filledInMs: 1_950 };
    tell([standby(2, { digests: paused, isListed: false, state: 'filling' })], {}, '1');
    tell(
      [standby(2, { digests: { ...paused, filledInMs: 950 }, isListed: false, state: 'filling' })],
      {},
      '1',
    );
    expect(events().filter((event) => event.includes('paused'))).toEqual([
      'warning slot.standby-paused: kv#2 on b had another state than the holder of slot 0 of kv 3 times: it gets all of it anew in 2 s, and may not take over until then.',
    ]);
  });

  test('of whom nothing was heard meanwhile is told with its end', async () => {
    const { tell, standby, events } = await world();
    tell([standby(2, { digests: well })]);
    tell([standby(2, { digests: { ...well, differed: 1 } })]);
    expect(events().map((event) => event.split(':')[0])).toEqual([
      'error slot.standby-differs',
      'info slot.standby-agrees',
    ]);
    expect(events()[1]).toContain('it had another one once since the slot is held.');
  });

  test('is no news of a holder of whom nothing was known, but for what is so now', async () => {
    const { tell, standby, events } = await world();
    tell([standby(2, { digests: { ...well, differed: 4 } }), standby(3, { digests: differing })]);
    expect(events().map((event) => event.split(':')[0])).toEqual(['error slot.standby-differs']);
    // Told by an agent of an earlier version.
    tell([standby(2), standby(3)]);
    expect(events()).toHaveLength(1);
  });
});

test('a list that changes is another epoch, and no other holder: who goes, and who is back, is told', async () => {
  const { tell, standby, events } = await world();
  tell([standby(2)], {}, '1');
  tell([standby(2, { isListed: false, state: 'away' })], {}, '2');
  tell([standby(2)], {}, '3');
  expect(events()).toEqual([
    'warning slot.standby-unlisted: kv#2 on b does not count as having the state of slot 0 of kv any more: there is no connection.',
    'error slot.unprotected: No standby has the state of slot 0 of kv: a failover would lose state.',
    'info slot.standby-listed: kv#2 on b has the state of slot 0 of kv and may take over.',
    'info slot.protected: Standbys have the state of slot 0 of kv again.',
  ]);
});

test.each<[StandbyReport['state'], string]>([
  ['silent', 'kv#3 on c does not answer: it gets the state of slot 0 of kv no more.'],
  ['away', 'kv#3 on c cannot be reached: it gets the state of slot 0 of kv no more.'],
])('a standby that is %s is an alarm, though another one has the state', async (silence, words) => {
  const { tell, standby, views } = await world();
  tell([standby(2), standby(3, { isListed: false, state: silence })]);
  expect(views().slots[0]?.sharing).toMatchObject({ isProtected: true, alarms: [words] });
  expect(views().pools[0]).toMatchObject({ health: 'degraded', reason: `It serves, but: ${words}` });
  tell([standby(2), standby(3, { isListed: false, state: 'filling' })]);
  expect(views().pools[0]?.health).toBe('whole');
});

test('a value that was damaged in the memory of the holder is an event and an alarm, until it was told anew', async () => {
  const { tell, standby, events, views } = await world();
  tell([standby(2)]);
  for (const now of [1, 2]) tell([standby(2)], { damage: { found: now, now } });
  const words =
    'Some of the state of slot 0 of kv is damaged in the memory of a, which holds it: no standby is given that until its function says it again.';
  expect(views().slots[0]?.sharing).toMatchObject({
    isProtected: true,
    damage: { found: 2, now: 2 },
    alarms: [words],
  });
  expect(views().pools[0]?.health).toBe('degraded');
  for (let n = 0; n < 2; n++) tell([standby(2)], { damage: { found: 2, now: 0 } });
  expect(views().pools[0]?.health).toBe('whole');
  // Within one second.
  tell([standby(2)], { damage: { found: 3, now: 0 } });
  expect(events()).toEqual([
    `error slot.state-damaged: ${words}`,
    'info slot.state-mended: Nothing of the state of slot 0 of kv is damaged in the memory of a any more; 2 values were since the slot is held.',
    `error slot.state-damaged: ${words}`,
    'info slot.state-mended: Nothing of the state of slot 0 of kv is damaged in the memory of a any more; 3 values were since the slot is held.',
  ]);
});

describe('a kernel that loses events', () => {
  const nat: DeclaredPool = {
    ...pool('kv', 1, 1, 1, { state: { via: 'conntrack' } }),
    sharing: { methods: ['conntrack'], loss: { ms: 1_000 } },
    failover: { leaseMs: 300 },
  };

  test('is an event when it begins and when all was listed anew, with how often', async () => {
    const { tell, standby, events, views } = await world(nat);
    tell([standby(2)]);
    for (const times of [1, 5, 9]) tell([standby(2)], { overruns: { times, isAmid: true } });
    expect(views().slots[0]?.sharing).toMatchObject({
      isProtected: true,
      overruns: { times: 9, isAmid: true },
      alarms: [
        'The kernel of a lost events of the connections of slot 0 of kv, which came faster than they were read: all are listed anew.',
      ],
    });
    expect(views().pools[0]?.health).toBe('degraded');
    for (let n = 0; n < 2; n++) tell([standby(2)], { overruns: { times: 9, isAmid: false } });
    expect(views().pools[0]?.health).toBe('whole');
    expect(views().slots[0]?.sharing?.overruns).toEqual({ times: 9, isAmid: false });
    expect(events()).toEqual([
      'warning slot.events-lost: The kernel of a lost events of the connections of slot 0 of kv, which came faster than they were read: all are listed anew.',
      'info slot.events-caught-up: The connections of slot 0 of kv were listed anew, and no events were lost for 5 s; some were 9 times since the slot is held.',
    ]);
  });

  test('of which nothing was heard meanwhile is told with its end', async () => {
    const { tell, standby, events } = await world(nat);
    tell([standby(2)]);
    tell([standby(2)], { overruns: { times: 1, isAmid: false } });
    expect(events().map((event) => event.split(':')[0])).toEqual([
      'warning slot.events-lost',
      'info slot.events-caught-up',
    ]);
    expect(events()[1]).toContain('some were once since the slot is held.');
  });
});
