// SPDX-License-Identifier: Apache-2.0
import { SeededRandom } from '../lease-world/seeded-random.ts';
import { OUTER_LINK } from './declarations.ts';
import { someNode } from './faults.ts';
import type { FullWorld } from './full-world.ts';

const STRANGER = '02:00:00:00:99:01';

type Fault = (world: FullWorld, random: SeededRandom) => void;

/** Somebody takes an address off a link. */
const removeAddress: Fault = (world, random) => {
  const { machine, life } = someNode(world, random);
  if (machine.raised.size === 0) return;
  const address = random.pick([...machine.raised]);
  world.log(() => `${machine.name}: somebody removes ${address}`);
  machine.raised.delete(address);
  life?.worker.tell({ type: 'address-vanished', address });
};

/** A link goes, with the addresses on it, and comes back. */
const takeLink: Fault = (world, random) => {
  const node = someNode(world, random);
  const { machine } = node;
  if (!machine.hasLink) return;
  machine.takeLink();
  node.life?.worker.linkChanged();
  world.schedule.after(random.between(10, random.pick([300, 2_000, 7_000])), () => {
    machine.giveLink();
    node.life?.worker.linkChanged();
  });
};

/** The link that a gateway only forwards into loses its carrier, or goes, and comes back. */
const takeOuterLink: Fault = (world, random) => {
  const node = someNode(world, random);
  const { machine } = node;
  if (machine.outerTrouble !== null) return;
  machine.loseOuterLink(random.pick([`there is no link ${OUTER_LINK}`, `link ${OUTER_LINK} has no carrier`]));
  node.life?.worker.outerLinkChanged();
  world.schedule.after(random.between(10, random.pick([300, 2_000, 7_000])), () => {
    machine.giveOuterLink();
    node.life?.worker.outerLinkChanged();
  });
};

/** A kernel refuses addresses for a while, and what it had is gone: as where somebody disables a protocol on the link. */
const refuse: Fault = (world, random) => {
  const { machine, life } = someNode(world, random);
  if (machine.refuses) return;
  machine.refuse();
  for (const address of machine.raised) {
    machine.raised.delete(address);
    life?.worker.tell({ type: 'address-vanished', address });
  }
  world.schedule.after(random.between(10, random.pick([300, 2_000, 7_000])), () => machine.accept());
};

/** Somebody outside the set has an address for a while, and says so now and then. */
const stranger: Fault = (world, random) => {
  const address = random.pick(['10.77.0.100', '10.77.0.101', '10.77.0.120']);
  world.log(() => `a stranger has ${address}`);
  world.strangers.add(address);
  world.schedule.after(random.between(10, 5_000), () => world.strangers.delete(address));
  for (const { life } of world.nodes) {
    const claim = { address, hardwareAddress: STRANGER, link: 'eth0' };
    life?.worker.tell({ type: 'address-claimed', claim });
  }
};

const FAULTS: readonly Fault[] = [
  removeAddress,
  removeAddress,
  takeLink,
  takeLink,
  takeOuterLink,
  takeOuterLink,
  refuse,
  refuse,
  stranger,
];

/** Plans what happens to addresses until calm, by numbers of its own: what else the seed draws stays as it is. */
export function planAddressFaults(world: FullWorld, seed: number): void {
  const { plan, schedule } = world;
  const random = new SeededRandom(seed ^ 0x61646472);
  for (let i = 0; i < (plan.addressFaults ?? 0); i++) {
    const fault = random.pick(FAULTS);
    schedule.at(random.between(1, plan.calmAtMs), () => fault(world, random));
  }
}
