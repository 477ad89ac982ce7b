// SPDX-License-Identifier: Apache-2.0
import {
  type HandedOnLeases,
  LeaseEngine,
  type LeaseInput,
  type LeaseOutput,
  type LeaseRecord,
} from '@vnfpool/core/lease';
import type { LeaseMessage, LeaseSlotMessage } from '@vnfpool/wire/lease';
import type { CouncilDefinition, SlotDefinition } from '@vnfpool/wire/mobility';

export const SLOT = '00000000000000a1';
export const LEASE_MS = 300;
export const COUNCIL = { generation: 1, number: 1, randomId: '00000000000000c0' };
/** Where every test begins, so that no time is by chance zero. */
export const START_MS = 10_000;

export type Output<Type extends LeaseOutput['type']> = Extract<LeaseOutput, { type: Type }>;

interface Event {
  readonly atMs: number;
  readonly node: number;
  readonly output: LeaseOutput;
}

/** Some engines, one clock, a network of fixed delay that a test can cut, and agents that obey at once. */
export class Bench {
  nowMs: number = START_MS;
  readonly events: Event[] = [];
  readonly engines: Map<number, LeaseEngine> = new Map();
  readonly disks: Map<number, LeaseRecord[]> = new Map();
  /** Datagrams for which this is true are lost. */
  isLost: (from: number, to: number, messages: readonly LeaseMessage[]) => boolean = () => false;
  /** What a datagram says of its sender's clock, in ms. */
  clockOf: (from: number, to: number) => number = () => this.nowMs;
  /** Agents that answer `granted` by `activate` and `fence-close` by `fence-closed`. */
  isObedient = true;
  /** Holders look for heirs. */
  namesHeirs = false;
  readonly delayMs = 1;
  members: readonly number[];
  candidates: readonly number[];
  council: { generation: number; number: number; randomId: string } = COUNCIL;
  councilOptions: Partial<CouncilDefinition> = {};
  slotOptions: Partial<SlotDefinition> = {};
  #mail: { atMs: number; to: number; input: LeaseInput }[] = [];
  #incarnations = new Map<number, bigint>();
  #random = 1;
  #isHeldBack: (mail: { readonly to: number; readonly input: LeaseInput }) => boolean = () => false;

  constructor(members: readonly number[], candidates: readonly number[] = members) {
    this.members = members;
    this.candidates = candidates;
  }

  /** Starts every node; candidates become ready in the order of their list. */
  startAll(): this {
    const nodes = new Set([...this.members, ...this.candidates]);
    for (const node of nodes) this.start(node);
    // The first holds; the others queue behind it.
    for (const [place, node] of this.candidates.entries()) this.ready(node, Math.max(0, place - 1));
    return this;
  }

  start(node: number): void {
    this.#incarnations.set(node, (this.#incarnations.get(node) ?? 0n) + 1n);
    this.#begin(node, {});
  }

  /** The process of a node ends, and hands on: what it says must be enough for `goOn`. */
  handOn(node: number): HandedOnLeases {
    const handedOn = this.engines.get(node)?.handOn(this.nowMs);
    if (handedOn === undefined) throw new Error(`node ${node} cannot hand on now`);
    this.stop(node);
    return structuredClone(handedOn);
  }

  /** The next process of the node takes its place. */
  goOn(node: number, handedOn: HandedOnLeases): void {
    this.#begin(node, { handedOn });
  }

  #begin(node: number, goesOn: { readonly handedOn?: HandedOnLeases }): void {
    const disk = this.disks.get(node) ?? [];
    this.disks.set(node, disk);
    this.engines.set(
      node,
      new LeaseEngine({
        node,
        incarnation: this.#incarnations.get(node) ?? 1n,
        startedAtMs: this.nowMs,
        restored: [...disk],
        ...goesOn,
        namesHeirs: this.namesHeirs,
        random: {
          u32: () => ++this.#random,
          u64: () => BigInt(++this.#random),
          fraction: () => 0.5,
        },
      }),
    );
    this.input(node, this.configuration());
  }

  stop(node: number): void {
    this.engines.delete(node);
  }

  configuration(): Extract<LeaseInput, { type: 'configure' }> {
    const candidates = this.candidates.map((node) => ({ node, functionId: node * 16 }));
    return {
      type: 'configure',
      council: { id: 1, version: this.council, members: this.members, ...this.councilOptions },
      slots: [
        {
          id: SLOT,
          pool: 'web',
          index: 0,
          leaseMs: LEASE_MS,
          addresses: [],
          genesis: { randomId: '00000000000000e5', candidates },
          candidates,
          lastResort: { rule: 'never' },
          ...this.slotOptions,
        },
      ],
    };
  }

  ready(node: number, rank: number, functionIncarnation = 1n, ready = true): void {
    this.input(node, {
      type: 'candidate-state',
      slot: SLOT,
      functionId: node * 16,
      functionIncarnation,
      ready,
      rank,
    });
  }

  datagram(
    from: number,
    to: number,
    messages: readonly LeaseMessage[],
    incarnation?: bigint,
  ): Extract<LeaseInput, { type: 'datagram' }> {
    return {
      type: 'datagram',
      from,
      header: {
        sender: from,
        receiver: to,
        incarnation: incarnation ?? this.#incarnations.get(from) ?? 1n,
        sequence: 0n,
        councilId: 1,
        council: this.engines.get(from)?.council?.version ?? this.council,
        clockUs: BigInt(Math.round(this.clockOf(from, to) * 1000)),
      },
      messages,
    };
  }

  input(node: number, input: LeaseInput): LeaseOutput[] {
    const engine = this.engines.get(node);
    if (engine === undefined) return [];
    const outputs = engine.handle(input, this.nowMs);
    this.#carryOut(node, outputs);
    return outputs;
  }

  /** The whole machine stands still; then its processes are scheduled in this order, timers before sockets. */
  stall(forMs: number, order: readonly number[]): void {
    this.nowMs += forMs;
    for (const node of order) this.#expire(node);
  }

  /** One process stands still, and the world goes on. What was sent to it waits in its socket. */
  pause(node: number, forMs: number): void {
    const engine = this.engines.get(node);
    const untilMs = this.nowMs + forMs;
    const waiting: { to: number; input: LeaseInput }[] = [];
    this.engines.delete(node);
    this.#isHeldBack = (mail) => mail.to === node && waiting.push(mail) > 0;
    this.run(forMs);
    this.#isHeldBack = () => false;
    this.nowMs = Math.max(this.nowMs, untilMs);
    if (engine === undefined) return;
    this.engines.set(node, engine);
    this.#expire(node);
    for (const { to, input } of waiting) this.input(to, input);
  }

  /** Nodes whose lease runs now. */
  serving(): number[] {
    const until = new Map(this.all('fence-until').map(({ node, untilMs }) => [node, untilMs]));
    return [...until].filter(([, untilMs]) => untilMs > this.nowMs).map(([node]) => node);
  }

  #expire(node: number): void {
    const engine = this.engines.get(node);
    if (engine === undefined) return;
    const deadline = engine.nextDeadline();
    if (deadline !== undefined && deadline <= this.nowMs) this.#carryOut(node, engine.expire(this.nowMs));
  }

  /** Runs until `untilMs` later, or until `isDone` after an event. */
  run(forMs: number, isDone: () => boolean = () => false): void {
    const untilMs = this.nowMs + forMs;
    for (let steps = 0; steps < 100_000; steps++) {
      let nextMs = untilMs;
      for (const { atMs } of this.#mail) nextMs = Math.min(nextMs, atMs);
      for (const engine of this.engines.values()) nextMs = Math.min(nextMs, engine.nextDeadline() ?? nextMs);
      this.nowMs = Math.max(this.nowMs, nextMs);
      const due = this.#mail.filter(({ atMs }) => atMs <= this.nowMs);
      this.#mail = this.#mail.filter(({ atMs }) => atMs > this.nowMs);
      for (const mail of due) if (!this.#isHeldBack(mail)) this.input(mail.to, mail.input);
      for (const node of this.engines.keys()) this.#expire(node);
      if (isDone() || this.nowMs >= untilMs) return;
    }
    throw new Error('the bench does not come to rest');
  }

  all<Type extends LeaseOutput['type']>(
    type: Type,
    node?: number,
  ): (Output<Type> & { atMs: number; node: number })[] {
    return this.events
      .filter((event) => event.output.type === type && (node === undefined || event.node === node))
      .map((event) => ({ ...(event.output as Output<Type>), atMs: event.atMs, node: event.node }));
  }

  last<Type extends LeaseOutput['type']>(
    type: Type,
    node?: number,
  ): Output<Type> & { atMs: number; node: number } {
    const found = this.all(type, node).at(-1);
    if (found === undefined) throw new Error(`no ${type}`);
    return found;
  }

  /** Every message about one slot that was sent so far, in order. */
  get sent(): {
    readonly from: number;
    readonly to: number;
    readonly atMs: number;
    readonly message: LeaseSlotMessage;
  }[] {
    return this.all('send').flatMap(({ node, to, atMs, messages }) =>
      messages.flatMap((message) => ('slot' in message ? [{ from: node, to, atMs, message }] : [])),
    );
  }

  #carryOut(node: number, outputs: readonly LeaseOutput[]): void {
    for (const output of outputs) {
      this.events.push({ atMs: this.nowMs, node, output });
      if (output.type === 'persist') this.disks.get(node)?.push(...output.records);
      if (output.type === 'send' && !this.isLost(node, output.to, output.messages)) {
        const input = this.datagram(node, output.to, output.messages);
        this.#mail.push({ atMs: this.nowMs + this.delayMs, to: output.to, input });
      }
      if (!this.isObedient) continue;
      const { slot, epoch } = output as { slot: string; epoch: number };
      if (output.type === 'granted') {
        this.#mail.push({ atMs: this.nowMs, to: node, input: { type: 'activate', slot, epoch } });
      }
      if (output.type === 'fence-close') {
        this.#mail.push({ atMs: this.nowMs, to: node, input: { type: 'fence-closed', slot, epoch } });
      }
    }
  }
}

/** A bench on which node 1 holds the slot. */
export function held(
  members: readonly number[] = [1, 2, 3],
  candidates: readonly number[] = members,
  options: Partial<Pick<Bench, 'namesHeirs' | 'slotOptions'>> = {},
): Bench {
  const bench = Object.assign(new Bench(members, candidates), options).startAll();
  bench.run(20, () => bench.all('fence-until', 1).length > 0);
  if (bench.last('granted').node !== 1) throw new Error('node 1 should hold the slot');
  return bench;
}
