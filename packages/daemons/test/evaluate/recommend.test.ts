// SPDX-License-Identifier: Apache-2.0
import { readDeclaration } from '@vnfpool/runtime/declaration';
import { describe, expect, test } from 'vitest';
import { MECHANISMS } from '../../src/evaluate/mechanisms/index.ts';
import { type Judged, OBJECTIVES, recommend } from '../../src/evaluate/recommend.ts';
import type { Spread } from '../../src/evaluate/statistics.ts';

const spread = (p50: number, most = p50): Spread => ({ p50, p99: most, most, samples: 3 });

interface Figures {
  readonly answer: readonly [number, number];
  readonly cpu: readonly [number, number];
  readonly wire: number;
  readonly lost: number;
}

/** As measured somewhere, rounded. */
const figures: Readonly<Record<string, Figures>> = {
  none: { answer: [0.2, 3], cpu: [40, 0], wire: 0, lost: 12_000 },
  'replicate bounded': { answer: [0.3, 4], cpu: [90, 55], wire: 72, lost: 8 },
  'replicate acknowledged': { answer: [0.33, 4], cpu: [90, 57], wire: 72, lost: 9 },
  'replicate held': { answer: [2.5, 6], cpu: [97, 61], wire: 73, lost: 0 },
  gossip: { answer: [0.2, 3], cpu: [66, 55], wire: 208, lost: 120 },
  cookie: { answer: [0.3, 4], cpu: [93, 0], wire: 103, lost: 0 },
};

function judged(name: string, change: Partial<Judged> = {}): Judged {
  const mechanism = MECHANISMS.find((each) => each.name === name);
  const measured = figures[name];
  if (mechanism === undefined || measured === undefined) throw new Error(`there is no ${name}`);
  return {
    ...mechanism,
    answerMs: spread(...measured.answer),
    octetsPerUpdate: { wire: measured.wire, file: 0 },
    cpuUsPerUpdate: { holder: measured.cpu[0], standbys: measured.cpu[1], added: null },
    lost: { letOut: spread(measured.lost), keys: spread(measured.lost), unanswered: spread(0) },
    refused: 0,
    ...change,
  };
}

const all = Object.keys(figures).map((name) => judged(name));
const whyNot = (of: readonly Judged[], objective: (typeof OBJECTIVES)[number], name: string): string =>
  recommend(of, objective).others.find((each) => each.name === name)?.why ?? '';

describe('for each objective', () => {
  test.each([
    ['no-loss', 'replicate held'],
    ['low-latency', 'replicate acknowledged'],
    ['low-cost', 'replicate held'],
    ['survives-all', 'cookie'],
  ] as const)('%s: %s', (objective, name) => {
    const told = recommend(all, objective);
    expect(told.recommended).toBe(name);
    expect(told).toMatchSnapshot();
  });

  test('each is either recommended or told why not, and the order makes no difference', () => {
    for (const objective of OBJECTIVES) {
      const told = recommend(all, objective);
      const names = [told.recommended, ...told.others.map(({ name }) => name)];
      expect(names).toHaveLength(all.length);
      expect(new Set(names)).toEqual(new Set(all.map(({ name }) => name)));
      const turned = recommend(all.toReversed(), objective);
      expect({ ...turned, others: turned.others.toReversed() }).toEqual(told);
    }
  });
});

describe('rules', () => {
  test('a promise that was not kept counts for nothing', () => {
    const broken = judged('replicate held', {
      lost: { letOut: spread(0, 3), keys: spread(0, 3), unanswered: spread(0) },
    });
    const rest = all.filter(({ name }) => name !== 'replicate held');
    expect(recommend([...rest, broken], 'no-loss').recommended).toBe('cookie');
    expect(whyNot([...rest, broken], 'no-loss', 'replicate held')).toBe(
      'it lost 3 updates that had been let out, against its promise',
    );
  });

  test('that a bound lost nothing once is no promise', () => {
    const lucky = judged('replicate bounded', {
      lost: { letOut: spread(0), keys: spread(0), unanswered: spread(0) },
    });
    expect(recommend([lucky], 'no-loss').recommended).toBeNull();
    expect(whyNot([lucky], 'no-loss', 'replicate bounded')).toBe('it may lose what its bound allows');
  });

  test('what refuses updates is not recommended', () => {
    const refusing = judged('replicate held', { refused: 2 });
    expect(whyNot([refusing], 'no-loss', 'replicate held')).toBe('it refused 2 updates of this workload');
  });

  test('what needs more than nodes is taken where nothing else can, and says so', () => {
    const told = recommend([judged('none'), judged('cookie')], 'no-loss');
    expect([told.recommended, told.but]).toEqual(['cookie', 'it needs users with RSerPool sessions']);
    expect(whyNot(all, 'no-loss', 'cookie')).toBe(
      'it needs users with RSerPool sessions; else it could be had too',
    );
  });

  test('slow answers decide only where they are slower than by the machine alone', () => {
    const slow = judged('replicate bounded', { answerMs: spread(0.3, 9) });
    const quick = judged('replicate acknowledged', { answerMs: spread(0.3, 4) });
    expect(whyNot([quick, slow], 'low-latency', 'replicate bounded')).toBe(
      '99 of 100 of its answers take 9 ms at most, against 4',
    );
    const noisy = judged('none', { answerMs: spread(0.2, 20) });
    expect(whyNot([noisy, quick, slow], 'low-latency', 'replicate bounded')).toBe(
      'as good as replicate acknowledged by all that counts here',
    );
  });

  test('without anything there is nothing', () => {
    expect(recommend([], 'low-cost')).toMatchObject({ recommended: null, sharing: null, others: [] });
  });
});

test.each(MECHANISMS.filter(({ sharing }) => sharing !== null).map((each) => [each.name, each.sharing]))(
  'what is printed for %s can be declared',
  (name, sharing) => {
    const states: Readonly<Record<string, string>> = {
      conntrack: '{ via: conntrack }',
      gossip: '{ via: socket, merges: true, format: kv/1 }',
    };
    const state = states[name] ?? '{ via: socket, shares: true, format: kv/1 }';
    const redundancy = name === 'gossip' ? '{ model: n-way, slots: 3, instances: 3 }' : '{ model: 1+1 }';
    const text = `set: s
nodes: [a, b, c]
stores: { main: ${name.startsWith('shared') ? 'redis://store' : 'file:///mnt/shared'} }
pools:
  kv:
    function: { program: /usr/bin/kv, port: 7000, state: ${state} }
    redundancy: ${redundancy}
    sharing:
${(sharing as string)
  .split('\n')
  .map((line) => `      ${line}`)
  .join('\n')}
`;
    const read = readDeclaration(text, 'set.yaml');
    expect('faults' in read ? read.faults : []).toEqual([]);
  },
);
