// SPDX-License-Identifier: Apache-2.0
import {
  PoolElementCore,
  type PoolElementInput,
  type PoolElementOptions,
  type PoolElementOutput,
} from '@vnfpool/core/pool-element';
import {
  PoolUserCore,
  type PoolUserInput,
  type PoolUserOptions,
  type PoolUserOutput,
} from '@vnfpool/core/pool-user';
import {
  type Identity,
  Registrar,
  type RegistrarOptions,
  type RegistrarOutput,
} from '@vnfpool/core/registrar';
import { decodeAsap, encodeAsap } from '@vnfpool/wire/asap';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { seededRandom } from '../handlespace/seeded-random.ts';

export const WEB: Uint8Array = encodeUtf8('web');
/** One-way delay of everything. */
const DELAY_MS = 1;

interface Link {
  readonly endpoint: Endpoint;
  readonly endpointAssociation: number;
  readonly host: string;
  readonly registrarAssociation: number;
}

type Endpoint =
  | { readonly kind: 'element'; readonly core: PoolElementCore; readonly name: string }
  | { readonly kind: 'user'; readonly core: PoolUserCore; readonly name: string };

/** Registrars by host name, elements and users, joined by associations in virtual time. */
export class World {
  now = 0;
  readonly registrars = new Map<string, Registrar>();
  /** Hosts that accept nothing. */
  readonly down = new Set<string>();
  /** Endpoints whose messages, both ways, get lost while their associations stay up. */
  readonly frozen = new Set<string>();
  readonly log: string[] = [];
  readonly results: PoolUserOutput[] = [];
  readonly #endpoints = new Map<string, Endpoint>();
  #links: Link[] = [];
  #events: { atMs: number; run: () => void }[] = [];
  #lastAssociation = 0;
  #seed = 1;

  addRegistrar(host: string, options: Partial<RegistrarOptions> = {}): void {
    const registrarId = this.registrars.size + 1;
    this.registrars.set(
      host,
      new Registrar({ registrarId, ...options }, seededRandom(this.#seed++), () => true),
    );
  }

  addElements(name: string, hosts: readonly string[], options: Partial<PoolElementOptions> = {}): void {
    const registrars = hosts.map((host) => ({ host, port: 3863 }));
    const core = new PoolElementCore({ registrars, ...options }, seededRandom(this.#seed++));
    this.#endpoints.set(name, { kind: 'element', core, name });
  }

  addUser(name: string, hosts: readonly string[], options: Partial<PoolUserOptions> = {}): void {
    const registrars = hosts.map((host) => ({ host, port: 3863 }));
    const core = new PoolUserCore({ registrars, ...options }, seededRandom(this.#seed++));
    this.#endpoints.set(name, { kind: 'user', core, name });
  }

  element(name: string, input: PoolElementInput): void {
    const endpoint = this.#endpoint(name);
    if (endpoint.kind === 'element') this.#outputs(endpoint, endpoint.core.handle(input, this.now));
  }

  user(name: string, input: PoolUserInput): void {
    const endpoint = this.#endpoint(name);
    if (endpoint.kind === 'user') this.#outputs(endpoint, endpoint.core.handle(input, this.now));
  }

  register(name: string, elementId: number, load = 0, lifeMs: number | null = 60_000): void {
    const userTransport = { type: 'tcp', port: 80, address: `10.0.0.${elementId}` } as const;
    const policy = { type: 'least-used', load } as const;
    this.element(name, { type: 'register', poolHandle: WEB, elementId, userTransport, policy, lifeMs });
  }

  /** Resolves and returns the chosen elements' identifiers, or the reason why there is none, once it is known. */
  resolve(name: string, withinMs = 100): number | string {
    const request = this.results.length + 1_000_000;
    const before = this.results.length;
    this.user(name, { type: 'resolve', request, poolHandle: WEB });
    this.advance(withinMs);
    const result = this.results
      .slice(before)
      .find(
        (output) =>
          (output.type === 'resolved' || output.type === 'unresolved') && output.request === request,
      );
    if (result?.type === 'resolved') return result.element.id;
    return result?.type === 'unresolved' ? result.reason : 'waiting';
  }

  /** Identifiers of the elements that a registrar has. */
  members(host: string): number[] {
    const pools = this.registrars.get(host)?.snapshot(this.now).pools ?? [];
    return pools.flatMap(({ elements }) => elements.map(({ id }) => id)).toSorted((a, b) => a - b);
  }

  /** The registrar dies: associations break, nothing is accepted any more, its memory is gone. */
  crash(host: string): void {
    this.down.add(host);
    this.registrars.set(host, new Registrar({ registrarId: 99 }, seededRandom(this.#seed++), () => true));
    for (const link of this.#links.filter((candidate) => candidate.host === host)) this.#break(link);
  }

  /** The associations of an endpoint break; the endpoint itself hears of it or is gone. */
  cut(name: string): void {
    for (const link of this.#links.filter((candidate) => candidate.endpoint.name === name)) this.#break(link);
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = Math.min(...this.#events.map(({ atMs }) => atMs), ...this.#coreDeadlines());
      if (next > end) break;
      this.now = Math.max(this.now, next);
      const due = this.#events.filter(({ atMs }) => atMs <= this.now);
      this.#events = this.#events.filter(({ atMs }) => atMs > this.now);
      for (const { run } of due) run();
      for (const [host, registrar] of this.registrars)
        this.#registrarOutputs(host, registrar.expire(this.now));
      for (const endpoint of this.#endpoints.values())
        this.#outputs(endpoint, endpoint.core.expire(this.now));
    }
    this.now = end;
  }

  /** The log since the last call. */
  story(): string[] {
    return this.log.splice(0);
  }

  #endpoint(name: string): Endpoint {
    const endpoint = this.#endpoints.get(name);
    if (endpoint === undefined) throw new Error(`no endpoint ${name}`);
    return endpoint;
  }

  #coreDeadlines(): number[] {
    const cores = [...this.registrars.values(), ...[...this.#endpoints.values()].map(({ core }) => core)];
    return cores.map((core) => core.nextDeadline()).filter((at) => at !== undefined);
  }

  #later(run: () => void): void {
    this.#events.push({ atMs: this.now + DELAY_MS, run });
  }

  #tell(endpoint: Endpoint, input: Extract<PoolElementInput & PoolUserInput, { association: number }>): void {
    this.#outputs(endpoint, endpoint.core.handle(input, this.now));
  }

  #outputs(endpoint: Endpoint, outputs: readonly (PoolElementOutput | PoolUserOutput)[]): void {
    for (const output of outputs) {
      switch (output.type) {
        case 'connect':
          this.#later(() => this.#connect(endpoint, output.association, output.registrar.host));
          break;
        case 'disconnect': {
          const link = this.#links.find(
            (candidate) =>
              candidate.endpoint === endpoint && candidate.endpointAssociation === output.association,
          );
          if (link !== undefined) this.#break(link);
          break;
        }
        case 'send': {
          const bytes = encodeAsap(output.message);
          this.#later(() => {
            const link = this.#links.find(
              (candidate) =>
                candidate.endpoint === endpoint && candidate.endpointAssociation === output.association,
            );
            if (link === undefined || this.frozen.has(endpoint.name)) return;
            const input = {
              type: 'message',
              association: link.registrarAssociation,
              ...decodeAsap(bytes),
            } as const;
            this.#registrarOutputs(link.host, this.registrars.get(link.host)?.handle(input, this.now) ?? []);
          });
          break;
        }
        case 'event':
          this.log.push(`${endpoint.name} ${output.elementId} ${output.event}`);
          break;
        case 'resolved':
        case 'unresolved':
          this.results.push(output);
          break;
        case 'pool-changed':
          break;
      }
    }
  }

  #registrarOutputs(host: string, outputs: readonly RegistrarOutput[]): void {
    for (const output of outputs) {
      if (output.type === 'event') {
        if ('elementId' in output)
          this.log.push(`${host} ${output.elementId} ${output.event}: ${output.reason}`);
        continue;
      }
      // Registrars of this world know no peers.
      if (output.type !== 'send' && output.type !== 'close') continue;
      const link = this.#links.find((candidate) => candidate.registrarAssociation === output.association);
      if (link === undefined) continue;
      if (output.type === 'close') this.#later(() => this.#break(link));
      else {
        const bytes = encodeAsap(output.message);
        this.#later(() => {
          if (!this.#links.includes(link) || this.frozen.has(link.endpoint.name)) return;
          const { message } = decodeAsap(bytes);
          this.#tell(link.endpoint, { type: 'message', association: link.endpointAssociation, message });
        });
      }
    }
  }

  #connect(endpoint: Endpoint, association: number, host: string): void {
    const registrar = this.registrars.get(host);
    if (registrar === undefined || this.down.has(host) || this.frozen.has(endpoint.name)) {
      this.#tell(endpoint, { type: 'disconnected', association });
      return;
    }
    const registrarAssociation = ++this.#lastAssociation;
    this.#links.push({ endpoint, endpointAssociation: association, host, registrarAssociation });
    const identity: Identity | null = endpoint.kind === 'user' ? null : { role: 'node', name: endpoint.name };
    const peer = { transport: 'tcp', addresses: ['10.0.0.250'] } as const;
    const opened = { type: 'association-opened', association: registrarAssociation, identity, peer } as const;
    this.#registrarOutputs(host, registrar.handle(opened, this.now));
    this.#tell(endpoint, { type: 'connected', association });
  }

  #break(link: Link): void {
    if (!this.#links.includes(link)) return;
    this.#links = this.#links.filter((candidate) => candidate !== link);
    this.#later(() => {
      const closed = { type: 'association-closed', association: link.registrarAssociation } as const;
      this.#registrarOutputs(link.host, this.registrars.get(link.host)?.handle(closed, this.now) ?? []);
      this.#tell(link.endpoint, { type: 'disconnected', association: link.endpointAssociation });
    });
  }
}
