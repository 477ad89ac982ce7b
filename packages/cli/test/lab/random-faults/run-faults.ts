// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import type { StateView } from '@vnfpool/core/management';
import { SeededRandom } from '@vnfpool/testkit/lease-world';
import { instanceOf, isWhole, type RunningSet, slotOf } from '../running-set.ts';
import { until } from '../support.ts';
import { AddressProbe } from './address-probe.ts';
import { BridgeCapture } from './bridge-capture.ts';
import { ADDRESS, NODES, PORT, startEchoSet } from './echo-set.ts';
import { FAULTS, type Fault, type Holder } from './faults.ts';
import { type Run, strayRun } from './frame-order.ts';
import { macOf } from './node-link.ts';
import { type Takeover, takeoversOf } from './takeovers.ts';

export interface FaultPlan {
  /** Equal seeds give the same faults in the same order. */
  readonly seed: number;
  /** Number of the first fault, from 1. Each has random numbers of its own, so that one can be done again alone. */
  readonly from: number;
  readonly count: number;
  /** Default: all that there are. */
  readonly faults?: readonly Fault[];
  readonly say: (line: string) => void;
}

export interface FaultResult {
  readonly number: number;
  readonly fault: string;
  readonly forMs: number;
  readonly from: Holder;
  /** Nodes that took the slot in the course of it, with how the one before became silent. */
  readonly takers: readonly string[];
  /** The longest time that a 1 ms probe got no answer. */
  readonly outageMs: number;
  /** Why this is not as it must be; undefined: it is. */
  readonly violation: string | undefined;
}

/** How often it is waited again for a set that is whole: the machine may have much else to do. */
const PATIENCE = 3;

/** Answers that the probe has had from the holder when the set counts as settled, and how long it has for it. */
const ANSWERS = 50;
const SETTLED_MS = 120_000;

const NOTICED_MS = 500;
const LATE_LOG_MS = 1_000;

/**
 * Breaks a running set at random, one fault at a time, and looks on: a probe asks the address each millisecond, and
 * nobody may say anything on the bridge in the name of the address after somebody else has taken it. Ends at the first
 * violation.
 */
export async function runFaults({
  seed,
  from,
  count,
  faults = FAULTS,
  say,
}: FaultPlan): Promise<FaultResult[]> {
  const { set, end } = await startEchoSet();
  const probe = new AddressProbe(await set.pidOf('registrar'), ADDRESS, PORT);
  const capture = new BridgeCapture(set.labPid(), 'vnfpool', ADDRESS);
  const results: FaultResult[] = [];
  try {
    await Promise.all([probe.ready(), capture.listening()]);
    const macs = new Map<string, string>();
    for (const node of NODES) macs.set(node, await macOf(set, node));
    for (let number = from; number < from + count; number++) {
      const random = new SeededRandom(seed * 100_000 + number);
      const fault = faultOf(faults, seed, number);
      const result = await oneFault({ set, probe, capture, macs, random, number, fault }).catch(
        (error: unknown) => broken(number, fault, error),
      );
      results.push(result);
      say(lineOf(result));
      if (result.violation !== undefined) break;
    }
    return results;
  } finally {
    await probe.stop();
    await capture.stop();
    await end();
  }
}

interface Stage {
  readonly set: RunningSet;
  readonly probe: AddressProbe;
  readonly capture: BridgeCapture;
  /** Hardware address by node. */
  readonly macs: ReadonlyMap<string, string>;
  readonly random: SeededRandom;
  readonly number: number;
  readonly fault: Fault;
}

/** The fault could not be done, or the set did not get over it. */
function broken(number: number, fault: Fault, error: unknown): FaultResult {
  return {
    number,
    fault: fault.name,
    forMs: 0,
    from: { instance: '?', node: '?', pid: 0 },
    takers: [],
    outageMs: 0,
    violation: (error as Error).message,
  };
}

/** In each round of faults every kind comes once, in an order of its own. */
function faultOf(faults: readonly Fault[], seed: number, number: number): Fault {
  const round = Math.floor((number - 1) / faults.length);
  const random = new SeededRandom(seed * 1_000 + round);
  const left = [...faults];
  for (let skip = (number - 1) % faults.length; skip > 0; skip--) left.splice(random.below(left.length), 1);
  return random.pick(left);
}

async function oneFault({ set, probe, capture, macs, random, number, fault }: Stage): Promise<FaultResult> {
  const { state: before, holder } = await settled({ set, probe, capture, macs });
  // Who speaks now is the first in order; what was before has been judged.
  capture.take();
  probe.takeLongestMs();

  const forMs = Math.round(random.between(...fault.forMs));
  await struck(fault, forMs, { set, random, nodes: NODES, holder });

  // Until it is noticed, all looks well.
  await pause(NOTICED_MS);
  await settled({ set, probe, capture, macs });
  const runs = capture.take();
  const former = slotOf(before, 'echo');
  let takeovers: Takeover[] = [];
  let stray: Run | undefined;
  for (let looked = 0; looked < 2; looked++) {
    // A node first speaks for the address and then writes down that it does.
    if (looked > 0) await pause(LATE_LOG_MS);
    takeovers = takeoversOf(set, NODES, former);
    stray = strayRun(
      runs,
      [holder.node, ...takeovers.map(({ node }) => node)].map((node) => macs.get(node) ?? ''),
    );
    if (stray === undefined) break;
  }
  const order = [holder.node, ...takeovers.map(({ node }) => node)];
  return {
    number,
    fault: fault.name,
    forMs,
    from: holder,
    takers: takeovers.map(({ node, fencedBy }) => `${node} (${fencedBy})`),
    outageMs: probe.takeLongestMs(),
    violation: stray && strayLine(stray, order, macs),
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

/** The set is whole, who holds the slot answers, and the capture sees it: else it could not see anybody astray. */
async function settled({
  set,
  probe,
  capture,
  macs,
}: Pick<Stage, 'set' | 'probe' | 'capture' | 'macs'>): Promise<{ state: StateView; holder: Holder }> {
  let answered = probe.answers;
  return await until(
    'the set is whole, and its holder is heard',
    async () => {
      const state = await whole(set);
      const holder = holderOf(set, state);
      if (holder === null) return null;
      const isHeard = probe.responder === holder.instance && capture.speaker === macs.get(holder.node);
      if (isHeard && probe.answers >= answered + ANSWERS) return { state, holder };
      if (!isHeard) answered = probe.answers;
      return null;
    },
    SETTLED_MS,
  );
}

async function whole(set: RunningSet): Promise<StateView> {
  let failure: unknown;
  for (let tried = 0; tried < PATIENCE; tried++) {
    try {
      return await set.untilState(
        'the set is whole',
        (state) => isWhole(state) && slotOf(state, 'echo').node !== null,
      );
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Null if it has just ended: the state is a moment old. */
function holderOf(set: RunningSet, state: StateView): Holder | null {
  const { holder, node } = slotOf(state, 'echo');
  const pid = holder === null ? null : instanceOf(state, holder).pid;
  if (holder === null || node === null || pid === null) return null;
  const hostPid = set.findHostPid(pid);
  return hostPid === undefined ? null : { instance: holder, node, pid: hostPid };
}

function strayLine(run: Run, order: readonly string[], macs: ReadonlyMap<string, string>): string {
  const name = [...macs].find(([, mac]) => mac === run.mac)?.[0] ?? run.mac;
  return `${run.frames} frames of ${name} from ${run.firstAt} to ${run.lastAt}, out of the order ${order.join(', ')}`;
}

function lineOf({ number, fault, forMs, from, takers, outageMs, violation }: FaultResult): string {
  const lasted = forMs === 0 ? '' : ` for ${forMs} ms`;
  const went = takers.length === 0 ? 'stays' : `goes to ${takers.join(', then ')}`;
  const judged = violation === undefined ? '' : `; VIOLATION: ${violation}`;
  return `${number}: ${fault}${lasted}, ${from.instance} at ${from.node} ${went}, outage ${outageMs.toFixed(1)} ms${judged}`;
}

/** Outages by fault: how often, and the middle and longest one, ms. */
export function summaryOf(results: readonly FaultResult[]): string[] {
  const lines = [
    `${'fault'.padEnd(32)} ${'times'.padStart(6)} ${'median'.padStart(9)} ${'longest'.padStart(9)}`,
  ];
  for (const name of [...new Set(results.map(({ fault }) => fault))].toSorted()) {
    const outages = results
      .filter(({ fault }) => fault === name)
      .map(({ outageMs }) => outageMs)
      .toSorted((a, b) => a - b);
    const middle = outages[Math.floor((outages.length - 1) / 2)] ?? 0;
    const longest = outages.at(-1) ?? 0;
    lines.push(
      `${name.padEnd(32)} ${String(outages.length).padStart(6)} ${middle.toFixed(1).padStart(9)} ${longest.toFixed(1).padStart(9)}`,
    );
  }
  return lines;
}
