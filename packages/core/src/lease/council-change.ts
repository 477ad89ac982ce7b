// SPDX-License-Identifier: Apache-2.0
import type { LeaseCouncilVersion, RegisterMessage } from '@vnfpool/wire/lease';
import type { CouncilDefinition } from '@vnfpool/wire/mobility';
import type { Candidacy } from './candidacy.ts';
import type { Gatherings } from './gatherings.ts';
import type { LeaseMember } from './member.ts';
import type { CouncilRecord } from './record.ts';
import { type CouncilNews, CouncilSeat } from './seat.ts';
import type { LeaseOutput, LostReason } from './types.ts';

export interface CouncilHands {
  slots(): Iterable<Candidacy>;
  persist(record: CouncilRecord): void;
  emit(output: LeaseOutput): void;
  touch(slot: string): void;
  /** What waits to be sent was meant for the former council, and would go out under the name of this one. */
  dropUnsent(): void;
}

/** Under which council a node's leases are, and what follows for them when it is another one. */
export class CouncilChange {
  readonly #seat: CouncilSeat;
  readonly #member: LeaseMember;
  readonly #gatherings: Gatherings;
  readonly #hands: CouncilHands;

  constructor(
    restored: CouncilRecord | undefined,
    member: LeaseMember,
    gatherings: Gatherings,
    hands: CouncilHands,
  ) {
    this.#seat = new CouncilSeat(restored);
    this.#member = member;
    this.#member.council = restored;
    this.#gatherings = gatherings;
    this.#hands = hands;
  }

  /** The one in force here; undefined until this node was configured once. */
  get council(): CouncilRecord | undefined {
    return this.#member.council;
  }

  /** The set as the manager says it. */
  told(definition: CouncilDefinition, nowMs: number): CouncilNews['type'] {
    return this.#follow(this.#seat.told(definition), nowMs);
  }

  /** The council under which a datagram was sent. */
  heard(version: LeaseCouncilVersion, nowMs: number): CouncilNews['type'] {
    return this.#follow(this.#seat.heard(version), nowMs);
  }

  /** Sees to it that the member gets its voice for every slot. */
  gather(nowMs: number): void {
    const { council } = this;
    if (council === undefined) return;
    for (const { definition } of this.#hands.slots()) this.#gatherings.need(definition, council, nowMs);
    this.expire(nowMs);
  }

  expire(nowMs: number): void {
    const { council } = this;
    if (council === undefined) return;
    for (const slot of this.#gatherings.expire(council, nowMs)) this.#hands.touch(slot);
  }

  onRegister(from: number, message: RegisterMessage, nowMs: number): void {
    if (this.council !== undefined) this.#gatherings.onRegister(from, message, this.council, nowMs);
  }

  /** Before anything else is done under it. */
  #follow(news: CouncilNews, nowMs: number): CouncilNews['type'] {
    const isFirst = this.council === undefined;
    switch (news.type) {
      case 'noted':
        this.#hands.persist(news.record);
        this.#member.council = news.record;
        break;
      case 'taken':
        this.#hands.dropUnsent();
        if (news.isRaised) this.#closeAll('council-forced', nowMs);
        this.#hands.persist(news.record);
        this.#member.council = news.record;
        this.#gatherings.clear();
        if (!isFirst) this.#hands.emit({ type: 'council', council: news.record });
        for (const slot of this.#hands.slots()) {
          slot.councilChanged(nowMs);
          this.#hands.touch(slot.slot);
        }
        this.gather(nowMs);
        break;
      case 'rival':
        this.#hands.dropUnsent();
        this.#closeAll('council-rival', nowMs);
        this.#hands.persist(news.record);
        this.#member.council = news.record;
        this.#hands.emit({ type: 'council', council: news.record });
        break;
      case 'same':
      case 'lower':
      case 'strange':
        break;
    }
    return news.type;
  }

  /** Nothing that was granted stands any more: all fences close. */
  #closeAll(reason: LostReason, nowMs: number): void {
    for (const slot of this.#hands.slots()) {
      slot.abandon(reason, nowMs);
      this.#hands.touch(slot.slot);
    }
  }
}
