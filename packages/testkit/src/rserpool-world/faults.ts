// SPDX-License-Identifier: Apache-2.0
import { SeededRandom } from '../lease-world/seeded-random.ts';
import { PAUSE_MS_MAX, SLOW_MS_MAX } from './bounds.ts';
import type { ElementHost } from './element-host.ts';
import type { Process } from './process.ts';
import { hex, MANY, type RegistrarHost } from './registrar-host.ts';
import { poolHandle, type RserpoolWorld } from './rserpool-world.ts';

/** One fault; it draws what it needs from a seed of its own, so that the others may be left out. */
export interface PlannedFault {
  readonly number: number;
  readonly kind: string;
  readonly atMs: number;
  readonly seed: number;
}

type Fault = (world: RserpoolWorld, random: SeededRandom) => void;

/** Draws the faults of one round. */
export function drawFaults(
  world: RserpoolWorld,
  random: SeededRandom,
  firstNumber: number,
  fromMs: number,
): PlannedFault[] {
  const { faultsARound, faultsForMs } = world.plan;
  const kinds = world.plan.kinds ?? Object.keys(FAULTS);
  return Array.from({ length: faultsARound }, (_, index) => ({
    number: firstNumber + index,
    kind: random.pick(kinds),
    atMs: fromMs + random.between(0, faultsForMs),
    seed: random.u32(),
  })).toSorted((a, b) => a.atMs - b.atMs);
}

/** Carries it out when its time comes. */
export function plan(world: RserpoolWorld, fault: PlannedFault): void {
  world.schedule.at(fault.atMs, () => {
    world.log(() => `fault ${fault.number}: ${fault.kind}`);
    FAULTS[fault.kind]?.(world, new SeededRandom(fault.seed));
  });
}

/** How long a fault lasts: mostly short against the timers of the scope, sometimes long. */
function lastsMs(world: RserpoolWorld, random: SeededRandom): number {
  const { peerHeartbeatCycleMs, maxTimeLastHeardMs } = world.profile.registrar;
  return random.pick([
    random.between(50, 2_000),
    random.between(2_000, 15_000),
    random.between(0.5, 2) * (peerHeartbeatCycleMs + maxTimeLastHeardMs),
  ]);
}

const everybody = (world: RserpoolWorld): Process[] =>
  [...world.registrars, ...world.elements, ...world.users].map(({ process }) => process);

function pick<T>(random: SeededRandom, from: readonly T[]): T | undefined {
  return from.length === 0 ? undefined : random.pick(from);
}

const stayed = <T extends { readonly isGone: boolean }>(hosts: readonly T[]): T[] =>
  hosts.filter(({ isGone }) => !isGone);

function killRegistrar(world: RserpoolWorld, random: SeededRandom, how: 'crash' | 'power'): void {
  const registrar = pick(random, stayed(world.registrars));
  if (registrar === undefined) return;
  registrar.process.kill(how);
  world.schedule.after(lastsMs(world, random), () => {
    if (!registrar.isGone) registrar.start(Math.max(1, random.u32()));
  });
}

function killElement(world: RserpoolWorld, random: SeededRandom, how: 'crash' | 'power'): void {
  const element = pick(random, stayed(world.elements));
  if (element === undefined) return;
  element.process.kill(how);
  if (random.chance(0.4)) {
    element.isGone = true;
    return;
  }
  const withNewIds = random.chance(0.5);
  world.schedule.after(lastsMs(world, random), () => {
    if (!element.isGone) element.start(withNewIds);
  });
}

/** Cuts one way or both. */
function cutGroups(world: RserpoolWorld, random: SeededRandom, a: Process[], b: Process[]): void {
  const ways = random.pick(['there', 'back', 'both', 'both']);
  const heals: (() => void)[] = [];
  if (ways !== 'back') heals.push(world.network.cut(a, b));
  if (ways !== 'there') heals.push(world.network.cut(b, a));
  const arrow = { there: '->', back: '<-', both: '<->' }[ways] ?? '';
  world.log(() => `cut: ${names(a)} ${arrow} ${names(b)}`);
  world.schedule.after(lastsMs(world, random), () => {
    world.log(() => `healed: ${names(a)} ${arrow} ${names(b)}`);
    for (const heal of heals) heal();
  });
}

function names(group: readonly Process[]): string {
  const shown = group.slice(0, 6).map(({ name }) => name);
  return `{${shown.join(', ')}${group.length > 6 ? `, ${group.length - 6} more` : ''}}`;
}

function isolate(world: RserpoolWorld, random: SeededRandom, alone: Process | undefined): void {
  if (alone === undefined) return;
  cutGroups(
    world,
    random,
    [alone],
    everybody(world).filter((other) => other !== alone),
  );
}

/** As an operator would send it by mistake, or an enemy by intent. */
const GARBAGE: readonly (readonly number[])[] = [
  // Too short, a parameter beyond its message, an unknown message to be reported, an unknown parameter.
  [1, 0, 0, 4],
  [1, 0, 0, 16, 0, 9, 0, 99, 65, 65, 65, 65, 0, 0, 0, 0],
  [0x4a, 0, 0, 8, 1, 2, 3, 4],
  [5, 0, 0, 20, 0x40, 99, 0, 8, 1, 2, 3, 4, 0, 9, 0, 8, 65, 65, 65, 65],
  [4, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0],
  [3, 3, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 10, 0, 8, 1, 1, 1, 1],
];

function sendGarbage(random: SeededRandom, process: Process): void {
  const ends = [...process.ends];
  const end = pick(random, ends);
  const count = random.pick([1, 3, 20]);
  for (let i = 0; i < count; i++) end?.send(Uint8Array.from(random.pick(GARBAGE)));
  process.touch();
  end?.other.touch();
}

function someRegistrar(world: RserpoolWorld, random: SeededRandom): RegistrarHost | undefined {
  return pick(
    random,
    world.registrars.filter(({ process }) => process.isAlive),
  );
}

function someElement(world: RserpoolWorld, random: SeededRandom): ElementHost | undefined {
  return pick(
    random,
    world.elements.filter(({ process }) => process.isAlive),
  );
}

export const FAULTS: Readonly<Record<string, Fault>> = {
  'registrar crashes': (world, random) => killRegistrar(world, random, 'crash'),
  'registrar loses power': (world, random) => killRegistrar(world, random, 'power'),
  'registrar is gone for ever': (world, random) => {
    const running = stayed(world.registrars);
    const registrar = pick(random, running);
    if (registrar === undefined || running.length < 2) return;
    registrar.isGone = true;
    registrar.process.kill(random.pick(['crash', 'power']));
  },
  'registrar and an element die together': (world, random) => {
    const element = someElement(world, random);
    const home = element && pick(random, [...element.registrars()]);
    if (element === undefined || home === undefined) return;
    const registrar = world.registrars.find(({ process }) => process === home);
    element.isGone = true;
    element.process.kill('power');
    if (stayed(world.registrars).length > 1 && registrar !== undefined) registrar.isGone = true;
    home.kill('power');
    world.schedule.after(lastsMs(world, random), () => {
      if (registrar?.isGone === false) registrar.start(Math.max(1, random.u32()));
    });
  },
  'registrar restarts with the identifier of another one': (world, random) => {
    const [first, second] = [someRegistrar(world, random), someRegistrar(world, random)];
    if (first === undefined || second === undefined || first === second) return;
    const id = second.snapshot()?.registrarId ?? second.registrarId;
    // Elements of either may be taken for those of the other.
    for (const process of everybody(world)) process.touch();
    world.log(() => `${first.process.name} will be ${hex(id)} as ${second.process.name} is`);
    first.process.kill('crash');
    world.schedule.after(random.between(10, 5_000), () => {
      if (!first.isGone) first.start(id);
    });
  },
  'registrar is paused': (world, random) =>
    someRegistrar(world, random)?.process.pause(Math.min(PAUSE_MS_MAX, lastsMs(world, random))),
  'element crashes': (world, random) => killElement(world, random, 'crash'),
  'element loses power': (world, random) => killElement(world, random, 'power'),
  'element is paused': (world, random) =>
    someElement(world, random)?.process.pause(Math.min(PAUSE_MS_MAX, lastsMs(world, random))),
  'element leaves': (world, random) => {
    const element = someElement(world, random);
    const name = element && pick(random, element.names);
    if (element !== undefined && name !== undefined) element.remove(name);
  },
  'element comes': (world, random) => {
    if (world.elements.length < 2 * world.plan.elements + 5) world.addElement().start();
    else someElement(world, random)?.add(...world.drawName());
  },
  'element registers many names': (world, random) => {
    const element = someElement(world, random);
    if (element === undefined || element.names.length >= MANY) return;
    for (let i = element.names.length; i < MANY; i++)
      element.add(poolHandle(`many-${random.below(40)}`), { type: 'round-robin' });
  },
  'element changes its load often': (world, random) => {
    const element = someElement(world, random);
    const name = element && pick(random, element.names);
    if (element === undefined || name === undefined) return;
    for (let i = 0; i < 30; i++) {
      world.schedule.after(i * random.between(1, 200), () => {
        if (element.names.includes(name)) element.update(name, world.redrawPolicy(name.poolHandle));
      });
    }
  },
  'registrars are divided': (world, random) => {
    const sides: [Process[], Process[]] = [[], []];
    for (const process of everybody(world)) sides[random.below(2)]?.push(process);
    cutGroups(world, random, sides[0], sides[1]);
  },
  'only registrars are divided': (world, random) => {
    const sides: [Process[], Process[]] = [[], []];
    for (const { process } of world.registrars) sides[random.below(2)]?.push(process);
    cutGroups(world, random, sides[0], sides[1]);
  },
  'two machines are cut off': (world, random) => {
    const [a, b] = [pick(random, everybody(world)), someRegistrar(world, random)?.process];
    if (a !== undefined && b !== undefined && a !== b) cutGroups(world, random, [a], [b]);
  },
  'registrar is isolated': (world, random) => isolate(world, random, someRegistrar(world, random)?.process),
  'element is isolated': (world, random) => isolate(world, random, someElement(world, random)?.process),
  'slow machine': (world, random) => {
    const process = pick(random, everybody(world));
    if (process === undefined) return;
    world.network.slow(process, random.between(50, SLOW_MS_MAX));
    world.schedule.after(lastsMs(world, random), () => world.network.slow(process, 0));
  },
  'associations break': (world, random) => {
    const process = random.chance(0.7)
      ? someRegistrar(world, random)?.process
      : pick(random, everybody(world));
    const share = random.pick([0.2, 1]);
    process?.touch();
    for (const end of process?.ends ?? []) {
      if (!random.chance(share)) continue;
      end.other.touch();
      end.lose('broken');
    }
  },
  'handle updates are lost': (world, random) => {
    world.updateLoss = random.pick([0.1, 0.5, 1]);
    for (const { process } of world.registrars) process.touch();
    world.schedule.after(lastsMs(world, random), () => {
      world.updateLoss = 0;
      for (const { process } of world.registrars) process.touch();
    });
  },
  'multicast is lost': (world, random) => {
    world.network.multicastLoss = random.pick([0.5, 1]);
    world.schedule.after(lastsMs(world, random), () => {
      world.network.multicastLoss = 0;
    });
  },
  'a user lies': (world, random) => {
    const user = pick(random, world.users);
    if (user === undefined) return;
    user.isLiar = true;
    world.schedule.after(10 * lastsMs(world, random), () => {
      user.isLiar = false;
    });
  },
  'garbage arrives': (world, random) => {
    const process = pick(random, everybody(world));
    if (process !== undefined) sendGarbage(random, process);
  },
};
