// SPDX-License-Identifier: Apache-2.0
import { type TransferEnd, TransferRules } from '@vnfpool/core/state-transfer';
import { fromHex } from '@vnfpool/wire/bytes';
import { Schedule } from '../lease-world/schedule.ts';
import { SeededRandom } from '../lease-world/seeded-random.ts';
import { Trace } from '../lease-world/trace.ts';
import { Arbiter } from './arbiter.ts';
import { DestinationHost } from './destination-host.ts';
import { ChannelLink } from './links.ts';
import { drawPlan, type PlannedFault, type TransferWorldOptions } from './options.ts';
import { SourceHost } from './source-host.ts';
import { sameSessions, servedBy, ToyDestination, ToySource } from './toy-function.ts';
import { TransferViolation, type WorldParts } from './world.ts';

export { TRANSFER_MUTATIONS } from './mutations.ts';
export type { FaultKind, PlannedFault, TransferPlan, TransferWorldOptions } from './options.ts';

export interface TransferWorldResult {
  readonly ok: boolean;
  /** What was broken, with the seed. */
  readonly violation?: string;
  readonly trace: readonly string[];
  /** Who serves at the end. */
  readonly owner: 'source' | 'destination' | 'nobody';
  /** As the source told it; null when its node's crash took it. */
  readonly end: TransferEnd | null;
  /** Faults that struck. */
  readonly faults: number;
}

/** Virtual time within which everything has to be settled; the longest faults last 12 s each. */
const END_MS = 150_000;
/** Events after which a world is called a storm. */
const EVENTS_MAX = 400_000;

/** One transfer of one seed: two nodes, a manager, and faults at any step. Equal seeds give equal runs. */
export function runTransferWorld(seed: number, options: TransferWorldOptions = {}): TransferWorldResult {
  const random = new SeededRandom(seed);
  const plan = drawPlan(random, options.override);
  const schedule = new Schedule();
  const trace = new Trace(options.traceLines ?? 80);
  const toySource = new ToySource(plan.sessions, (id) => plan.mode !== 'sessions' || id % 2 === 0);
  const toyDestination = new ToyDestination();
  const counts = new Map<string, number>();
  let struck = 0;

  const check = (): void => {
    if (plan.mode !== 'copy' && toySource.owns && toyDestination.owns)
      throw new TransferViolation('both own the sessions');
    if (destination.waitingBytes > plan.windowBytes)
      throw new TransferViolation(
        `${destination.waitingBytes} octets wait in a window of ${plan.windowBytes}`,
      );
  };
  const strikes = (name: string, count: number, isBefore: boolean): void => {
    for (const fault of plan.faults) {
      if (fault.at === name && fault.count === count && fault.isBefore === isBefore) strike(fault);
    }
  };
  const parts: WorldParts = {
    plan,
    rules: options.rules ?? new TransferRules(),
    random,
    schedule,
    trace,
    channel: new ChannelLink(schedule, random, plan.delayMsMax, plan.damage),
    order: {
      token: fromHex('00112233445566778899aabbccddeeff'),
      source: 10,
      destination: 11,
      functionId: 101,
      targetFunctionId: plan.mode === 'move' ? 101 : 102,
      mode: plan.mode,
    },
    perform: (who, output, act) => {
      const name = `${who} ${output}`;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      strikes(name, count, true);
      trace.add(schedule.nowMs, () => name);
      act();
      check();
      strikes(name, count, false);
    },
  };
  const source = new SourceHost(parts, toySource);
  const destination = new DestinationHost(parts, toyDestination);
  const arbiter = new Arbiter(parts, source, destination);

  source.connect = (host) =>
    parts.channel.isCut || !destination.isUp ? null : parts.channel.open(host, destination);
  destination.activated = () => {
    if (toySource.atQuiesce === null) throw new TransferViolation('active before the source stopped');
    if (!sameSessions(toyDestination.imported, toySource.atQuiesce))
      throw new TransferViolation('active with other state than the source had when it stopped');
  };

  const strike = ({ kind, lastsMs }: PlannedFault): void => {
    struck += 1;
    trace.add(schedule.nowMs, () => `fault: ${kind} for ${lastsMs.toFixed(0)} ms`);
    const untilMs = schedule.nowMs + lastsMs;
    switch (kind) {
      case 'source-agent':
      case 'source-node':
        source.crash(kind === 'source-node');
        parts.channel.break();
        schedule.after(lastsMs, () => source.restart());
        break;
      case 'destination-agent':
      case 'destination-node':
        destination.crash(kind === 'destination-node');
        parts.channel.break();
        schedule.after(lastsMs, () => destination.restart());
        break;
      case 'destination-function':
        destination.loseFunction();
        break;
      case 'manager':
        arbiter.crash(lastsMs);
        break;
      case 'cut-channel':
        parts.channel.cutUntilMs = untilMs;
        parts.channel.break();
        break;
      case 'connection':
        parts.channel.break();
        break;
      case 'cut-source':
        arbiter.cutUntilMs.source = untilMs;
        break;
      case 'cut-destination':
        arbiter.cutUntilMs.destination = untilMs;
        break;
      // Never within what is being carried out: no driver gives a core an input there.
      case 'cancel-source':
        schedule.after(0, () => source.input({ type: 'cancel' }));
        break;
      case 'cancel-destination':
        schedule.after(0, () => destination.input({ type: 'cancel' }));
        break;
    }
  };
  const change = (): void => {
    const isBusy = source.end === null && schedule.nowMs < 20_000;
    for (let left = isBusy ? plan.changesPerSecond / 200 : 1; left > random.fraction(); left -= 1)
      toySource.change(random.fraction(), random.fraction());
    schedule.after(isBusy ? 5 : 500, change);
  };
  const isSettled = (): boolean => source.isUp && destination.isUp && source.isAtRest && destination.isAtRest;

  const finish = (violation?: string): TransferWorldResult => ({
    ok: violation === undefined,
    ...(violation !== undefined && { violation: `seed ${seed}: ${violation}` }),
    trace: trace.lines(),
    owner: toySource.owns ? 'source' : toyDestination.owns ? 'destination' : 'nobody',
    end: source.end,
    faults: struck,
  });

  try {
    destination.begin(null);
    schedule.after(random.between(1, 50), () => {
      if (source.isUp && toySource.isAlive) source.begin(null);
    });
    change();
    let events = 0;
    let settledAtMs: number | null = null;
    while (schedule.step(END_MS)) {
      events += 1;
      if (events > EVENTS_MAX) throw new TransferViolation(`more than ${EVENTS_MAX} events`);
      check();
      if (schedule.nowMs < 100 || !isSettled()) settledAtMs = null;
      else settledAtMs ??= schedule.nowMs;
      // A little longer: what was settled has to stay so.
      if (settledAtMs !== null && schedule.nowMs > settledAtMs + 2000) break;
    }
    if (settledAtMs === null) throw new TransferViolation('not settled in time');
    if (toySource.isAlive && !toySource.owns && !toySource.isFinished)
      throw new TransferViolation('nobody serves though the source lives');
    if (toySource.isAlive && toySource.isFinished && toyDestination.isAlive && !toyDestination.owns)
      throw new TransferViolation('the source ended for a destination that does not serve');
    if (plan.mode === 'sessions' && toySource.isAlive && (toyDestination.isAlive || !toySource.isFinished)) {
      const served = servedBy(toySource, toyDestination);
      if (served === null || !sameSessions(served, toySource.ledger))
        throw new TransferViolation('not every session is served, once, as it was left');
    }
    const isQuiet = struck === 0 && plan.damage === 0 && plan.functionFault === 0;
    if (isQuiet && source.end?.outcome !== 'committed' && source.end?.reason !== 'would-not-converge')
      throw new TransferViolation(`without a fault it ended by ${JSON.stringify(source.end)}`);
    return finish();
  } catch (error) {
    if (error instanceof TransferViolation) return finish(error.message);
    throw error;
  }
}
