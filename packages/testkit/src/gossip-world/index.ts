// SPDX-License-Identifier: Apache-2.0
import { GossipRules, replicaOf, type Update } from '@vnfpool/core/gossip';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { Schedule } from '../lease-world/schedule.ts';
import { SeededRandom } from '../lease-world/seeded-random.ts';
import { Trace } from '../lease-world/trace.ts';
import { areEqual, damageMemory } from './damage.ts';
import { GossipViolation, Ledger, shownBy } from './ledger.ts';
import { GossipNode, nodeOf, originOf, type WorldParts } from './node.ts';
import { drawPlan, type GossipFault, type GossipWorldOptions } from './options.ts';

export { GOSSIP_MUTATIONS } from './mutations.ts';
export type { GossipFault, GossipPlan, GossipWorldOptions } from './options.ts';

export interface GossipWorldResult {
  readonly ok: boolean;
  /** What was broken, with the seed. */
  readonly violation?: string;
  readonly trace: readonly string[];
  /** Updates made, times that an instance was given everything, faults that struck, origins declared gone. */
  readonly updates: number;
  readonly walks: number;
  readonly faults: number;
  readonly forgotten: number;
  /** Times that an instance went on for its former lives. */
  readonly inherited: number;
  /** Times that an instance found its memory damaged. */
  readonly damaged: number;
}

/** Time in which all have to be equal once nothing is lost, cut or changed any more. */
const CALM_MS = 90_000;
/** Time in which damage has to be found, and mended, after that. */
const DAMAGE_MS = 20_000;
/** Share of the seeds in which memory fails in the end. */
const DAMAGED = 0.4;
const EVENTS_MAX = 200_000;

/** A pool of instances that all change one state: equal seeds give equal runs. */
export function runGossipWorld(seed: number, options: GossipWorldOptions = {}): GossipWorldResult {
  const random = new SeededRandom(seed);
  const plan = drawPlan(random, options.override);
  const schedule = new Schedule();
  const trace = new Trace(options.traceLines ?? 80);
  const ledger = new Ledger();
  const cuts = new Set<Extract<GossipFault, { type: 'partition' }>>();
  let isCalm = false;
  let updates = 0;
  let struck = 0;
  let forgotten = 0;
  let inherited = 0;
  let isDamaged = false;
  let garbled = (_to: number, bytes: Uint8Array): Uint8Array => bytes;
  let events = 0;

  const isFormerOf = (number: number, name: string): boolean => {
    const { origin, incarnation } = replicaOf(name);
    return origin === originOf(number) && incarnation < (nodes[number]?.incarnation ?? 0n);
  };
  const isCut = (from: number, to: number): boolean =>
    [...cuts].some(({ nodes, isOneWay }) => {
      const [out, back] = [nodes.includes(from), nodes.includes(to)];
      return isOneWay ? out && !back : out !== back;
    });
  const parts: WorldParts = {
    plan,
    rules: options.rules ?? new GossipRules(),
    random,
    schedule,
    trace,
    ledger,
    isDamaged: () => isDamaged,
    inherited: (heir, known) => {
      inherited += 1;
      for (const { number, state } of nodes)
        for (const [name, version] of state?.vector ?? [])
          if (isFormerOf(heir, name) && version > (known.get(name) ?? 0))
            throw new GossipViolation(`node ${number} knows more of ${name} than what goes on for it`);
    },
    carry: (from, to, bytes) => {
      const node = nodes[nodeOf(to)];
      if (node === undefined || (!isCalm && (random.chance(plan.loss) || isCut(nodeOf(from), nodeOf(to)))))
        return;
      const copies = !isCalm && random.chance(plan.duplication) ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1)
        schedule.after(random.between(0.1, plan.delayMsMax), () => node.receive(from, garbled(to, bytes)));
    },
  };
  const nodes = Array.from({ length: plan.nodes }, (_, number) => new GossipNode(parts, number));
  let members = nodes.map(({ number }) => originOf(number));
  if (plan.joinsLate) members.pop();

  /** Each hears of it at a time of its own. */
  const spreadMembers = (): void => {
    for (const node of nodes)
      schedule.after(random.between(0, 100), () => node.input({ type: 'peers', origins: members }));
  };
  const strike = (fault: GossipFault): void => {
    if (isCalm) return;
    struck += 1;
    trace.add(schedule.nowMs, () => JSON.stringify(fault));
    if (fault.type === 'partition') {
      cuts.add(fault);
      schedule.after(fault.lastsMs, () => cuts.delete(fault));
      return;
    }
    const node = nodes[fault.node] as GossipNode;
    if (!node.isUp) return;
    node.end();
    if (fault.type === 'crash') {
      schedule.after(fault.lastsMs, () => node.start(members, options.reusesIncarnation));
      return;
    }
    node.isDead = true;
    members = members.filter((origin) => origin !== originOf(node.number));
    schedule.after(random.between(0, 300), spreadMembers);
  };
  const draw = (): Update => {
    const key = encodeUtf8(`key${random.below(plan.keys)}`);
    const element = encodeUtf8(`element${random.below(plan.elements)}`);
    const kind = random.below(12);
    if (kind < 3) return { type: 'count', key, by: random.below(9) - 3 };
    if (kind < 5) return { type: 'write', key, value: encodeUtf8(`${random.below(1000)}`) };
    if (kind < 8) return { type: 'add', key, element };
    return kind < 11 ? { type: 'discard', key, element } : { type: 'remove', key };
  };
  const busy = (node: GossipNode): void => {
    schedule.after(random.between(0, 2000 / plan.updatesPerSecond), () => {
      if (isCalm) return;
      if (node.isUp) {
        updates += 1;
        node.update(draw());
      }
      busy(node);
    });
  };
  const run = (untilMs: number, isDone: () => boolean = () => false): void => {
    let atMs = schedule.nowMs;
    while (schedule.step(untilMs)) {
      events += 1;
      if (events > EVENTS_MAX) throw new GossipViolation(`more than ${EVENTS_MAX} events`);
      if (schedule.nowMs - atMs < plan.intervalMs) continue;
      atMs = schedule.nowMs;
      if (isDone()) return;
    }
  };
  const living = (): GossipNode[] => nodes.filter(({ isUp }) => isUp);
  const settle = (what: string): GossipNode => {
    const isSettled = (): boolean => areEqual(living());
    run(schedule.nowMs + CALM_MS, isSettled);
    if (!isSettled()) throw new GossipViolation(`not equal in time ${what}`);
    return living()[0] as GossipNode;
  };
  const agree = (): void => {
    const isAgreed = (): boolean => living().every((node) => node.agrees);
    run(schedule.nowMs + CALM_MS, isAgreed);
    if (!isAgreed()) throw new GossipViolation('equal, and not all digests were compared');
  };
  const finish = (violation?: string): GossipWorldResult => ({
    ok: violation === undefined,
    ...(violation !== undefined && { violation: `seed ${seed}: ${violation}` }),
    trace: trace.lines(),
    updates,
    walks: nodes.reduce((sum, { walks }) => sum + walks, 0),
    faults: struck,
    forgotten,
    inherited,
    damaged: nodes.reduce((sum, { damaged }) => sum + damaged, 0),
  });

  try {
    for (const node of nodes.slice(0, members.length)) node.start(members);
    for (const fault of plan.faults) schedule.at(fault.atMs, () => strike(fault));
    if (plan.joinsLate) {
      schedule.at(random.between(0, plan.busyMs), () => {
        const last = nodes.at(-1) as GossipNode;
        if (last.isDead) return;
        members = [...members, originOf(last.number)];
        last.start(members);
        spreadMembers();
      });
    }
    for (const node of nodes) busy(node);
    run(plan.busyMs);
    isCalm = true;
    cuts.clear();
    for (const node of nodes) node.start(members, options.reusesIncarnation);
    spreadMembers();
    // What is on its way arrives first.
    run(schedule.nowMs + 500);
    const survivor = settle('after calm');
    if (survivor.state === null) throw new GossipViolation('nobody is there');
    ledger.settled(survivor.state);

    const shown = shownBy(survivor.state);
    const isFormer = (name: string): boolean =>
      nodes.some(({ number, isDead }) => !isDead && isFormerOf(number, name));
    const former = (): string[] =>
      living().flatMap(({ state }) => [...(state?.vector.keys() ?? [])].filter(isFormer));
    run(schedule.nowMs + CALM_MS, () => former().length === 0);
    if (former().length > 0) throw new GossipViolation(`former lives are kept: ${former().join(', ')}`);
    const since = settle('after former lives were declared gone');
    if (since.state === null || shownBy(since.state) !== shown)
      throw new GossipViolation('something else is shown after former lives were declared gone');
    agree();
    const heir = random.pick(living());
    for (const { number, isDead, incarnation } of nodes) {
      const last = isDead ? incarnation : incarnation - 1n;
      if (last === 0n || (number === heir.number && isDead)) continue;
      forgotten += 1;
      heir.input({ type: 'forget', origin: originOf(number), incarnation: last });
    }
    const after = settle('after origins were declared gone');
    if (after.state === null || shownBy(after.state) !== shown)
      throw new GossipViolation('something else is shown after origins were declared gone');
    const kept = [...after.state.vector.keys()].length;
    if (kept > living().length)
      throw new GossipViolation(`${kept} replicas are left of ${living().length} that live`);
    const left = (): number =>
      living().reduce((sum, { state }) => sum + (state === null ? 0 : state.emptyCount + state.stepCount), 0);
    run(schedule.nowMs + CALM_MS, () => left() === 0);
    if (left() > 0) throw new GossipViolation(`${left()} steps and removed cells are kept for nobody`);
    agree();
    isDamaged = random.chance(DAMAGED);
    if (!isDamaged) return finish();
    damageMemory({
      random,
      living: living(),
      until: (isDone) => {
        run(schedule.nowMs + DAMAGE_MS, isDone);
        return isDone();
      },
      garble: (change) => (garbled = change),
    });
    return finish();
  } catch (error) {
    if (error instanceof GossipViolation) return finish(error.message);
    throw error;
  }
}
