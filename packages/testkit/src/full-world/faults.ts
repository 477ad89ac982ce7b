// SPDX-License-Identifier: Apache-2.0

import type { DeclaredPool, DeclaredRedundancy } from '@vnfpool/core/declared';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import { changed, reworded, without, withPool } from './declarations.ts';
import type { FullWorld } from './full-world.ts';
import type { FullNode } from './node.ts';

/** Hand-overs that nobody can carry out are over this long before the quiet. */
export const HANDOVER_BEFORE_MS = 4_000;

type Fault = (world: FullWorld) => void;

/** Plans the seed's faults over the time until calm. */
export function planFaults(world: FullWorld): void {
  const { plan, random, schedule } = world;
  for (let i = 0; i < plan.faults; i++) {
    const fault = random.pick(FAULTS);
    schedule.at(random.between(plan.faultsFromMs, plan.calmAtMs), () => fault(world));
  }
}

/** Mostly the one that serves, for it is there that faults hurt. */
export function someNode(world: FullWorld, random: SeededRandom = world.random): FullNode {
  const { nodes, active } = world;
  return active && random.chance(0.5) ? active : random.pick(nodes);
}

const crashNode: Fault = (world) => {
  const { random, schedule } = world;
  const node = someNode(world);
  if (random.chance(0.5)) node.kill();
  else node.powerOff();
  schedule.after(random.between(1, random.pick([50, 1_000, 6_000])), () => node.start());
};

const stopNode: Fault = (world) => {
  const node = someNode(world);
  node.stop();
  world.schedule.after(world.random.between(100, 4_000), () => node.start());
};

const restartAll: Fault = ({ nodes, random, schedule }) => {
  for (const node of nodes) {
    if (random.chance(0.5)) node.kill();
    else node.powerOff();
    schedule.after(random.between(1, 1_500), () => node.start());
  }
};

const pauseNode: Fault = (world) => {
  const { random } = world;
  someNode(world).process.pause(random.between(1, random.pick([100, 600, 6_000])));
};

const pauseManager: Fault = ({ manager, random }) => manager.process.pause(random.between(1, 5_000));

const cutLink: Fault = (world) => {
  const { network, random, schedule } = world;
  const hosts = hostsOf(world);
  const from = random.pick(hosts);
  const to = random.pick(hosts);
  const isBothWays = random.chance(0.5);
  world.log(() => `link ${from} ${isBothWays ? 'and' : 'to'} ${to} cut`);
  network.cut(from, to);
  if (isBothWays) network.cut(to, from);
  schedule.after(random.between(10, random.pick([300, 2_000, 7_000])), () => {
    network.heal(from, to);
    if (isBothWays) network.heal(to, from);
  });
};

const isolateNode: Fault = (world) => {
  const { network, random, schedule } = world;
  const alone = someNode(world).machine.host;
  const ways = random.pick(['in', 'out', 'both']);
  world.log(() => `host ${alone} isolated: ${ways}`);
  const forMs = random.between(10, random.pick([300, 2_000, 7_000]));
  for (const host of hostsOf(world)) {
    if (ways !== 'in') network.cut(alone, host);
    if (ways !== 'out') network.cut(host, alone);
    schedule.after(forMs, () => {
      network.heal(alone, host);
      network.heal(host, alone);
    });
  }
};

const functionExit: Fault = (world) => {
  const functions = someNode(world).life?.functions;
  const ids = [...(functions?.programs.keys() ?? [])];
  if (functions && ids.length > 0) functions.exit(world.random.pick(ids));
};

const functionIll: Fault = (world) => {
  const functions = someNode(world).life?.functions;
  const ids = [...(functions?.programs.keys() ?? [])];
  if (functions && ids.length > 0)
    functions.fallIll(world.random.pick(ids), world.random.between(200, 4_000));
};

const crashManager: Fault = ({ manager, random, schedule }) => {
  manager.kill();
  schedule.after(random.between(1, random.pick([50, 1_000, 5_000])), () => manager.start());
};

const crashRegistrar: Fault = ({ registrar, random, schedule }) => {
  registrar.kill();
  schedule.after(random.between(1, 2_000), () => registrar.start());
};

const fillDisk: Fault = ({ manager, random, schedule }) => {
  manager.setFull(true);
  schedule.after(random.between(10, 4_000), () => manager.setFull(false));
};

/** Not towards the end: an order that cannot be carried out is given up only after 10 s. */
const handOver: Fault = ({ manager, nowMs, plan, random }) => {
  if (nowMs > plan.calmAtMs - HANDOVER_BEFORE_MS) return;
  if (random.chance(0.6)) manager.handover('web', 0);
  else manager.handover('calc', random.below(3));
};

const stepWall: Fault = (world) => {
  someNode(world).machine.stepWall(world.random.between(-1, 1) * world.plan.leaseMs * 2);
  world.checkFences();
};

const declare: Fault = (world) => {
  const { operator, random } = world;
  const set = operator.wanted;
  if (!set) return;
  const web = set.pools.find(({ name }) => name === 'web');
  const calc = set.pools.find(({ name }) => name === 'calc');
  const next = random.pick([
    () => withPool(set, 'extra'),
    () => without(set, 'extra'),
    () => changed(set, 'calc', { redundancy: { slots: 1 + random.below(3), standbys: 0, spares: 0 } }),
    () => changed(set, 'calc', { redundancy: sharedBy(2 + random.below(2), calc) }),
    () => changed(set, 'calc', { redundancy: { slots: 2, standbys: 1, spares: 0 } }),
    () => changed(set, 'web', { redundancy: { slots: 1, standbys: 1, spares: random.below(2) } }),
    () => changed(set, 'web', { failover: { leaseMs: random.pick([200, 300, 500]) } }),
    () => reworded(set, random.pick(['web', 'calc']), `word-${random.below(3)}`),
    () => reworded(set, random.pick(['web', 'calc']), random.pick(['bad', `word-${random.below(3)}`])),
    () => changed(set, 'web', { policy: random.pick(['priority', 'round-robin']) }),
    () => changed(set, 'calc', { addresses: calc?.addresses.length === 0 ? ['10.77.0.105/24'] : [] }),
    () =>
      changed(set, 'web', {
        addresses: [web?.addresses[0] === '10.77.0.100/24' ? '10.77.0.120/24' : '10.77.0.100/24'],
      }),
    () => without(set, 'calc'),
  ])();
  world.log(
    () =>
      `declares ${next.pools.map(({ name, redundancy, addresses, failover }) => `${name} ${Object.values(redundancy).join('+')} ${addresses.join()} ${failover.leaseMs}`).join(', ')}`,
  );
  operator.declare(next);
};

/** N-way: as many slots as there are addresses, if there are any. */
function sharedBy(instances: number, calc: DeclaredPool | undefined): DeclaredRedundancy {
  const slots = calc?.addresses.length || 3;
  return { slots, standbys: 0, spares: 0, instances, slotsPerInstance: slots };
}

const FAULTS: readonly Fault[] = [
  crashNode,
  crashNode,
  crashNode,
  stopNode,
  restartAll,
  pauseNode,
  pauseNode,
  pauseManager,
  cutLink,
  cutLink,
  isolateNode,
  isolateNode,
  functionExit,
  functionExit,
  functionIll,
  crashManager,
  crashManager,
  crashRegistrar,
  fillDisk,
  handOver,
  handOver,
  stepWall,
  declare,
  declare,
];

function hostsOf({
  nodes,
  manager,
  registrar,
}: Pick<FullWorld, 'nodes' | 'manager' | 'registrar'>): number[] {
  return [...nodes.map(({ machine }) => machine.host), manager.process.host, registrar.process.host];
}
