// SPDX-License-Identifier: Apache-2.0
import type { FullWorld } from './full-world.ts';

type Action = (world: FullWorld) => void;

/** From when on there is something to move. */
const ACTIONS_FROM_MS = 1_500;

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

const ACTIONS: readonly Action[] = [
  move,
  move,
  move,
  move,
  moveAndCancel,
  drain,
  drain,
  drainAndStop,
  undrain,
  undrain,
];

function someInstance({ manager, random }: FullWorld): string | undefined {
  const names = manager.life?.core.views(manager.nowMs).instances.map(({ name }) => name) ?? [];
  return names.length === 0 ? undefined : random.pick(names);
}
