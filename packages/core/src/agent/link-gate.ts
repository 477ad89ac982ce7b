// SPDX-License-Identifier: Apache-2.0
import type { Core } from '../core.ts';
import type { NodeLeasesInput } from '../lease/index.ts';
import { type Addressed, forwardingLinksOf, placesOf } from './address-places.ts';
import { type FlapRule, Penalty } from './penalty.ts';
import type { KeeperInput, KeeperOutput } from './slot-keeper-types.ts';

/** What the gate takes beside what it passes on. */
export type GateInput =
  | KeeperInput
  /** The node's link for virtual addresses has a carrier, or has lost it. */
  | { readonly type: 'link'; readonly isUp: boolean };

type CandidateState = Extract<NodeLeasesInput, { readonly type: 'candidate-state' }>;

/** A link must have its carrier for so long before it counts as before. */
const STABLE_MS = 1_000;
/** A link that lost its carrier three times within a minute counts as before only after a while without. */
const DAMPING: FlapRule = { penalty: 1_000, suppress: 2_500, reuse: 1_000, halfLifeMs: 30_000 };

/**
 * Stands before the slot keeper: while the node's link is down, it is no candidate for a slot with addresses there, or that forwards into it, and lets
 * go of those that it holds. Only where the slot has another candidate: otherwise nothing would be won. With a carrier that
 * has not stayed for long it tries behind all others: where the switch was dead, all of them have such a link. Addresses on other
 * links are each looked after by themselves.
 *
 * The release goes the usual way: the fence is closed before anybody hears of it.
 */
export class LinkGate implements Core<GateInput, KeeperOutput> {
  readonly #keeper: Core<KeeperInput, KeeperOutput>;
  readonly #node: number;
  readonly #penalty = new Penalty();
  /** Slots that need the link and have a candidate elsewhere, and how many candidates they have. */
  #gated: ReadonlyMap<string, number> = new Map();
  /** The last of each candidate of this node, by slot. */
  readonly #candidates = new Map<string, CandidateState>();
  #link: 'good' | 'down' | 'unproven' = 'good';
  /** When it is good again. */
  #provenAtMs: number | undefined;
  readonly #name: string;

  /** @param name of the link; empty: there is none */
  constructor(keeper: Core<KeeperInput, KeeperOutput>, node: number, name: string) {
    this.#keeper = keeper;
    this.#node = node;
    this.#name = name;
  }

  handle(input: GateInput, nowMs: number): KeeperOutput[] {
    switch (input.type) {
      case 'link':
        return input.isUp ? this.#up(nowMs) : this.#down(nowMs);
      case 'configure':
        return this.#configure(input, nowMs);
      case 'candidate-state':
        this.#candidates.set(input.slot, input);
        return this.#pass(input, nowMs);
      case 'candidate-gone':
        this.#candidates.delete(input.slot);
        return this.#keeper.handle(input, nowMs);
      default:
        return this.#keeper.handle(input, nowMs);
    }
  }

  expire(nowMs: number): KeeperOutput[] {
    const outputs = this.#keeper.expire(nowMs);
    if (this.#provenAtMs === undefined || nowMs < this.#provenAtMs) return outputs;
    this.#provenAtMs = undefined;
    this.#link = 'good';
    const message = `link ${this.#name} has its carrier again: this node is a candidate as before`;
    return [...outputs, { type: 'event', severity: 'info', message }, ...this.#again(this.#gated, nowMs)];
  }

  nextDeadline(): number | undefined {
    const own = this.#keeper.nextDeadline();
    if (own === undefined || this.#provenAtMs === undefined) return own ?? this.#provenAtMs;
    return Math.min(own, this.#provenAtMs);
  }

  #down(nowMs: number): KeeperOutput[] {
    this.#provenAtMs = undefined;
    this.#penalty.add(DAMPING, nowMs);
    if (this.#link === 'down') return [];
    this.#link = 'down';
    const message = `link ${this.#name} has no carrier: its slots are given up, and this node is no candidate for them`;
    const shut = this.#shut(this.#gated, nowMs);
    return [{ type: 'event', severity: 'warning', message }, ...shut, ...this.#bar(nowMs)];
  }

  #up(nowMs: number): KeeperOutput[] {
    if (this.#link !== 'down') return [];
    this.#link = 'unproven';
    const dampedMs = this.#penalty.isSuppressed(DAMPING, nowMs) ? (this.#penalty.endsAtMs(DAMPING) ?? 0) : 0;
    this.#provenAtMs = Math.max(nowMs + STABLE_MS, dampedMs);
    const last = [...this.#again(this.#gated, nowMs), ...this.#bar(nowMs)];
    if (dampedMs <= nowMs + STABLE_MS) return last;
    const message = `link ${this.#name} has its carrier again, but lost it too often: this node comes last for ${Math.ceil((dampedMs - nowMs) / 1_000)} s`;
    return [{ type: 'event', severity: 'warning', message }, ...last];
  }

  #configure(input: Extract<NodeLeasesInput, { type: 'configure' }>, nowMs: number): KeeperOutput[] {
    const former = this.#gated;
    this.#gated = new Map(
      input.slots
        .filter((slot) => this.#isOnLink(slot) && slot.candidates.some(({ node }) => node !== this.#node))
        .map(({ id, candidates }) => [id, candidates.length]),
    );
    for (const slot of this.#candidates.keys())
      if (!input.slots.some(({ id }) => id === slot)) this.#candidates.delete(slot);
    const outputs = this.#keeper.handle(input, nowMs);
    if (this.#link === 'good') return outputs;
    const added = new Map([...this.#gated].filter(([slot]) => !former.has(slot)));
    const removed = new Map([...former].filter(([slot]) => !this.#gated.has(slot)));
    const gated = this.#link === 'down' ? this.#shut(added, nowMs) : this.#again(added, nowMs);
    return [...outputs, ...gated, ...this.#again(removed, nowMs), ...this.#bar(nowMs)];
  }

  /** For people: who would take the slot is settled without it. */
  #bar(nowMs: number): KeeperOutput[] {
    const slots = new Set(this.#link === 'down' ? this.#gated.keys() : []);
    return this.#keeper.handle({ type: 'barred', slots, why: `link ${this.#name} has no carrier` }, nowMs);
  }

  #isOnLink(slot: Addressed): boolean {
    return (
      placesOf(slot).some(({ link }) => link === null || link === this.#name) ||
      forwardingLinksOf(slot, this.#node).includes(this.#name)
    );
  }

  /** A release means nothing where nothing is held but an attempt, which ends by it. */
  #shut(slots: ReadonlyMap<string, number>, nowMs: number): KeeperOutput[] {
    return this.#mine(slots).flatMap((candidate) => [
      ...this.#pass(candidate, nowMs),
      ...this.#keeper.handle({ type: 'release', slot: candidate.slot, reason: 'function-unhealthy' }, nowMs),
    ]);
  }

  #again(slots: ReadonlyMap<string, number>, nowMs: number): KeeperOutput[] {
    return this.#mine(slots).flatMap((candidate) => this.#pass(candidate, nowMs));
  }

  #mine(slots: ReadonlyMap<string, number>): CandidateState[] {
    return [...this.#candidates.values()].filter(({ slot }) => slots.has(slot));
  }

  #pass(candidate: CandidateState, nowMs: number): KeeperOutput[] {
    const candidates = this.#gated.get(candidate.slot);
    if (candidates === undefined || this.#link === 'good') return this.#keeper.handle(candidate, nowMs);
    const limited = this.#link === 'down' ? { ready: false } : { rank: candidate.rank + candidates };
    return this.#keeper.handle({ ...candidate, ...limited }, nowMs);
  }
}
