// SPDX-License-Identifier: Apache-2.0
import { type AgentOutput, isSamePlace, registrationKey, wirePolicy } from '@vnfpool/core/agent';
import { PoolElementCore, type PoolElementInput, type PoolElementOutput } from '@vnfpool/core/pool-element';
import { CoreDriver } from '@vnfpool/runtime/driver';
import { SimAsapLinks } from './asap-links.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

type Register = AgentOutput & { type: 'register' };
type Driver = CoreDriver<PoolElementInput, PoolElementOutput>;

interface Element {
  readonly driver: Driver;
  readonly links: SimAsapLinks;
}

interface Standing {
  readonly wanted: Register;
  readonly element: Element | null;
}

const LIFE_MS = 60_000;
const DEREGISTER_MS = 1_000;
/** After a registrar has said no. */
const AGAIN_MS = 500;

/** Keeps in the handlespace what the agent core wants there, one element core for each registration. */
export class SimRegistrations {
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #standing = new Map<string, Standing>();
  readonly #drivers = new Set<Driver>();
  /** Elements that are on their way out; one that comes back waits, or its farewell could overtake it. */
  readonly #leaving = new Map<string, Element>();
  #registrars: readonly { readonly host: string; readonly port: number }[] = [];

  constructor(world: World, process: SimProcess) {
    this.#world = world;
    this.#process = process;
    process.onEnd(() => {
      for (const driver of this.#drivers) driver.stop();
    });
  }

  useRegistrars(registrars: readonly { readonly address: string; readonly port: number }[]): void {
    const next = registrars.map(({ address, port }) => ({ host: address, port }));
    if (JSON.stringify(next) === JSON.stringify(this.#registrars)) return;
    this.#registrars = next;
    for (const [key, { wanted, element }] of this.#standing) {
      if (this.#leaving.has(key)) continue;
      this.#close(element);
      this.#standing.set(key, { wanted, element: this.#open(wanted) });
    }
  }

  register(wanted: Register): void {
    const key = registrationKey(wanted);
    const known = this.#standing.get(key);
    if (known && isSamePlace(known.wanted, wanted)) {
      this.#standing.set(key, { ...known, wanted });
      known.element?.driver.submit({ type: 'update', ...nameOf(wanted), policy: wirePolicy(wanted.policy) });
      return;
    }
    this.#close(known?.element ?? null);
    this.#standing.set(key, { wanted, element: this.#leaving.has(key) ? null : this.#open(wanted) });
  }

  deregister(output: AgentOutput & { type: 'deregister' }): void {
    const key = registrationKey(output);
    const element = this.#standing.get(key)?.element;
    this.#standing.delete(key);
    if (!element) return;
    this.#leaving.set(key, element);
    element.driver.submit({ type: 'deregister', ...nameOf(output) });
    this.#process.after(DEREGISTER_MS, () => this.#left(key, element));
  }

  #left(key: string, element: Element): void {
    this.#close(element);
    if (this.#leaving.get(key) !== element) return;
    this.#leaving.delete(key);
    const standing = this.#standing.get(key);
    if (standing?.element === null)
      this.#standing.set(key, { ...standing, element: this.#open(standing.wanted) });
  }

  /** Deregisters all. */
  close(): void {
    for (const { wanted } of Array.from(this.#standing.values()))
      this.deregister({ type: 'deregister', poolHandle: wanted.poolHandle, functionId: wanted.functionId });
  }

  #close(element: Element | null): void {
    if (!element) return;
    element.driver.stop();
    this.#drivers.delete(element.driver);
    element.links.close();
  }

  /** An instance that came from another node is refused until that node's registration of it is gone. */
  #openAgain(wanted: Register, element: Element): void {
    const key = registrationKey(wanted);
    this.#process.after(AGAIN_MS, () => {
      const standing = this.#standing.get(key);
      if (standing?.element !== element) return;
      this.#close(element);
      this.#standing.set(key, { ...standing, element: this.#open(standing.wanted) });
    });
  }

  #open(wanted: Register): Element | null {
    const registrars = this.#registrars;
    if (registrars.length === 0) return null;
    const world = this.#world;
    const links: SimAsapLinks = new SimAsapLinks(world, this.#process, (input) => driver.submit(input));
    const driver: Driver = new CoreDriver<PoolElementInput, PoolElementOutput>({
      core: new PoolElementCore({ attemptsMax: Number.POSITIVE_INFINITY, registrars }, world.random),
      clock: this.#process.driverClock,
      effects: {
        connect: ({ association, registrar }) => links.connect(association, registrar),
        disconnect: ({ association }) => links.disconnect(association),
        send: ({ association, message }) => links.send(association, message),
        event: ({ event, elementId }) => {
          world.log(() => `${this.#process.name} element ${wanted.poolHandle}/${elementId} ${event}`);
          if (event === 'rejected') this.#openAgain(wanted, element);
          if (event === 'deregistered')
            this.#process.after(0, () => this.#left(registrationKey(wanted), element));
        },
      },
      onFault: ({ error }) => world.fail(`pool element: ${String(error)}`),
    });
    const element: Element = { driver, links };
    this.#drivers.add(driver);
    driver.submit({
      type: 'register',
      ...nameOf(wanted),
      userTransport: { type: 'tcp', address: wanted.address, port: wanted.port },
      policy: wirePolicy(wanted.policy),
      lifeMs: LIFE_MS,
    });
    return element;
  }
}

function nameOf(of: { readonly poolHandle: string; readonly functionId: number }): {
  readonly poolHandle: Uint8Array;
  readonly elementId: number;
} {
  return { poolHandle: new TextEncoder().encode(of.poolHandle), elementId: of.functionId };
}
