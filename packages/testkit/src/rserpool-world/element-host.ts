// SPDX-License-Identifier: Apache-2.0
import { poolName } from '@vnfpool/core/handlespace';
import { PoolElementCore, type PoolElementInput, type PoolElementOutput } from '@vnfpool/core/pool-element';
import type { ServerAnnounce } from '@vnfpool/wire/asap';
import type { IpText, Policy } from '@vnfpool/wire/parameters';
import type { AssociationEnd } from './association.ts';
import { CoreRunner } from './core-runner.ts';
import { asapFrame, readAsapFrame } from './frames.ts';
import { HuntLinks } from './hunt-links.ts';
import { huntOptions } from './hunt-options.ts';
import type { Ledger } from './ledger.ts';
import type { Process } from './process.ts';
import { endpoint, hex, type RegistrarHost } from './registrar-host.ts';
import type { World } from './world.ts';

const ASAP_PORT = 3863;
const SERVICE_PORT = 7000;
const OUTPUTS_MAX = 1_000;

/** One name under which a host serves. */
export interface Registered {
  readonly poolHandle: Uint8Array;
  readonly elementId: number;
  policy: Policy;
}

/** A machine that serves under one name or many, and registers again whenever it is told that it is not registered. */
export class ElementHost {
  readonly process: Process;
  /** It never comes back. */
  isGone = false;
  readonly names: Registered[] = [];
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #registrars: readonly RegistrarHost[];
  #core: PoolElementCore | undefined;
  #runner: CoreRunner<PoolElementInput, PoolElementOutput> | undefined;
  #links: HuntLinks | undefined;
  #inbound = new Map<number, AssociationEnd>();
  #lastInbound = 0;

  constructor(world: World, ledger: Ledger, registrars: readonly RegistrarHost[], index: number) {
    this.#world = world;
    this.#ledger = ledger;
    this.#registrars = registrars;
    this.process = world.process(`element ${index + 1}`);
  }

  /** A new name; registered at once when it runs. */
  add(poolHandle: Uint8Array, policy: Policy): void {
    const name = { poolHandle, elementId: Math.max(1, this.#world.random.u32()), policy };
    this.names.push(name);
    if (this.process.isAlive) this.#register(name);
  }

  remove(name: Registered): void {
    const at = this.names.indexOf(name);
    if (at < 0) return;
    this.names.splice(at, 1);
    this.#ledger.left(this, name);
    const { poolHandle, elementId } = name;
    this.#world.log(() => `${this.process.name} leaves ${poolName(poolHandle)} as ${hex(elementId)}`);
    this.#runner?.submit({ type: 'deregister', poolHandle, elementId });
  }

  /** Its load changes. */
  update(name: Registered, policy: Policy): void {
    name.policy = policy;
    const { poolHandle, elementId } = name;
    this.#runner?.submit({ type: 'update', poolHandle, elementId, policy });
  }

  start(withNewIds = false): void {
    if (this.process.isAlive || this.isGone) return;
    const world = this.#world;
    const { process } = this;
    if (withNewIds) {
      for (const name of this.names.splice(0))
        this.names.push({ ...name, elementId: Math.max(1, world.random.u32()) });
    }
    process.begin();
    world.log(() => `${process.name} starts`);
    const { endpoint: timers, lifeUnit, infiniteLife } = world.profile;
    const core = new PoolElementCore(
      {
        ...huntOptions(world, this.#registrars, process.id),
        lifeUnit,
        infiniteLife,
        registrationTimeoutMs: timers.registrationTimeoutMs,
        deregistrationTimeoutMs: timers.deregistrationTimeoutMs,
        attemptsMax: timers.attemptsMax,
        reregistrationMaxMs: world.plan.reregistrationMaxMs,
      },
      world.random,
    );
    this.#core = core;
    const runner = new CoreRunner<PoolElementInput, PoolElementOutput>(
      world,
      process,
      core,
      OUTPUTS_MAX,
      (output) => this.#perform(output),
    );
    this.#runner = runner;
    this.#links = new HuntLinks(world, process, (input) => runner.submit(input));
    this.#inbound = new Map();
    process.listeners.set('asap', (end) => this.#accept(end));
    process.onEnd(() => {
      for (const name of this.names) this.#ledger.left(this, name);
      this.#core = undefined;
      this.#runner = undefined;
      this.#links = undefined;
    });
    for (const name of this.names) this.#register(name);
  }

  announced(message: ServerAnnounce, source: IpText): void {
    this.#runner?.submit({ type: 'announcement', message, source });
  }

  isRegistered({ poolHandle, elementId }: Registered): boolean {
    return this.#core?.phase(poolHandle, elementId) === 'registered';
  }

  phase({ poolHandle, elementId }: Registered): string {
    return this.#core?.phase(poolHandle, elementId) ?? 'unknown';
  }

  /** Registrars at the other ends of its associations. */
  *registrars(): Iterable<Process> {
    for (const end of this.#links?.ends ?? []) yield end.other;
    for (const end of this.#inbound.values()) yield end.other;
  }

  #register(name: Registered): void {
    const { poolHandle, elementId, policy } = name;
    if (!this.names.includes(name)) return;
    this.#ledger.lives(this, name);
    const { process } = this;
    this.#runner?.submit({
      type: 'register',
      poolHandle,
      elementId,
      userTransport: { type: 'tcp', port: SERVICE_PORT, address: process.address },
      policy,
      lifeMs: this.#world.plan.lifeMs,
      asapTransport: this.asap,
    });
  }

  get asap(): ReturnType<typeof endpoint> {
    return endpoint(this.#world, this.process, ASAP_PORT);
  }

  #accept(end: AssociationEnd): void {
    const runner = this.#runner;
    if (runner === undefined) return;
    const association = --this.#lastInbound;
    this.#inbound.set(association, end);
    runner.submit({ type: 'inbound-opened', association });
    end.onClose = () => {
      if (this.#inbound.delete(association)) runner.submit({ type: 'inbound-closed', association });
    };
    end.onFrame = (frame) => {
      const incoming = readAsapFrame(frame);
      if (incoming.type === 'message')
        runner.submit({ type: 'inbound-message', association, message: incoming.message });
    };
  }

  #perform(output: PoolElementOutput): void {
    switch (output.type) {
      case 'send': {
        const inbound = this.#inbound.get(output.association);
        if (inbound === undefined) this.#links?.send(output.association, output.message);
        else inbound.send(asapFrame(this.#world, output.message));
        break;
      }
      case 'connect':
        this.#links?.perform(output);
        break;
      case 'disconnect': {
        const inbound = this.#inbound.get(output.association);
        this.#inbound.delete(output.association);
        if (inbound === undefined) this.#links?.perform(output);
        else inbound.close('let go');
        break;
      }
      case 'event':
        this.#event(output);
        break;
    }
  }

  #event(event: Extract<PoolElementOutput, { type: 'event' }>): void {
    const world = this.#world;
    const { elementId } = event;
    if (event.event === 'registered') world.counts.registrations += 1;
    const reason = 'reason' in event ? `: ${event.reason}` : '';
    world.log(() => `${this.process.name} ${hex(elementId)} ${event.event}${reason}`);
    if (event.event === 'deregistration-refused') {
      // So does whoever wants to leave: the registrar may have held on to an older association of ours.
      const { poolHandle } = event;
      this.process.after(world.random.between(1_000, RETRY_MS_MAX), () => {
        if (!this.names.some((name) => name.elementId === elementId))
          this.#runner?.submit({ type: 'deregister', poolHandle, elementId });
      });
      return;
    }
    if (event.event !== 'failed' && event.event !== 'rejected') return;
    world.counts.failed += 1;
    const name = this.names.find((candidate) => candidate.elementId === elementId);
    if (name === undefined) return;
    // The application tries again.
    this.process.after(world.random.between(1_000, RETRY_MS_MAX), () => {
      if (this.#core?.phase(name.poolHandle, name.elementId) === undefined) this.#register(name);
    });
  }
}

/** Longest pause of an application whose registration failed. */
export const RETRY_MS_MAX = 5_000;
