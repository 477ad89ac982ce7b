// SPDX-License-Identifier: Apache-2.0
import type {
  Fetch,
  LeaseHolder,
  Proposer,
  RefusalReason,
  Refuse,
  Release,
  Renewal,
  RenewMany,
} from '@vnfpool/wire/lease';
import { CLOCK_WINDOW_MS } from './clock-judge.ts';
import type { SlotContext } from './context.ts';
import type { LeaseMember, MemberRequest } from './member.ts';
import type { SlotRecord } from './record.ts';
import type { WholeMessage } from './told-renewals.ts';

/** Who a message comes from, and when. */
export interface Origin {
  readonly from: number;
  readonly incarnation: bigint;
  readonly nowMs: number;
}

export interface VoterHands {
  /** Whether this node is a member of the council. */
  hasVote(): boolean;
  persist(record: SlotRecord): void;
  /** Only a time in the register has changed. */
  renewed(slot: string, round: number, untilMs: number): void;
  /** Another node was promised a round. */
  promisedTo(slot: string, holder: LeaseHolder, nowMs: number): void;
  /** A renewal was answered. */
  answered(peer: Proposer, serial: number, nowMs: number): void;
  /** A round was begun that is not promised here: nobody else can begin it. */
  triedInVain(round: Renewal): void;
  /** More may have changed than a time, or something was refused. */
  touch(slot: string, nowMs: number): void;
}

/** Requests to this node's member: the record first, then the answer, to a peer or to ourselves. */
export class Voter {
  readonly #member: LeaseMember;
  readonly #context: SlotContext;
  readonly #hands: VoterHands;

  constructor(member: LeaseMember, context: SlotContext, hands: VoterHands) {
    this.#member = member;
    this.#context = context;
    this.#hands = hands;
  }

  ask(request: MemberRequest, { from, incarnation, nowMs }: Origin): void {
    if (!this.#hands.hasVote()) return;
    const proposer: Proposer = { node: from, incarnation };
    const isFit = this.#mayVoteFor(from) && this.#isFit(request);
    if (request.type === 'renew') this.#hands.answered(proposer, request.serial, nowMs);
    if (request.type !== 'release' && !isFit) {
      this.#context.send(from, withoutVoice(request, incarnation));
      return;
    }
    const { record, answers } = this.#member.answer(request, proposer, nowMs);
    if (record !== undefined) this.#hands.persist(record);
    if (request.type === 'prepare' && record !== undefined && from !== this.#context.node) {
      const { functionId, functionIncarnation } = request;
      this.#hands.promisedTo(request.slot, { node: from, functionId, functionIncarnation }, nowMs);
    }
    if (request.type === 'prepare' && record === undefined) this.#hands.triedInVain(request);
    for (const { to, message } of answers) this.#context.send(to, message);
  }

  /** What this node's member kept of a slot, for one that takes it over. */
  tell(request: Fetch, { from, incarnation, nowMs }: Origin): void {
    const { answers } = this.#member.fetched(request, { node: from, incarnation }, nowMs);
    for (const { to, message } of answers) this.#context.send(to, message);
  }

  /** Whose round it will be counts its lease by a clock of its own. */
  #isFit(request: MemberRequest): boolean {
    if (request.type === 'reserve') return this.#context.trusts(request.value.holder.node);
    return request.type !== 'entrust' || this.#context.trusts(request.heir.node);
  }

  #mayVoteFor(proposer: number): boolean {
    const { node } = this.#context;
    return this.#context.trusts(node) && this.#context.trusts(proposer);
  }

  /** Each slot is asked for by itself; those that say yes share an answer, the others refuse one by one. */
  renew({ serial, renewals }: RenewMany, { from, incarnation, nowMs }: Origin): void {
    if (!this.#hands.hasVote()) return;
    const proposer: Proposer = { node: from, incarnation };
    const hasVoice = this.#mayVoteFor(from);
    const renewed = renewals.map(({ slot, round }) => {
      if (!hasVoice) return false;
      const untilMs = this.#member.renewOne(slot, round, proposer, nowMs);
      if (untilMs !== undefined) {
        this.#hands.renewed(slot, round, untilMs);
        return true;
      }
      this.#hands.touch(slot, nowMs);
      const { record, answers } = this.#member.answer(
        { type: 'renew', slot, serial, round },
        proposer,
        nowMs,
      );
      if (record !== undefined) this.#hands.persist(record);
      for (const { to, message } of answers) this.#context.send(to, message);
      return false;
    });
    this.#hands.answered(proposer, serial, nowMs);
    this.#context.send(from, { type: 'renewed-many', serial, incarnation, renewed });
  }
}

/** What a member answers when its own clock, or that of the proposer, must not be relied on. */
function withoutVoice(request: Exclude<MemberRequest, Release>, incarnation: bigint): Refuse {
  return bareRefusal(request, incarnation, 'mute', CLOCK_WINDOW_MS);
}

/** Answers to requests that were made for a lower version of the council. */
export function councilRefusals(messages: readonly WholeMessage[], incarnation: bigint): Refuse[] {
  const asked = messages.flatMap((message) => {
    if (message.type === 'renew-many')
      return message.renewals.map((one) => ({ ...one, serial: message.serial }));
    return isRequest(message) ? [message] : [];
  });
  return asked.map((request) => bareRefusal(request, incarnation, 'council', 0));
}

function isRequest(message: WholeMessage): message is Exclude<MemberRequest, Release> {
  return ['prepare', 'accept', 'reserve', 'entrust', 'renew'].includes(message.type);
}

/** One that tells nothing of the register. */
function bareRefusal(
  { slot, serial, round }: Renewal & { readonly serial: number },
  incarnation: bigint,
  reason: RefusalReason,
  timeLeftMs: number,
): Refuse {
  return {
    type: 'refuse',
    slot,
    serial,
    round,
    incarnation,
    reason,
    promised: 0,
    accepted: null,
    timeLeftMs,
  };
}
