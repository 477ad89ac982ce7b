// SPDX-License-Identifier: Apache-2.0
import {
  Registrar,
  type RegistrarEvent,
  type RegistrarInput,
  type RegistrarOptions,
  type RegistrarOutput,
  type RegistrarSnapshot,
  type RegistrarTransport,
} from '@vnfpool/core/registrar';
import { type AsapMessage, decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import { decodeEnrp, type EnrpMessage, encodeEnrp } from '@vnfpool/wire/enrp';
import { seededRandom } from '../../handlespace/seeded-random.ts';
import { TestElement } from './test-element.ts';

/** Of the tests: a takeover takes some seconds, not a minute. */
export const QUICK: Partial<RegistrarOptions> = {
  peerHeartbeatCycleMs: 2000,
  maxTimeLastHeardMs: 5000,
  maxTimeNoResponseMs: 1000,
  takeoverExpiryMs: 1000,
  takeoverRestartMs: 500,
  keepAlivePeriodMs: 0,
};

/** One way, each message. */
export const LATENCY_MS = 1;
const STEPS_MAX = 400_000;

/** One registrar of the world, and what came of it. */
export interface Site {
  readonly name: string;
  readonly registrar: Registrar;
  readonly enrp: RegistrarTransport;
  readonly asap: RegistrarTransport;
  isUp: boolean;
  readonly ends: Map<number, End>;
  readonly events: RegistrarEvent[];
  readonly announced: number[];
}

/** One end of a connection. */
interface End {
  readonly id: number;
  readonly site: Site | TestElement;
  peer: End | undefined;
}

type Message = AsapMessage | EnrpMessage;
type Filter = (from: string, to: string, message: Message) => boolean;

/** Registrars and elements on a network in memory, with a clock that jumps; every message goes over the wire format. */
export class ScopeWorld {
  now = 0;
  readonly sites: Map<string, Site> = new Map<string, Site>();
  readonly elements: TestElement[] = [];
  /** Messages that are lost, and connections that cannot be made (with a presence asked for). */
  drop: Filter = () => false;
  /** Everything that was delivered between registrars: `a>b type`. */
  readonly trace: string[] = [];
  readonly #options: Partial<RegistrarOptions>;
  #queue: { readonly atMs: number; readonly run: () => void }[] = [];
  #ids = 0;

  constructor(options: Partial<RegistrarOptions> = {}) {
    this.#options = { ...QUICK, ...options };
  }

  add(name: string, registrarId: number, options: Partial<RegistrarOptions> = {}): Site {
    const address = `10.1.0.${this.sites.size + 1}`;
    const random = seededRandom(this.sites.size + 1);
    const registrar = new Registrar({ registrarId, ...this.#options, ...options }, random, () => true);
    const site: Site = {
      name,
      registrar,
      enrp: { type: 'tcp', port: 9901, address },
      asap: { type: 'tcp', port: 3863, address },
      isUp: true,
      ends: new Map(),
      events: [],
      announced: [],
    };
    this.sites.set(name, site);
    return site;
  }

  /** Adds and starts registrars, each with the first as its mentor, and lets them find each other. */
  scope(ids: Readonly<Record<string, number>>, options: Partial<RegistrarOptions> = {}): Site[] {
    const names = Object.keys(ids);
    for (const name of names) {
      this.add(name, ids[name] ?? 0, options);
      this.start(name, name === names[0] ? [] : names.slice(0, 1));
      this.run(100);
    }
    this.run(5000);
    return [...this.sites.values()];
  }

  start(name: string, mentors: readonly string[] = []): void {
    const { enrp, asap } = this.site(name);
    const of = mentors.map((mentor) => this.site(mentor).enrp);
    this.give(name, { type: 'start', server: enrp, asap: [asap], mentors: of });
  }

  element(id: number, pool = 'web'): TestElement {
    const found = this.elements.find((element) => element.id === id && element.pool === pool);
    if (found !== undefined) return found;
    const element = new TestElement(id, pool);
    this.elements.push(element);
    return element;
  }

  /** An element opens an association to a registrar and registers; let the world run for the answer. */
  register(id: number, at: string, pool = 'web'): TestElement {
    const element = this.element(id, pool);
    const end = this.#end(element);
    this.#join(end, this.#end(this.site(at)), 'asap');
    element.home = end.id;
    this.#send(end, element.registration());
    return element;
  }

  deregister(id: number, pool = 'web'): void {
    const element = this.element(id, pool);
    const end = element.home === undefined ? undefined : element.ends.get(element.home);
    if (end === undefined) return;
    const { poolHandle } = element;
    this.#send(end as End, { type: 'deregistration', poolHandle, elementId: id });
  }

  /** Dies without a word; with `isNoticed` its connections are seen to break. */
  crash(name: string, isNoticed = false): void {
    const site = this.site(name);
    site.isUp = false;
    for (const end of site.ends.values()) {
      if (isNoticed) this.#closed(end.peer);
      else if (end.peer !== undefined) end.peer.peer = undefined;
    }
    site.ends.clear();
  }

  give(name: string, input: RegistrarInput): void {
    const site = this.site(name);
    if (site.isUp) this.#take(site, site.registrar.handle(input, this.now));
  }

  /** Runs everything that happens in the next so many milliseconds. */
  run(ms: number): void {
    const end = this.now + ms;
    for (let step = 0; step < STEPS_MAX; step++) {
      const next = this.#nextMs();
      if (next === undefined || next > end) {
        this.now = end;
        return;
      }
      this.now = Math.max(this.now, next);
      const due = this.#queue.findIndex(({ atMs }) => atMs <= this.now);
      if (due >= 0) {
        for (const event of this.#queue.splice(due, 1)) event.run();
        continue;
      }
      for (const site of this.sites.values()) {
        if (site.isUp && (site.registrar.nextDeadline() ?? Number.POSITIVE_INFINITY) <= this.now)
          this.#take(site, site.registrar.expire(this.now));
      }
    }
    throw new Error('the world does not come to rest');
  }

  site(name: string): Site {
    const site = this.sites.get(name);
    if (site === undefined) throw new Error(`no site ${name}`);
    return site;
  }

  view(name: string): RegistrarSnapshot {
    return this.site(name).registrar.snapshot(this.now);
  }

  /** `id@home` of every element of a pool as a registrar sees it, in order. */
  pool(name: string, pool = 'web'): string[] {
    const found = this.view(name).pools.find((candidate) => candidate.name === pool);
    return (found?.elements ?? []).map(({ id, homeRegistrar }) => `${id}@${homeRegistrar}`).sort();
  }

  peers(name: string): string[] {
    return this.view(name)
      .peers.map(({ registrarId, state }) => `${registrarId} ${state}`)
      .sort();
  }

  /** What happened at a registrar since it was last asked, without elements coming and going. */
  events(name: string, ...kinds: string[]): string[] {
    const events = this.site(name).events.splice(0);
    return events
      .filter(({ event }) => kinds.length === 0 || kinds.includes(event))
      .map(({ event, reason }) => `${event}: ${reason}`);
  }

  #nextMs(): number | undefined {
    let next = this.#queue[0]?.atMs;
    for (const { atMs } of this.#queue) if (next === undefined || atMs < next) next = atMs;
    for (const { isUp, registrar } of this.sites.values()) {
      const due = isUp ? registrar.nextDeadline() : undefined;
      if (due !== undefined && (next === undefined || due < next)) next = due;
    }
    return next;
  }

  #later(ms: number, run: () => void): void {
    this.#queue.push({ atMs: this.now + ms, run });
  }

  #take(site: Site, outputs: readonly RegistrarOutput[]): void {
    for (const output of outputs) {
      switch (output.type) {
        case 'send':
        case 'peer-send': {
          const end = site.ends.get(output.association);
          if (end !== undefined) this.#send(end, output.message);
          break;
        }
        case 'close': {
          const end = site.ends.get(output.association);
          site.ends.delete(output.association);
          this.#later(LATENCY_MS, () => this.#closed(end?.peer));
          break;
        }
        case 'connect':
          this.#later(LATENCY_MS, () => this.#connect(site, output));
          break;
        case 'announce':
          site.announced.push(this.now);
          for (const other of this.sites.values()) {
            if (other !== site)
              this.#later(LATENCY_MS, () =>
                this.give(other.name, { type: 'announcement-heard', message: output.message }),
              );
          }
          break;
        case 'presence-multicast':
          for (const other of this.sites.values()) {
            const heard = { type: 'presence-heard', message: output.message, address: '10.1.0.9' } as const;
            if (other !== site) this.#later(LATENCY_MS, () => this.give(other.name, heard));
          }
          break;
        case 'event':
          site.events.push(output);
          break;
      }
    }
  }

  #connect(
    site: Site,
    { attempt, protocol, transport }: Extract<RegistrarOutput, { type: 'connect' }>,
  ): void {
    const parties = protocol === 'enrp' ? [...this.sites.values()] : this.elements;
    const target = parties.find((party) => {
      const endpoint = protocol === 'enrp' ? (party as Site).enrp : party.asap;
      return JSON.stringify(endpoint) === JSON.stringify(transport);
    });
    if (target === undefined || !target.isUp || this.#isCut(site.name, target.name)) {
      this.give(site.name, { type: 'connect-failed', attempt, reason: 'connection refused' });
      return;
    }
    this.#join(this.#end(site), this.#end(target), protocol, attempt);
  }

  #isCut(from: string, to: string): boolean {
    return this.drop(from, to, { type: 'presence', sender: 0, receiver: 0, replyRequired: true });
  }

  #end(site: Site | TestElement): End {
    this.#ids += 1;
    const end: End = { id: this.#ids, site, peer: undefined };
    site.ends.set(end.id, end);
    return end;
  }

  /** Tells both sites of their new association; elements need no telling. */
  #join(from: End, to: End, protocol: 'asap' | 'enrp', attempt?: number): void {
    from.peer = to;
    to.peer = from;
    for (const [end, other] of [
      [from, to],
      [to, from],
    ] as const) {
      if (end.site instanceof TestElement) continue;
      const { asap, name } = other.site;
      const role = protocol === 'enrp' ? 'registrar' : 'node';
      const address = asap.type === 'tcp' ? asap.address : '';
      const opened = {
        association: end.id,
        identity: { role, name },
        peer: { transport: 'tcp', addresses: [address], asapTransport: asap },
        ...(attempt !== undefined && end === from ? { attempt } : {}),
      } as const;
      this.give(end.site.name, {
        type: protocol === 'asap' ? 'association-opened' : 'peer-opened',
        ...opened,
      });
    }
  }

  #send(end: End, message: Message): void {
    this.#later(LATENCY_MS, () => {
      const to = end.peer?.site;
      if (to === undefined || this.drop(end.site.name, to.name, message)) return;
      this.#deliver(end.site, to, end.peer?.id ?? 0, message);
    });
  }

  #deliver(from: Site | TestElement, to: Site | TestElement, association: number, message: Message): void {
    if (!to.isUp || !to.ends.has(association)) return;
    if ('sender' in message) {
      this.trace.push(`${from.name}>${to.name} ${message.type}`);
      this.give(to.name, { type: 'peer-message', association, ...decodeEnrp(encodeEnrp(message)) });
      return;
    }
    const decoded = decodeAsap(encodeAsap(message));
    if (!(to instanceof TestElement)) {
      this.give(to.name, { type: 'message', association, ...decoded });
      return;
    }
    const end = to.ends.get(association) as End | undefined;
    const answer = to.hear(decoded.message, association);
    if (end !== undefined && answer !== undefined) this.#send(end, answer);
  }

  #closed(end: End | undefined): void {
    if (end === undefined || !end.site.ends.delete(end.id) || end.site instanceof TestElement) return;
    this.give(end.site.name, { type: 'association-closed', association: end.id });
    this.give(end.site.name, { type: 'peer-closed', association: end.id });
  }
}
