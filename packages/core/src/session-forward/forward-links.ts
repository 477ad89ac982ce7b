// SPDX-License-Identifier: Apache-2.0
import type { ForwardDatagram, ForwardedPacket, ForwardMessage } from '@vnfpool/wire/session-forward';
import { ReplayWindow } from '../lease/replay-window.ts';
import {
  DEFAULT_FORWARD_LIMITS,
  type ForwardLimits,
  type ForwardLinkState,
  type ForwardOutput,
  type ForwardPlace,
} from './types.ts';

interface Link {
  readonly transfer: string;
  readonly end: 'home' | 'holder';
  generation: number;
  peer: ForwardPlace | null;
  sequence: bigint;
  readonly window: ReplayWindow;
  /** `offered`: the transfer of the state is not over; `closing`: nothing is left but what is on its way; `over`: only remembered. */
  phase: 'offered' | 'open' | 'closing' | 'over';
  /** When the other end was heard, or waiting for it began. */
  heardAt: number;
  isHeard: boolean;
  /** The greatest that the other end has shown; -1: none yet. */
  heardGeneration: number;
  isSilent: boolean;
  claimAt: number;
  /** When it is over if it is closing. */
  closeAt: number;
  held: ForwardedPacket[];
}

/** What a home may be told, and what a holder. */
const OF_HOLDER = new Set<ForwardMessage['type']>(['claim', 'send', 'gone']);

/**
 * Both ends of transfers of sessions, without sockets and MAC: what arrives at the home goes to the holder, what the
 * holder says goes out at the home, until the sessions end, or one end is not heard any more.
 *
 * A datagram is to be given to `handle` only when its MAC was found right.
 */
export class ForwardLinks {
  readonly #limits: ForwardLimits;
  readonly #links = new Map<string, Link>();
  /** Dropped, by reason. */
  readonly dropped = { unknown: 0, refused: 0, replayed: 0, held: 0, unclaimed: 0 };

  constructor(limits: Partial<ForwardLimits> = {}) {
    this.#limits = { ...DEFAULT_FORWARD_LIMITS, ...limits };
  }

  /** Transfers that are not over. */
  get open(): number {
    let count = 0;
    for (const { phase } of this.#links.values()) if (phase !== 'over') count += 1;
    return count;
  }

  get full(): boolean {
    return this.open >= this.#limits.linksMax;
  }

  /** Also of one that is over, and about which a holder may still ask. */
  remembers(transfer: string): boolean {
    return this.#links.has(transfer);
  }

  /** To move with the function, its generation one more than here. */
  state(transfer: string): ForwardLinkState | undefined {
    const link = this.#links.get(transfer);
    if (link === undefined || link.phase === 'over' || link.phase === 'closing') return undefined;
    return { transfer, end: link.end, generation: link.generation + 1, peer: link.peer };
  }

  /** Home: sessions are on offer; nobody is missed before `commit`. */
  offer(transfer: string, nowMs: number): void {
    this.#add({ transfer, end: 'home', generation: 0, peer: null }, 'offered', nowMs);
  }

  /** Home: the holder has them, and is to be found at `holder`; null: it will say where. */
  commit(transfer: string, nowMs: number, holder: ForwardPlace | null = null): ForwardOutput[] {
    const link = this.#links.get(transfer);
    if (link?.phase !== 'offered') return [];
    link.phase = 'open';
    if (link.isHeard) return [];
    link.heardAt = nowMs;
    link.peer = holder;
    return holder === null ? [] : this.#release(link, holder);
  }

  /** Either end, after an import: goes on with what the instance before had, and says so to the other end. */
  restore(state: ForwardLinkState, nowMs: number): ForwardOutput[] {
    const link = this.#add(state, 'open', nowMs);
    if (state.end === 'holder') return this.#claim(link, nowMs);
    return link.peer === null ? [] : [this.#datagram(link, link.peer, { type: 'welcome' })];
  }

  /** Either end: an instance that was given our state does not go on in our place. The other ends hear us, not it. */
  renew(nowMs: number): ForwardOutput[] {
    const outputs: ForwardOutput[] = [];
    for (const link of this.#links.values()) {
      if (link.phase === 'over') continue;
      link.generation += 2;
      link.sequence = 0n;
      if (link.end === 'holder') outputs.push(...this.#claim(link, nowMs));
      else if (link.peer !== null) outputs.push(this.#datagram(link, link.peer, { type: 'welcome' }));
    }
    return outputs;
  }

  /** Holder: the sessions are here. */
  claim(transfer: string, home: ForwardPlace, nowMs: number): ForwardOutput[] {
    return this.restore({ transfer, end: 'holder', generation: 0, peer: home }, nowMs);
  }

  /** Home: to the holder. Waits if it was not heard yet. */
  arrived(transfer: string, packet: ForwardedPacket): ForwardOutput[] {
    const link = this.#openLink(transfer, 'home');
    if (!link) return [];
    if (link.peer !== null) return [this.#datagram(link, link.peer, { type: 'arrived', ...packet })];
    if (link.held.length >= this.#limits.heldMax) this.dropped.held += 1;
    else link.held.push({ ...packet, payload: packet.payload.slice() });
    return [];
  }

  /** Holder: out of the home. */
  send(transfer: string, packet: ForwardedPacket): ForwardOutput[] {
    const link = this.#openLink(transfer, 'holder');
    return link?.peer ? [this.#datagram(link, link.peer, { type: 'send', ...packet })] : [];
  }

  /** Either end: this session is over here. */
  ended(transfer: string, session: number): ForwardOutput[] {
    const link = this.#links.get(transfer);
    if (!link?.peer || link.phase === 'over') return [];
    const type = link.end === 'home' ? 'ended' : 'gone';
    return [this.#datagram(link, link.peer, { type, session })];
  }

  /**
   * Nothing of this transfer is left here. The holder of a home that says so is told when what is on its way has come;
   * what waited for it is given back.
   */
  drop(transfer: string, nowMs: number): ForwardOutput[] {
    const link = this.#links.get(transfer);
    if (!link || link.phase === 'over' || link.phase === 'closing') return [];
    if (link.end === 'holder') {
      this.#links.delete(transfer);
      return [];
    }
    const { held } = link;
    link.held = [];
    if (link.peer !== null) {
      link.phase = 'closing';
      link.closeAt = nowMs + this.#limits.lingerMs;
    } else this.#over(link);
    return held.length === 0 ? [] : [{ type: 'over', transfer, held }];
  }

  handle(
    { transfer, generation, sequence, message }: ForwardDatagram,
    from: ForwardPlace,
    nowMs: number,
  ): ForwardOutput[] {
    const link = this.#links.get(transfer);
    if (!link) {
      this.dropped.unknown += 1;
      return [];
    }
    if (OF_HOLDER.has(message.type) !== (link.end === 'home')) {
      this.dropped.refused += 1;
      return [];
    }
    if (link.window.accept(BigInt(generation), sequence) !== 'fresh') {
      this.dropped.replayed += 1;
      return [];
    }
    if (link.phase === 'over') return [this.#datagram(link, from, { type: 'over' })];
    link.heardAt = nowMs;
    link.isHeard = true;
    link.isSilent = false;
    // Only one that has moved on is somewhere else: whoever repeats a datagram faster than it came draws nothing away.
    if (generation > link.heardGeneration) link.peer = from;
    link.heardGeneration = Math.max(link.heardGeneration, generation);
    const to = link.peer ?? from;
    return [...this.#release(link, to), ...this.#take(link, to, message)];
  }

  nextDeadline(): number | undefined {
    let next: number | undefined;
    for (const link of this.#links.values()) {
      const at = this.#deadlineOf(link);
      if (at !== undefined && (next === undefined || at < next)) next = at;
    }
    return next;
  }

  expire(nowMs: number): ForwardOutput[] {
    const outputs: ForwardOutput[] = [];
    for (const link of this.#links.values()) {
      if (link.phase === 'closing' && nowMs >= link.closeAt) outputs.push(...this.#over(link));
      if (link.phase !== 'open') continue;
      const isLost = nowMs >= link.heardAt + this.#limits.lostMs;
      if (link.end === 'home') {
        if (!isLost) continue;
        const { held } = link;
        outputs.push(...this.#over(link), { type: 'over', transfer: link.transfer, held });
        continue;
      }
      if (isLost && !link.isSilent) {
        link.isSilent = true;
        outputs.push({ type: 'silent', transfer: link.transfer });
      }
      if (nowMs >= link.claimAt) outputs.push(...this.#claim(link, nowMs));
    }
    return outputs;
  }

  #add(state: ForwardLinkState, phase: Link['phase'], nowMs: number): Link {
    const link: Link = {
      ...state,
      phase,
      sequence: 0n,
      window: new ReplayWindow(),
      heardAt: nowMs,
      isHeard: false,
      heardGeneration: -1,
      isSilent: false,
      claimAt: nowMs,
      closeAt: nowMs,
      held: [],
    };
    this.#links.set(state.transfer, link);
    return link;
  }

  #openLink(transfer: string, end: Link['end']): Link | null {
    const link = this.#links.get(transfer);
    if (link?.end === end && link.phase !== 'over') return link;
    this.dropped.unclaimed += 1;
    return null;
  }

  #take(link: Link, to: ForwardPlace, message: ForwardMessage): ForwardOutput[] {
    const { transfer } = link;
    switch (message.type) {
      case 'claim':
        return [this.#datagram(link, to, { type: 'welcome' })];
      case 'welcome':
        return [];
      case 'send':
      case 'arrived': {
        const { type, ...packet } = message;
        return [{ type, transfer, packet }];
      }
      case 'gone':
      case 'ended':
        return [{ type: 'ended', transfer, session: message.session }];
      case 'over':
        this.#links.delete(transfer);
        return [{ type: 'over', transfer, held: [] }];
    }
  }

  /** What waited for the holder goes to it. */
  #release(link: Link, to: ForwardPlace): ForwardOutput[] {
    const held = link.held;
    link.held = [];
    return held.map((packet) => this.#datagram(link, to, { type: 'arrived', ...packet }));
  }

  #claim(link: Link, nowMs: number): ForwardOutput[] {
    const { claimMs, aliveMs } = this.#limits;
    link.claimAt = nowMs + (link.isHeard && !link.isSilent ? aliveMs : claimMs * (link.isSilent ? 5 : 1));
    return link.peer === null ? [] : [this.#datagram(link, link.peer, { type: 'claim' })];
  }

  /** It is remembered for a while: a holder that was only out of reach is told so. */
  #over(link: Link): ForwardOutput[] {
    link.phase = 'over';
    link.held = [];
    // Anew at the end: the map is in the order in which they were over.
    this.#links.delete(link.transfer);
    this.#links.set(link.transfer, link);
    let excess = this.#links.size - this.open - this.#limits.overMax;
    for (const each of this.#links.values()) {
      if (excess <= 0) break;
      if (each.phase !== 'over') continue;
      this.#links.delete(each.transfer);
      excess -= 1;
    }
    return link.peer === null ? [] : [this.#datagram(link, link.peer, { type: 'over' })];
  }

  #deadlineOf(link: Link): number | undefined {
    if (link.phase === 'closing') return link.closeAt;
    if (link.phase !== 'open') return undefined;
    const lostAt = link.heardAt + this.#limits.lostMs;
    if (link.end === 'home') return lostAt;
    return link.isSilent ? link.claimAt : Math.min(link.claimAt, lostAt);
  }

  #datagram(link: Link, to: ForwardPlace, message: ForwardMessage): ForwardOutput {
    const { transfer, generation } = link;
    const datagram = { transfer, generation, sequence: link.sequence, message };
    link.sequence += 1n;
    return { type: 'datagram', to, datagram };
  }
}
