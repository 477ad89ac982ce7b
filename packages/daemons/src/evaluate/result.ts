// SPDX-License-Identifier: Apache-2.0
import type { Mechanism } from './mechanism.ts';
import type { Run } from './run-once.ts';
import { median, type Spread, spreadOf } from './statistics.ts';

/** What is known of a mechanism before it is measured. */
export type Promised = Pick<
  Mechanism,
  'name' | 'method' | 'standbys' | 'loses' | 'survivesAll' | 'needs' | 'sharing'
>;

/** What all runs of one mechanism came to. Times in ms, of processors in µs. */
export interface MechanismResult extends Promised {
  readonly runs: number;
  readonly updates: number;
  /** Of changes, from request to answer. */
  readonly answerMs: Spread;
  /** Of reads, which wait for what is not safe of their key; null: the workload has none. */
  readonly readMs: Spread | null;
  /** Of the median and of the 99th percentile, what they are above those of `none`; null: it was not measured. */
  readonly addedMs: { readonly p50: number; readonly p99: number } | null;
  /** Null: nothing is ever safe. */
  readonly lagMs: Spread | null;
  readonly lagUpdates: Spread | null;
  /** Written to sockets by all processes, cookies with them; to files. Answers themselves are left out. */
  readonly octetsPerUpdate: { readonly wire: number; readonly file: number };
  /** Median of the runs; `added`: of all processes, above those of `none`; null: it was not measured. */
  readonly cpuUsPerUpdate: {
    readonly holder: number;
    readonly standbys: number;
    readonly added: number | null;
  };
  /** By kill. */
  readonly lost: {
    readonly letOut: Spread;
    readonly keys: Spread;
    readonly unanswered: Spread;
  };
  readonly recoveryMs: Spread;
  /** Differs from `recoveryMs` where clients bring the state. */
  readonly wholeMs: Spread;
  readonly refused: number;
  /** What else happened, and how often in all runs. */
  readonly events: Readonly<Record<string, number>>;
}

/** @param runs At least one. */
export function resultOf(
  mechanism: Mechanism,
  runs: readonly Run[],
  reference: MechanismResult | null,
): MechanismResult {
  const { name, method, standbys, loses, survivesAll, needs, sharing } = mechanism;
  const all = <T>(read: (run: Run) => readonly T[]): T[] => runs.flatMap((run) => [...read(run)]);
  const each = (read: (run: Run) => number): Spread => spreadOf(runs.map(read)) as Spread;
  const perUpdate = (read: (run: Run) => number): number =>
    median(runs.map((run) => read(run) / Math.max(1, run.updates)));
  const answerMs = spreadOf(all(({ answersMs }) => answersMs)) ?? NOTHING;
  const holder = perUpdate(({ holderCpuUs }) => holderCpuUs);
  const ofStandbys = perUpdate(({ standbyCpuUs }) => standbyCpuUs);
  const events: Record<string, number> = {};
  for (const run of runs) for (const [what, times] of run.events) events[what] = (events[what] ?? 0) + times;
  return {
    name,
    method,
    standbys,
    loses,
    survivesAll,
    needs,
    sharing,
    runs: runs.length,
    updates: runs.reduce((sum, { updates }) => sum + updates, 0),
    answerMs,
    readMs: spreadOf(all(({ readsMs }) => readsMs)),
    addedMs: reference && {
      p50: answerMs.p50 - reference.answerMs.p50,
      p99: answerMs.p99 - reference.answerMs.p99,
    },
    lagMs: spreadOf(all(({ lag }) => lag?.ms ?? [])),
    lagUpdates: spreadOf(all(({ lag }) => lag?.updates ?? [])),
    octetsPerUpdate: {
      wire: perUpdate(({ wireOctets }) => wireOctets),
      file: perUpdate(({ fileOctets }) => fileOctets),
    },
    cpuUsPerUpdate: {
      holder,
      standbys: ofStandbys,
      added:
        reference &&
        holder + ofStandbys - reference.cpuUsPerUpdate.holder - reference.cpuUsPerUpdate.standbys,
    },
    lost: {
      letOut: each(({ loss }) => loss.letOut),
      keys: each(({ loss }) => loss.keys),
      unanswered: each(({ loss }) => loss.unanswered),
    },
    recoveryMs: each(({ recoveryMs }) => recoveryMs),
    wholeMs: each(({ wholeMs }) => wholeMs),
    refused: runs.reduce((sum, { refused }) => sum + refused, 0),
    events,
  };
}

/** No answer came in time. */
const NOTHING: Spread = { p50: Number.NaN, p99: Number.NaN, most: Number.NaN, samples: 0 };
