// SPDX-License-Identifier: Apache-2.0
import type { LeaseHeader, LeaseMessage, Proposer } from '@vnfpool/wire/lease';
import type { Core } from '../core.ts';
import { epochOf } from '../identity.ts';
import { Candidacy } from './candidacy.ts';
import type { Council, SlotContext } from './context.ts';
import { compareCouncils } from './council.ts';
import { Gatherings } from './gatherings.ts';
import { LeaseMember } from './member.ts';
import { Outbox } from './outbox.ts';
import type { CouncilRecord, SlotRecord } from './record.ts';
import { LeaseRules } from './rules.ts';
import { type CouncilNews, CouncilSeat } from './seat.ts';
import { stallMs } from './timing.ts';
import {
  type LeaseEngineInit,
  type LeaseInput,
  type LeaseOutput,
  type LostReason,
  SLOTS_MAX,
} from './types.ts';

/** Default bound of the relative rate of two clocks. */
export const DRIFT_BOUND = 0.01;

type Inputs = { readonly [Type in LeaseInput['type']]: Extract<LeaseInput, { type: Type }> };
type Messages = { readonly [Type in LeaseMessage['type']]: Extract<LeaseMessage, { type: Type }> };

/** Who a message comes from, and when. */
interface Origin {
  readonly from: number;
  readonly incarnation: bigint;
  readonly nowMs: number;
}

/**
 * The leases of one node: its member's registers and its candidates' proposers, for all slots. This node's own
 * member is reached without a datagram, under the same rules: its record is persisted before its answer counts.
 */
export class LeaseEngine implements Core<LeaseInput, LeaseOutput> {
  readonly #node: number;
  readonly #incarnation: bigint;
  readonly #member: LeaseMember;
  readonly #context: SlotContext;
  readonly #slots = new Map<string, Candidacy>();
  readonly #outbox = new Outbox();
  /** Messages between this node's proposers and its own member; emptied before a call returns. */
  readonly #local: LeaseMessage[] = [];
  readonly #observed = new Map<string, string>();
  readonly #touched = new Set<string>();
  readonly #seat: CouncilSeat;
  readonly #gatherings: Gatherings;
  #deadlineMs: number | undefined;
  #lastCallMs = 0;

  constructor(init: LeaseEngineInit, rules: LeaseRules = new LeaseRules()) {
    this.#node = init.node;
    this.#incarnation = init.incarnation;
    const driftBound = init.driftBound ?? DRIFT_BOUND;
    const records = new Map<string, SlotRecord>();
    let council: CouncilRecord | undefined;
    for (const record of init.restored) {
      if (record.type === 'slot') records.set(record.slot, record);
      else council = record;
    }
    const restored = [...records.values()];
    this.#seat = new CouncilSeat(council);
    this.#member = new LeaseMember({ startedAtMs: init.startedAtMs, driftBound, rules, restored });
    this.#member.council = council;
    this.#context = {
      node: init.node,
      incarnation: init.incarnation,
      driftBound,
      random: init.random,
      rules,
      council: () => this.#councilView(),
      send: (to, message) => {
        if (to === this.#node) this.#local.push(message);
        else this.#outbox.send(to, message);
      },
      emit: (output) => this.#outbox.emit(output),
    };
    this.#gatherings = new Gatherings({
      node: init.node,
      member: this.#member,
      driftBound,
      rules,
      send: (to, message) => this.#context.send(to, message),
      persist: (record) => this.#outbox.persist(record),
    });
  }

  /** What this node works under; undefined until it was configured once. */
  get council(): CouncilRecord | undefined {
    return this.#member.council;
  }

  /** Slots for which this node's member cannot vote yet, since it has not heard what the former council decided. */
  get voiceless(): number {
    return this.#gatherings.size;
  }

  /** How long this node's member stays without a voice for others, from `nowMs` on. */
  muteMs(nowMs: number): number {
    return Math.max(0, this.#member.muteUntilMs - nowMs);
  }

  handle(input: LeaseInput, nowMs: number): LeaseOutput[] {
    this.#noticeStall(nowMs);
    for (const slot of this.#slots.values()) slot.lapse(nowMs);
    const handler = this.#inputs[input.type] as (input: LeaseInput, nowMs: number) => void;
    handler(input, nowMs);
    return this.#finish(nowMs);
  }

  expire(nowMs: number): LeaseOutput[] {
    this.#noticeStall(nowMs);
    for (const slot of this.#slots.values()) {
      slot.expire(nowMs);
      this.#touched.add(slot.slot);
    }
    const { council } = this;
    if (council !== undefined)
      for (const slot of this.#gatherings.expire(council, nowMs)) this.#touched.add(slot);
    return this.#finish(nowMs);
  }

  nextDeadline(): number | undefined {
    let next = this.#gatherings.nextDeadline();
    for (const slot of this.#slots.values()) {
      for (const at of [slot.nextDeadline(), slot.observedUntilMs]) {
        if (at !== undefined && (next === undefined || at < next)) next = at;
      }
    }
    // What was due before it was known is not late.
    this.#deadlineMs = next === undefined ? undefined : Math.max(next, this.#lastCallMs);
    return next;
  }

  // Inputs ----------------------------------------------------------------------------------------------

  readonly #inputs: { readonly [Type in keyof Inputs]: (input: Inputs[Type], nowMs: number) => void } = {
    configure: (input, nowMs) => this.#configure(input, nowMs),
    'candidate-state': ({ slot, functionId, functionIncarnation, ready, rank }, nowMs) => {
      const holder = { node: this.#node, functionId, functionIncarnation };
      this.#known(slot)?.offerCandidate(holder, ready, rank, nowMs);
    },
    'candidate-gone': ({ slot, functionId }, nowMs) => {
      const known = this.#known(slot);
      if (known?.candidate?.functionId === functionId) known.dropCandidate(nowMs);
    },
    activate: ({ slot, epoch }) => this.#known(slot)?.activate(epoch),
    'fence-closed': ({ slot, epoch }, nowMs) => this.#known(slot)?.fenceClosed(epoch, nowMs),
    release: ({ slot, reason }, nowMs) => this.#known(slot)?.release(reason, nowMs),
    'hand-over': ({ slot, to, nonce }, nowMs) => this.#known(slot)?.handOver(to, nonce, nowMs),
    datagram: ({ from, header, messages }, nowMs) => {
      const origin: Origin = { from, incarnation: header.incarnation, nowMs };
      if (!this.#mayRead(origin, header, messages)) return;
      for (const message of messages) this.#dispatch(message, origin);
    },
  };

  #configure({ council, slots }: Inputs['configure'], nowMs: number): void {
    if (slots.length > SLOTS_MAX) {
      this.#reject('too-many-slots', 0);
      return;
    }
    const news = this.#seat.told(council);
    if (news.type === 'lower' || news.type === 'strange') {
      this.#reject('council-lower', 0);
      return;
    }
    this.#follow(news, nowMs);
    for (const definition of slots) {
      const known = this.#slots.get(definition.id);
      if (known === undefined)
        this.#slots.set(definition.id, new Candidacy(this.#context, definition, nowMs));
      else known.define(definition, nowMs);
      this.#touched.add(definition.id);
    }
    this.#gather(nowMs);
    const named = new Set(slots.map(({ id }) => id));
    for (const [id, slot] of this.#slots) {
      if (named.has(id)) continue;
      slot.dropCandidate(nowMs);
      this.#gatherings.drop(id);
      if (slot.isIdle) {
        this.#slots.delete(id);
        this.#observed.delete(id);
      }
    }
  }

  // The council -----------------------------------------------------------------------------------------

  /** What a word about a council changes here, before anything else is done under it. */
  #follow(news: CouncilNews, nowMs: number): void {
    const isFirst = this.council === undefined;
    switch (news.type) {
      case 'noted':
        this.#outbox.persist(news.record);
        this.#member.council = news.record;
        return;
      case 'taken':
        if (news.isRaised) this.#closeAll('council-forced', nowMs);
        this.#outbox.persist(news.record);
        this.#member.council = news.record;
        this.#gatherings.clear();
        if (!isFirst) this.#outbox.emit({ type: 'council', council: news.record });
        for (const slot of this.#slots.values()) slot.councilChanged(nowMs);
        this.#gather(nowMs);
        return;
      case 'rival':
        this.#closeAll('council-rival', nowMs);
        this.#outbox.persist(news.record);
        this.#member.council = news.record;
        this.#outbox.emit({ type: 'council', council: news.record });
        return;
      case 'same':
      case 'lower':
      case 'strange':
        return;
    }
  }

  /** Nothing that was granted stands any more: all fences close. */
  #closeAll(reason: LostReason, nowMs: number): void {
    for (const slot of this.#slots.values()) {
      slot.abandon(reason, nowMs);
      this.#touched.add(slot.slot);
    }
  }

  #gather(nowMs: number): void {
    const { council } = this;
    if (council === undefined) return;
    for (const { definition } of this.#slots.values()) this.#gatherings.need(definition, council, nowMs);
    for (const slot of this.#gatherings.expire(council, nowMs)) this.#touched.add(slot);
  }

  #known(slot: string): Candidacy | undefined {
    const known = this.#slots.get(slot);
    if (known === undefined) this.#reject('unknown-slot', 0);
    this.#touched.add(slot);
    return known;
  }

  // Messages --------------------------------------------------------------------------------------------

  #mayRead(origin: Origin, header: LeaseHeader, messages: readonly LeaseMessage[]): boolean {
    const { from } = origin;
    if (header.sender !== from || header.receiver !== this.#node || from === this.#node) {
      this.#reject('misaddressed', from);
      return false;
    }
    const { council } = this;
    const order = council === undefined ? 'unrelated' : compareCouncils(header.council, council.version);
    const news = this.#seat.heard(header.council);
    this.#follow(news, origin.nowMs);
    if (news.type === 'same' || news.type === 'taken') return this.council?.rival === null;
    if (this.#context.rules.mayRead(order)) return true;
    this.#reject(news.type === 'rival' ? 'council-rival' : 'council-mismatch', origin.from);
    // The refusal's datagram carries the higher version.
    if (news.type === 'lower') this.#refuseCouncil(origin, messages);
    return false;
  }

  #refuseCouncil({ from, incarnation }: Origin, messages: readonly LeaseMessage[]): void {
    for (const { type, slot, serial, round } of messages) {
      if (type !== 'prepare' && type !== 'accept' && type !== 'renew') continue;
      this.#outbox.send(from, {
        type: 'refuse',
        slot,
        serial,
        round,
        incarnation,
        reason: 'council',
        promised: 0,
        accepted: null,
        timeLeftMs: 0,
      });
    }
  }

  #dispatch(message: LeaseMessage, origin: Origin): void {
    if ('incarnation' in message && !this.#isForMe(message.incarnation)) return;
    this.#touched.add(message.slot);
    const handler = this.#messages[message.type] as (message: LeaseMessage, origin: Origin) => void;
    handler(message, origin);
  }

  #isForMe(incarnation: bigint): boolean {
    return this.#context.rules.isSameIncarnation(this.#incarnation, incarnation);
  }

  readonly #messages: {
    readonly [Type in keyof Messages]: (message: Messages[Type], origin: Origin) => void;
  } = {
    fetch: (message, { from, incarnation, nowMs }) => {
      const { answers } = this.#member.fetched(message, { node: from, incarnation }, nowMs);
      for (const { to, message: answer } of answers) this.#context.send(to, answer);
    },
    register: (message, { from, nowMs }) => {
      const { council } = this;
      if (council === undefined || !this.#isForMe(message.incarnation)) return;
      this.#gatherings.onRegister(from, message, council, nowMs);
      this.#touched.add(message.slot);
    },
    prepare: (message, origin) => this.#askMember(message, origin),
    accept: (message, origin) => this.#askMember(message, origin),
    renew: (message, origin) => this.#askMember(message, origin),
    release: (message, origin) => {
      this.#askMember(message, origin);
      this.#slots.get(message.slot)?.onRelease(origin.from, message, origin.nowMs);
    },
    promise: (message, { from, nowMs }) => {
      if (this.#isMember(from)) this.#slots.get(message.slot)?.onPromise(from, message, nowMs);
    },
    accepted: (message, { from, nowMs }) => {
      if (this.#isMember(from)) this.#slots.get(message.slot)?.onAccepted(from, message, nowMs);
    },
    renewed: (message, { from, nowMs }) => {
      if (this.#isMember(from)) this.#slots.get(message.slot)?.onRenewed(from, message, nowMs);
    },
    refuse: (message, { from, nowMs }) => {
      if (this.#isMember(from)) this.#slots.get(message.slot)?.onRefuse(from, message, nowMs);
    },
    released: (message, { from }) => {
      if (this.#isMember(from)) this.#slots.get(message.slot)?.onReleased(from, message);
    },
    offer: (message, { from, incarnation, nowMs }) => {
      const slot = this.#slots.get(message.slot);
      if (slot === undefined) return;
      const accepted = slot.onOffer(from, incarnation, message, nowMs);
      const epoch = epochOf(this.#councilView().generation, message.round);
      this.#outbox.emit({ type: 'offered', slot: message.slot, epoch, nonce: message.nonce, accepted });
    },
    ready: (message, { from, incarnation }) =>
      this.#slots.get(message.slot)?.onReady(from, incarnation, message),
  };

  /** A request to this node's member: the record first, then the answer, to a peer or to ourselves. */
  #askMember(
    request: Messages['prepare' | 'accept' | 'renew' | 'release'],
    { from, incarnation, nowMs }: Origin,
  ): void {
    if (!this.#isMember(this.#node)) return;
    const proposer: Proposer = { node: from, incarnation };
    const { record, answers } = this.#member.answer(request, proposer, nowMs);
    if (record !== undefined) this.#outbox.persist(record);
    for (const { to, message } of answers) this.#context.send(to, message);
  }

  #isMember(node: number): boolean {
    return this.council?.members.includes(node) ?? false;
  }

  #councilView(): Council {
    const { council } = this;
    // Between two rivals nobody is asked.
    const members = council?.rival === null ? council.members : [];
    return {
      generation: council?.version.generation ?? 0,
      members,
      majority: Math.floor(members.length / 2) + 1,
    };
  }

  // End of a step ---------------------------------------------------------------------------------------

  #noticeStall(nowMs: number): void {
    const due = this.#deadlineMs;
    this.#deadlineMs = undefined;
    this.#lastCallMs = nowMs;
    if (due === undefined || nowMs <= due) return;
    for (const slot of this.#slots.values()) {
      if (nowMs - due > stallMs(slot.leaseMs)) slot.stalled(nowMs);
    }
  }

  #finish(nowMs: number): LeaseOutput[] {
    const origin: Origin = { from: this.#node, incarnation: this.#incarnation, nowMs };
    // Each request has at most one answer here and each answer leads to at most one request: this ends.
    for (let message = this.#local.shift(); message !== undefined; message = this.#local.shift()) {
      this.#dispatch(message, origin);
    }
    for (const slot of this.#touched) this.#observe(slot, nowMs);
    this.#touched.clear();
    return this.#outbox.take();
  }

  #observe(id: string, nowMs: number): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    const view = this.#member.view(id);
    if (view !== undefined) slot.learnRegister(view);
    const observation = slot.observe(nowMs);
    // An epoch has one value, so these tell two observations apart.
    const key = `${observation.state} ${observation.epoch} ${observation.candidates.length}`;
    if (this.#observed.get(id) === key) return;
    this.#observed.set(id, key);
    this.#outbox.emit(observation);
  }

  #reject(reason: Extract<LeaseOutput, { type: 'rejected' }>['reason'], from: number): void {
    this.#outbox.emit({ type: 'rejected', reason, from });
  }
}
