// SPDX-License-Identifier: Apache-2.0
import type { LeaseHeader } from '@vnfpool/wire/lease';
import type { CouncilDefinition, SlotDefinition, StallReport } from '@vnfpool/wire/mobility';
import type { Core } from '../core.ts';
import { epochOf } from '../identity.ts';
import { Answered } from './answered.ts';
import { Candidacy } from './candidacy.ts';
import { CLOCK_WINDOW_MS, ClockJudge } from './clock-judge.ts';
import type { Council, SlotContext } from './context.ts';
import { compareCouncils } from './council.ts';
import { CouncilChange } from './council-change.ts';
import { Gatherings } from './gatherings.ts';
import type { HandedOnLeases, HandedOnSlot } from './handed-on.ts';
import { Hearing } from './hearing.ts';
import { LeaseMember } from './member.ts';
import { Outbox } from './outbox.ts';
import type { CouncilRecord, SlotRecord } from './record.ts';
import { Renewals } from './renewals.ts';
import { LeaseRules } from './rules.ts';
import { SlotTimers } from './slot-timers.ts';
import { earliest, nextRenewalMs, renewalPhase, stallMs } from './timing.ts';
import { ToldRenewals, type WholeMessage } from './told-renewals.ts';
import {
  type LeaseDatagram,
  type LeaseEngineInit,
  type LeaseInput,
  type LeaseOutput,
  SLOTS_MAX,
} from './types.ts';
import { councilRefusals, type Origin, Voter } from './voter.ts';
import { Watch } from './watch.ts';

/** Default bound of the relative rate of two clocks. */
export const DRIFT_BOUND = 0.01;

type Inputs = { readonly [Type in LeaseInput['type']]: Extract<LeaseInput, { type: Type }> };
type Messages = { readonly [Type in WholeMessage['type']]: Extract<WholeMessage, { type: Type }> };

/**
 * The leases of one node: its member's registers and its candidates' proposers, for all slots. This node's own
 * member is reached without a datagram, under the same rules: its record is persisted before its answer counts.
 */
export class LeaseEngine implements Core<LeaseInput, LeaseOutput> {
  readonly #node: number;
  readonly #incarnation: bigint;
  readonly #member: LeaseMember;
  readonly #voter: Voter;
  readonly #context: SlotContext;
  readonly #slots = new Map<string, Candidacy>();
  readonly #outbox = new Outbox();
  /** Messages between this node's proposers and its own member; emptied before a call returns. */
  readonly #local: WholeMessage[] = [];
  readonly #timers = new SlotTimers<Candidacy>();
  readonly #renewals: Renewals;
  readonly #told = new ToldRenewals();
  readonly #answered: Answered;
  readonly #watch = new Watch();
  readonly #clocks: ClockJudge;
  readonly #hearing = new Hearing();
  readonly #touched = new Set<string>();
  readonly #councils: CouncilChange;
  readonly #gatherings: Gatherings;
  /** Made once for each record. */
  #view: { readonly of: CouncilRecord | undefined; readonly council: Council } | undefined;
  #serial = 0;
  #isConfigured = false;

  constructor(init: LeaseEngineInit, rules: LeaseRules = new LeaseRules()) {
    this.#node = init.node;
    this.#incarnation = init.incarnation;
    const driftBound = init.driftBound ?? DRIFT_BOUND;
    const records = new Map<string, SlotRecord>();
    let isOutside = false;
    let council: CouncilRecord | undefined;
    for (const record of init.restored) {
      if (record.type === 'slot') records.set(record.slot, record);
      else if (record.type === 'council') council = record;
      else isOutside = record.isOutside;
    }
    const restored = [...records.values()];
    const { startedAtMs, handedOn } = init;
    this.#serial = handedOn?.serial ?? 0;
    this.#member = new LeaseMember({
      startedAtMs,
      driftBound,
      rules,
      restored,
      ...(handedOn && { handedOn }),
    });
    this.#clocks = new ClockJudge({
      node: init.node,
      driftBound,
      windowMs: init.clockWindowMs ?? CLOCK_WINDOW_MS,
      startedAtMs,
      isOutside,
      ...(handedOn && { handedOn: handedOn.clocks }),
    });
    this.#answered = new Answered(handedOn === undefined ? [] : handedOn.answered);
    const phase = renewalPhase(init.node);
    const send: SlotContext['send'] = (to, message) => {
      if (to === this.#node) this.#local.push(...this.#told.whole(to, this.#incarnation, [message]));
      else this.#outbox.send(to, message);
    };
    const nextSerial = () => {
      this.#serial = this.#serial === 0xffffffff ? 1 : this.#serial + 1;
      return this.#serial;
    };
    this.#renewals = new Renewals({
      council: () => this.#councilView(),
      nextSerial,
      send,
      isAwaited: (slot, serial) => this.#slots.get(slot)?.awaits(serial) ?? false,
    });
    this.#context = {
      node: init.node,
      incarnation: init.incarnation,
      driftBound,
      random: init.random,
      rules,
      council: () => this.#councilView(),
      slots: () => this.#slots.size,
      trusts: (node) => rules.mayTrustClock(this.#clocks.isOutside(node)),
      nextSerial,
      namesHeirs: init.namesHeirs ?? false,
      answeredAtMs: (node, incarnation, serial) => this.#answered.atMs(node, incarnation, serial),
      answerBefore: (serial, peer) => this.#renewals.answerBefore(serial, peer),
      renew: (renewal, leaseMs, nowMs) => this.#renewals.add(renewal, leaseMs, nowMs),
      nextRenewalMs: (leaseMs, nowMs) => nextRenewalMs(leaseMs, nowMs, phase),
      send,
      emit: (output) => this.#outbox.emit(output),
    };
    const persist = (record: SlotRecord | CouncilRecord): void => this.#outbox.persist(record);
    this.#gatherings = new Gatherings(
      { node: init.node, member: this.#member, driftBound, rules, send, persist },
      handedOn?.fetchSerial,
    );
    this.#councils = new CouncilChange(council, this.#member, this.#gatherings, {
      slots: () => this.#slots.values(),
      persist,
      emit: (output) => this.#outbox.emit(output),
      touch: (slot) => this.#touched.add(slot),
      dropUnsent: () => {
        this.#renewals.clear();
        this.#outbox.dropSends();
      },
    });
    this.#voter = new Voter(this.#member, this.#context, {
      hasVote: () => this.#isMember(this.#node),
      persist,
      renewed: (id, round, untilMs) => {
        if (this.#slots.get(id)?.learnRenewal(round, untilMs) === false) this.#touched.add(id);
      },
      answered: ({ node, incarnation }, serial, nowMs) =>
        this.#answered.note(node, incarnation, serial, nowMs),
      triedInVain: ({ slot, round }) => this.#slots.get(slot)?.onTriedInVain(round),
      promisedTo: (id, holder, nowMs) => this.#slots.get(id)?.onPromisedTo(holder, nowMs),
      touch: (id, nowMs) => this.#touch(id, nowMs),
    });
    if (handedOn !== undefined) this.#takeOver(handedOn, startedAtMs);
  }

  /** Every slot goes on as it was; what is known of it is told with the next step. */
  #takeOver({ slots }: HandedOnLeases, nowMs: number): void {
    for (const handedOn of slots) {
      const slot = Candidacy.takenOver(this.#context, handedOn, nowMs);
      this.#slots.set(slot.slot, slot);
      this.#timers.update(slot);
      this.#touched.add(slot.slot);
    }
    this.#watchSlots();
  }

  /**
   * What the next process of this node goes on with, as the last act of this one: whoever has asked gives it nothing more
   * to do. Undefined while something is under way, of which no half can be handed on; it is soon over.
   */
  handOn(nowMs: number): HandedOnLeases | undefined {
    const slots = [...this.#slots.values()].map((slot) => slot.handOn(nowMs));
    if (slots.some((slot) => slot === undefined)) return undefined;
    return {
      serial: this.#serial,
      fetchSerial: this.#gatherings.serial,
      ...this.#member.handOn(),
      answered: this.#answered.handOn(),
      slots: slots as HandedOnSlot[],
      clocks: this.#clocks.handOn(),
    };
  }

  /** What this node works under; undefined until it was configured once. */
  get council(): CouncilRecord | undefined {
    return this.#councils.council;
  }

  /**
   * Slots for which this node's member cannot vote yet, since it has not heard what the former council decided; undefined
   * before it was told which slots there are.
   */
  get voiceless(): number | undefined {
    return this.#isConfigured ? this.#gatherings.size : undefined;
  }

  /** Members of the council of which nothing is heard, though they are asked; the same list until it changes. */
  get silent(): readonly number[] {
    return this.#hearing.silent;
  }

  /** Whether it was told of this slot, or has not done with it yet. */
  has(slot: string): boolean {
    return this.#slots.has(slot);
  }

  /** Whether the own clock was found to be out of its bound: this node holds nothing then, and votes for nobody. */
  get isClockOutside(): boolean {
    return !this.#context.trusts(this.#node);
  }

  /** How long this node's member stays without a voice for others, from `nowMs` on. */
  muteMs(nowMs: number): number {
    return Math.max(0, this.#member.muteUntilMs - nowMs);
  }

  /** How late this node was called in the last minutes; undefined while it has no slots. */
  stalls(nowMs: number): StallReport | undefined {
    return this.#watch.stalls(nowMs);
  }

  handle(input: LeaseInput, nowMs: number): LeaseOutput[] {
    this.#noticeStall(nowMs);
    const handler = this.#inputs[input.type] as (input: LeaseInput, nowMs: number) => void;
    handler(input, nowMs);
    return this.#finish(nowMs);
  }

  expire(nowMs: number): LeaseOutput[] {
    this.#noticeStall(nowMs);
    for (const slot of this.#timers.takeDue(nowMs)) {
      if (slot.expire(nowMs)) this.#touched.add(slot.slot);
      else this.#timers.update(slot);
    }
    this.#councils.expire(nowMs);
    this.#renewals.expire(nowMs);
    this.#judgeClocks(nowMs);
    return this.#finish(nowMs);
  }

  nextDeadline(): number | undefined {
    const clocksMs = this.#slots.size === 0 ? undefined : this.#clocks.nextDeadline();
    const own = [this.#timers.next(), this.#renewals.nextDeadline(), this.#gatherings.nextDeadline()];
    return this.#watch.arm(earliest([...own, clocksMs]));
  }

  // Inputs ----------------------------------------------------------------------------------------------

  readonly #inputs: { readonly [Type in keyof Inputs]: (input: Inputs[Type], nowMs: number) => void } = {
    configure: (input, nowMs) => this.#configure(input, nowMs),
    'candidate-state': (input, nowMs) => {
      const { slot, functionId, functionIncarnation, ready: isReady, rank, state } = input;
      const holder = { node: this.#node, functionId, functionIncarnation };
      this.#known(slot, nowMs)?.offerCandidate({ holder, isReady, rank, state }, nowMs);
    },
    list: ({ slot, epoch, candidates, serial, isAnew = false }, nowMs) =>
      this.#known(slot, nowMs)?.list(epoch, { candidates, serial }, isAnew, nowMs),
    'candidate-gone': ({ slot, functionId }, nowMs) => {
      const known = this.#known(slot, nowMs);
      if (known?.candidate?.functionId === functionId) known.dropCandidate(nowMs);
    },
    activate: ({ slot, epoch }, nowMs) => this.#known(slot, nowMs)?.activate(epoch, nowMs),
    'fence-closed': ({ slot, epoch }, nowMs) => this.#known(slot, nowMs)?.fenceClosed(epoch, nowMs),
    release: ({ slot, reason }, nowMs) => this.#known(slot, nowMs)?.release(reason, nowMs),
    'hand-over': ({ slot, to, nonce }, nowMs) => this.#known(slot, nowMs)?.handOver(to, nonce, nowMs),
    datagram: (datagram, nowMs) => this.#read(datagram, nowMs),
    datagrams: ({ datagrams }, nowMs) => {
      for (const datagram of datagrams) this.#read(datagram, nowMs);
    },
  };

  #configure({ council, slots }: Inputs['configure'], nowMs: number): void {
    if (slots.length > SLOTS_MAX) {
      this.#reject('too-many-slots', 0);
      return;
    }
    const news = this.#councils.told(council, nowMs);
    if (news === 'lower' || news === 'strange') {
      this.#reject('council-lower', 0);
      return;
    }
    this.#isConfigured = true;
    // Gone are the clocks of those that are not spoken with any more.
    this.#clocks.keep(peersOf(council, slots));
    for (const definition of slots) {
      const known = this.#slots.get(definition.id);
      if (known === undefined)
        this.#slots.set(definition.id, new Candidacy(this.#context, definition, nowMs));
      else {
        known.lapse(nowMs);
        known.define(definition, nowMs);
      }
      this.#touched.add(definition.id);
    }
    this.#councils.gather(nowMs);
    const named = new Set(slots.map(({ id }) => id));
    for (const [id, slot] of this.#slots) {
      if (named.has(id)) continue;
      slot.lapse(nowMs);
      slot.dropCandidate(nowMs);
      this.#gatherings.drop(id);
      this.#touched.add(id);
      if (slot.isIdle) {
        this.#slots.delete(id);
        this.#timers.delete(slot);
      }
    }
    this.#watchSlots();
  }

  #watchSlots(): void {
    this.#watch.shortestLeaseMs = Math.min(...[...this.#slots.values()].map(({ leaseMs }) => leaseMs));
  }

  /** A slot that something happens to; a hold of it whose lease has run out ends before. */
  #touch(id: string, nowMs: number): Candidacy | undefined {
    const slot = this.#slots.get(id);
    if (slot === undefined) return undefined;
    this.#touched.add(id);
    slot.lapse(nowMs);
    return slot;
  }

  #known(slot: string, nowMs: number): Candidacy | undefined {
    const known = this.#touch(slot, nowMs);
    if (known === undefined) this.#reject('unknown-slot', 0);
    return known;
  }

  // Messages --------------------------------------------------------------------------------------------

  #read({ from, header, messages: said }: LeaseDatagram, nowMs: number): void {
    const messages = this.#told.whole(from, header.incarnation, said);
    if (!this.#mayRead(from, header, messages, nowMs)) return;
    this.#clocks.heard(from, header.clockUs, nowMs);
    const origin: Origin = { from, incarnation: header.incarnation, nowMs };
    for (const message of messages) this.#dispatch(message, origin);
    // What our own member says to this comes before the next one.
    this.#runLocal(origin.nowMs);
  }

  #mayRead(from: number, header: LeaseHeader, messages: readonly WholeMessage[], nowMs: number): boolean {
    if (header.sender !== from || header.receiver !== this.#node || from === this.#node) {
      this.#reject('misaddressed', from);
      return false;
    }
    const { council } = this;
    const order = council === undefined ? 'unrelated' : compareCouncils(header.council, council.version);
    const news = this.#councils.heard(header.council, nowMs);
    if (news === 'same' || news === 'taken') return this.council?.rival === null;
    if (this.#context.rules.mayRead(order)) return true;
    this.#reject(news === 'rival' ? 'council-rival' : 'council-mismatch', from);
    // The refusal's datagram carries the higher version.
    if (news === 'lower') {
      for (const refusal of councilRefusals(messages, header.incarnation)) this.#outbox.send(from, refusal);
    }
    return false;
  }

  #dispatch(message: WholeMessage, origin: Origin): void {
    if ('incarnation' in message && !this.#isForMe(message.incarnation)) return;
    if ('slot' in message) this.#touch(message.slot, origin.nowMs);
    const handler = this.#messages[message.type] as (message: WholeMessage, origin: Origin) => void;
    handler(message, origin);
  }

  #isForMe(incarnation: bigint): boolean {
    return this.#context.rules.isSameIncarnation(this.#incarnation, incarnation);
  }

  readonly #messages: {
    readonly [Type in keyof Messages]: (message: Messages[Type], origin: Origin) => void;
  } = {
    fetch: (message, origin) => this.#voter.tell(message, origin),
    register: (message, { from, nowMs }) => {
      if (this.#context.trusts(from)) this.#councils.onRegister(from, message, nowMs);
    },
    prepare: (message, origin) => this.#voter.ask(message, origin),
    accept: (message, origin) => this.#voter.ask(message, origin),
    reserve: (message, origin) => this.#voter.ask(message, origin),
    entrust: (message, origin) => this.#voter.ask(message, origin),
    renew: (message, origin) => this.#voter.ask(message, origin),
    release: (message, origin) => {
      this.#voter.ask(message, origin);
      this.#slots.get(message.slot)?.onRelease(origin.from, message, origin.nowMs);
    },
    promise: (message, { from, nowMs }) => {
      if (this.#counts(from)) this.#slots.get(message.slot)?.onPromise(from, message, nowMs);
    },
    accepted: (message, { from, nowMs }) => {
      if (this.#counts(from)) this.#slots.get(message.slot)?.onAccepted(from, message, nowMs);
    },
    entrusted: (message, { from }) => {
      if (this.#counts(from)) this.#slots.get(message.slot)?.onEntrusted(from, message);
    },
    renewed: (message, { from, incarnation, nowMs }) => {
      if (!this.#counts(from)) return;
      this.#renewals.answered({ node: from, incarnation }, message.serial);
      this.#renewals.confirmed(from, message.serial);
      this.#slots.get(message.slot)?.onRenewed(from, message, nowMs);
    },
    clock: ({ wantsAnswer }, { from }) => {
      if (wantsAnswer) this.#context.send(from, { type: 'clock', wantsAnswer: false });
    },
    'renew-many': (message, origin) => this.#voter.renew(message, origin),
    'renewed-many': (message, { from, incarnation, nowMs }) => {
      if (!this.#counts(from)) return;
      const { serial } = message;
      this.#renewals.answered({ node: from, incarnation }, serial);
      for (const { slot: id, round } of this.#renewals.renewedBy(from, message)) {
        const slot = this.#slots.get(id);
        // A lease that goes on puts every moment off and is no news: the slot need not be looked at again.
        if (slot?.lapse(nowMs)) this.#touched.add(id);
        else slot?.onRenewed(from, { serial, round }, nowMs);
      }
    },
    refuse: (message, { from, nowMs }) => {
      if (this.#counts(from)) this.#slots.get(message.slot)?.onRefuse(from, message, nowMs);
    },
    released: (message, { from }) => this.#slots.get(message.slot)?.onReleased(from, message),
    'hand-on': (message, { from, incarnation, nowMs }) =>
      this.#slots.get(message.slot)?.onHandOn(from, incarnation, message, nowMs),
    offer: (message, { from, incarnation, nowMs }) => {
      const slot = this.#slots.get(message.slot);
      if (slot === undefined) return;
      const untilMs = slot.onOffer(from, incarnation, message, nowMs) ?? null;
      // Who asks for an heir stays: nothing is to be got ready.
      if (message.purpose === 'heir') return;
      const epoch = epochOf(this.#councilView().generation, message.round);
      this.#outbox.emit({ type: 'offered', slot: message.slot, epoch, nonce: message.nonce, untilMs });
    },
    standing: (message, { from, nowMs }) => this.#slots.get(message.slot)?.onStanding(from, message, nowMs),
    ready: (message, { from, incarnation, nowMs }) =>
      this.#slots.get(message.slot)?.onReady(from, incarnation, message, nowMs),
  };

  /** Whose clock must not be relied on lets go of everything; who was not heard of for a while is asked for its clock. */
  #judgeClocks(nowMs: number): void {
    if (this.#slots.size === 0) {
      this.#hearing.asked([]);
      return;
    }
    if (nowMs < this.#clocks.nextDeadline()) return;
    const wasFit = this.#context.trusts(this.#node);
    for (const verdict of this.#clocks.judge(nowMs)) this.#outbox.emit({ type: 'clock', ...verdict });
    if (this.#context.trusts(this.#node) !== wasFit) {
      this.#outbox.persist({ type: 'clock', isOutside: wasFit });
      for (const slot of this.#slots.values()) {
        if (wasFit) slot.release('clock', nowMs);
        this.#touched.add(slot.slot);
      }
    }
    const silent = this.#clocks.silent(this.council?.members ?? [], nowMs);
    this.#hearing.asked(silent);
    for (const member of silent) {
      this.#context.send(member, { type: 'clock', wantsAnswer: true });
    }
  }

  /** Whether answers of this node count. */
  #counts(from: number): boolean {
    return this.#isMember(from) && this.#context.trusts(from);
  }

  #isMember(node: number): boolean {
    return this.council?.members.includes(node) ?? false;
  }

  #councilView(): Council {
    const { council } = this;
    if (this.#view === undefined || this.#view.of !== council) {
      this.#view = { of: council, council: councilView(council) };
    }
    return this.#view.council;
  }

  // End of a step ---------------------------------------------------------------------------------------

  #noticeStall(nowMs: number): void {
    const lateMs = this.#watch.lateMs(nowMs);
    if (lateMs === undefined) return;
    for (const slot of this.#slots.values()) {
      if (lateMs <= stallMs(slot.leaseMs)) continue;
      slot.stalled(nowMs);
      this.#touched.add(slot.slot);
    }
  }

  #finish(nowMs: number): LeaseOutput[] {
    this.#renewals.flush();
    this.#runLocal(nowMs);
    for (const slot of this.#touched) this.#observe(slot, nowMs);
    this.#touched.clear();
    return this.#outbox.take();
  }

  #runLocal(nowMs: number): void {
    const origin: Origin = { from: this.#node, incarnation: this.#incarnation, nowMs };
    // Each request has at most one answer here and each answer leads to at most one request: this ends.
    for (let at = 0; at < this.#local.length; at++) this.#dispatch(this.#local[at] as WholeMessage, origin);
    this.#local.length = 0;
  }

  #observe(id: string, nowMs: number): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    const view = this.#member.view(id);
    if (view !== undefined) slot.learnRegister(view);
    const observation = slot.observe(nowMs);
    if (observation !== undefined) this.#outbox.emit(observation);
    this.#timers.update(slot);
  }

  #reject(reason: Extract<LeaseOutput, { type: 'rejected' }>['reason'], from: number): void {
    this.#outbox.emit({ type: 'rejected', reason, from });
  }
}

function councilView(council: CouncilRecord | undefined): Council {
  // Between two rivals nobody is asked.
  const members = council?.rival === null ? council.members : [];
  return {
    generation: council?.version.generation ?? 0,
    members,
    majority: Math.floor(members.length / 2) + 1,
  };
}

/** Every node that a node hears of: members, now and before and soon, and hosts of candidates. */
function peersOf(
  { members, former, next }: CouncilDefinition,
  slots: readonly SlotDefinition[],
): Set<number> {
  return new Set([
    ...[members, former?.members ?? [], next?.members ?? []].flat(),
    ...slots.flatMap(({ candidates }) => candidates.map(({ node }) => node)),
  ]);
}
