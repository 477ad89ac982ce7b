// SPDX-License-Identifier: Apache-2.0
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import type { Mechanism } from './mechanism.ts';
import { type MechanismResult, resultOf } from './result.ts';
import { type Run, runOnce } from './run-once.ts';
import { SeededRandom } from './seeded-random.ts';
import type { Workload } from './workload.ts';

export interface EvaluationOptions {
  /** The first, if it is `none`, is what the others are compared with. */
  readonly mechanisms: readonly Mechanism[];
  readonly workload: Workload;
  /** Moments of the kills. */
  readonly seed: number;
  /** Of each mechanism. */
  readonly runs: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** One way between the processes of a mechanism. */
  readonly delayMs: number;
  readonly signal: AbortSignal;
  /** Before each run. */
  readonly onRun: (run: { readonly number: number; readonly of: number; readonly mechanism: string }) => void;
}

export interface Evaluation {
  readonly machine: {
    readonly cores: number;
    readonly model: string;
    readonly kernel: string;
    readonly node: string;
    /** Processes that wanted to run in the minute before, on the average. */
    readonly load: number;
  };
  readonly workload: string;
  readonly runs: number;
  readonly measureMs: number;
  readonly delayMs: number;
  readonly results: readonly MechanismResult[];
  /** Those that cannot carry this workload. */
  readonly unfit: readonly { readonly name: string; readonly reason: string }[];
}

/** A kill comes so long after the measurement. */
const KILL_MS = [50, 1_050] as const;
const NUMBER_OCTETS = 4;

/**
 * Runs each mechanism as often as asked, one at a time. They take turns, and begin with another one in each turn, so that what else the
 * machine does meets all of them alike; the kills of one turn come at the same moment of the workload.
 * @throws EvaluationError; the signal's reason
 */
export async function evaluate(options: EvaluationOptions): Promise<Evaluation> {
  const { workload, warmUpMs, measureMs, delayMs, signal } = options;
  const random = new SeededRandom(options.seed);
  // Its load before there is any of ours.
  const where = machine();
  const unfit = options.mechanisms.flatMap((mechanism) => {
    const reason = whyUnfit(mechanism, workload);
    return reason === null ? [] : [{ name: mechanism.name, reason }];
  });
  const fit = options.mechanisms.filter(({ name }) => unfit.every((each) => each.name !== name));
  const runs = new Map<Mechanism, Run[]>(fit.map((mechanism) => [mechanism, []]));
  const of = options.runs * fit.length;
  let number = 0;
  for (let turn = 0; turn < options.runs; turn++) {
    const killAfterMs = random.between(...KILL_MS);
    for (let at = 0; at < fit.length; at++) {
      const mechanism = fit[(turn + at) % fit.length] as Mechanism;
      number += 1;
      options.onRun({ number, of, mechanism: mechanism.name });
      runs
        .get(mechanism)
        ?.push(await runOnce({ mechanism, workload, warmUpMs, measureMs, killAfterMs, delayMs, signal }));
    }
  }
  const [first] = fit;
  const reference =
    first?.method === 'none' ? resultOf(first, runs.get(first) as readonly Run[], null) : null;
  return {
    machine: where,
    workload: workload.summary,
    runs: options.runs,
    measureMs,
    delayMs,
    results: [...runs].map(([mechanism, its]) => resultOf(mechanism, its, reference)),
    unfit,
  };
}

function whyUnfit(mechanism: Mechanism, { name, octetsMax }: Workload): string | null {
  const { valueOctetsMax } = mechanism;
  const reason = mechanism.whyNot?.(name) ?? null;
  if (reason !== null) return reason;
  const octets = octetsMax + NUMBER_OCTETS;
  return valueOctetsMax === undefined || octets <= valueOctetsMax
    ? null
    : `it carries values of at most ${valueOctetsMax} octets, and here are some of ${octets}`;
}

function machine(): Evaluation['machine'] {
  return {
    cores: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    kernel: release(),
    node: process.versions.node,
    load: loadavg()[0] ?? 0,
  };
}
