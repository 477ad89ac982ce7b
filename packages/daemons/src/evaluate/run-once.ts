// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Asked, type Lag, type Loss, lagByRequest, lagOf, lossOf, type Reached } from './accounts.ts';
import { EvaluationProcess } from './child-process.ts';
import { machineMs } from './clock.ts';
import type { Mechanism } from './mechanism.ts';
import type { ChildTask, Meters } from './orders.ts';
import { Player } from './player.ts';
import type { Workload } from './workload.ts';

export interface RunOptions {
  readonly mechanism: Mechanism;
  readonly workload: Workload;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** After the measurement, with the load going on. */
  readonly killAfterMs: number;
  /** One way between the processes of a mechanism, not to clients; 0: as the machine has it. */
  readonly delayMs: number;
  /** Ends it; nothing is left behind. */
  readonly signal: AbortSignal;
}

/** One life of a holder, from its start to its end and to the next one. */
export interface Run {
  /** Of each answer to a change in the time of measurement, from its request. */
  readonly answersMs: readonly number[];
  /** Of those to reads. */
  readonly readsMs: readonly number[];
  /** Null: nothing is ever safe. */
  readonly lag: Lag | null;
  /** Changes that were made in that time. */
  readonly updates: number;
  /** Of all processes, in that time. */
  readonly wireOctets: number;
  readonly fileOctets: number;
  readonly holderCpuUs: number;
  readonly standbyCpuUs: number;
  readonly loss: Loss;
  readonly refused: number;
  /** From the kill to the first answer of the next holder; without the time in which a pool notices. */
  readonly recoveryMs: number;
  /** To where it had all that clients brought it. */
  readonly wholeMs: number;
  /** What else happened, and how often. */
  readonly events: ReadonlyMap<string, number>;
}

/** @throws EvaluationError; the signal's reason */
export async function runOnce(options: RunOptions): Promise<Run> {
  const { mechanism, signal } = options;
  signal.throwIfAborted();
  const folder = mkdtempSync(join(tmpdir(), 'vnfpool-evaluate-'));
  const secret = randomBytes(32).toString('hex');
  const children: EvaluationProcess[] = [];
  const player = new Player(options.workload);
  const events = new Map<string, number>();
  const happened = (what: string): void => {
    events.set(what, (events.get(what) ?? 0) + 1);
  };
  const start = (number: number): EvaluationProcess => {
    const task: ChildTask = { mechanism: mechanism.name, number, folder, secret };
    const child = new EvaluationProcess(task, happened);
    children.push(child);
    return child;
  };
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, fail) => {
    onAbort = () => fail(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  aborted.catch(() => {});
  try {
    return await Promise.race([aborted, runWith(options, player, start, events)]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    player.close();
    for (const child of children) child.kill();
    await Promise.all(children.map(({ ended }) => ended));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runWith(
  { mechanism, warmUpMs, measureMs, killAfterMs, delayMs, signal }: RunOptions,
  player: Player,
  start: (number: number) => EvaluationProcess,
  events: ReadonlyMap<string, number>,
): Promise<Run> {
  const standbys = Array.from({ length: mechanism.standbys }, (_, at) => start(at + 1));
  const holder = start(0);
  const here = await Promise.all([holder, ...standbys].map((child) => child.next('here')));
  const ports = here.slice(1).flatMap(({ port }) => port ?? []);
  const link = delayMs > 0 && ports.length > 0 ? start(-1) : null;
  await link?.next('here');
  const reachedBy = (await link?.order({ type: 'link', ports, delayMs }))?.ports ?? ports;
  const places = reachedBy.map((port) => ({ host: '127.0.0.1', port }));
  await Promise.all(standbys.map((child) => child.order({ type: 'meet', standbys: places })));
  await holder.order({ type: 'meet', standbys: places });
  await player.connect((here[0] as { clients: number }).clients);
  await player.fill();
  player.play();
  await pause(warmUpMs, undefined, { signal });

  const all = [holder, ...standbys];
  const measure = (): Promise<Meters[]> => Promise.all(all.map((child) => child.order({ type: 'measure' })));
  const before = await measure();
  const fromMs = machineMs();
  await pause(measureMs, undefined, { signal });
  const untilMs = machineMs();
  const after = await measure();
  const spent = after.map((meters, at) => differenceOf(meters, before[at] as Meters));

  await pause(killAfterMs, undefined, { signal });
  const killedMs = machineMs();
  // What is under way goes too: with its machine the way from there is gone as well.
  link?.kill();
  holder.kill();
  await holder.ended;
  player.stop();
  await player.heardAll();
  const [next] = standbys as [EvaluationProcess];
  const [{ servedMs, wholeMs }] = await Promise.all([
    player.goOn((here[1] as { clients: number }).clients),
    next.order({ type: 'take' }),
  ]);
  const { state, reached, safe } = await next.order({ type: 'report' });

  const { asked } = player;
  const inOrder =
    mechanism.isByClients === true ? answersOf(asked) : pairsOf([...holder.reached, ...reached]);
  const inTime = asked.filter(({ sentMs }) => sentMs >= fromMs && sentMs <= untilMs);
  return {
    answersMs: inTime.flatMap((each) => (each.op === 'read' ? [] : latencyOf(each))),
    readsMs: inTime.flatMap((each) => (each.op === 'read' ? latencyOf(each) : [])),
    lag:
      safe.length > 0
        ? lagByRequest(asked, firstOf(safe), fromMs, untilMs)
        : inOrder.length > 0
          ? lagOf(asked, inOrder, fromMs, untilMs)
          : null,
    updates: inTime.filter(({ op }) => op !== 'read').length,
    wireOctets: sum(spent.map(({ wireOctets, cookieOctets }) => wireOctets + cookieOctets)),
    fileOctets: sum(spent.map(({ fileOctets }) => fileOctets)),
    holderCpuUs: (spent[0] as Meters).cpuUs,
    standbyCpuUs: sum(spent.slice(1).map(({ cpuUs }) => cpuUs)),
    loss: lossOf(asked, state),
    refused: player.refused,
    recoveryMs: servedMs - killedMs,
    wholeMs: wholeMs - killedMs,
    events,
  };
}

function latencyOf({ answeredMs, sentMs }: Asked): number[] {
  return answeredMs === null ? [] : [answeredMs - sentMs];
}

/** Clients have what they were told. */
function answersOf(asked: Player['asked']): Reached[] {
  return asked
    .flatMap(({ answeredMs, position }) =>
      answeredMs === null || position === null ? [] : [{ atMs: answeredMs, position }],
    )
    .sort((one, other) => one.position - other.position);
}

function pairsOf(reached: readonly number[]): Reached[] {
  return Array.from({ length: reached.length / 2 }, (_, at) => ({
    atMs: reached[2 * at] as number,
    position: reached[2 * at + 1] as number,
  }));
}

/** Of each request the first time. */
function firstOf(pairs: Float64Array): Map<number, number> {
  const times = new Map<number, number>();
  for (let at = 0; at < pairs.length; at += 2) {
    const number = pairs[at] as number;
    if (!times.has(number)) times.set(number, pairs[at + 1] as number);
  }
  return times;
}

function differenceOf(after: Meters, before: Meters): Meters {
  return {
    cpuUs: after.cpuUs - before.cpuUs,
    wireOctets: after.wireOctets - before.wireOctets,
    cookieOctets: after.cookieOctets - before.cookieOctets,
    fileOctets: after.fileOctets - before.fileOctets,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
