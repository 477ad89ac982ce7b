// SPDX-License-Identifier: Apache-2.0
import type { PoolView, UpgradeView } from '@vnfpool/core/management';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NOW } from '../../daemons/test/management-api/edge-state.ts';
import { Bench } from './fixtures/bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.make();
});

afterEach(() => bench.close());

const upgrade: UpgradeView = {
  state: 'going',
  reason: 'the function has changed',
  startedAt: NOW,
  goal: 'new',
  done: 1,
  total: 2,
  next: 'waits: web#2 has to prove itself',
  canRollBack: true,
  batch: 1,
  gateMs: 5_000,
  deadlineMs: 60_000,
  onFailure: 'rollback',
  instances: [
    { name: 'web#1', version: 'former', state: 'waiting' },
    { name: 'web#2', version: 'new', state: 'gate' },
  ],
};

function pools(change: Partial<UpgradeView> | null): { pools: PoolView[] } {
  const view = change === null ? null : { ...upgrade, ...change };
  return {
    pools: bench.backend.view.pools.map((pool) => (pool.name === 'web' ? { ...pool, upgrade: view } : pool)),
  };
}

describe('upgrade status', () => {
  test('shows how far it is, what comes next, and each instance', async () => {
    bench.backend.change(pools({}));
    expect(await bench.run(['upgrade', 'status', 'web'])).toEqual({
      code: 0,
      err: '',
      out: [
        'web: going, 1 of 2 run the new version (1 at a time, gate 5 s, on failure rollback)',
        '  because  the function has changed',
        '  next     waits: web#2 has to prove itself',
        '  web#1  former  waits for its turn',
        '  web#2  new     has to prove itself',
        '',
      ].join('\n'),
    });
    expect((await bench.run(['upgrade', 'status'])).out).toContain('calc: runs what is declared\n');
    expect((await bench.run(['status'])).out).toContain('UPGRADE\nweb: going');
  });

  test('of a pool that there is not is refused', async () => {
    expect(await bench.run(['upgrade', 'status', 'none'])).toMatchObject({
      code: 1,
      err: 'vnfpool: there is no pool none\n',
    });
    expect((await bench.run(['upgrade', 'status', '--follow'])).code).toBe(2);
  });

  test('follows until it is over, or has stopped', async () => {
    bench.backend.change(pools(null));
    expect(await bench.run(['upgrade', 'status', 'web', '--follow'])).toMatchObject({
      code: 0,
      out: 'web: runs what is declared\n',
    });
    bench.backend.change(pools({ state: 'stopped', reason: 'web#2 failed' }));
    expect(await bench.run(['upgrade', 'status', 'web', '--follow'])).toMatchObject({
      code: 1,
      err: 'vnfpool: web: stopped, 1 of 2 run the new version: web#2 failed\n',
    });
  });
});

describe('a word', () => {
  test('is passed on, and what comes of it shown', async () => {
    bench.backend.change(pools({}));
    expect(await bench.run(['upgrade', 'pause', 'web'])).toMatchObject({
      code: 0,
      out: 'web: the upgrade is paused\n',
    });
    const ask = bench.backend.upgrade.bind(bench.backend);
    bench.backend.upgrade = (request) => ask(request).finally(() => bench.backend.change(pools(null)));
    bench.backend.change(pools({ state: 'paused' }));
    const resumed = await bench.run(['upgrade', 'resume', 'web', '--no-wait']);
    expect(resumed).toMatchObject({ code: 0, out: 'web: the upgrade goes on\n' });
    expect(bench.backend.asked.map((call) => call.with)).toEqual([
      { pool: 'web', action: 'pause' },
      { pool: 'web', action: 'resume' },
    ]);
  });

  test('a roll-back that is waited for ends when the pool is back, with code 1, for it is not what is declared', async () => {
    bench.backend.change(pools({ state: 'rolled-back', goal: 'former', done: 2, reason: 'web#2 failed' }));
    expect(await bench.run(['upgrade', 'status', 'web', '--follow'])).toMatchObject({
      code: 1,
      err: 'vnfpool: web: rolled-back, 2 of 2 run the former version: web#2 failed\n',
    });
  });
});
