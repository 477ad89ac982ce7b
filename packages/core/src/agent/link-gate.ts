// SPDX-License-Identifier: Apache-2.0
import type { Core } from '../core.ts';
import type { LeaseInput } from '../lease/index.ts';
import { type FlapRule, Penalty } from './penalty.ts';
import type { KeeperInput, KeeperOutput } from './slot-keeper-types.ts';

/** What the gate takes beside what it passes on. */
export type GateInput =
  | KeeperInput
  /** The link of the slots' addresses has a carrier, or has lost it. */
  | { readonly type: 'link'; readonly isUp: boolean; readonly name: string };

type CandidateState = Extract<LeaseInput, { readonly type: 'candidate-state' }>;

/** A link must have its carrier for so long before it counts again. */
const STABLE_MS = 1_000;
/** A link that lost its carrier three times within a minute counts again only after a while without. */
const DAMPING: FlapRule = { penalty: 1_000, suppress: 2_500, reuse: 1_000, halfLifeMs: 30_000 };

/**
 * Stands before the slot keeper: while the link is down, this node is no candidate for a slot with addresses there, and lets
 * go of those that it holds. Only where the slot has another candidate: otherwise nothing would be won.
 *
 * The release goes the usual way: the fence is closed before anybody hears of it.
 */
export class LinkGate implements Core<GateInput, KeeperOutput> {
  readonly #keeper: Core<KeeperInput, KeeperOutput>;
  readonly #node: number;
  readonly #penalty = new Penalty();
  /** Slots with addresses and with a candidate elsewhere. */
  #gated: ReadonlySet<string> = new Set();
  /** The last of each candidate of this node, by slot. */
  readonly #candidates = new Map<string, CandidateState>();
  #isShut = false;
  #opensAtMs: number | undefined;
  #name = '';

  constructor(keeper: Core<KeeperInput, KeeperOutput>, node: number) {
    this.#keeper = keeper;
    this.#node = node;
  }

  handle(input: GateInput, nowMs: number): KeeperOutput[] {
    switch (input.type) {
      case 'link':
        return input.isUp ? this.#up(nowMs) : this.#down(input.name, nowMs);
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
    if (this.#opensAtMs === undefined || nowMs < this.#opensAtMs) return outputs;
    this.#opensAtMs = undefined;
    this.#isShut = false;
    const message = `link ${this.#name} has its carrier again: this node is a candidate as before`;
    return [...outputs, { type: 'event', severity: 'info', message }, ...this.#again(this.#gated, nowMs)];
  }

  nextDeadline(): number | undefined {
    const own = this.#keeper.nextDeadline();
    if (own === undefined || this.#opensAtMs === undefined) return own ?? this.#opensAtMs;
    return Math.min(own, this.#opensAtMs);
  }

  #down(name: string, nowMs: number): KeeperOutput[] {
    this.#name = name;
    this.#opensAtMs = undefined;
    this.#penalty.add(DAMPING, nowMs);
    if (this.#isShut) return [];
    this.#isShut = true;
    const message = `link ${name} has no carrier: its slots are given up, and this node is no candidate for them`;
    return [{ type: 'event', severity: 'warning', message }, ...this.#shut(this.#gated, nowMs)];
  }

  #up(nowMs: number): KeeperOutput[] {
    if (!this.#isShut || this.#opensAtMs !== undefined) return [];
    const dampedMs = this.#penalty.isSuppressed(DAMPING, nowMs) ? (this.#penalty.endsAtMs(DAMPING) ?? 0) : 0;
    this.#opensAtMs = Math.max(nowMs + STABLE_MS, dampedMs);
    if (dampedMs <= nowMs + STABLE_MS) return [];
    const message = `link ${this.#name} has its carrier again, but lost it too often: it counts in ${Math.ceil((dampedMs - nowMs) / 1_000)} s`;
    return [{ type: 'event', severity: 'warning', message }];
  }

  #configure(input: Extract<LeaseInput, { type: 'configure' }>, nowMs: number): KeeperOutput[] {
    const former = this.#gated;
    this.#gated = new Set(
      input.slots
        .filter(
          ({ addresses, candidates }) =>
            addresses.length > 0 && candidates.some(({ node }) => node !== this.#node),
        )
        .map(({ id }) => id),
    );
    for (const slot of this.#candidates.keys())
      if (!input.slots.some(({ id }) => id === slot)) this.#candidates.delete(slot);
    const outputs = this.#keeper.handle(input, nowMs);
    if (!this.#isShut) return outputs;
    const added = new Set([...this.#gated].filter((slot) => !former.has(slot)));
    const removed = new Set([...former].filter((slot) => !this.#gated.has(slot)));
    return [...outputs, ...this.#shut(added, nowMs), ...this.#again(removed, nowMs)];
  }

  /** A release means nothing where nothing is held but an attempt, which ends by it. */
  #shut(slots: ReadonlySet<string>, nowMs: number): KeeperOutput[] {
    return this.#mine(slots).flatMap((candidate) => [
      ...this.#pass(candidate, nowMs),
      ...this.#keeper.handle({ type: 'release', slot: candidate.slot, reason: 'function-unhealthy' }, nowMs),
    ]);
  }

  #again(slots: ReadonlySet<string>, nowMs: number): KeeperOutput[] {
    return this.#mine(slots).flatMap((candidate) => this.#pass(candidate, nowMs));
  }

  #mine(slots: ReadonlySet<string>): CandidateState[] {
    return [...this.#candidates.values()].filter(({ slot }) => slots.has(slot));
  }

  #pass(candidate: CandidateState, nowMs: number): KeeperOutput[] {
    const isShut = this.#isShut && this.#gated.has(candidate.slot);
    return this.#keeper.handle(isShut ? { ...candidate, ready: false } : candidate, nowMs);
  }
}
