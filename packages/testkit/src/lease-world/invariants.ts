// SPDX-License-Identifier: Apache-2.0
import { epochOf, formatEpoch, ROUNDS } from '@vnfpool/core';
import { type CouncilNumber, isBefore, type LeaseRecord, type SlotRecord } from '@vnfpool/core/lease';
import type {
  Accepted,
  LeaseMessage,
  PromiseMessage,
  Proposer,
  RenewAgain,
  Renewal,
  RenewMany,
} from '@vnfpool/wire/lease';

/** Thrown at the step that breaks a promise. */
export class Violation extends Error {}

type Said = Pick<PromiseMessage | Accepted, 'type' | 'slot' | 'round'>;

/** Who sends, to whom, and under which council. */
export interface Sending {
  readonly node: number;
  readonly incarnation: bigint;
  readonly council: { readonly generation: number };
  readonly to: number;
}

/** Follows everything that all nodes do and checks what must hold after every step. */
export class Invariants {
  /** slot/epoch → who was granted it. */
  readonly #granted = new Map<string, string>();
  /** slot/epoch → proposer and random id of its value. */
  readonly #values = new Map<string, string>();
  /** member/slot/epoch/proposer that the member durably knows as released. */
  readonly #released = new Set<string>();
  /** node/incarnation/slot → highest epoch whose release was sent. */
  readonly #ended = new Map<string, number>();
  /** member/slot/promise or accepted/epoch that the member has on disk. */
  readonly #durable = new Set<string>();
  /**
   * member/slot → highest round that the member promised, to whom, whose value it accepted in that round, and the council in which it
   * began to vote.
   */
  readonly #promised = new Map<
    string,
    {
      readonly voice: CouncilNumber;
      readonly round: number;
      readonly whose: string;
      readonly successor: string | undefined;
    }
  >();
  /** slot → who holds it; since `mayChange` went. */
  readonly #holders = new Map<string, number>();
  /** slot → its last grant and all that may follow on it; where state is shared. */
  readonly #followers = new Map<
    string,
    { readonly epoch: number; readonly node: number; readonly may: Set<number> }
  >();
  #mayChange = true;

  /** node/incarnation/serial → what was asked to be renewed. */
  readonly #asked = new Map<string, readonly Renewal[]>();

  /** slot/epoch of what was handed on to heirs. */
  readonly #words = new Set<string>();

  /** How many epochs were granted. */
  get grants(): number {
    return this.#granted.size;
  }

  /** How many of them were of a round that was kept for an heir. */
  get inherited(): number {
    let count = 0;
    for (const word of this.#words) if (this.#granted.has(word)) count += 1;
    return count;
  }

  /** How often a node found that its own clock is not to be relied on. */
  clocksLeft = 0;
  clocksBack = 0;

  clockJudged(isOutside: boolean): void {
    if (isOutside) this.clocksLeft += 1;
    else this.clocksBack += 1;
  }

  /** No epoch is used by two holders. */
  granted(slot: string, epoch: number, holder: string): void {
    const key = `${slot}/${epoch}`;
    const former = this.#granted.get(key);
    if (former !== undefined)
      throw new Violation(`epoch ${epoch} of ${slot} granted twice: ${former}, ${holder}`);
    this.#granted.set(key, holder);
  }

  /**
   * Whoever takes a slot whose state is shared has what the holder before has let out: it was listed by the last value that
   * holder knew to stand, or by one that it asked for since; or it is that holder. Or it is told what is lost.
   */
  follows(
    slot: string,
    epoch: number,
    { node, hasState }: { readonly node: number; readonly hasState: boolean },
    listed: readonly number[],
    isLossy: boolean,
  ): void {
    const former = this.#followers.get(slot);
    if (former !== undefined && epoch <= former.epoch) return;
    if (former !== undefined && !isLossy && !hasState)
      throw new Violation(
        `node ${node} takes ${slot} under epoch ${formatEpoch(epoch)} with nothing of its state, and does not say so`,
      );
    // Who decides for the dead does not know what these let out last.
    const isForced = former !== undefined && Math.floor(epoch / ROUNDS) > Math.floor(former.epoch / ROUNDS);
    if (former !== undefined && !isLossy && !isForced && former.node !== node && !former.may.has(node))
      throw new Violation(
        `node ${node} takes ${slot} under epoch ${formatEpoch(epoch)}, which node ${former.node} had removed from its list`,
      );
    this.#followers.set(slot, { epoch, node, may: new Set(listed) });
  }

  /** The holder has asked for these to be listed: a round with them may come through from now on. */
  asksToList(slot: string, node: number, listed: readonly number[]): void {
    const former = this.#followers.get(slot);
    if (former?.node === node) for (const each of listed) former.may.add(each);
  }

  /** A value with this list stands, and no earlier one can any more; nor one that was asked for, unless it is wanted still. */
  relisted(slot: string, epoch: number, node: number, listed: readonly number[]): void {
    const former = this.#followers.get(slot);
    if (former?.node === node && epoch > former.epoch)
      this.#followers.set(slot, { epoch, node, may: new Set(listed) });
  }

  /** Without a fault nobody takes a slot from its holder. */
  holderIs(slot: string, node: number, nowMs: number): void {
    const former = this.#holders.get(slot);
    this.#holders.set(slot, node);
    if (!this.#mayChange && former !== node) {
      throw new Violation(
        `${slot} went from node ${former} to ${node} at ${nowMs.toFixed(1)} ms without a cause`,
      );
    }
  }

  /** From now on there is no reason for anybody but the holders to act. */
  rest(): void {
    this.#mayChange = false;
  }

  persisted(member: number, records: readonly LeaseRecord[]): void {
    for (const record of records) {
      if (record.type !== 'slot') continue;
      const { slot, accepted, promised, voice } = record;
      const epoch = (round: number): number => epochOf(voice.generation, round);
      this.#promiseKept(member, record);
      this.#durable.add(`${member}/${slot}/promise/${epoch(promised.round)}`);
      this.#durable.add(`${member}/${slot}/accepted/${epoch(accepted.round)}`);
      if (accepted.round > 0) {
        const key = `${slot}/${epoch(accepted.round)}`;
        const value = `${whoseOf(accepted.proposer)} ${accepted.value.randomId}`;
        const former = this.#values.get(key);
        if (former === undefined) this.#values.set(key, value);
        else if (former !== value) throw new Violation(`two values in round ${key}: ${former}, ${value}`);
        const round = `${slot}/${epoch(accepted.round)}/${whoseOf(accepted.proposer)}`;
        if (accepted.released !== null) this.#released.add(`${member}/${round}`);
        // Under a higher promise it acts on what it accepted no more; it may have taken it over from another member.
        else if (promised.round === accepted.round) this.#notReleased(member, round, 'accepted');
      }
      const round = `${slot}/${epoch(promised.round)}/${whoseOf(promised.proposer)}`;
      if (promised.closed) this.#released.add(`${member}/${round}`);
    }
  }

  /**
   * What a holder asked many renewals for: the answer tells places only.
   * @returns false: by the number of a list that it never told
   */
  asked(node: number, incarnation: bigint, message: RenewMany | RenewAgain): boolean {
    const key = (serial: number): string => `${node}/${incarnation}/${serial}`;
    const renewals = message.type === 'renew-many' ? message.renewals : this.#asked.get(key(message.list));
    if (renewals !== undefined) this.#asked.set(key(message.serial), renewals);
    return renewals !== undefined;
  }

  sent({ node, incarnation, council, to }: Sending, message: LeaseMessage): void {
    const epoch = (round: number): number => epochOf(council.generation, round);
    if (message.type === 'promise' || message.type === 'accepted') this.#isDurable(node, message);
    else if (message.type === 'entrusted') this.#isDurable(node, { ...message, type: 'promise' });
    if (message.type === 'hand-on' && message.answeredSerial !== null)
      this.#words.add(`${message.slot}/${epoch(message.round)}`);
    if (message.type === 'renew-many' || message.type === 'renew-again') {
      if (!this.asked(node, incarnation, message))
        throw new Violation(`node ${node} asks for slots by the number of a message that it never sent`);
    } else if (message.type === 'renewed-many') {
      const asked = this.#asked.get(`${to}/${message.incarnation}/${message.serial}`);
      const whose = whoseOf({ node: to, incarnation: message.incarnation });
      for (const [index, { slot, round }] of (asked ?? []).entries())
        if (message.renewed[index]) this.#notReleased(node, `${slot}/${epoch(round)}/${whose}`, 'renewed');
    } else if (message.type === 'renewed' || message.type === 'accepted') {
      const whose = whoseOf({ node: to, incarnation: message.incarnation });
      this.#notReleased(node, `${message.slot}/${epoch(message.round)}/${whose}`, message.type);
    } else if (message.type === 'release') {
      const key = `${node}/${incarnation}/${message.slot}`;
      this.#ended.set(key, Math.max(this.#ended.get(key) ?? 0, epoch(message.round)));
    }
  }

  /** The holder never acts again under a round whose release it sent. */
  fenceOrdered(node: number, incarnation: bigint, slot: string, epoch: number): void {
    const ended = this.#ended.get(`${node}/${incarnation}/${slot}`);
    if (ended !== undefined && epoch <= ended) {
      throw new Violation(`node ${node} acts under epoch ${epoch} of ${slot} after releasing ${ended}`);
    }
  }

  /** At most one fence of a slot is open. */
  fences(slot: string, open: readonly number[]): void {
    if (open.length > 1) throw new Violation(`fences of ${slot} open at nodes ${open.join(' and ')}`);
  }

  /**
   * A member promises higher and higher rounds, each to one proposer, but for one that was reserved for a successor. With what others kept, which it takes over for
   * another council, a round may become that of the one whose value was accepted in it, or nobody's. Rounds of another
   * generation are other rounds.
   */
  #promiseKept(member: number, { slot, promised, accepted, voice }: SlotRecord): void {
    const { round, proposer, closed } = promised;
    const key = `${member}/${slot}`;
    const whose = whoseOf(proposer);
    const former = this.#promised.get(key);
    const isAccepted = accepted.round === round;
    const successor = isAccepted ? whoseOf(accepted.proposer) : undefined;
    this.#promised.set(key, { voice, round, whose, successor });
    if (former === undefined) return;
    if (isBefore(voice, former.voice)) {
      throw new Violation(`member ${member} votes for ${slot} in a council before the one where it did`);
    }
    if (former.voice.generation !== voice.generation) return;
    const mayPass = whose === former.successor || (isBefore(former.voice, voice) && (closed || isAccepted));
    if (round < former.round || (round === former.round && whose !== former.whose && !mayPass)) {
      throw new Violation(
        `member ${member} promised round ${former.round} of ${slot} to ${former.whose}, then ${round} to ${whose}`,
      );
    }
  }

  /** A member has on its disk what it says, as part of the generation in which it votes. */
  #isDurable(member: number, { type, slot, round }: Said): void {
    const generation = this.#promised.get(`${member}/${slot}`)?.voice.generation ?? 0;
    const epoch = epochOf(generation, round);
    if (!this.#durable.has(`${member}/${slot}/${type}/${epoch}`)) {
      throw new Violation(`member ${member} said ${type} ${formatEpoch(epoch)} before it was on its disk`);
    }
  }

  /**
   * A release is final at the member that took it. The same round of another proposer, of which it learns with what others
   * kept, is not released by that.
   */
  #notReleased(member: number, round: string, what: string): void {
    if (!this.#released.has(`${member}/${round}`)) return;
    const [slot, epoch, whose] = round.split('/');
    throw new Violation(
      `member ${member} ${what} ${formatEpoch(Number(epoch))} of ${slot}, by ${whose}, after its release`,
    );
  }
}

function whoseOf({ node, incarnation }: Proposer): string {
  return `${node}.${incarnation}`;
}
