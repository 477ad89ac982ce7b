// SPDX-License-Identifier: Apache-2.0
import { nextVersion } from '@vnfpool/core/lease';
import type { CouncilDefinition, CouncilMembership } from '@vnfpool/wire/mobility';
import type { SimNode } from './sim-node.ts';
import type { WorldParts } from './world-parts.ts';

const FIRST: CouncilDefinition = {
  id: 1,
  version: { generation: 1, number: 1, randomId: '00000000000000c0' },
  members: [],
};

/** The manager as far as it has to do with the council: what is in force, and what comes next. */
export class CouncilPlan {
  readonly #parts: WorldParts;
  readonly #hosts: readonly number[];
  #definition: CouncilDefinition;
  /** A change began before the one before it was done: safe, but nobody may get its voice. */
  isHasty = false;

  constructor(parts: WorldParts, members: readonly number[], hosts: readonly number[]) {
    this.#parts = parts;
    this.#hosts = hosts;
    this.#definition = { ...FIRST, members };
  }

  get definition(): CouncilDefinition {
    return this.#definition;
  }

  /** Whether the others can do without the node: a change of the council must be over for that. */
  readonly canSpare = ({ id }: SimNode): boolean => {
    const { version, members, next } = this.#definition;
    if (version.number === 1 && !next) return true;
    const others = members.filter((member) => member !== id);
    return !next && others.length > members.length / 2 && others.every((member) => this.#hasVoice(member));
  };

  /** Announces another council, and puts it in force a little later; nodes hear of both at different moments, or not. */
  change(): void {
    const { random, schedule, plan } = this.#parts;
    if (this.#definition.next || !this.#isSettled()) return;
    const members = this.#draw();
    if (members === undefined || !this.#hasMajority(members)) return;
    const version = nextVersion(
      this.#definition.version,
      random.u64().toString(16).padStart(16, '0').slice(8),
    );
    this.#definition = { ...this.#definition, next: { version, members } };
    this.#tell(0.8);
    schedule.after(random.between(1, plan.leaseMs), () => this.#putInForce());
  }

  /** The operator says that all others are dead, which is true: only these are left. */
  force(survivors: readonly SimNode[]): void {
    const { version } = this.#definition;
    const { random, trace, schedule } = this.#parts;
    const members = survivors.map(({ id }) => id).slice(0, survivors.length >= 3 ? 3 : 1);
    const randomId = random.u64().toString(16).padStart(16, '0');
    trace.add(schedule.nowMs, () => `the operator decides on a council of ${members.join(' ')}`);
    this.#definition = {
      id: 1,
      version: { generation: version.generation + 1, number: 1, randomId },
      members,
      forced: true,
    };
    this.#tell(1);
  }

  #putInForce(): void {
    const { id, version, members, next } = this.#definition;
    if (!next) return;
    const former: CouncilMembership = { version, members };
    this.#definition = { id, ...next, former };
    this.#tell(0.8);
  }

  /** Every node is told at its own moment; with what remains of `part`, while there are faults, not at all. */
  #tell(part: number): void {
    const { random, schedule, nodes } = this.#parts;
    for (const node of nodes.values()) {
      if (!random.chance(part) && this.#parts.isFaulty()) continue;
      const told = this.#parts.configuration();
      schedule.after(random.chance(0.5) ? random.between(0, 5) : random.between(0, 300), () =>
        node.configure(told),
      );
    }
  }

  /** Whether all members that live have their voice, and they are a majority. Now and then the manager does not ask. */
  #isSettled(): boolean {
    const { random, nodes } = this.#parts;
    const { members } = this.#definition;
    const settled = members.filter((id) => this.#hasVoice(id));
    const alive = members.filter((id) => nodes.get(id)?.isAlive);
    if (settled.length === alive.length && settled.length > members.length / 2) return true;
    if (!random.chance(0.1)) return false;
    this.isHasty = true;
    return true;
  }

  #hasVoice(id: number): boolean {
    const node = this.#parts.nodes.get(id);
    return node?.council?.version.randomId === this.#definition.version.randomId && node.hasVoice;
  }

  /** A manager does not choose those of whom nothing is heard. */
  #hasMajority(members: readonly number[]): boolean {
    const dead = members.filter((id) => this.#parts.nodes.get(id)?.isRetired);
    return dead.length < members.length / 2;
  }

  /** One member replaced, or two more or fewer. */
  #draw(): readonly number[] | undefined {
    const { random } = this.#parts;
    const { members } = this.#definition;
    const others = this.#hosts.filter((host) => !members.includes(host));
    const ways: (() => readonly number[])[] = [];
    if (others.length > 0) {
      const left = random.pick(members);
      ways.push(() => [...members.filter((member) => member !== left), random.pick(others)]);
    }
    if (members.length < 5 && others.length > 1) ways.push(() => [...members, ...others.slice(0, 2)]);
    if (members.length > 1) {
      const first = random.below(members.length);
      ways.push(() =>
        members.filter((_, index) => index !== first && index !== (first + 1) % members.length),
      );
    }
    return ways.length === 0 ? undefined : random.pick(ways)();
  }
}
