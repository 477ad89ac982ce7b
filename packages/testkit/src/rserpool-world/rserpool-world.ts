// SPDX-License-Identifier: Apache-2.0

import type { Policy } from '@vnfpool/wire/parameters';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import { ElementHost } from './element-host.ts';
import { Ledger } from './ledger.ts';
import type { RserpoolMutation } from './mutation.ts';
import type { RserpoolPlan } from './options.ts';
import type { Process } from './process.ts';
import { RegistrarHost } from './registrar-host.ts';
import { UserHost } from './user-host.ts';
import { Watch } from './watch.ts';
import { World } from './world.ts';

const START_WITHIN_MS = 3_000;

/** Registrars, elements and users of one operational scope. */
export class RserpoolWorld extends World {
  readonly registrars: RegistrarHost[] = [];
  readonly elements: ElementHost[] = [];
  readonly users: UserHost[] = [];
  readonly ledger: Ledger = new Ledger(this);
  readonly watch: Watch = new Watch(this);
  readonly #pools: readonly Uint8Array[];
  readonly #byProcess = new Map<Process, ElementHost | UserHost | RegistrarHost>();
  readonly #listening: Process[] = [];

  constructor(random: SeededRandom, plan: RserpoolPlan, mutation: RserpoolMutation, traceLines: number) {
    super(random, plan, mutation, traceLines);
    this.#pools = Array.from({ length: plan.pools }, (_, index) => poolHandle(`pool-${index + 1}`));
    for (let index = 0; index < plan.registrars; index++) this.addRegistrar();
    for (let index = 0; index < plan.elements; index++) this.addElement();
    for (let index = 0; index < plan.users; index++) this.#addUser(index);
  }

  /** Another registrar of the scope; those that run know nothing of it. */
  addRegistrar(): RegistrarHost {
    const registrar = new RegistrarHost(
      this,
      {
        registrars: this.registrars,
        announce: (from, message) => {
          this.network.multicast(from.process, this.#listening, (to) => {
            const who = this.#byProcess.get(to);
            if (who === undefined) return;
            if (who instanceof RegistrarHost) who.hear({ type: 'announcement-heard', message });
            else who.announced(message, from.process.address);
          });
        },
        asapOf: (process) => {
          const who = this.#byProcess.get(process);
          return who instanceof ElementHost ? who.asap : undefined;
        },
        identityOf: (process) => {
          const who = this.#byProcess.get(process);
          const role =
            who instanceof RegistrarHost ? 'registrar' : who instanceof ElementHost ? 'element' : 'user';
          return { role, name: process.name };
        },
      },
      this.registrars.length,
    );
    this.registrars.push(registrar);
    this.#know(registrar);
    return registrar;
  }

  addElement(): ElementHost {
    const element = new ElementHost(this, this.ledger, this.registrars, this.elements.length);
    element.add(...this.drawName());
    this.elements.push(element);
    this.#know(element);
    return element;
  }

  start(): void {
    const { random, schedule } = this;
    const withinMs = random.pick([10, START_WITHIN_MS]);
    for (const registrar of this.registrars)
      schedule.after(random.between(0, withinMs), () => registrar.start());
    for (const element of this.elements)
      schedule.after(random.between(0, START_WITHIN_MS), () => element.start());
    for (const user of this.users) schedule.after(random.between(0, START_WITHIN_MS), () => user.start());
  }

  /** A pool and values of its policy. */
  drawName(): [Uint8Array, Policy] {
    const index = this.random.below(this.#pools.length);
    return [this.#pools[index] as Uint8Array, this.drawPolicy(index)];
  }

  drawPolicy(pool: number): Policy {
    switch (pool % 3) {
      case 0:
        return { type: 'round-robin' };
      case 1:
        return { type: 'least-used', load: this.random.u32() };
      default:
        return { type: 'weighted-round-robin', weight: 1 + this.random.below(9) };
    }
  }

  /** The policy of a pool of ours with new values. */
  redrawPolicy(handle: Uint8Array): Policy {
    return this.drawPolicy(Math.max(0, this.#pools.indexOf(handle)));
  }

  /** No faults any more: the network is good, and everything runs that has not gone for ever. */
  calm(): void {
    this.log(() => 'calm');
    this.isCalm = true;
    this.network.calm();
    this.updateLoss = 0;
    for (const { process } of [...this.registrars, ...this.elements, ...this.users]) process.resume();
    for (const registrar of this.registrars) if (!registrar.isGone) registrar.start();
    for (const element of this.elements) if (!element.isGone) element.start();
    for (const user of this.users) {
      user.isLiar = false;
      user.start();
    }
  }

  #addUser(index: number): void {
    const handle = this.#pools[this.random.below(this.#pools.length)] as Uint8Array;
    const user = new UserHost(
      this,
      {
        serves: (from, key) => {
          const entry = this.ledger.find(key);
          if (entry === undefined) return false;
          const { process } = entry.host;
          return (
            process.isRunning && !this.network.isCut(from, process) && !this.network.isCut(process, from)
          );
        },
        used: (who, key) => this.watch.used(who, key),
      },
      this.registrars,
      index,
      handle,
    );
    this.users.push(user);
    this.#know(user);
  }

  #know(who: ElementHost | UserHost | RegistrarHost): void {
    this.#byProcess.set(who.process, who);
    this.#listening.push(who.process);
  }
}

export function poolHandle(name: string): Uint8Array {
  return Uint8Array.from(name, (character) => character.charCodeAt(0));
}
