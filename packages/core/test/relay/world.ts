// SPDX-License-Identifier: Apache-2.0
import {
  formatPlace,
  type RelayPlace,
  type RelaySession,
  readSessionRecord,
  UdpRelay,
  writeSessionRecord,
} from '@vnfpool/core/relay';
import { type ForwardLimits, ForwardLinks, type ForwardOutput } from '@vnfpool/core/session-forward';

export const SERVICE: RelayPlace = { address: '192.0.2.100', port: 53 };
export const BACKENDS: readonly RelayPlace[] = [1, 2, 3].map((each) => ({
  address: `198.51.100.${each}`,
  port: 5300,
}));
export const client = (each: number): RelayPlace => ({ address: '203.0.113.1', port: 1_000 + each });

/** What a client got, and by which instance's sockets. */
export interface Answer {
  readonly to: string;
  readonly text: string;
  readonly by: number;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** One instance, its sockets and links played. */
export class Instance {
  readonly name: number;
  readonly place: RelayPlace;
  readonly relay: UdpRelay;
  readonly links: ForwardLinks;
  selected: RelaySession[] = [];
  /** Packets to backends: session and text. */
  readonly upstream: { readonly number: number; readonly backend: RelayPlace; readonly text: string }[] = [];

  constructor(
    name: number,
    limits: Partial<ForwardLimits>,
    more: { sessionsMax?: number; heldMax?: number } = {},
  ) {
    this.name = name;
    this.place = { address: `192.0.2.${name}`, port: 40_000 };
    this.links = new ForwardLinks(limits);
    this.relay = new UdpRelay({
      service: SERVICE,
      backends: BACKENDS,
      sessionsMax: 100,
      idleMs: 30_000,
      heldMax: 1_000,
      wallOffsetMs: 1_700_000_000_000,
      ...more,
    });
  }
}

interface OnTheWay {
  readonly from: RelayPlace;
  readonly output: ForwardOutput & { readonly type: 'datagram' };
}

/** Instances, an address of which one has the service, backends that say again what they hear, and a network in order. */
export class World {
  nowMs = 1_000;
  readonly instances: Instance[];
  /** Who has the address of the service. */
  front: number;
  readonly answers: Answer[] = [];
  /** By client: which backend heard it. */
  readonly heard = new Map<string, Set<string>>();
  readonly #dead = new Set<number>();
  #onTheWay: OnTheWay[] = [];
  #transfers = 0;

  constructor(names: readonly number[], limits: Partial<ForwardLimits> = {}, more: object = {}) {
    this.instances = names.map((name) => new Instance(name, limits, more));
    this.front = names[0] ?? 0;
  }

  at(name: number): Instance {
    const instance = this.instances.find((each) => each.name === name);
    if (!instance) throw new Error(`there is no instance ${name}`);
    return instance;
  }

  kill(name: number): void {
    this.#dead.add(name);
  }

  /** A client says something; it is answered when all is carried. */
  say(from: RelayPlace, what: string): void {
    const instance = this.at(this.front);
    if (this.#dead.has(this.front)) return;
    this.nowMs += 1;
    instance.relay.fromClient(from, bytes(what), this.nowMs);
    this.#do(instance);
  }

  /** Delivers all that is on the way, also what comes of it. */
  carry(): void {
    for (let left = 100_000; left > 0; left -= 1) {
      const next = this.#onTheWay.shift();
      const busy = this.instances.find(({ upstream }) => upstream.length > 0);
      if (next) this.#deliver(next);
      else if (busy) this.#echo(busy);
      else return;
    }
    throw new Error('there is no end to it');
  }

  pass(ms: number): void {
    const end = this.nowMs + ms;
    for (let left = 10_000; left > 0; left -= 1) {
      const alive = this.instances.filter(({ name }) => !this.#dead.has(name));
      const next = Math.min(
        ...alive.flatMap(({ links, relay }) => [
          links.nextDeadline() ?? Infinity,
          relay.nextDeadline() ?? Infinity,
        ]),
      );
      if (next > end) break;
      this.nowMs = Math.max(this.nowMs, next);
      for (const instance of alive) {
        this.#links(instance, instance.links.expire(this.nowMs));
        if ((instance.relay.nextDeadline() ?? Infinity) <= this.nowMs) instance.relay.expire(this.nowMs);
        this.#do(instance);
      }
      this.carry();
    }
    this.nowMs = end;
  }

  /** Serving what may be selected: what is served here and not on the move. */
  served(name: number): RelaySession[] {
    return [...this.at(name).relay.table.sessions()].filter(
      ({ away, held }) => away === null && held === null,
    );
  }

  /** Moves sessions; `between` happens while they are held. False: nothing was selected. */
  moveSessions(
    from: number,
    to: number,
    sessions: readonly RelaySession[],
    between: () => void = () => {},
  ): boolean {
    if (sessions.length === 0) return false;
    const [source, destination] = [this.at(from), this.at(to)];
    this.#transfers += 1;
    const transfer = `${this.#transfers}`.padStart(16, '0');
    source.links.offer(transfer, this.nowMs);
    source.relay.hold(sessions);
    between();
    const records = sessions.map((session) => ({
      number: session.number,
      record: JSON.stringify(writeSessionRecord(session, this.nowMs)),
    }));
    this.#links(destination, destination.links.claim(transfer, source.place, this.nowMs));
    for (const { number, record } of records) {
      const read = readSessionRecord(JSON.parse(record));
      if (!read) throw new Error(`not a record: ${record}`);
      destination.relay.accept(read, { transfer, session: number }, this.nowMs);
    }
    this.#do(destination);
    between();
    source.links.commit(transfer, this.nowMs);
    source.relay.release(sessions, transfer, this.nowMs);
    this.#do(source);
    return true;
  }

  /** Moves all to an instance that is empty, with the address if the source has it; the source ends. */
  moveAll(from: number, to: number, between: () => void = () => {}): void {
    const [source, destination] = [this.at(from), this.at(to)];
    source.relay.quiesce();
    between();
    const records = [...source.relay.table.sessions()].map((session) =>
      JSON.stringify(writeSessionRecord(session, this.nowMs)),
    );
    const states = [...new Set(source.relay.table.transfers())].map((each) => source.links.state(each));
    this.kill(from);
    if (this.front === from) this.front = to;
    destination.relay.replace(
      records.flatMap((record) => readSessionRecord(JSON.parse(record)) ?? []),
      this.nowMs,
    );
    this.#do(destination);
    for (const state of states)
      if (state) this.#links(destination, destination.links.restore(state, this.nowMs));
  }

  #do(instance: Instance): void {
    for (const output of instance.relay.take()) {
      switch (output.type) {
        case 'to-client':
          this.answers.push({
            to: formatPlace(output.client),
            text: text(output.payload),
            by: instance.name,
          });
          break;
        case 'to-backend': {
          const { number, backend, client: from } = output.session;
          instance.upstream.push({ number, backend, text: text(output.payload) });
          const key = formatPlace(from);
          this.heard.set(key, (this.heard.get(key) ?? new Set()).add(formatPlace(backend)));
          break;
        }
        case 'close':
          break;
        case 'arrived':
        case 'send':
          this.#links(instance, instance.links[output.type](output.transfer, output.packet));
          break;
        case 'ended':
          this.#links(instance, instance.links.ended(output.transfer, output.session));
          break;
        case 'drop':
          this.#links(instance, instance.links.drop(output.transfer, this.nowMs));
      }
    }
  }

  #links(instance: Instance, outputs: readonly ForwardOutput[]): void {
    const { relay } = instance;
    for (const output of outputs) {
      switch (output.type) {
        case 'datagram':
          if (!this.#dead.has(instance.name)) this.#onTheWay.push({ from: instance.place, output });
          break;
        case 'arrived':
          relay.fromHome(output.transfer, output.packet, this.nowMs);
          break;
        case 'send':
          relay.fromHolder(output.transfer, output.packet, this.nowMs);
          break;
        case 'ended':
          relay.elsewhereEnded(output.transfer, output.session);
          break;
        case 'over':
          relay.transferOver(output.transfer, output.held, this.nowMs);
          break;
        case 'silent':
          break;
      }
      this.#do(instance);
    }
  }

  #deliver({ from, output }: OnTheWay): void {
    const instance = this.instances.find(({ place }) => place.address === output.to.address);
    if (!instance || this.#dead.has(instance.name)) return;
    this.#links(instance, instance.links.handle(output.datagram, from, this.nowMs));
  }

  /** The backend says it again; it knows whom it talks to by the socket only. */
  #echo(instance: Instance): void {
    const first = instance.upstream.shift();
    if (!first || this.#dead.has(instance.name)) return;
    instance.relay.fromBackend(first.number, bytes(`${first.text}!`), this.nowMs);
    this.#do(instance);
  }
}
