// SPDX-License-Identifier: Apache-2.0
import { readDeclaration } from '@vnfpool/runtime/declaration';
import { describe, expect, test } from 'vitest';

const file = (pool: string, set = ''): string => `
set: edge
nodes: [a, b, c]
${set}
pools:
  web:
    function: { program: web }
    redundancy: { slots: 1, standbys: 1 }
${pool}
`;

function read(pool: string, set = '') {
  const found = readDeclaration(file(pool, set), '/srv/set.yaml');
  if ('faults' in found) throw new Error(JSON.stringify(found.faults));
  return found.set;
}

function faults(pool: string, set = ''): string[] {
  const found = readDeclaration(file(pool, set), '/srv/set.yaml');
  return 'faults' in found ? found.faults.map(({ path, message }) => `${path}: ${message}`) : [];
}

describe('what is done about failures', () => {
  test('an old file means what it meant: nothing of it is there', () => {
    const set = read('');
    expect(set.pools[0]?.failover).toEqual({ leaseMs: 300 });
    expect(set.pools[0]).not.toHaveProperty('restart');
    expect(set).not.toHaveProperty('guard');
    // Neither is what says the same as nothing.
    expect(read('    restart: { inPlace: 0 }')).toEqual(set);
    expect(read('    failover: { failback: never, holdDown: 0ms }')).toEqual(set);
  });

  test('everything said', () => {
    const set = read(
      `    restart: { inPlace: 2, within: 60s, ready: 3s, elsewhere: 2m }
    failover:
      lease: 100ms
      flap: { penalty: 500, suppress: 1500, reuse: 700, halfLife: 30s }
      holdDown: 10s
      failback: { delayed: 30s }`,
      'guard: { share: 0.5, least: 3, within: 10s }',
    );
    expect(set.guard).toEqual({ share: 0.5, least: 3, withinMs: 10_000 });
    expect(set.pools[0]).toMatchObject({
      restart: { inPlace: 2, withinMs: 60_000, readyMs: 3_000, elsewhereMs: 120_000 },
      failover: {
        leaseMs: 100,
        flap: { penalty: 500, suppress: 1_500, reuse: 700, halfLifeMs: 30_000 },
        holdDownMs: 10_000,
        failback: { rule: 'delayed', delayMs: 30_000 },
      },
    });
  });

  test('a window of the day, also over midnight', () => {
    expect(read('    failover: { failback: { window: "22:30-04:05" } }').pools[0]?.failover.failback).toEqual(
      {
        rule: 'window',
        fromMinute: 1_350,
        toMinute: 245,
      },
    );
  });

  test.each([
    [
      'failover: { flap: { suppress: 1000 } }',
      'pools.web.failover.flap.reuse: must be below suppress (1000)',
    ],
    [
      'failover: { failback: { window: "02:00-02:00" } }',
      'pools.web.failover.failback.window: must not end as it begins',
    ],
    ['restart: { inPlace: -1 }', 'pools.web.restart.inPlace: '],
    [
      'restart: { elsewhere: 1s }',
      'pools.web.restart.elsewhere: must be never, or a duration with a unit (ms, s or m), from 5s to 1440m',
    ],
    ['restart: { inplace: 1 }', 'pools.web.restart'],
    [
      'failover: { failback: sometimes }',
      'pools.web.failover.failback: must be never, { delayed: 30s } or { window: "02:00-04:00" }',
    ],
    [
      'failover: { failback: { window: "25:00-26:00" } }',
      'pools.web.failover.failback.window: must be a time of day',
    ],
    ['failover: { failback: { delayed: 30 } }', 'pools.web.failover.failback.delayed: must be a duration'],
  ])('%s is refused where it stands', (text, message) => {
    expect(faults(`    ${text}`).join('\n')).toContain(message);
  });

  test.each(['guard: { share: 0 }', 'guard: { share: 2 }', 'guard: { least: 0 }', 'guard: { when: 1s }'])(
    '%s is refused',
    (text) => {
      expect(faults('', text)).toHaveLength(1);
    },
  );
});
