// SPDX-License-Identifier: Apache-2.0
import { median, PeerClock, type PeerClockRecord } from './peer-clock.ts';

/** A clock was found to run at a wrong rate, or at a right one again. */
export interface ClockVerdict {
  readonly node: number;
  readonly isOutside: boolean;
  /** By which it is faster than the others. */
  readonly deviation: number;
}

export interface ClockJudgeInit {
  readonly node: number;
  /** Bound of the relative rate of two clocks. */
  readonly driftBound: number;
  /** How often everybody is judged, and length of the windows of which one datagram each counts. */
  readonly windowMs: number;
  readonly startedAtMs: number;
  /** What this node knew of its own clock when it ended last. */
  readonly isOutside: boolean;
  /** What the process before had found out. */
  readonly handedOn?: HandedOnClocks;
}

/** What is known of clocks, as plain data. */
export interface HandedOnClocks {
  readonly peers: readonly (readonly [node: number, PeerClockRecord])[];
  readonly standings: readonly (readonly [node: number, Readonly<Standing>])[];
}

/** Default length of a window, in ms. */
export const CLOCK_WINDOW_MS = 1_000;

/** Peers that are followed; of a set there are no more. */
const PEERS_MAX = 128;
/** Verdicts in a row that are needed, one a window. */
const CONFIRMATIONS = 3;
/** Who was outside is inside again below this part of what is allowed. */
const RETURN_PART = 0.8;

/** Inside or outside, with how often in a row the other was found. */
export interface Standing {
  isOutside: boolean;
  doubts: number;
}

/**
 * Who of the nodes has a clock that the others disagree with. All are measured against the own clock, and judged against
 * the median of all, the own among them: so a node also finds out that it is itself the one.
 *
 * Two clocks that are each within half the bound of the median are within the bound of each other, which is what leases
 * rest on. With two nodes nobody can say which is wrong: both are half of it off.
 */
export class ClockJudge {
  readonly #node: number;
  readonly #allowed: number;
  readonly #windowMs: number;
  readonly #peers = new Map<number, PeerClock>();
  readonly #standings = new Map<number, Standing>();
  #judgeAtMs: number;

  constructor({ node, driftBound, windowMs, startedAtMs, isOutside, handedOn }: ClockJudgeInit) {
    for (const [peer, measured] of handedOn?.peers ?? [])
      this.#peers.set(peer, new PeerClock(windowMs, measured));
    for (const [peer, standing] of handedOn?.standings ?? []) this.#standings.set(peer, { ...standing });
    if (isOutside) this.#standings.set(node, { isOutside, doubts: 0 });
    this.#node = node;
    this.#allowed = driftBound / 2;
    this.#windowMs = windowMs;
    this.#judgeAtMs = startedAtMs + windowMs;
  }

  /** For the next process of this node. */
  handOn(): HandedOnClocks {
    const peers = [...this.#peers].map(([node, peer]) => [node, peer.record] as const);
    const standings = [...this.#standings].map(([node, standing]) => [node, { ...standing }] as const);
    return { peers, standings };
  }

  /** Whether this node's clock, the own or a peer's, must not be relied on. */
  isOutside(node: number): boolean {
    return this.#standings.get(node)?.isOutside ?? false;
  }

  /** Takes the clock that a datagram carried. */
  heard(from: number, clockUs: bigint, nowMs: number): void {
    let peer = this.#peers.get(from);
    if (peer === undefined) {
      if (this.#peers.size === PEERS_MAX) return;
      this.#peers.set(from, (peer = new PeerClock(this.#windowMs)));
    }
    peer.add(Number(clockUs) / 1000, nowMs);
  }

  /** Forgets who is not in the set any more. */
  keep(nodes: ReadonlySet<number>): void {
    for (const known of [this.#peers, this.#standings]) {
      for (const node of known.keys()) if (node !== this.#node && !nodes.has(node)) known.delete(node);
    }
  }

  /** Those of these nodes of whom nothing was heard for a window: they have to be asked. */
  silent(nodes: readonly number[], nowMs: number): number[] {
    return nodes.filter((node) => {
      const heardMs = this.#peers.get(node)?.heardMs ?? Number.NEGATIVE_INFINITY;
      return node !== this.#node && nowMs - heardMs >= this.#windowMs;
    });
  }

  nextDeadline(): number {
    return this.#judgeAtMs;
  }

  /** To be called at every step; what changed. Where too little is known, everything stays as it was. */
  judge(nowMs: number): ClockVerdict[] {
    if (nowMs < this.#judgeAtMs) return [];
    this.#judgeAtMs = nowMs + this.#windowMs;
    const rates = new Map<number, number>();
    for (const [node, peer] of this.#peers) {
      const rate = peer.rate(nowMs);
      if (rate !== undefined) rates.set(node, rate);
    }
    if (rates.size === 0) return [];
    const own = median([0, ...rates.values()]);
    const verdicts = [this.#weigh(this.#node, own)];
    for (const [node, rate] of rates) verdicts.push(this.#weigh(node, own - rate));
    return verdicts.filter((verdict) => verdict !== undefined);
  }

  #weigh(node: number, deviation: number): ClockVerdict | undefined {
    let standing = this.#standings.get(node);
    if (standing === undefined) this.#standings.set(node, (standing = { isOutside: false, doubts: 0 }));
    const size = Math.abs(deviation);
    const isDoubted = standing.isOutside ? size < RETURN_PART * this.#allowed : size > this.#allowed;
    standing.doubts = isDoubted ? standing.doubts + 1 : 0;
    if (standing.doubts < CONFIRMATIONS) return undefined;
    standing.doubts = 0;
    standing.isOutside = !standing.isOutside;
    return { node, isOutside: standing.isOutside, deviation };
  }
}
