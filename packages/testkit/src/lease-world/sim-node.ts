// SPDX-License-Identifier: Apache-2.0
import {
  type CouncilRecord,
  type HandedOnLeases,
  type LeaseDatagram,
  LeaseEngine,
  type LeaseInput,
  type LeaseOutput,
  type LeaseRecord,
} from '@vnfpool/core/lease';
import {
  batchLeaseMessages,
  decodeLeaseDatagram,
  encodeLeaseDatagram,
  type LeaseCouncilVersion,
  type LeaseHeader,
  type LeaseMessage,
} from '@vnfpool/wire/lease';
import type { ReplicaPosition } from '@vnfpool/wire/replication';
import { diskLast } from './agent-manners.ts';
import { type Action, describe } from './describe.ts';
import { takeFenceEnds } from './fence-ends.ts';
import { FenceModel } from './fence-model.ts';
import { fenceEndsOf, type Marker } from './hand-on.ts';
import type { NodeClock } from './node-clock.ts';
import { CREEP_WINDOW_MS } from './options.ts';
import { ResetReleases } from './reset-releases.ts';
import type { Configuration, WorldParts } from './world-parts.ts';

interface SimFunction {
  readonly functionId: number;
  incarnation: bigint;
  isReady: boolean;
  rank: number;
  /** Of shared state: lost with the process, and back some time later. */
  hasCopy: boolean;
  /** What its function held the slot with last; on the disk, and gone with the function. */
  ownEpoch: number | null;
}

/** Datagrams and inputs that wait while the process is paused; further ones are dropped, as a socket does. */
const INBOX_MAX = 500;
/** Of the bound: a clock further off than this is the one that leaves it, see `drawRate`. */
const CREEPING_PART = 0.2;

/** A machine: kernel (clock, fence), disk, functions, and the agent's process, which crashes and pauses. */
export class SimNode {
  readonly id: number;
  readonly clock: NodeClock;
  readonly fence: FenceModel;
  readonly functions: Map<string, SimFunction> = new Map();
  readonly #parts: WorldParts;
  readonly #disk: LeaseRecord[] = [];
  readonly #resets: ResetReleases;
  /** What the agent keeps of what the manager told it. */
  #told: Configuration | undefined;
  #engine: LeaseEngine | undefined;
  #incarnation = 0n;
  #sequence = 0n;
  #isPaused = false;
  #isBusy = false;
  #isRetired = false;
  /** It has found its own clock outside of what is allowed. */
  #knowsItsClock = false;
  /** Told apart so that what an ended process had planned does not happen. */
  #life = 0;
  /** What the disk has for the next process. */
  #marker: Marker | undefined;
  /** Whom it asked to have listed, as the holder. */
  readonly #wanted = new Map<string, readonly number[]>();
  #listSerial = 0;
  #timer = 0;
  #backlog: Action[] = [];
  #inbox: LeaseInput[] = [];

  constructor(id: number, clock: NodeClock, slots: readonly string[], parts: WorldParts) {
    this.id = id;
    this.clock = clock;
    this.#parts = parts;
    this.fence = new FenceModel(parts.plan.fence, clock);
    this.#resets = new ResetReleases(() => this.council?.version);
    for (const [index, slot] of slots.entries()) {
      const { nodes, outsiders, namesHeirs } = parts.plan;
      // Whoever believes to be first may be made heir.
      const rank = namesHeirs && parts.random.chance(0.5) ? 0 : (id - 1 + index) % (nodes + outsiders);
      this.functions.set(slot, {
        functionId: id * 16 + index,
        incarnation: 1n,
        isReady: true,
        rank,
        hasCopy: true,
        ownEpoch: null,
      });
    }
  }

  get isAlive(): boolean {
    return this.#engine !== undefined;
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** The council that it works under; undefined while its process is down. */
  get council(): CouncilRecord | undefined {
    return this.#engine?.council;
  }

  /** Whether its member can vote for all slots. */
  get hasVoice(): boolean {
    return this.#engine?.voiceless === 0;
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
    const { manners } = this.#parts;
    if (manners.takesAnyMarker === true && this.#marker !== undefined) {
      this.#takeOver(this.#marker);
      return;
    }
    this.#marker = undefined;
    if (this.#incarnation === 0n || manners.repeatsIncarnation !== true) this.#incarnation += 1n;
    this.#log(() => `starts as incarnation ${this.#incarnation}`);
    this.fence.restarted();
    this.#loseCopies();
    this.#run({});
  }

  /**
   * Its process ends, and hands on to another one that begins after `gapMs`; nothing happens where something is under way
   * that cannot be handed on.
   */
  upgrade(gapMs: number): void {
    if (this.#isPaused || this.#backlog.length > 0) return;
    const handedOn = this.#engine?.handOn(this.clock.bootMs(this.#parts.schedule.nowMs));
    if (handedOn === undefined) return;
    this.#log(() => `hands on, for ${gapMs.toFixed(1)} ms`);
    const marker: Marker = { handedOn, incarnation: this.#incarnation };
    this.#marker = marker;
    if (this.#parts.manners.actsAfterHandingOn !== true) this.#end();
    const life = this.#life;
    this.#parts.schedule.after(gapMs, () => {
      if (life === this.#life && !this.#isRetired) this.#takeOver(marker);
    });
  }

  #takeOver({ handedOn, incarnation }: Marker): void {
    this.#marker = this.#parts.manners.takesAnyMarker === true ? this.#marker : undefined;
    this.#incarnation = incarnation;
    this.#loseCopies();
    this.#log(() => `goes on as incarnation ${incarnation}`);
    this.#end();
    const ends = fenceEndsOf(handedOn, this.#disk);
    const write = this.fence.compute(ends, this.#parts.schedule.nowMs, true);
    this.#backlog.push({ type: 'fence-write', write });
    this.#run({ handedOn });
  }

  #run({ handedOn }: { readonly handedOn?: HandedOnLeases }): void {
    const { random, rules, manners, plan, schedule } = this.#parts;
    this.#life += 1;
    this.#isPaused = false;
    this.#engine = new LeaseEngine(
      {
        node: this.id,
        incarnation: this.#incarnation,
        startedAtMs: this.clock.bootMs(schedule.nowMs) - (manners.startsTooEarlyMs ?? 0),
        restored: [...this.#disk],
        ...(handedOn && { handedOn }),
        random,
        driftBound: plan.driftBound,
        namesHeirs: plan.namesHeirs,
        ...(plan.creep !== 0 && { clockWindowMs: CREEP_WINDOW_MS }),
      },
      rules,
    );
    this.input(this.#told ?? this.#parts.configuration());
    for (const slot of this.functions.keys()) this.#tellFunction(slot, handedOn !== undefined);
  }

  /** The manager's word reaches the node, unless its process is down. */
  configure(configuration: Configuration): void {
    if (this.#engine === undefined) return;
    this.#told = configuration;
    this.input(configuration);
  }

  /** The process ends; kernel, disk and functions stay. Nothing happens while its clock is in doubt. */
  crash(): void {
    if (this.#engine === undefined || this.#isClockInDoubt()) return;
    this.#log(() => 'crashes');
    this.#end();
    for (const node of this.#parts.nodes.values()) if (node !== this) node.peerReset(this.id);
  }

  /**
   * Whether its clock is leaving the bound and it has not found out: what it has measured so far ends with its process, and
   * a clock that leaves the bound faster than it is measured is outside of what is promised.
   */
  #isClockInDoubt(): boolean {
    const { creep, driftBound } = this.#parts.plan;
    return creep !== 0 && !this.#knowsItsClock && Math.abs(this.clock.rate - 1) > CREEPING_PART * driftBound;
  }

  #end(): void {
    this.#engine = undefined;
    this.#life += 1;
    this.#backlog = [];
    this.#inbox = [];
    this.#isPaused = false;
  }

  /** The machine ends: the kernel's fence is gone, and its functions are new when it comes back. */
  powerOff(): void {
    if (this.#isClockInDoubt()) return;
    this.crash();
    this.#log(() => 'loses power');
    this.fence.closeAll();
    // Of another start of the machine.
    if (this.#parts.manners.takesAnyMarker !== true) this.#marker = undefined;
    for (const each of this.functions.values()) {
      each.incarnation += 1n;
      each.ownEpoch = null;
    }
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
    found.ownEpoch = null;
    this.tellCandidate(slot);
  }

  tellCandidate(slot: string): void {
    const found = this.functions.get(slot);
    if (found === undefined) return;
    const { functionId, incarnation, isReady, rank, hasCopy, ownEpoch } = found;
    this.input({
      type: 'candidate-state',
      slot,
      functionId,
      functionIncarnation: incarnation,
      ready: isReady,
      rank,
      ...(this.#parts.plan.shares && { state: { hasCopy, ownEpoch, position: this.#positionOf(slot) } }),
    });
  }

  /** Differs from node to node, and from life to life: before the last resort some go before others. */
  #positionOf(slot: string): ReplicaPosition {
    const { incarnation = 0n, hasCopy = false } = this.functions.get(slot) ?? {};
    return { epoch: hasCopy ? 1 : 0, sequence: (this.id * 7 + Number(incarnation)) % 4 };
  }

  #loseCopies(): void {
    const { plan, random, schedule } = this.#parts;
    if (!plan.shares) return;
    // The copies of holders, too, which list themselves.
    for (const [slot, found] of this.functions) {
      found.hasCopy = false;
      schedule.after(random.between(0, 2 * plan.leaseMs), () => {
        found.hasCopy = true;
        this.tellCandidate(slot);
      });
    }
  }

  /** Its function has all of the state, as of this epoch; not told while it holds. */
  #owns(slot: string, epoch: number, afterMs: number): void {
    const life = this.#life;
    this.#parts.schedule.after(afterMs, () => {
      const found = this.functions.get(slot);
      if (life === this.#life && found !== undefined) found.ownEpoch = epoch;
    });
  }

  /** As the holder: other standbys have its state now. */
  #relist(slot: string, epoch: number): void {
    const { plan, random, schedule, invariants } = this.#parts;
    if (!plan.shares || !this.#parts.isFaulty()) return;
    const life = this.#life;
    schedule.after(random.between(0, plan.leaseMs), () => {
      if (life !== this.#life) return;
      const { candidates = [] } = this.#parts.configuration().slots.find(({ id }) => id === slot) ?? {};
      const listed = candidates.filter(({ node }) => node !== this.id && random.chance(0.6));
      const nodes = listed.map(({ node }) => node);
      invariants.asksToList(slot, this.id, nodes);
      this.#wanted.set(slot, nodes);
      this.#listSerial += 1;
      const isAnew = random.chance(0.1);
      this.input({ type: 'list', slot, epoch, candidates: listed, serial: this.#listSerial, isAnew });
    });
  }

  /** Whoever goes on for another process also says what has ended meanwhile. */
  #tellFunction(slot: string, isTakenOver: boolean): void {
    const { functionId = 0, isReady = true } = this.functions.get(slot) ?? {};
    if (isTakenOver && !isReady) this.input({ type: 'candidate-gone', slot, functionId });
    else this.tellCandidate(slot);
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
    this.fence.wallStepped(byMs);
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
      const input = this.#takeInput();
      if (input === undefined) break;
      this.#trace('<', input);
      if (input.type === 'datagram') this.#resets.heard(input);
      if (input.type === 'datagrams') for (const each of input.datagrams) this.#resets.heard(each);
      const outputs = this.#engine.handle(input, this.clock.bootMs(this.#parts.schedule.nowMs));
      this.#take(outputs);
    }
    this.#isBusy = false;
    this.#armTimer();
  }

  /** The next input; datagrams that wait are at times read together, as a worker does. */
  #takeInput(): LeaseInput | undefined {
    const first = this.#inbox.shift();
    if (first?.type !== 'datagram' || this.#inbox[0]?.type !== 'datagram') return first;
    if (this.#parts.random.chance(0.5)) return first;
    const datagrams: LeaseDatagram[] = [first];
    for (let next = this.#inbox[0]; next?.type === 'datagram'; next = this.#inbox[0]) {
      datagrams.push(next);
      this.#inbox.shift();
    }
    return { type: 'datagrams', datagrams };
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
    const { schedule, invariants, random, manners, plan } = this.#parts;
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
        const listed = action.candidates.map(({ node }) => node);
        this.#wanted.delete(slot);
        if (plan.shares) {
          const { hasCopy = false, ownEpoch = null, incarnation } = this.functions.get(slot) ?? {};
          // One that had it and has ended, which the engine is told next, and lets go.
          const isGone = incarnation !== action.functionIncarnation;
          const who = { node: this.id, hasState: hasCopy || ownEpoch !== null || isGone };
          invariants.follows(slot, epoch, who, listed, action.lossMark);
        }
        this.#relist(slot, epoch);
        const takenMs = random.between(0, 10);
        this.#later(takenMs, { type: 'activate', slot, epoch });
        this.#owns(slot, epoch, takenMs);
        break;
      }
      case 'renumbered':
        invariants.granted(action.slot, action.epoch, `${this.id}.${this.#incarnation}`);
        invariants.relisted(action.slot, action.epoch, this.id, [
          ...action.candidates.map(({ node }) => node),
          ...(this.#wanted.get(action.slot) ?? []),
        ]);
        this.#owns(action.slot, action.epoch, random.between(0, 10));
        this.#relist(action.slot, action.epoch);
        break;
      case 'fence-until': {
        const ends = takeFenceEnds(action, this.#backlog, manners.fenceBeyondLeaseMs ?? 0);
        for (const [slot, { epoch }] of ends) {
          invariants.fenceOrdered(this.id, this.#incarnation, slot, epoch);
        }
        this.#backlog.unshift({ type: 'fence-write', write: this.fence.compute(ends, schedule.nowMs) });
        break;
      }
      case 'fence-write':
        this.fence.write(action.write, schedule.nowMs);
        this.#parts.checkFences();
        break;
      case 'fence-close': {
        const { slot, epoch } = action;
        if (manners.saysClosedTooEarly === true) {
          schedule.after(random.between(0, 20), () => this.fence.close(slot));
        } else this.fence.close(slot);
        this.#later(random.between(0, 1), { type: 'fence-closed', slot, epoch });
        break;
      }
      case 'clock':
        if (action.node === this.id) {
          this.#knowsItsClock = action.isOutside;
          invariants.clockJudged(action.isOutside);
        }
        break;
      case 'observed':
        this.#resets.observed(action);
        break;
      case 'lost':
      case 'council':
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
    const { invariants, plan } = this.#parts;
    const council = this.#engine?.council?.version;
    if (council === undefined) return;
    for (const message of messages) {
      invariants.sent({ node: this.id, incarnation: this.#incarnation, council, to }, message);
    }
    for (const batch of plan.isEncoded ? batchLeaseMessages(messages) : [messages])
      this.#sendOne(to, council, batch);
  }

  #sendOne(to: number, council: LeaseCouncilVersion, messages: readonly LeaseMessage[]): void {
    const { network, nodes, plan, random, schedule } = this.#parts;
    const header: LeaseHeader = {
      sender: this.id,
      receiver: to,
      incarnation: this.#incarnation,
      sequence: ++this.#sequence,
      councilId: 1,
      council,
      clockUs: BigInt(Math.round(this.clock.bootMs(schedule.nowMs) * 1000)),
    };
    const datagram = plan.isEncoded
      ? decodeLeaseDatagram(encodeLeaseDatagram(header, messages))
      : { header, messages };
    const from = this.id;
    const deliver = (): void => nodes.get(to)?.input({ type: 'datagram', from, ...datagram });
    network.send(from, to, deliver);
    const isWord = messages.some(({ type }) => type === 'hand-on');
    if (isWord && plan.lateWords > 0 && random.chance(0.5))
      network.straggle(random.between(0.1, 1.5) * plan.leaseMs, deliver);
  }

  #log(text: () => string): void {
    this.#parts.trace.add(this.#parts.schedule.nowMs, () => `node ${this.id} ${text()}`);
  }

  #trace(direction: '<' | '>', what: LeaseInput | Action): void {
    this.#log(() => `${direction} ${describe(what)}`);
  }
}
