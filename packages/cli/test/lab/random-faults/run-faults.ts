// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import { SeededRandom } from '@vnfpool/testkit/lease-world';
import { slotOf } from '../running-set.ts';
import { NODES } from './echo-set.ts';
import { FAULTS, type Fault, type Holder } from './faults.ts';
import { type Run, strayRun } from './frame-order.ts';
import { drawnInRounds, endOfStretch, kindAt, type SetKind } from './set-kinds.ts';
import { Stage } from './stage.ts';
import { type Takeover, takeoversOf } from './takeovers.ts';

export interface FaultPlan {
  /** Equal seeds give the same faults, in the same order, of the same kinds of sets. */
  readonly seed: number;
  /** Number of the first fault, from 1. Each has random numbers of its own, so that one can be done again alone. */
  readonly from: number;
  readonly count: number;
  /** Default: all that there are. */
  readonly faults?: readonly Fault[];
  /** One for all faults; default: another one every few faults, by the seed. */
  readonly kind?: SetKind;
  readonly say: (line: string) => void;
}

export interface FaultResult {
  readonly number: number;
  readonly kind: string;
  readonly fault: string;
  readonly forMs: number;
  readonly from: Holder;
  /** Nodes that took the slot in the course of it, with how the one before became silent. */
  readonly takers: readonly string[];
  /** The longest time that one of the addresses gave no answer. */
  readonly outageMs: number;
  /** Why this is not as it must be; undefined: it is. */
  readonly violation: string | undefined;
}

const NOTICED_MS = 500;
const LATE_LOG_MS = 1_000;

/**
 * Breaks running sets at random, one fault at a time, and looks on: probes ask the addresses, one datagram a millisecond, and
 * nobody may say anything on a bridge in the name of one of them after somebody else has taken the slot. Ends at the first
 * violation.
 */
export async function runFaults(plan: FaultPlan): Promise<FaultResult[]> {
  const { seed, from, count } = plan;
  const results: FaultResult[] = [];
  const last = from + count - 1;
  for (let number = from; number <= last; ) {
    const kind = plan.kind ?? kindAt(seed, number);
    const end = plan.kind === undefined ? Math.min(last, endOfStretch(number)) : last;
    results.push(...(await runStretch(plan, kind, number, end)));
    if (results.at(-1)?.violation !== undefined) break;
    number = end + 1;
  }
  return results;
}

/** Faults with these numbers, all done to one set. */
async function runStretch(
  { seed, faults = FAULTS, say }: FaultPlan,
  kind: SetKind,
  from: number,
  to: number,
): Promise<FaultResult[]> {
  const stage = await Stage.open(kind);
  const results: FaultResult[] = [];
  try {
    for (let number = from; number <= to; number++) {
      const random = new SeededRandom(seed * 100_000 + number);
      const fault = drawnInRounds(faults, number - 1, (round) => new SeededRandom(seed * 1_000 + round));
      try {
        if (number === from) await stage.proveSight();
        results.push(await oneFault(stage, random, number, fault));
      } catch (error) {
        results.push(broken(stage, number, fault, error));
      }
      const result = results.at(-1);
      if (result) say(lineOf(result));
      if (result?.violation !== undefined) break;
    }
    return results;
  } finally {
    await stage.close();
  }
}

/** The fault could not be done, or the set did not get over it. */
function broken({ kind }: Stage, number: number, fault: Fault, error: unknown): FaultResult {
  return {
    number,
    kind: kind.name,
    fault: fault.name,
    forMs: 0,
    from: { instance: '?', node: '?', pid: 0 },
    takers: [],
    outageMs: 0,
    violation: (error as Error).message,
  };
}

async function oneFault(
  stage: Stage,
  random: SeededRandom,
  number: number,
  fault: Fault,
): Promise<FaultResult> {
  const { set, kind, switches, capture } = stage;
  const { state: before, holder } = await stage.settled();
  // Who speaks now is the first in order; what was before has been judged.
  capture.take();
  stage.takeLongestMs();

  const forMs = Math.round(random.between(...fault.forMs));
  await struck(fault, forMs, { set, kind, switches, random, nodes: NODES, holder });

  // Until it is noticed, all looks well.
  await pause(NOTICED_MS);
  await stage.settled();
  const runs = capture.take();
  const former = slotOf(before, 'echo');
  let takeovers: Takeover[] = [];
  let stray: Run | undefined;
  for (let looked = 0; looked < 2; looked++) {
    // A node first speaks for the addresses and then writes down that it does.
    if (looked > 0) await pause(LATE_LOG_MS);
    takeovers = takeoversOf(set, NODES, former);
    stray = strayRun(runs, [holder.node, ...takeovers.map(({ node }) => node)]);
    if (stray === undefined) break;
  }
  const order = [holder.node, ...takeovers.map(({ node }) => node)];
  return {
    number,
    kind: kind.name,
    fault: fault.name,
    forMs,
    from: holder,
    takers: takeovers.map(({ node, fencedBy }) => `${node} (${fencedBy})`),
    outageMs: stage.takeLongestMs(),
    violation: stray && strayLine(stray, order),
  };
}

async function struck(fault: Fault, forMs: number, target: Parameters<Fault['strike']>[0]): Promise<void> {
  const undo = await fault.strike(target);
  try {
    await pause(forMs);
  } finally {
    await undo();
  }
}

function strayLine({ speaker, frames, firstAt, lastAt }: Run, order: readonly string[]): string {
  return `${frames} frames of ${speaker} from ${firstAt} to ${lastAt}, out of the order ${order.join(', ')}`;
}

function lineOf({ number, kind, fault, forMs, from, takers, outageMs, violation }: FaultResult): string {
  const lasted = forMs === 0 ? '' : ` for ${forMs} ms`;
  const went = takers.length === 0 ? 'stays' : `goes to ${takers.join(', then ')}`;
  const judged = violation === undefined ? '' : `; VIOLATION: ${violation}`;
  return `${number}: ${kind}: ${fault}${lasted}, ${from.instance} at ${from.node} ${went}, outage ${outageMs.toFixed(1)} ms${judged}`;
}

/** Outages by fault and by kind of set: how often, and the middle and longest one, ms. */
export function summaryOf(results: readonly FaultResult[]): string[] {
  const table = (what: 'fault' | 'kind'): string[] => {
    const names = [...new Set(results.map((result) => result[what]))].toSorted();
    return [
      `${what.padEnd(32)} ${'times'.padStart(6)} ${'median'.padStart(9)} ${'longest'.padStart(9)}`,
      ...names.map((name) => {
        const ofName = results.filter((result) => result[what] === name);
        const outages = ofName.map(({ outageMs }) => outageMs).toSorted((a, b) => a - b);
        const middle = outages[Math.floor((outages.length - 1) / 2)] ?? 0;
        const longest = outages.at(-1) ?? 0;
        return `${name.padEnd(32)} ${String(outages.length).padStart(6)} ${middle.toFixed(1).padStart(9)} ${longest.toFixed(1).padStart(9)}`;
      }),
    ];
  };
  return [...table('fault'), '', ...table('kind')];
}
