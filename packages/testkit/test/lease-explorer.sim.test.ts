// SPDX-License-Identifier: Apache-2.0
import { LeaseRules } from '@vnfpool/core/lease';
import { type ExplorerOptions, explore, PROFILES } from '@vnfpool/testkit/lease-explorer';
import { BROKEN_AGENTS, LEASE_MUTATIONS } from '@vnfpool/testkit/lease-world';
import { main } from '@vnfpool/testkit/sim';
import { afterEach, describe, expect, test, vi } from 'vitest';

/** Steps on every path that the standard run follows to the end; `npm run sim -- --explore` goes further. */
const COVERED: Readonly<Record<string, number>> = {
  takeover: 6,
  renewal: 6,
  'renewal and pause': 6,
  drift: 7,
  rivals: 6,
  restart: 5,
  'two restarts': 5,
  pause: 5,
  duplicate: 5,
  order: 5,
  'order and restart': 5,
  'order and pause': 5,
  heir: 5,
  'heir and rival': 5,
  'heir and restart': 4,
  birth: 5,
  'birth and restart': 5,
  'two slots': 5,
  everything: 4,
};

/** Where each broken rule is found out, and by a path of how many steps at most. */
const FOUND: Readonly<Record<string, readonly [profile: string, steps: number]>> = {
  'no muteness after a restart': ['restart', 6],
  'promises forgotten at a restart': ['restart', 4],
  'an equal round promised twice': ['birth', 3],
  'a release that is not final': ['order', 7],
  'acting again after a release was sent': ['order', 6],
  'lease counted from the answer': ['renewal', 8],
  "an heir's lease counted from the word": ['heir', 7],
  'two values in one round': ['order', 1],
  'drift margin forgotten': ['drift', 5],
  'fence opened before the grant': ['birth', 6],
  'a member counted twice': ['birth', 4],
  'answers added up across serials': ['renewal', 8],
};

/** Broken rules that no path of the explorer can show, and why; the lease world finds them. */
const OUT_OF_REACH: Readonly<Record<string, string>> = {
  'a wrong clock relied on': 'no path is long enough to measure the rate of a clock',
  'council changed without floor and muteness': 'the council stays the same on every path',
  'answers of another council count': 'the council stays the same on every path',
  'no waiting after a forced decision': 'nobody decides for the dead on any path',
  'nothing known after a forced decision taken for a birth': 'nobody decides for the dead on any path',
  'handed on before the fence is closed': 'a hand-over has more steps than a search comes to',
  "what is reserved taken for the successor's own": 'a hand-over has more steps than a search comes to',
  'a lease that was let go of for an heir given to others': 'it takes more than the seven steps of a search',
  'tries within a lease that was handed on to an heir': 'it takes more than the seven steps of a search',
  'a word that comes late declined once more': 'two functions have to end, in a council of five',
  'followed by one that the list does not have': 'every candidate is listed on every path',
};

function told(result: { readonly ok: boolean; readonly trace: readonly string[] }): string {
  return result.ok ? 'ok' : result.trace.join('\n');
}

describe('every path of the lease engines', () => {
  test.each(Object.entries(COVERED))('%s: keeps the promises for %i steps', async (name, depthMax) => {
    const result = await explore({ ...PROFILES[name], depthMax });
    expect(told(result)).toBe('ok');
    expect(result).toMatchObject({ isComplete: true, depth: depthMax });
    expect(result.states).toBeGreaterThan(1000);
  });

  test('every profile is searched', () => {
    expect(Object.keys(COVERED).toSorted()).toEqual(Object.keys(PROFILES).toSorted());
  });
});

describe('the explorer finds', () => {
  test.each(Object.entries(FOUND))('%s', async (name, [profile, depthMax]) => {
    const rules = LEASE_MUTATIONS.get(name) ?? new LeaseRules();
    expect((await explore({ ...PROFILES[profile], rules, depthMax })).violation).toBeDefined();
  });

  test('every broken rule but those that are out of its reach', () => {
    const named = [...Object.keys(FOUND), ...Object.keys(OUT_OF_REACH)];
    expect(named.toSorted()).toEqual([...LEASE_MUTATIONS.keys()].toSorted());
  });

  test.each(Object.entries(OUT_OF_REACH))('not %s: %s', async (name) => {
    const rules = LEASE_MUTATIONS.get(name) ?? new LeaseRules();
    const states = { ...PROFILES['everything'], depthMax: 3 };
    // Not even what it sees is another one.
    expect(await explore({ ...states, rules })).toEqual(await explore(states));
  });

  test.each([
    ['answers before they are durable', 'takeover', 1],
    ['a fence that outlasts its lease', 'drift', 5],
    ['muteness counted from before the end of the former process', 'restart', 6],
  ])('an agent with %s', async (name, profile, depthMax) => {
    const manners = BROKEN_AGENTS.get(name) ?? {};
    expect((await explore({ ...PROFILES[profile], manners, depthMax })).violation).toBeDefined();
  });

  test('a fence with a relative timeout reopened by a late write', async () => {
    const result = await explore({
      ...PROFILES['renewal and pause'],
      fence: 'relative',
      depthMax: 8,
      statesMax: 1_500_000,
    });
    expect(result.violation).toMatch(/fences of .* open at nodes/);
  });
});

describe('the explorer', () => {
  const rules = LEASE_MUTATIONS.get('drift margin forgotten');
  const broken: ExplorerOptions = { ...PROFILES['drift'], depthMax: 6, ...(rules && { rules }) };

  test('shows a shortest path, one line a step, the same each time', async () => {
    const result = await explore(broken);
    const steps = result.trace.filter((line) => /^ ?\d/.test(line));
    expect(steps.map((line) => line.replace(/.* ms {2}/, ''))).toEqual([
      'node 2 its timer',
      expect.stringMatching(/^node 3 hears from 2: a1 prepare round 2/),
      expect.stringMatching(/^node 2 hears from 3: a1 promise round 2/),
      expect.stringMatching(/^node 3 hears from 2: a1 accept round 2/),
      expect.stringMatching(/^node 2 hears from 3: a1 accepted round 2/),
    ]);
    expect(result.trace.at(-1)).toContain('open at nodes 1 and 2');
    expect(await explore(broken)).toEqual(result);
  });

  test('keeps to its bound of states and says that it left some out', async () => {
    const result = await explore({ ...PROFILES['rivals'], depthMax: 30, statesMax: 5000 });
    expect(result).toMatchObject({ ok: true, isComplete: false, states: 5000 });
  });

  test('ends when it is told to', async () => {
    const ended = new AbortController();
    const sofar: number[] = [];
    const result = await explore({
      ...PROFILES['rivals'],
      depthMax: 30,
      signal: ended.signal,
      progress: ({ states }) => {
        sofar.push(states);
        if (sofar.length === 3) ended.abort();
      },
    });
    expect(result).toMatchObject({ ok: true, isComplete: false });
    expect(sofar).toHaveLength(3);
    expect(sofar).toEqual(sofar.toSorted((a, b) => a - b));
  });
});

describe('npm run sim -- --explore', () => {
  afterEach(() => vi.restoreAllMocks());

  async function run(...args: readonly string[]): Promise<{ code: number; said: string }> {
    const lines: unknown[] = [];
    for (const stream of ['log', 'error'] as const) {
      vi.spyOn(console, stream).mockImplementation((line) => lines.push(line));
    }
    return { code: await main(['--explore', ...args]), said: lines.join('\n') };
  }

  test('tells how far it came', async () => {
    const { code, said } = await run('--profile', 'drift', '--depth', '3');
    expect(said).toMatch(/^drift: no violation on any path of 3 steps \(\d+ states/);
    expect(code).toBe(0);
  });

  test('shows the path to a violation', async () => {
    const { code, said } = await run('--profile', 'drift', '--mutation', 'drift margin forgotten');
    expect(said).toContain('drift: fences of 00000000000000a1 open at nodes 1 and 2 after 5 steps');
    expect(said).toContain('ms  node 2 its timer');
    expect(code).toBe(1);
  });

  test.each([
    ['a profile that there is not', ['--profile', 'none'], 'no profile none'],
    ['a mutation that there is not', ['--mutation', 'none'], 'no mutation none'],
    ['a depth that is none', ['--depth', '0'], '--depth takes a whole number above 0'],
    ['an option that there is not', ['--seeds', '3'], "Unknown option '--seeds'"],
  ])('refuses %s', async (_, args, reason) => {
    const { code, said } = await run(...args);
    expect(said).toContain(reason);
    expect(code).toBe(2);
  });
});
