// SPDX-License-Identifier: Apache-2.0
import { drawRate } from './node-clock.ts';
import type { SimNode } from './sim-node.ts';
import type { WorldParts } from './world-parts.ts';

/** What else can be done to the world by the planner of faults. */
export interface FaultTargets {
  readonly parts: WorldParts;
  readonly nodes: readonly SimNode[];
  /** Those whose clocks keep to the bound. */
  readonly steadyClocks: readonly SimNode[];
  readonly slots: readonly string[];
  /** A new list of candidates for every node, at different moments. */
  changeCandidates(): void;
  /** Another council, if the one before is settled. */
  changeCouncil(): void;
}

/** Plans the seed's faults over the time until calm. */
export function planFaults(targets: FaultTargets): void {
  const { parts } = targets;
  const { plan, random, schedule } = parts;
  const kinds = [
    ...KINDS,
    ...(plan.changesCouncil ? [changeCouncil, changeCouncil, changeCouncil] : []),
    ...(plan.namesHeirs ? [exitUnderFire, exitUnderFire, exitUnderFire] : []),
  ];
  for (let i = 0; i < plan.faults; i++) {
    const kind = random.pick(kinds);
    schedule.at(random.between(5, plan.calmAtMs), () => kind(targets));
  }
  // Behind the first lease, so that there may be an heir.
  for (let i = 0; i < plan.unheardExits; i++)
    schedule.at(random.between(plan.leaseMs, plan.calmAtMs), () => exitUnheard(targets));
  for (let i = 0; i < plan.lateWords; i++)
    schedule.at(random.between(plan.leaseMs, plan.calmAtMs), () => exitsInARow(targets));
  for (let i = 0; i < plan.stuckHandOvers; i++)
    schedule.at(random.between(5, plan.calmAtMs), () => stuckHandOver(targets));
}

type Fault = (targets: FaultTargets) => void;

const crash: Fault = ({ parts, nodes }) => {
  const node = parts.random.pick(nodes);
  if (parts.random.chance(0.7)) node.crash();
  else node.powerOff();
  const quick = parts.random.chance(0.5);
  parts.schedule.after(parts.random.between(1, quick ? 20 : parts.plan.leaseMs * 1.5), () => node.start());
};

const pause: Fault = ({ parts, nodes }) => {
  const leases = parts.random.chance(0.2) ? 8 : 1.5;
  parts.random.pick(nodes).pause(parts.random.between(1, leases * parts.plan.leaseMs));
};

/** The process of a node hands on to the next, which is there at once, or late. */
const upgrade: Fault = ({ parts, nodes, slots }) => {
  const { random, plan } = parts;
  const node = holderOf(nodes, random.pick(slots), parts) ?? random.pick(nodes);
  (random.chance(0.5) ? node : random.pick(nodes)).upgrade(
    random.between(0, random.chance(0.7) ? 0.3 * plan.leaseMs : 1.5 * plan.leaseMs),
  );
};

/** The machine under all of them stands still: everybody is late, nobody is dead. */
const pauseAll: Fault = ({ parts, nodes }) => {
  const forMs = parts.random.between(1, 2 * parts.plan.leaseMs);
  for (const node of nodes) node.pause(forMs + parts.random.between(0, 1));
};

const cutOneWay: Fault = ({ parts, nodes }) => {
  const from = parts.random.pick(nodes).id;
  const to = parts.random.pick(nodes).id;
  parts.trace.add(parts.schedule.nowMs, () => `link ${from} to ${to} cut`);
  parts.network.cut(from, to);
  parts.schedule.after(parts.random.between(10, 2 * parts.plan.leaseMs), () => parts.network.heal(from, to));
};

const isolate: Fault = ({ parts, nodes }) => {
  const alone = parts.random.pick(nodes).id;
  const ways = parts.random.pick(['in', 'out', 'both']);
  parts.trace.add(parts.schedule.nowMs, () => `node ${alone} isolated: ${ways}`);
  const forMs = parts.random.between(10, 2 * parts.plan.leaseMs);
  for (const { id } of nodes) {
    if (ways !== 'in') parts.network.cut(alone, id);
    if (ways !== 'out') parts.network.cut(id, alone);
    parts.schedule.after(forMs, () => {
      parts.network.heal(alone, id);
      parts.network.heal(id, alone);
    });
  }
};

/** The holder lives on, alone, for longer than its lease: both sides measure the same lease with their own clocks. */
const cutOffHolder: Fault = ({ parts, nodes, slots }) => {
  const alone = holderOf(nodes, parts.random.pick(slots), parts);
  if (alone === undefined) return;
  const ways = parts.random.pick(['in', 'both', 'both']);
  parts.trace.add(parts.schedule.nowMs, () => `holder ${alone.id} cut off: ${ways}`);
  for (const { id } of nodes) {
    if (ways === 'both') parts.network.cut(alone.id, id);
    parts.network.cut(id, alone.id);
    parts.schedule.after(1.3 * parts.plan.leaseMs, () => {
      parts.network.heal(alone.id, id);
      parts.network.heal(id, alone.id);
    });
  }
};

const functionExit: Fault = ({ parts, nodes, slots }) => {
  const slot = parts.random.pick(slots);
  const node = holderOf(nodes, slot, parts) ?? parts.random.pick(nodes);
  node.functionExits(slot);
  parts.schedule.after(parts.random.between(1, parts.plan.leaseMs), () => node.functionStarts(slot));
};

/** A function ends, so that an heir may follow at once, within a lease that is not its own; and something befalls them around it. */
const exitUnderFire: Fault = (targets) => {
  const { parts, nodes, slots } = targets;
  const { random, plan, schedule } = parts;
  const slot = random.pick(slots);
  const holder = holderOf(nodes, slot, parts);
  if (holder === undefined) return;
  // Before it an answer or a renewal was lost, perhaps; behind it the word, the release, or what the heir asks for.
  if (random.chance(0.3)) cutOffFor(targets, random.between(0, plan.leaseMs));
  schedule.after(random.between(0, plan.leaseMs), () => {
    if (!parts.isFaulty()) return;
    if (holder.isAlive) holder.functionExits(slot);
    schedule.after(random.between(0, plan.leaseMs / 3), () => holder.functionStarts(slot));
    schedule.after(random.pick([0, 0, random.between(0, plan.leaseMs / 10)]), () => {
      if (!parts.isFaulty()) return;
      const hit = random.pick(nodes);
      const fault = random.pick(['pause', 'crash', 'cut', 'cut both', 'none'] as const);
      parts.trace.add(schedule.nowMs, () => `exit of ${slot.slice(-2)} under fire: ${fault} node ${hit.id}`);
      if (fault === 'pause') hit.pause(random.between(1, 1.5 * plan.leaseMs));
      if (fault === 'crash') {
        hit.crash();
        schedule.after(random.between(1, plan.leaseMs), () => hit.start());
      }
      if (fault === 'cut' || fault === 'cut both')
        cutOffFor(targets, random.between(0.1, 1.3) * plan.leaseMs);
      if (fault === 'cut both') cutOffFor(targets, random.between(0.1, 1.3) * plan.leaseMs);
    });
  });
};

/** A function ends and comes back; but for one node, which perhaps is its heir, nobody hears of it, nor of that node, for a while. */
const exitUnheard: Fault = ({ parts, nodes, slots }) => {
  const { random, plan, schedule, network } = parts;
  const slot = random.pick(slots);
  const holder = holderOf(nodes, slot, parts);
  if (holder === undefined) return;
  const next = random.pick(nodes.filter((node) => node !== holder));
  const others = nodes.filter((node) => node !== holder && node !== next);
  parts.trace.add(schedule.nowMs, () => `node ${holder.id} and node ${next.id} heard by each other only`);
  for (const { id } of others) {
    network.cut(holder.id, id);
    network.cut(next.id, id);
    // About when the former holder may try again, were it not for the heir.
    schedule.after(plan.leaseMs * random.between(0.25, 0.4), () => network.heal(holder.id, id));
    schedule.after(plan.leaseMs * 1.3, () => network.heal(next.id, id));
  }
  holder.functionExits(slot);
  schedule.after(random.between(0, 10), () => holder.functionStarts(slot));
};

/** A function ends, and soon after that of its successor, unheard: the word of the first may come behind that. */
const exitsInARow: Fault = (targets) => {
  const { parts, nodes, slots } = targets;
  const { random, plan, schedule } = parts;
  const slot = random.pick(slots);
  const holder = holderOf(nodes, slot, parts);
  if (holder === undefined) return;
  holder.functionExits(slot);
  schedule.after(random.between(0, 10), () => holder.functionStarts(slot));
  schedule.after(random.between(0.4, 1) * plan.leaseMs, () => {
    if (parts.isFaulty()) exitUnheard(targets);
  });
};

/** A holder stands still while it hands over, to one that had not heard its last renewals. */
const stuckHandOver: Fault = ({ parts, nodes, slots }) => {
  const { random, plan, schedule, network } = parts;
  const slot = random.pick(slots);
  const holder = holderOf(nodes, slot, parts);
  if (holder === undefined) return;
  const to = random.pick(nodes.filter((node) => node !== holder));
  parts.trace.add(schedule.nowMs, () => `node ${holder.id} hands over to node ${to.id} and stands still`);
  network.cut(holder.id, to.id);
  schedule.after(plan.leaseMs * random.between(0.5, 0.8), () => {
    network.heal(holder.id, to.id);
    if (!holder.isAlive || !parts.isFaulty()) return;
    const functionId = to.functions.get(slot)?.functionId ?? 0;
    const nonce = random.u64().toString(16);
    holder.input({ type: 'hand-over', slot, to: { node: to.id, functionId }, nonce });
    schedule.after(random.between(0, 8 * plan.delayMsMax), () => {
      if (parts.isFaulty()) holder.pause(plan.leaseMs);
    });
  });
};

/** Some node hears some others no more, or they do not hear it, for a while. */
function cutOffFor({ parts, nodes }: FaultTargets, forMs: number): void {
  const { random, schedule, network } = parts;
  const { id: alone } = random.pick(nodes);
  for (const { id } of nodes) {
    if (random.chance(0.7)) network.cut(alone, id);
    if (random.chance(0.3)) network.cut(id, alone);
    schedule.after(forMs, () => {
      network.heal(alone, id);
      network.heal(id, alone);
    });
  }
}

const handOver: Fault = ({ parts, nodes, slots }) => {
  const slot = parts.random.pick(slots);
  const from = holderOf(nodes, slot, parts) ?? parts.random.pick(nodes);
  const to = parts.random.pick(nodes);
  const functionId = to.functions.get(slot)?.functionId ?? 0;
  const nonce = parts.random.u64().toString(16);
  from.input({ type: 'hand-over', slot, to: { node: to.id, functionId }, nonce });
};

const releaseByOrder: Fault = ({ parts, nodes, slots }) => {
  const slot = parts.random.pick(slots);
  holderOf(nodes, slot, parts)?.input({ type: 'release', slot, reason: 'operator' });
};

/** The holder stands still and is cut off, while another member restarts. */
const worstCase: Fault = ({ parts, nodes, slots }) => {
  const { random, plan, schedule, network } = parts;
  const slot = random.pick(slots);
  const holder = holderOf(nodes, slot, parts);
  if (holder === undefined) return;
  const away = random.pick(nodes.filter((node) => node !== holder));
  network.cut(holder.id, away.id);
  schedule.after(plan.leaseMs * random.between(0.6, 1.2), () => {
    if (!parts.isFaulty()) return;
    const third = random.pick(nodes.filter((node) => node !== holder && node !== away));
    third.crash();
    schedule.after(random.between(0.5, 10), () => third.start());
    if (random.chance(0.5)) holder.pause(random.between(1, plan.leaseMs));
  });
  schedule.after(plan.leaseMs * 2, () => network.heal(holder.id, away.id));
};

const stepWall: Fault = ({ parts, nodes }) => {
  parts.random.pick(nodes).stepWall(parts.random.between(-2, 2) * parts.plan.leaseMs);
};

/** Within the bound clocks may also change their rate, as they do with the temperature. */
const changeRate: Fault = ({ parts, steadyClocks }) => {
  parts.random.pick(steadyClocks).changeRate(drawRate(parts.random, parts.plan));
};

const changeCandidates: Fault = (targets) => targets.changeCandidates();

const changeCouncil: Fault = (targets) => targets.changeCouncil();

const KINDS: readonly Fault[] = [
  crash,
  crash,
  pause,
  pause,
  upgrade,
  upgrade,
  pauseAll,
  cutOneWay,
  cutOneWay,
  isolate,
  cutOffHolder,
  cutOffHolder,
  functionExit,
  handOver,
  handOver,
  releaseByOrder,
  worstCase,
  stepWall,
  changeRate,
  changeCandidates,
];

function holderOf(nodes: readonly SimNode[], slot: string, { schedule }: WorldParts): SimNode | undefined {
  return nodes.find((node) => node.fence.openEpoch(slot, schedule.nowMs) !== undefined);
}
