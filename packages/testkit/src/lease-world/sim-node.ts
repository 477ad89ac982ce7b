// SPDX-License-Identifier: Apache-2.0
import {
  LeaseEngine,
  type LeaseInput,
  type LeaseOutput,
  type LeaseRecord,
  type LeaseRules,
} from '@vnfpool/core/lease';
import {
  decodeLeaseDatagram,
  encodeLeaseDatagram,
  type LeaseHeader,
  type LeaseMessage,
} from '@vnfpool/wire/lease';
import { type AgentManners, diskLast } from './agent-manners.ts';
import { type Action, describe } from './describe.ts';
import { FenceModel } from './fence-model.ts';
import type { Invariants } from './invariants.ts';
import type { SimulatedNetwork } from './network.ts';
import type { NodeClock } from './node-clock.ts';
import type { WorldPlan } from './options.ts';
import { ResetReleases } from './reset-releases.ts';
import type { Schedule } from './schedule.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { Trace } from './trace.ts';

/** Everything the nodes of one world share. */
export interface WorldParts {
  readonly plan: WorldPlan;
  readonly rules: LeaseRules;
  readonly manners: AgentManners;
  readonly random: SeededRandom;
  readonly schedule: Schedule;
  readonly network: SimulatedNetwork;
  readonly invariants: Invariants;
  readonly trace: Trace;
  readonly nodes: Map<number, SimNode>;
  configuration(): Extract<LeaseInput, { type: 'configure' }>;
  /** To be called after every change of a fence. */
  checkFences(): void;
  /** Faults between two outputs may still be drawn. */
  isFaulty(): boolean;
}

interface SimFunction {
  readonly functionId: number;
  incarnation: bigint;
  isReady: boolean;
  rank: number;
}

/** Datagrams and inputs that wait while the process is paused; further ones are dropped, as a socket does. */
const INBOX_MAX = 500;

/** A machine: kernel (clock, fences), disk, functions, and the agent's process, which crashes and pauses. */
export class SimNode {
  readonly id: number;
  readonly clock: NodeClock;
  readonly fences: Map<string, FenceModel> = new Map();
  readonly functions: Map<string, SimFunction> = new Map();
  readonly #parts: WorldParts;
  readonly #disk: LeaseRecord[] = [];
  readonly #resets: ResetReleases;
  #engine: LeaseEngine | undefined;
  #incarnation = 0n;
  #sequence = 0n;
  #isPaused = false;
  #isBusy = false;
  #isRetired = false;
  /** Told apart so that what an ended process had planned does not happen. */
  #life = 0;
  #timer = 0;
  #backlog: Action[] = [];
  #inbox: LeaseInput[] = [];

  constructor(id: number, clock: NodeClock, slots: readonly string[], parts: WorldParts) {
    this.id = id;
    this.clock = clock;
    this.#parts = parts;
    this.#resets = new ResetReleases(() => parts.configuration().council.version);
    for (const [index, slot] of slots.entries()) {
      this.fences.set(slot, new FenceModel(parts.plan.fence, clock));
      const rank = (id - 1 + index) % (parts.plan.nodes + parts.plan.outsiders);
      this.functions.set(slot, { functionId: id * 16 + index, incarnation: 1n, isReady: true, rank });
    }
  }

  get isAlive(): boolean {
    return this.#engine !== undefined;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Stays away for good. */
  retire(): void {
    this.crash();
    this.#isRetired = true;
  }

  start(): void {
    if (this.#engine !== undefined || this.#isRetired) return;
    const { random, rules, manners, plan, schedule } = this.#parts;
    this.#life += 1;
    if (this.#incarnation === 0n || manners.repeatsIncarnation !== true) this.#incarnation += 1n;
    this.#isPaused = false;
    this.#log(() => `starts as incarnation ${this.#incarnation}`);
    this.#engine = new LeaseEngine(
      {
        node: this.id,
        incarnation: this.#incarnation,
        startedAtMs: this.clock.bootMs(schedule.nowMs) - (manners.startsTooEarlyMs ?? 0),
        restored: [...this.#disk],
        random,
        driftBound: plan.driftBound,
      },
      rules,
    );
    this.input(this.#parts.configuration());
    for (const slot of this.functions.keys()) this.tellCandidate(slot);
  }

  /** The process ends; kernel, disk and functions stay. */
  crash(): void {
    if (this.#engine === undefined) return;
    this.#log(() => 'crashes');
    this.#engine = undefined;
    this.#life += 1;
    this.#backlog = [];
    this.#inbox = [];
    this.#isPaused = false;
    for (const node of this.#parts.nodes.values()) if (node !== this) node.peerReset(this.id);
  }

  /** The machine ends: the kernel's fences are gone, and its functions are new when it comes back. */
  powerOff(): void {
    this.crash();
    this.#log(() => 'loses power');
    for (const fence of this.fences.values()) fence.close();
    for (const each of this.functions.values()) each.incarnation += 1n;
  }

  pause(forMs: number): void {
    if (this.#engine === undefined || this.#isPaused) return;
    this.#log(() => `pauses for ${forMs.toFixed(1)} ms`);
    this.#isPaused = true;
    const life = this.#life;
    this.#parts.schedule.after(forMs, () => {
      if (life === this.#life) this.resume();
    });
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#log(() => 'resumes');
    this.#isPaused = false;
    this.#work();
  }

  functionExits(slot: string): void {
    const found = this.functions.get(slot);
    if (found === undefined || !found.isReady) return;
    found.isReady = false;
    this.#log(() => `function ${found.functionId} exits`);
    this.input({ type: 'candidate-gone', slot, functionId: found.functionId });
  }

  functionStarts(slot: string): void {
    const found = this.functions.get(slot);
    if (found === undefined || found.isReady) return;
    found.isReady = true;
    found.incarnation += 1n;
    this.tellCandidate(slot);
  }

  tellCandidate(slot: string): void {
    const found = this.functions.get(slot);
    if (found === undefined) return;
    const { functionId, incarnation, isReady, rank } = found;
    this.input({
      type: 'candidate-state',
      slot,
      functionId,
      functionIncarnation: incarnation,
      ready: isReady,
      rank,
    });
  }

  /** The connection to `peer` was reset, or its keep-alive is missed. */
  peerReset(peer: number): void {
    if (this.#parts.manners.releasesOnReset !== true) return;
    for (const release of this.#resets.releasesOf(peer, this.id)) this.input(release);
  }

  /** From now on its clocks run at another rate. */
  changeRate(rate: number): void {
    this.#log(() => `clocks run at ${rate.toFixed(4)}`);
    this.clock.changeRate(rate, this.#parts.schedule.nowMs);
    this.#armTimer();
  }

  stepWall(byMs: number): void {
    this.#log(() => `wall clock steps by ${byMs.toFixed(0)} ms`);
    this.clock.stepWall(byMs);
    for (const fence of this.fences.values()) fence.wallStepped(byMs);
    this.#parts.checkFences();
  }

  input(input: LeaseInput): void {
    if (this.#engine === undefined || this.#inbox.length >= INBOX_MAX) return;
    this.#inbox.push(input);
    this.#work();
  }

  /** Carries out what is left of the last step, then takes the next input, until paused or done. */
  #work(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#engine !== undefined && !this.#isPaused) {
      const action = this.#backlog.shift();
      if (action !== undefined) {
        this.#perform(action);
        this.#maybeFault();
        continue;
      }
      const input = this.#inbox.shift();
      if (input === undefined) break;
      this.#trace('<', input);
      if (input.type === 'datagram') this.#resets.heard(input);
      this.#take(this.#engine.handle(input, this.clock.bootMs(this.#parts.schedule.nowMs)));
    }
    this.#isBusy = false;
    this.#armTimer();
  }

  #take(outputs: readonly LeaseOutput[]): void {
    this.#backlog.push(...(this.#parts.manners.answersBeforeDisk === true ? diskLast(outputs) : outputs));
  }

  #armTimer(): void {
    const deadline = this.#engine?.nextDeadline();
    const timer = ++this.#timer;
    if (deadline === undefined) return;
    const { schedule } = this.#parts;
    schedule.at(this.clock.trueMs(deadline) + 0.001, () => this.#timerDue(timer));
  }

  #timerDue(timer: number): void {
    // Paused: it comes late, since the end of the pause arms it again.
    if (timer !== this.#timer || this.#engine === undefined || this.#isPaused) return;
    this.#take(this.#engine.expire(this.clock.bootMs(this.#parts.schedule.nowMs)));
    this.#work();
  }

  #maybeFault(): void {
    const { plan, random } = this.#parts;
    if (plan.stepFault === 0 || !this.#parts.isFaulty() || !random.chance(plan.stepFault)) return;
    if (random.chance(0.4)) {
      this.crash();
      const life = this.#life;
      this.#parts.schedule.after(random.between(1, plan.leaseMs), () => {
        if (life === this.#life) this.start();
      });
    } else {
      this.pause(random.chance(0.3) ? random.between(0, 5) : random.between(0, 1.5 * plan.leaseMs));
    }
  }

  #perform(action: Action): void {
    const { schedule, invariants, random, manners } = this.#parts;
    if (action.type !== 'observed') this.#trace('>', action);
    switch (action.type) {
      case 'persist':
        this.#disk.push(...action.records);
        invariants.persisted(this.id, action.records);
        break;
      case 'send':
        this.#send(action.to, action.messages);
        break;
      case 'granted': {
        const { slot, epoch } = action;
        invariants.granted(slot, epoch, `${this.id}.${this.#incarnation}`);
        invariants.holderIs(slot, this.id, schedule.nowMs);
        this.#later(random.between(0, 10), { type: 'activate', slot, epoch });
        break;
      }
      case 'renumbered':
        invariants.granted(action.slot, action.epoch, `${this.id}.${this.#incarnation}`);
        break;
      case 'fence-until': {
        const { slot, epoch, untilMs } = action;
        invariants.fenceOrdered(this.id, this.#incarnation, slot, epoch);
        const toldMs = untilMs + (manners.fenceBeyondLeaseMs ?? 0);
        const write = this.fences.get(slot)?.compute(epoch, toldMs, schedule.nowMs);
        if (write !== undefined) this.#backlog.unshift({ type: 'fence-write', slot, write });
        break;
      }
      case 'fence-write':
        this.fences.get(action.slot)?.write(action.write, schedule.nowMs);
        this.#parts.checkFences();
        break;
      case 'fence-close': {
        const { slot, epoch } = action;
        if (manners.saysClosedTooEarly === true) {
          schedule.after(random.between(0, 20), () => this.fences.get(slot)?.close());
        } else this.fences.get(slot)?.close();
        this.#later(random.between(0, 1), { type: 'fence-closed', slot, epoch });
        break;
      }
      case 'observed':
        this.#resets.observed(action);
        break;
      case 'lost':
      case 'offered':
      case 'hand-over-failed':
      case 'rejected':
        break;
    }
  }

  #later(delayMs: number, input: LeaseInput): void {
    const life = this.#life;
    this.#parts.schedule.after(delayMs, () => {
      if (life === this.#life) this.input(input);
    });
  }

  #send(to: number, messages: readonly LeaseMessage[]): void {
    const { invariants, network, nodes, plan, schedule } = this.#parts;
    for (const message of messages) invariants.sent(this.id, this.#incarnation, message);
    const header: LeaseHeader = {
      sender: this.id,
      receiver: to,
      incarnation: this.#incarnation,
      sequence: ++this.#sequence,
      council: this.#parts.configuration().council.version,
      clockUs: BigInt(Math.round(this.clock.bootMs(schedule.nowMs) * 1000)),
    };
    const datagram = plan.isEncoded
      ? decodeLeaseDatagram(encodeLeaseDatagram(header, messages))
      : { header, messages };
    const from = this.id;
    network.send(from, to, () => nodes.get(to)?.input({ type: 'datagram', from, ...datagram }));
  }

  #log(text: () => string): void {
    this.#parts.trace.add(this.#parts.schedule.nowMs, () => `node ${this.id} ${text()}`);
  }

  #trace(direction: '<' | '>', what: LeaseInput | Action): void {
    this.#log(() => `${direction} ${describe(what)}`);
  }
}
