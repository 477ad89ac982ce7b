// SPDX-License-Identifier: Apache-2.0
import type {
  Accept,
  AcceptedValue,
  Entrust,
  Fetch,
  LeaseSlotMessage,
  LeaseValue,
  Prepare,
  Proposer,
  RefusalReason,
  Release,
  Renew,
  Reserve,
  StoredRegister,
} from '@vnfpool/wire/lease';
import { ROUNDS } from '../identity.ts';
import { isBefore } from './council.ts';
import type { Gathered } from './gathering.ts';
import type { HandedOnLeases } from './handed-on.ts';
import type { CouncilNumber, CouncilRecord, SlotRecord } from './record.ts';
import {
  bornRegister,
  hasReserved,
  isKeptFor,
  isReserved,
  mergeRegisters,
  storedOf,
  takenUp,
} from './register.ts';
import { type LeaseRules, sameProposer } from './rules.ts';

/** A round more than this above the highest known is refused, so that none can exhaust the space. */
export const ROUND_JUMP_MAX: number = 2 ** 24;

export type MemberRequest = Prepare | Accept | Reserve | Entrust | Renew | Release;

/** What a member does about a request: first the record goes to disk, then the answers go out. */
export interface MemberAnswer {
  readonly record?: SlotRecord;
  readonly answers: readonly { readonly to: number; readonly message: LeaseSlotMessage }[];
}

/** What a member knows about one slot now. */
export interface RegisterView {
  readonly promisedRound: number;
  readonly accepted: AcceptedValue;
  /** Own clock; the lease of the accepted value runs until then (in the past: since when it is over). */
  readonly leaseUntilMs: number;
}

interface Register {
  record: SlotRecord;
  leaseUntilMs: number;
}

export interface LeaseMemberInit {
  readonly startedAtMs: number;
  readonly driftBound: number;
  readonly rules: LeaseRules;
  readonly restored: readonly SlotRecord[];
  /** Of the process before, when this is no restart. */
  readonly handedOn?: Pick<HandedOnLeases, 'muteUntilMs' | 'registers'>;
}

/**
 * A council member: one durable register a slot, with time. Promises and acceptances are in the record that is
 * returned beside the answer; a renewal changes only the time and writes nothing.
 */
export class LeaseMember {
  readonly #rules: LeaseRules;
  readonly #registers = new Map<string, Register>();
  /** The council under which this member votes; undefined before the first. */
  council: CouncilRecord | undefined;
  /** Until then this member neither promises nor accepts for others. */
  readonly muteUntilMs: number;

  constructor(init: LeaseMemberInit) {
    this.#rules = init.rules;
    let longestMs = 0;
    for (const stored of init.restored) {
      const record = init.rules.restored(stored);
      const muteMs = init.rules.muteMs(record.longestLeaseMs, init.driftBound);
      const isOver = record.accepted.round === 0 || record.accepted.released !== null;
      this.#registers.set(record.slot, {
        record,
        leaseUntilMs: init.startedAtMs + (isOver ? 0 : muteMs),
      });
      longestMs = Math.max(longestMs, muteMs);
    }
    this.muteUntilMs = init.handedOn?.muteUntilMs ?? init.startedAtMs + longestMs;
    for (const { slot, leaseUntilMs } of init.handedOn?.registers ?? []) {
      const register = this.#registers.get(slot);
      if (register !== undefined) register.leaseUntilMs = leaseUntilMs;
    }
  }

  /** Times that no record has. */
  handOn(): Pick<HandedOnLeases, 'muteUntilMs' | 'registers'> {
    const registers = [...this.#registers].map(([slot, { leaseUntilMs }]) => ({ slot, leaseUntilMs }));
    return { muteUntilMs: this.muteUntilMs, registers };
  }

  /** Whether there is a register that knows all that was decided before the present council. */
  hasVoice(slot: string): boolean {
    const register = this.#registers.get(slot);
    return register !== undefined && this.#mayVote(register);
  }

  #mayVote({ record }: Register): boolean {
    if (this.council === undefined) return false;
    return !this.#rules.needsVoice() || !isBefore(record.voice, this.council.version);
  }

  /** Stores the value that a slot is born with. To be asked only where nothing can have been decided yet. */
  birth(slot: string, genesis: LeaseValue, voice: CouncilNumber, nowMs: number): SlotRecord | undefined {
    if (this.#registers.has(slot)) return undefined;
    return this.#voice(slot, bornRegister(genesis), voice, nowMs);
  }

  /**
   * Takes over what others kept; from now on this member votes for the slot. What it kept itself under a former generation
   * does not count beside it: an operator decided without it, and the same round may have been used for something else since.
   */
  takeOver(
    slot: string,
    { stored, leaseUntilMs }: Gathered,
    genesis: LeaseValue,
    voice: CouncilNumber,
  ): SlotRecord {
    const own = this.#registers.get(slot);
    const isOwnCurrent = own !== undefined && own.record.voice.generation === voice.generation;
    const known = [...(isOwnCurrent ? [own.record] : []), ...(stored ? [stored] : [])];
    const merged = mergeRegisters(known) ?? bornRegister(genesis);
    return this.#voice(slot, merged, voice, Math.max(own?.leaseUntilMs ?? 0, leaseUntilMs));
  }

  #voice(
    slot: string,
    { promised, accepted, longestLeaseMs }: StoredRegister,
    { generation, number }: CouncilNumber,
    leaseUntilMs: number,
  ): SlotRecord {
    const record: SlotRecord = {
      type: 'slot',
      slot,
      promised,
      accepted,
      longestLeaseMs,
      voice: { generation, number },
    };
    this.#registers.set(slot, { record, leaseUntilMs });
    return record;
  }

  view(slot: string): RegisterView | undefined {
    const register = this.#registers.get(slot);
    // Whose a reserved round will be is not told: its holder may stay.
    if (register === undefined || isReserved(register.record)) return undefined;
    const { promised, accepted } = register.record;
    return { promisedRound: promised.round, accepted, leaseUntilMs: register.leaseUntilMs };
  }

  answer(request: MemberRequest, proposer: Proposer, nowMs: number): MemberAnswer {
    const register = this.#registers.get(request.slot);
    if (register === undefined) return refusal(request, proposer, undefined, 'unknown-slot', 0);
    // When it will have its voice nobody knows: a moment, or never.
    if (!this.hasVoice(request.slot)) return refusal(request, proposer, undefined, 'mute', 0);
    switch (request.type) {
      case 'prepare':
        return this.#prepare(register, request, proposer, nowMs);
      case 'accept':
        return this.#accept(register, request, proposer, proposer, nowMs);
      case 'reserve':
        return this.#accept(register, request, proposer, successorOf(request), nowMs);
      case 'entrust':
        return this.#entrust(register, request, proposer);
      case 'renew':
        return this.#renew(register, request, proposer, nowMs);
      case 'release':
        return this.#release(register, request, proposer, nowMs);
    }
  }

  /**
   * What this member kept of a slot, for one that takes it over. No answer where it cannot say what the former council
   * decided: it did not work there, or had not taken over itself.
   */
  fetched(request: Fetch, proposer: Proposer, nowMs: number): MemberAnswer {
    const register = this.#registers.get(request.slot);
    if (!this.#canTell(register)) return { answers: [] };
    const { slot, serial, round } = request;
    const { incarnation } = proposer;
    const timeLeftMs = register === undefined ? 0 : Math.max(0, register.leaseUntilMs - nowMs);
    const stored = register === undefined ? null : storedOf(register.record);
    const message: LeaseSlotMessage = {
      type: 'register',
      slot,
      serial,
      round,
      incarnation,
      stored,
      timeLeftMs,
    };
    return { answers: [{ to: proposer.node, message }] };
  }

  #canTell(register: Register | undefined): boolean {
    if (this.council === undefined) return false;
    const { origin, isWitness } = this.council;
    if (origin.type !== 'change') return origin.type === 'forced';
    return register === undefined ? isWitness : !isBefore(register.record.voice, origin.former.version);
  }

  #prepare(register: Register, request: Prepare, proposer: Proposer, nowMs: number): MemberAnswer {
    const { promised, accepted } = register.record;
    const isOwn =
      this.#isHolding(register, proposer) && accepted.value.holder.functionId === request.functionId;
    const obstacle = isOwn ? undefined : this.#obstacle(register, nowMs);
    if (obstacle !== undefined) {
      // Not remembered: a refused prepare must not cost the holder its round.
      return refusal(request, proposer, register, obstacle.reason, obstacle.timeLeftMs);
    }
    if (isJump(request.round, promised)) {
      return refusal(request, proposer, register, 'jump', 0);
    }
    if (request.round < promised.round) return refusal(request, proposer, register, 'promised', 0);
    let record: SlotRecord | undefined;
    if (request.round === promised.round) {
      // Whoever was made heir begins it by the holder's word, and asks for no promise.
      const isSpent = accepted.round === request.round || promised.isHeirs === true;
      if (promised.closed) return refusal(request, proposer, register, 'released', 0);
      if (isSpent || !this.#rules.mayRepeatPromise(promised.proposer, proposer)) {
        return refusal(request, proposer, register, 'promised', 0);
      }
    }
    if (request.round > promised.round || !sameProposer(promised.proposer, proposer)) {
      record = { ...register.record, promised: { round: request.round, proposer, closed: false } };
      register.record = record;
    }
    const { slot, serial, round } = request;
    return {
      ...(record && { record }),
      answers: [
        {
          to: proposer.node,
          message: {
            type: 'promise',
            slot,
            serial,
            round,
            incarnation: proposer.incarnation,
            accepted,
            endedForMs: Math.max(0, nowMs - register.leaseUntilMs),
          },
        },
      ],
    };
  }

  /** @param owner whose round it will be: another than the proposer's if it is reserved */
  #accept(
    register: Register,
    request: Accept | Reserve,
    proposer: Proposer,
    owner: Proposer,
    nowMs: number,
  ): MemberAnswer {
    const { promised, accepted } = register.record;
    const isRepeatedReserve = hasReserved(register.record, proposer) && accepted.round === request.round;
    const isHeirs = isKeptFor(register.record, { proposer, round: request.round });
    const mayPass = this.#isHolding(register, proposer) || isRepeatedReserve || isHeirs;
    const obstacle = mayPass ? undefined : this.#obstacle(register, nowMs);
    if (obstacle !== undefined) {
      return refusal(request, proposer, register, obstacle.reason, obstacle.timeLeftMs);
    }
    if (isJump(request.round, promised)) {
      return refusal(request, proposer, register, 'jump', 0);
    }
    if (
      request.round < promised.round ||
      (request.round === promised.round && !sameProposer(promised.proposer, proposer))
    ) {
      return refusal(request, proposer, register, 'promised', 0);
    }
    if (this.#isClosed(register, request.round)) {
      return refusal(request, proposer, register, 'released', 0);
    }
    const isRepeated = accepted.round === request.round;
    if (isRepeated && accepted.value.randomId !== request.value.randomId && this.#rules.isOneValueARound()) {
      return refusal(request, proposer, register, 'promised', 0);
    }
    let record: SlotRecord | undefined;
    if (!isRepeated || accepted.value.randomId !== request.value.randomId) {
      const isSame = sameProposer(accepted.proposer, proposer);
      const { leaseMs } = request.value;
      record = {
        ...register.record,
        promised: { round: request.round, proposer, closed: false },
        accepted: { round: request.round, proposer: owner, value: request.value, released: null },
        longestLeaseMs: isSame ? Math.max(register.record.longestLeaseMs, leaseMs) : leaseMs,
      };
      register.record = record;
    }
    register.leaseUntilMs = Math.max(register.leaseUntilMs, nowMs + request.value.leaseMs);
    return confirmed('accepted', request, proposer, record);
  }

  /** Also while mute, as a renewal. The round that the holder acts by stays accepted, and is renewed beside the one that is kept. */
  #entrust(register: Register, request: Entrust, proposer: Proposer): MemberAnswer {
    const before = register.record;
    const { round, heldRound, heir } = request;
    if (!this.#isHolding(register, proposer) || before.accepted.round !== heldRound) {
      return refusal(request, proposer, register, 'not-accepted', 0);
    }
    if (!isKeptFor(before, { proposer: heir, round })) {
      if (round <= before.promised.round) return refusal(request, proposer, register, 'promised', 0);
      if (isJump(round, before.promised)) {
        return refusal(request, proposer, register, 'jump', 0);
      }
      register.record = { ...before, promised: { round, proposer: heir, closed: false, isHeirs: true } };
    }
    return confirmed(
      'entrusted',
      request,
      proposer,
      register.record === before ? undefined : register.record,
    );
  }

  /** Also while mute: what the record says was accepted of this very proposer may go on. */
  #renew(register: Register, request: Renew, proposer: Proposer, nowMs: number): MemberAnswer {
    const reason = this.#renewalObstacle(register, request.round, proposer);
    if (reason !== undefined) return refusal(request, proposer, register, reason, 0);
    const record = take(register);
    extend(register, nowMs);
    return confirmed('renewed', request, proposer, record);
  }

  /**
   * Renews without making an answer: one of many that share one. Returns until when the lease runs here; undefined:
   * nothing was done, and `answer` does it or tells why not.
   */
  renewOne(slot: string, round: number, proposer: Proposer, nowMs: number): number | undefined {
    const register = this.#registers.get(slot);
    if (register === undefined || !this.#mayVote(register)) return undefined;
    if (this.#renewalObstacle(register, round, proposer) !== undefined) return undefined;
    return isReserved(register.record) ? undefined : extend(register, nowMs);
  }

  #renewalObstacle(register: Register, round: number, proposer: Proposer): RefusalReason | undefined {
    const { promised, accepted } = register.record;
    const isOwn = accepted.round === round && sameProposer(accepted.proposer, proposer);
    // What is kept for the holder's heir stands beside the holder's own round.
    if (promised.round > round && !(isOwn && promised.isHeirs)) return 'promised';
    if (!isOwn) return 'not-accepted';
    return this.#isClosed(register, round) ? 'released' : undefined;
  }

  /** Ends the sender's round and its lower ones for ever, also one that it has reserved; or gives that to its successor. */
  #release(register: Register, request: Release, proposer: Proposer, nowMs: number): MemberAnswer {
    const before = register.record;
    let { promised, accepted } = before;
    // A round that a running lease of another kept out is not remembered here, so neither is its end.
    const isItsOwn = this.#isHolding(register, proposer) || hasReserved(before, proposer);
    const isForeign = !isItsOwn && this.#obstacle(register, nowMs) !== undefined;
    if (
      accepted.round > 0 &&
      accepted.round <= request.round &&
      accepted.released === null &&
      (sameProposer(accepted.proposer, proposer) || hasReserved(before, proposer))
    ) {
      accepted = { ...accepted, released: request.reason };
      // An heir acts within this lease until its own round is accepted, also where nothing was kept for it: others wait.
      const { successor: next } = request;
      const hasDeclined =
        next !== null &&
        promised.closed &&
        promised.round >= next.round &&
        sameProposer(promised.proposer, next.proposer);
      if (next === null || hasDeclined || !this.#rules.guardsHeir()) {
        register.leaseUntilMs = Math.min(register.leaseUntilMs, nowMs);
      } else if (next.round > promised.round) {
        promised = { ...next, closed: false, isHeirs: true };
      }
    }
    if (promised.isHeirs && sameProposer(promised.proposer, proposer) && request.round >= promised.round) {
      // It does not begin: nobody does, if the holder has let go.
      promised = { round: promised.round, proposer, closed: true };
      if (accepted.released !== null) register.leaseUntilMs = Math.min(register.leaseUntilMs, nowMs);
    }
    const isFirst = !isForeign && request.round > promised.round && !isJump(request.round, promised);
    const isSame = request.round === promised.round && sameProposer(promised.proposer, proposer);
    if (isFirst || (isSame && !promised.closed)) promised = { round: request.round, proposer, closed: true };
    if (accepted !== before.accepted || promised !== before.promised) {
      register.record = { ...before, accepted, promised };
    }
    const { successor } = request;
    if (successor?.round === accepted.round && hasReserved(register.record, proposer)) take(register);
    return confirmed('released', request, proposer, register.record === before ? undefined : register.record);
  }

  /** Why nobody but the holder may get a promise or an acceptance now. */
  #obstacle(register: Register, nowMs: number): { reason: RefusalReason; timeLeftMs: number } | undefined {
    const leaseLeftMs = register.leaseUntilMs - nowMs;
    const muteLeftMs = this.muteUntilMs - nowMs;
    if (muteLeftMs > 0) return { reason: 'mute', timeLeftMs: Math.max(leaseLeftMs, muteLeftMs) };
    if (leaseLeftMs > 0) return { reason: 'leased', timeLeftMs: leaseLeftMs };
    return undefined;
  }

  /**
   * Whether the accepted, unreleased value is this proposer's: its own lease is no obstacle to it. What was reserved for it is not yet
   * its own, as the one that reserved it may act still.
   */
  #isHolding({ record }: Register, proposer: Proposer): boolean {
    const { accepted } = record;
    if (accepted.round === 0 || accepted.released !== null) return false;
    if (isReserved(record) && !this.#rules.mayTakeReserved()) return false;
    return sameProposer(accepted.proposer, proposer);
  }

  #isClosed(register: Register, round: number): boolean {
    if (!this.#rules.isReleaseFinal()) return false;
    const { promised, accepted } = register.record;
    return (
      (promised.closed && promised.round === round) ||
      (accepted.released !== null && accepted.round === round)
    );
  }
}

/** What was reserved is its successor's from now on; undefined: nothing was. */
function take(register: Register): SlotRecord | undefined {
  if (!isReserved(register.record)) return undefined;
  register.record = { ...register.record, ...takenUp(register.record) };
  return register.record;
}

function successorOf({ value, successorIncarnation }: Reserve): Proposer {
  return { node: value.holder.node, incarnation: successorIncarnation };
}

/** The lease of the accepted value begins anew; until when it runs. */
function extend(register: Register, nowMs: number): number {
  register.leaseUntilMs = Math.max(register.leaseUntilMs, nowMs + register.record.accepted.value.leaseMs);
  return register.leaseUntilMs;
}

/** Whether a round lies too far above what is promised, or is none. */
function isJump(round: number, promised: SlotRecord['promised']): boolean {
  return round > promised.round + ROUND_JUMP_MAX || round >= ROUNDS;
}

/** A yes, with nothing in it but what was asked. @param record undefined: there is nothing to write */
function confirmed(
  type: 'accepted' | 'entrusted' | 'renewed' | 'released',
  { slot, serial, round }: MemberRequest,
  { node, incarnation }: Proposer,
  record: SlotRecord | undefined,
): MemberAnswer {
  return {
    ...(record && { record }),
    answers: [{ to: node, message: { type, slot, serial, round, incarnation } }],
  };
}

function refusal(
  request: MemberRequest,
  proposer: Proposer,
  register: Register | undefined,
  reason: RefusalReason,
  timeLeftMs: number,
): MemberAnswer {
  const { slot, serial, round } = request;
  return {
    answers: [
      {
        to: proposer.node,
        message: {
          type: 'refuse',
          slot,
          serial,
          round,
          incarnation: proposer.incarnation,
          reason,
          promised: register?.record.promised.round ?? 0,
          accepted: register?.record.accepted ?? null,
          timeLeftMs,
        },
      },
    ],
  };
}
