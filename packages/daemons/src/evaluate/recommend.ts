// SPDX-License-Identifier: Apache-2.0
import type { MechanismResult, Promised } from './result.ts';

export const OBJECTIVES = ['no-loss', 'low-latency', 'low-cost', 'survives-all'] as const;
export type Objective = (typeof OBJECTIVES)[number];

/** What a recommendation goes by. */
export type Judged = Promised &
  Pick<MechanismResult, 'answerMs' | 'octetsPerUpdate' | 'cpuUsPerUpdate' | 'lost' | 'refused'>;

export interface Recommendation {
  readonly objective: Objective;
  /** The objective in a sentence. */
  readonly asks: string;
  /** Null: none of them meets it. */
  readonly recommended: string | null;
  readonly why: readonly string[];
  /** What has to be so before it can be had. */
  readonly but: string | null;
  /** Lines below `sharing:` in the pool's declaration; null: nothing to declare. */
  readonly sharing: string | null;
  /** All others, each with what speaks against it. */
  readonly others: readonly { readonly name: string; readonly why: string }[];
}

/** What a mechanism must be; the reason why it is not. */
type Rule = (judged: Judged) => string | null;

/** What less of is better. Values this close to the least count as equal: measurements are not finer. */
interface Criterion {
  readonly of: (judged: Judged) => number;
  /** Larger of both. */
  readonly margin: { readonly part: number; readonly least: number };
  /** As much of it as `none` has is the machine's own, and as much of a difference says nothing. */
  readonly isOfMachine?: boolean;
  readonly says: (value: number) => string;
  /** `says` is no measurement. */
  readonly isWord?: boolean;
}

const LOSES = {
  nothing: 'by its nature it loses nothing that was let out',
  bounded: 'it may lose what its bound allows',
  unbounded: 'what it may lose has no bound',
  everything: 'it loses everything',
} as const;
const RANKS = { nothing: 0, bounded: 1, unbounded: 2, everything: 3 } as const;

const promisesNoLoss: Rule = ({ loses }) => (loses === 'nothing' ? null : LOSES[loses]);
const lostNothing: Rule = ({ lost }) =>
  lost.letOut.most === 0
    ? null
    : `it lost ${lost.letOut.most} updates that had been let out, against its promise`;
const losesWithinBound: Rule = ({ loses }) => (RANKS[loses] <= RANKS.bounded ? null : LOSES[loses]);
const keepsSomething: Rule = ({ loses }) => (loses === 'everything' ? LOSES[loses] : null);
const survivesAll: Rule = (judged) =>
  judged.survivesAll ? null : 'with all of its processes gone at once the state is gone';
const refusedNothing: Rule = ({ refused }) =>
  refused === 0 ? null : `it refused ${refused} updates of this workload`;

const shown = (value: number): string => String(Number(value.toPrecision(3)));

const typicalAnswer: Criterion = {
  of: ({ answerMs }) => answerMs.p50,
  margin: { part: 0.1, least: 0.1 },
  isOfMachine: true,
  says: (value) => `its answers take ${shown(value)} ms at the median`,
};
const slowAnswer: Criterion = {
  of: ({ answerMs }) => answerMs.p99,
  margin: { part: 0.3, least: 1 },
  isOfMachine: true,
  says: (value) => `99 of 100 of its answers take ${shown(value)} ms at most`,
};
const loss: Criterion = {
  of: ({ loses }) => RANKS[loses],
  margin: { part: 0, least: 0 },
  says: (rank) => Object.values(LOSES)[rank] ?? '',
  isWord: true,
};
const processors: Criterion = {
  of: ({ cpuUsPerUpdate }) => cpuUsPerUpdate.holder + cpuUsPerUpdate.standbys,
  margin: { part: 0.15, least: 2 },
  says: (value) => `an update takes ${shown(value)} µs of all processors`,
};
const octets: Criterion = {
  of: ({ octetsPerUpdate }) => octetsPerUpdate.wire + octetsPerUpdate.file,
  margin: { part: 0.05, least: 8 },
  says: (value) => `an update takes ${Math.round(value)} octets on the wire and to disk`,
};

const TABLE: Readonly<
  Record<
    Objective,
    { readonly asks: string; readonly rules: readonly Rule[]; readonly criteria: readonly Criterion[] }
  >
> = {
  'no-loss': {
    asks: 'nothing that was let out may be lost with one instance; then the quickest answers',
    rules: [promisesNoLoss, lostNothing, refusedNothing],
    criteria: [typicalAnswer, slowAnswer, processors, octets],
  },
  'low-latency': {
    asks: 'the quickest answers; a loss may be, within a bound',
    rules: [losesWithinBound, refusedNothing],
    criteria: [typicalAnswer, slowAnswer, loss, processors, octets],
  },
  'low-cost': {
    asks: 'the least processor time, then the least traffic; a loss may be, but not of everything',
    rules: [keepsSomething, refusedNothing],
    criteria: [processors, octets, loss, typicalAnswer],
  },
  'survives-all': {
    asks: 'the state is there after all instances were gone at once; then the least loss',
    rules: [survivesAll, refusedNothing],
    criteria: [loss, typicalAnswer, slowAnswer, processors],
  },
};

/**
 * Chooses for an objective: those that meet its rules; of them, where there is one, those that need nothing besides nodes and that
 * agents carry out; of these what is best by its first criterion, of equals by the next one, and at the end by name. The order in
 * which they are given makes no difference.
 */
export function recommend(judged: readonly Judged[], objective: Objective): Recommendation {
  const { asks, rules, criteria } = TABLE[objective];
  const others = new Map<string, string>();
  const drop = (from: readonly Judged[], why: (each: Judged) => string | null): Judged[] =>
    from.filter((each) => {
      const reason = why(each);
      if (reason !== null) others.set(each.name, reason);
      return reason === null;
    });
  const byName = judged.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const able = drop(byName, (each) => rules.map((rule) => rule(each)).find((why) => why !== null) ?? null);
  const isPlain = able.some((each) => reservationOf(each) === null);
  let left = isPlain
    ? drop(able, (each) => {
        const reservation = reservationOf(each);
        return reservation === null ? null : `${reservation}; else it could be had too`;
      })
    : able;
  const deciding: { readonly criterion: Criterion; readonly least: number }[] = [];
  for (const criterion of left.length === 0 ? [] : criteria) {
    const { of, margin, says, isWord, isOfMachine } = criterion;
    const least = Math.min(...left.map(of));
    const limit =
      least +
      Math.max(margin.least, margin.part * Math.abs(least), isOfMachine === true ? noiseOf(judged, of) : 0);
    const before = left.length;
    const against = isWord === true ? '' : `, against ${shown(least)}`;
    left = drop(left, (each) => (of(each) <= limit ? null : `${says(of(each))}${against}`));
    if (left.length < before || criterion === criteria[0]) deciding.push({ criterion, least });
  }
  const [chosen, ...equal] = left;
  for (const { name } of equal) others.set(name, `as good as ${chosen?.name} by all that counts here`);
  const ordered = judged.flatMap(({ name }) => {
    const reason = others.get(name);
    return reason === undefined ? [] : [{ name, why: reason }];
  });
  if (chosen === undefined)
    return { objective, asks, recommended: null, why: [], but: null, sharing: null, others: ordered };
  return {
    objective,
    asks,
    recommended: chosen.name,
    why: [
      ...rules.flatMap((rule) => praise.get(rule)?.(chosen) ?? []),
      ...deciding.map(({ criterion, least }) => praiseOf(chosen, criterion, least)),
      ...(able.length === 1 ? ['no other one can'] : []),
    ],
    but: reservationOf(chosen),
    sharing: chosen.sharing,
    others: ordered,
  };
}

function noiseOf(judged: readonly Judged[], of: Criterion['of']): number {
  const none = judged.find(({ method }) => method === 'none');
  return none === undefined ? 0 : of(none);
}

/** What can be said of whoever passed a rule. */
const praise: ReadonlyMap<Rule, (judged: Judged) => string> = new Map<Rule, (judged: Judged) => string>([
  [promisesNoLoss, ({ loses }) => LOSES[loses]],
  [lostNothing, ({ lost }) => `it lost nothing at ${lost.letOut.samples} kills`],
  [losesWithinBound, ({ loses }) => (loses === 'bounded' ? 'what it may lose has a bound' : LOSES[loses])],
  [survivesAll, () => 'the state is there without any of its processes'],
]);

function praiseOf(chosen: Judged, { of, says, isWord }: Criterion, least: number): string {
  const value = of(chosen);
  const isLeast = isWord === true || shown(value) === shown(least);
  return isLeast ? says(value) : `${says(value)}: for all that can be told as good as ${shown(least)}`;
}

/** What has to be so before it can be had. */
function reservationOf({ needs, sharing }: Judged): string | null {
  if (sharing === null) return 'node agents do not carry it out yet';
  return needs === null ? null : `it needs ${needs}`;
}
