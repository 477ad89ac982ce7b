// SPDX-License-Identifier: Apache-2.0
import { nodeId } from '@vnfpool/core';
import type { DeclaredSharing } from '@vnfpool/core/declared';
import { describe, expect, test } from 'vitest';
import { pool, set } from '../planner/world.ts';
import { FakeDomain } from './fake-mobility.ts';

const NODES = ['a', 'b', 'c'];
const COOKIES: DeclaredSharing = { methods: ['cookie'] };

async function world(sharing: DeclaredSharing | null = COOKIES) {
  const domain = await FakeDomain.start();
  NODES.forEach((name, index) => domain.register(name, index + 1));
  const apply = (asked: DeclaredSharing | null): void => {
    const web = { ...pool('web', 2, 0, 0), addresses: [], ...(asked && { sharing: asked }) };
    domain.give({ type: 'apply', requestId: 1, declared: set(NODES, [web]), text: '', file: 'set.yaml' });
    expect(domain.replies.at(-1)).toMatchObject({ ok: true });
  };
  apply(sharing);
  const rotate = (name = 'web'): unknown => {
    domain.give({ type: 'rotate-secret', requestId: 2, pool: name });
    return domain.replies.at(-1);
  };
  /** What each instance was told last, by its node. */
  const told = (): (readonly string[] | undefined)[] =>
    [...domain.assignments.values()].map(({ cookies }) => cookies?.secrets);
  const events = (): string[] =>
    domain.core
      .views(domain.nowMs)
      .events.map(({ type }) => type)
      .filter((type) => type.startsWith('secret.'))
      .toReversed();
  return { domain, apply, rotate, told, events };
}

describe('the secret of a pool with cookies', () => {
  test('is drawn once, and handed to its instances with how old a cookie may be', async () => {
    const { domain, told, events } = await world({ ...COOKIES, cookieAgeMs: 600_000 });
    const [first, second] = told();
    expect(first).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(second).toEqual(first);
    expect([...domain.assignments.values()][0]?.cookies?.maxAgeMs).toBe(600_000);
    expect(events()).toEqual(['secret.drawn']);
    await domain.restart();
    expect(domain.rows('secrets')).toEqual([{ pool: 'web', secrets: [{ secret: first?.[0] }] }]);
  });

  test('is not there for a pool without', async () => {
    const { domain, told, rotate } = await world(null);
    expect(told()).toEqual([undefined, undefined]);
    expect(domain.rows('secrets')).toEqual([]);
    expect(rotate()).toMatchObject({
      code: 'NOT_READY',
      message: 'web seals no cookies: its method of state sharing is none.',
    });
    expect(rotate('other')).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is replaced when all instances open with the next one, which until then does not seal', async () => {
    const { domain, rotate, told, events } = await world();
    const [former = ''] = told()[0] ?? [];
    domain.isSlow = true;
    expect(rotate()).toMatchObject({ ok: true });
    // Orders are on their way: both were told of it behind the one that seals.
    expect(told()).toEqual([
      [former, expect.any(String)],
      [former, expect.any(String)],
    ]);
    const next = told()[0]?.[1] ?? '';
    expect(rotate()).toMatchObject({ code: 'NOT_READY' });
    domain.answerLate();
    expect(told()).toEqual([
      [next, former],
      [next, former],
    ]);
    expect(events()).toEqual(['secret.drawn', 'secret.rotating', 'secret.rotated']);
  });

  test('waits for nobody who cannot be reached, and tells him when he is back', async () => {
    const { domain, rotate, told } = await world();
    const [former = ''] = told()[0] ?? [];
    domain.give({ type: 'node-lost', node: nodeId(1), reason: 'silent' });
    rotate();
    const [next = ''] = domain.rows('secrets')[0]?.secrets.map(({ secret }) => secret) ?? [];
    expect(next).not.toBe(former);
    domain.register(NODES[0] ?? '', 1);
    for (const secrets of told()) expect(secrets).toEqual([next, former]);
  });

  test('opens no longer than its cookies are good for, of so many at a time', async () => {
    const { domain, rotate, told } = await world({ ...COOKIES, cookieAgeMs: 60_000 });
    for (let turn = 0; turn < 6; turn++) expect(rotate()).toMatchObject({ ok: true });
    expect(told()[0]).toHaveLength(7);
    expect(rotate()).toMatchObject({
      code: 'NOT_READY',
      message: expect.stringMatching(/^6 former secrets/),
    });
    domain.nowMs += 60_000 + 11 * 60_000;
    domain.give({ type: 'event', severity: 'info', message: '' } as never);
    expect(domain.rows('secrets')[0]?.secrets).toHaveLength(1);
    expect(told()[0]).toHaveLength(1);
    expect(rotate()).toMatchObject({ ok: true });
  });

  test('goes with the pool, or with its cookies', async () => {
    const { domain, apply, told } = await world();
    apply(null);
    expect(domain.rows('secrets')).toEqual([]);
    expect(told()).toEqual([undefined, undefined]);
  });
});
