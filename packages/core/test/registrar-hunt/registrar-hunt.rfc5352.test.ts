// SPDX-License-Identifier: Apache-2.0
import { type HuntOptions, type HuntOutput, RegistrarHunt } from '@vnfpool/core/registrar-hunt';
import { expect, test } from 'vitest';
import { seededRandom } from '../handlespace/seeded-random.ts';

const hosts = (...names: string[]) => names.map((host) => ({ host, port: 3863 }));
const hunt = (options: Partial<HuntOptions> = {}) =>
  new RegistrarHunt({ registrars: hosts('a', 'b', 'c', 'd'), ...options }, seededRandom(3));
const brief = (outputs: readonly HuntOutput[] | undefined) =>
  outputs?.map((output) =>
    output.type === 'connect'
      ? `connect ${output.association} ${output.registrar.host}`
      : `disconnect ${output.association}`,
  );
const announce = (port: number) =>
  ({
    type: 'server-announce',
    registrarId: 1,
    transports: [{ type: 'sctp', port, use: 'data', addresses: ['10.0.0.9', '10.1.0.9'] }],
  }) as const;

test('three at once; the first that is up wins, the others are let go', () => {
  const made = hunt();
  expect(brief(made.want(0))).toEqual(['connect 1 a', 'connect 2 b', 'connect 3 c']);
  expect(made.want(0)).toEqual([]);
  expect(brief(made.connected(2))).toEqual(['disconnect 1', 'disconnect 3']);
  expect(made.association).toBe(2);
  expect(made.nextDeadline()).toBeUndefined();
  expect(made.connected(1)).toBeUndefined();
});

test('one fails: a different one is tried; all fail: a pause', () => {
  const made = hunt();
  made.want(0);
  expect(brief(made.disconnected(1, 5).outputs)).toEqual(['connect 4 d']);
  for (const association of [2, 3]) expect(made.disconnected(association, 5).outputs).toEqual([]);
  expect(made.disconnected(4, 5)).toEqual({ lost: false, outputs: [] });
  const pausedUntil = made.nextDeadline() ?? 0;
  expect(pausedUntil).toBeGreaterThanOrEqual(255);
  expect(pausedUntil).toBeLessThanOrEqual(755);
  expect(brief(made.expire(pausedUntil))).toEqual(['connect 5 a', 'connect 6 b', 'connect 7 c']);
});

test('T5 doubles up to RETRAN-MAX and prefers addresses not just tried; success resets it', () => {
  const made = hunt({ backoffMaxMs: 30_000 });
  made.want(0);
  const story: unknown[] = [];
  for (let round = 0; round < 4; round += 1) {
    const at = made.nextDeadline() ?? 0;
    story.push(
      at,
      brief(made.expire(at))?.filter((text) => text.startsWith('connect')),
    );
  }
  expect(story).toEqual([
    10_000,
    ['connect 4 d'],
    30_000,
    ['connect 5 a', 'connect 6 b', 'connect 7 c'],
    60_000,
    ['connect 8 d'],
    90_000,
    ['connect 9 a', 'connect 10 b', 'connect 11 c'],
  ]);
  made.connected(9);
  made.provedGood();
  made.disconnected(9, 100_000);
  expect(made.nextDeadline()).toBe(110_000);
});

test('one that served and is lost is tried again, after those not tried for longer', () => {
  const made = hunt({ registrars: hosts('a', 'b') });
  made.want(0);
  made.connected(1);
  made.provedGood();
  const { lost, outputs } = made.disconnected(1, 10);
  expect([lost, brief(outputs)]).toEqual([true, ['connect 3 b', 'connect 4 a']]);
});

test('one that accepts and never serves does not win twice in a row', () => {
  const made = hunt({ registrars: hosts('a', 'b') });
  made.want(0);
  made.connected(1);
  expect(brief(made.disconnected(1, 10).outputs)).toEqual(['connect 3 b']);
  made.connected(3);
  expect(made.disconnected(3, 20).outputs).toEqual([]);
  expect(made.nextDeadline()).toBeGreaterThan(20);
});

test('a silent registrar keeps its association until another is up, or it answers after all', () => {
  const made = hunt({ registrars: hosts('a', 'b'), attemptsAtOnce: 1 });
  made.want(0);
  made.connected(1);
  expect(brief(made.wantOther(5))).toEqual(['connect 2 b']);
  expect(made.association).toBe(1);
  expect(brief(made.provedGood())).toEqual(['disconnect 2']);
  expect(brief(made.wantOther(6))).toEqual(['connect 3 b']);
  expect(brief(made.connected(3))).toEqual(['disconnect 1']);
  expect(made.association).toBe(3);
});

test('announced addresses are tried while they last; none but configured ones stay', () => {
  const made = hunt({ registrars: [], outdateMs: 5000 });
  expect(made.want(0)).toEqual([]);
  expect(made.announced(announce(4000), '10.0.0.9', 1)).toEqual([
    {
      type: 'connect',
      association: 1,
      registrar: { host: '10.0.0.9', port: 4000, transport: 'sctp', addresses: ['10.0.0.9', '10.1.0.9'] },
    },
  ]);
  expect(made.registrarCount).toBe(1);
  made.announced({ ...announce(0), transports: [] }, '10.0.0.8', 5001);
  // The first has run out; the second is SCTP at the source of the datagram, port 3863.
  expect(made.registrarCount).toBe(1);
});

test('announcements: only so many, only over what can be connected, none where they are not wanted', () => {
  const made = hunt({ registrars: hosts('a'), announcedMax: 2, transports: ['sctp'] });
  for (const port of [1, 2, 3]) made.announced(announce(port), '10.0.0.9', 0);
  expect(made.registrarCount).toBe(3);
  const overTcp = hunt({ registrars: hosts('a'), transports: ['tcp'] });
  overTcp.announced(announce(1), '10.0.0.9', 0);
  expect(overTcp.registrarCount).toBe(1);
  expect(() => hunt({ registrars: [], announcedMax: 0 })).toThrow(RangeError);
});
