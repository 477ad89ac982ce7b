// SPDX-License-Identifier: Apache-2.0
import {
  type Identity,
  profileOptions,
  Registrar,
  type RegistrarInput,
  type RegistrarOptions,
  type RegistrarOutput,
  type RegistrarSnapshot,
  type RegistrarTransport,
} from '@vnfpool/core/registrar';
import { transportAddresses } from '@vnfpool/wire/parameters';
import type { AssociationEnd } from './association.ts';
import { CoreRunner } from './core-runner.ts';
import { asapFrame, enrpFrame, readAsapFrame, readEnrpFrame } from './frames.ts';
import type { MutationPlace } from './mutation.ts';
import type { Protocol } from './options.ts';
import type { Process } from './process.ts';
import { describeRegistrarEvent } from './words.ts';
import type { World } from './world.ts';

const ASAP_PORT = 3863;
const ENRP_PORT = 9901;
/** The driver's own patience with a connection. */
const CONNECT_MS = 5_000;
/** Outputs to one input: every element of a dead registrar may move, and every peer hears of it. */
const OUTPUTS_MAX_BASE = 500;

/** What the registrar needs to know of the others. */
export interface Scope {
  readonly registrars: readonly RegistrarHost[];
  /** Processes that hear ASAP announcements, registrars apart, and what they do with them. */
  announce(from: RegistrarHost, message: Extract<RegistrarOutput, { type: 'announce' }>['message']): void;
  /** Where the ASAP endpoint of a machine is, when it has one. */
  asapOf(process: Process): RegistrarTransport | undefined;
  /** What the certificate of a machine says. */
  identityOf(process: Process): Identity;
}

/** A registrar: everything it knows dies with its process, also its identifier. */
export class RegistrarHost {
  readonly process: Process;
  readonly index: number;
  /** The identifier with which this life began. */
  registrarId = 0;
  /** It never comes back. */
  isGone = false;
  readonly #world: World;
  readonly #scope: Scope;
  #core: Registrar | undefined;
  #runner: CoreRunner<RegistrarInput, RegistrarOutput> | undefined;
  #associations = new Map<number, { readonly end: AssociationEnd; readonly protocol: Protocol }>();
  #lastAssociation = 0;

  constructor(world: World, scope: Scope, index: number) {
    this.#world = world;
    this.#scope = scope;
    this.index = index;
    this.process = world.process(`registrar ${index + 1}`);
  }

  get enrp(): RegistrarTransport {
    return endpoint(this.#world, this.process, ENRP_PORT);
  }

  get asap(): RegistrarTransport {
    return endpoint(this.#world, this.process, ASAP_PORT);
  }

  snapshot(): RegistrarSnapshot | undefined {
    return this.#core?.snapshot(this.process.nowMs());
  }

  /** ASAP associations of this life, by the machine at the other end. */
  associationsWith(process: Process): AssociationEnd[] {
    return [...this.#associations.values()].map(({ end }) => end).filter((end) => end.other === process);
  }

  start(registrarId: number = Math.max(1, this.#world.random.u32())): void {
    if (this.process.isAlive || this.isGone) return;
    const world = this.#world;
    const { process } = this;
    this.registrarId = registrarId;
    this.#associations = new Map();
    process.begin();
    world.log(() => `${process.name} starts as ${hex(registrarId)}`);
    const place: MutationPlace = { index: this.index, registrarId };
    const options: RegistrarOptions = {
      ...profileOptions(world.profile),
      registrarId,
      openRegistration: !world.plan.isAuthenticated,
      openPeering: !world.plan.isAuthenticated,
      ...world.mutation.options?.(place),
    };
    const core = new Registrar(options, world.random, () => true);
    this.#core = core;
    const outputsMax = OUTPUTS_MAX_BASE + 4 * world.plan.elements * world.plan.registrars * MANY;
    const runner = new CoreRunner<RegistrarInput, RegistrarOutput>(
      world,
      process,
      core,
      outputsMax,
      (output) => {
        const mutate = world.mutation.output;
        const changed = mutate === undefined ? output : mutate(output, place);
        if (changed !== undefined) this.#perform(changed);
      },
    );
    this.#runner = runner;
    process.onEnd(() => {
      this.#core = undefined;
      this.#runner = undefined;
    });
    process.listeners.set('asap', (end) => this.#adopt(end, 'asap', undefined));
    process.listeners.set('enrp', (end) => this.#adopt(end, 'enrp', undefined));
    const others = this.#scope.registrars.filter((other) => other !== this);
    const mentors = others.slice(0, world.plan.mentors).map(({ enrp }) => enrp);
    runner.submit({ type: 'start', server: this.enrp, asap: [this.asap], mentors });
  }

  hear(input: Extract<RegistrarInput, { type: 'announcement-heard' | 'presence-heard' }>): void {
    this.#runner?.submit(input);
  }

  #adopt(end: AssociationEnd, protocol: Protocol, attempt: number | undefined): void {
    const world = this.#world;
    const runner = this.#runner;
    if (runner === undefined) return;
    const association = ++this.#lastAssociation;
    this.#associations.set(association, { end, protocol });
    const identity = world.plan.isAuthenticated ? this.#scope.identityOf(end.other) : null;
    const asapTransport = protocol === 'asap' ? this.#scope.asapOf(end.other) : undefined;
    const peer = {
      transport: world.plan.transport,
      addresses: [end.other.address],
      ...(asapTransport !== undefined && { asapTransport }),
    };
    runner.submit({
      type: protocol === 'asap' ? 'association-opened' : 'peer-opened',
      association,
      identity,
      peer,
      ...(attempt !== undefined && { attempt }),
    });
    end.onClose = () => {
      if (!this.#associations.delete(association)) return;
      runner.submit({ type: protocol === 'asap' ? 'association-closed' : 'peer-closed', association });
    };
    if (protocol === 'asap') {
      end.onFrame = (frame) => {
        const incoming = readAsapFrame(frame);
        if (incoming.type === 'malformed')
          runner.submit({ type: 'malformed', association, report: incoming.report });
        else runner.submit({ ...incoming, association });
      };
      return;
    }
    const place: MutationPlace = { index: this.index, registrarId: this.registrarId };
    end.onFrame = (frame) => {
      const incoming = readEnrpFrame(frame);
      if (incoming.type === 'malformed') {
        runner.submit({ type: 'peer-malformed', association, report: incoming.report });
        return;
      }
      if (
        incoming.message.type === 'handle-update' &&
        world.updateLoss > 0 &&
        world.random.chance(world.updateLoss)
      ) {
        const { action, element } = incoming.message;
        world.log(() => `${this.process.name} never sees a handle update: ${action} ${hex(element.id)}`);
        return;
      }
      const heard = world.mutation.heard;
      const message = heard === undefined ? incoming.message : heard(incoming.message, place);
      if (message === undefined) return;
      const { unrecognized } = incoming;
      runner.submit({ type: 'peer-message', association, message, unrecognized });
    };
  }

  #perform(output: RegistrarOutput): void {
    const world = this.#world;
    switch (output.type) {
      case 'send':
        this.#associations.get(output.association)?.end.send(asapFrame(world, output.message));
        break;
      case 'peer-send':
        this.#associations.get(output.association)?.end.send(enrpFrame(world, output.message));
        break;
      case 'close': {
        const closing = this.#associations.get(output.association);
        closing?.end.close(output.reason);
        if (closing)
          world.log(() => `${this.process.name} lets go of ${closing.end.other.name}: ${output.reason}`);
        break;
      }
      case 'connect':
        this.#connect(output);
        break;
      case 'announce':
        world.traffic.count('announcements', 'announce');
        this.#scope.announce(this, output.message);
        break;
      case 'presence-multicast': {
        world.traffic.count('announcements', 'presence-multicast');
        const { address } = this.process;
        const { registrars } = this.#scope;
        world.network.multicast(
          this.process,
          registrars.map(({ process }) => process),
          (to) =>
            registrars
              .find(({ process }) => process === to)
              ?.hear({ type: 'presence-heard', message: output.message, address }),
        );
        break;
      }
      case 'event':
        this.#event(output);
        break;
    }
  }

  #connect({ attempt, protocol, transport }: Extract<RegistrarOutput, { type: 'connect' }>): void {
    const world = this.#world;
    world.traffic.count('connects', `connect ${protocol}`);
    const [address = ''] = transportAddresses(transport);
    world.network.connect(this.process, address, protocol, {
      timeoutMs: CONNECT_MS,
      opened: (end) => this.#adopt(end, protocol, attempt),
      failed: (reason) => this.#runner?.submit({ type: 'connect-failed', attempt, reason }),
    });
  }

  #event(event: Extract<RegistrarOutput, { type: 'event' }>): void {
    const { counts } = this.#world;
    if (event.event === 'takeover-won') counts.takeoversWon += 1;
    if (event.event === 'element-moved') counts.moved += 1;
    if (event.event === 'audit-mismatch') counts.mismatches += 1;
    if (event.event === 'registration-refused') counts.refused += 1;
    const text = describeRegistrarEvent(event);
    if (text !== undefined) this.#world.log(() => `${this.process.name}: ${text()}`);
  }
}

/** Names that one element may register at most. */
export const MANY = 20;

export function hex(id: number): string {
  return `0x${id.toString(16)}`;
}

export function endpoint(world: World, process: Process, port: number): RegistrarTransport {
  return world.plan.transport === 'sctp'
    ? { type: 'sctp', port, use: 'data', addresses: [process.address] }
    : { type: 'tcp', port, address: process.address };
}
