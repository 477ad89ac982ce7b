// SPDX-License-Identifier: Apache-2.0
import type { InstanceView } from '@vnfpool/core/management';
import type { FullWorld } from './full-world.ts';
import type { FullNode } from './node.ts';

type Action = (world: FullWorld) => void;

/** From when on there is something to move. */
const ACTIONS_FROM_MS = 1_500;
/** How long a strike waits for a move. */
const STRIKE_WITHIN_MS = 3_000;
const STRIKE_LOOK_MS = 10;

/** Plans what a person does with instances and nodes until calm, beside the faults. */
export function planMoves(world: FullWorld): void {
  const { plan, random, schedule } = world;
  for (let i = 0; i < (plan.moves ?? 0); i++) {
    const action = random.pick(ACTIONS);
    schedule.at(random.between(ACTIONS_FROM_MS, plan.calmAtMs), () => action(world));
  }
}

const move: Action = (world) => {
  const { manager, nodes, random } = world;
  const instance = someInstance(world);
  if (instance === undefined) return;
  const to = random.chance(0.3) ? random.pick(nodes).name : undefined;
  world.log(() => `somebody moves ${instance} to ${to ?? 'where there is room'}`);
  manager.move({ instance, ...(to === undefined ? {} : { to }) });
};

/** Soon after it was ordered, so that it comes in all of its phases. */
const moveAndCancel: Action = (world) => {
  const { manager, random, schedule } = world;
  const instance = someInstance(world);
  if (instance === undefined) return;
  world.log(() => `somebody moves ${instance}, and will think better of it`);
  manager.move({ instance });
  schedule.after(random.between(0, random.pick([30, 200, 1_500])), () => {
    world.log(() => `somebody cancels the move of ${instance}`);
    manager.move({ instance, cancel: true });
  });
};

const drain: Action = ({ manager, nodes, random }) => manager.drain(random.pick(nodes).name, false);

/** As before a host is shut down. */
const drainAndStop: Action = ({ manager, nodes, random, schedule }) => {
  const node = random.pick(nodes);
  manager.drain(node.name, false);
  schedule.after(random.between(100, 4_000), () => node.stop());
  schedule.after(random.between(4_000, 6_000), () => node.start());
};

const undrain: Action = ({ manager, nodes, random }) => manager.drain(random.pick(nodes).name, true);

/** Something happens to who takes part in a move, in the middle of it. */
const strike: Action = (world) => {
  const untilMs = Math.min(world.nowMs + STRIKE_WITHIN_MS, world.plan.calmAtMs);
  const look = (): void => {
    const moving = instances(world).find((instance) => instance.move !== null);
    if (moving?.move) {
      const ends = [moving.node, moving.move.to];
      const nodes = world.nodes.filter(({ name }) => ends.includes(name));
      world.schedule.after(world.random.between(0, 60), () => {
        if (!world.isCalm && nodes.length > 0) hit(world, world.random.pick(nodes));
      });
    } else if (world.nowMs < untilMs) world.schedule.after(STRIKE_LOOK_MS, look);
  };
  look();
};

function hit(world: FullWorld, node: FullNode): void {
  const { manager, network, random, schedule } = world;
  const downMs = random.between(1, random.pick([50, 1_000, 8_000]));
  switch (random.below(6)) {
    case 0:
      manager.kill();
      schedule.after(downMs, () => manager.start());
      break;
    case 1:
      node.kill();
      schedule.after(downMs, () => node.start());
      break;
    case 2:
      node.powerOff();
      schedule.after(downMs, () => node.start());
      break;
    case 3:
      node.process.pause(downMs);
      break;
    case 4: {
      const other = random.pick(world.nodes).machine.host;
      const { host } = node.machine;
      world.log(() => `link ${host} and ${other} cut`);
      network.cut(host, other);
      network.cut(other, host);
      schedule.after(downMs, () => {
        network.heal(host, other);
        network.heal(other, host);
      });
      break;
    }
    default: {
      const programs = node.life?.functions;
      const ids = [...(programs?.programs.keys() ?? [])];
      if (programs && ids.length > 0) programs.exit(random.pick(ids));
    }
  }
}

const ACTIONS: readonly Action[] = [
  move,
  move,
  move,
  move,
  moveAndCancel,
  strike,
  strike,
  strike,
  drain,
  drain,
  drainAndStop,
  undrain,
  undrain,
];

function someInstance(world: FullWorld): string | undefined {
  const names = instances(world).map(({ name }) => name);
  return names.length === 0 ? undefined : world.random.pick(names);
}

function instances({ manager }: FullWorld): readonly InstanceView[] {
  return manager.life?.core.views(manager.nowMs).instances ?? [];
}
