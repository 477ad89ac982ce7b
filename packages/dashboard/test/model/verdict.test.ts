// SPDX-License-Identifier: Apache-2.0
import type { Health, PoolView } from '@vnfpool/core/management';
import { describe, expect, test } from 'vitest';
import { explanationKey, judge } from '../../src/model/verdict.ts';
import { Scenario } from '../support/scenario.ts';

const [model] = new Scenario(0).state(0).pools;

function pools(healths: Record<string, Health>): PoolView[] {
  if (model === undefined) throw new Error('the scenario has no pool');
  return Object.entries(healths).map(([name, health]) => ({ ...model, name, health }));
}

describe('the verdict', () => {
  test.each([
    [{}, 'down', 'No pool is declared yet.'],
    [{ web: 'whole' }, 'whole', 'web is whole.'],
    [{ web: 'whole', calc: 'whole' }, 'whole', 'web and calc are whole.'],
    [{ web: 'degraded', calc: 'whole' }, 'degraded', 'web serves with less redundancy than declared.'],
    [
      { web: 'degraded', calc: 'down' },
      'down',
      'calc is down; web serves with less redundancy than declared.',
    ],
  ] as const)('of %j is %s', (healths, health, text) => {
    expect(judge(pools(healths))).toEqual({ health, text });
  });

  test('an explanation becomes stale with a failover of its own pool only', () => {
    const scenario = new Scenario(0);
    const before = scenario.state(0);
    scenario.failOver('web', 10, 'handover');
    const after = scenario.state(10);
    expect(explanationKey(after, 'web')).not.toBe(explanationKey(before, 'web'));
    expect(explanationKey(after, 'calc')).toBe(explanationKey(before, 'calc'));
  });
});
