// SPDX-License-Identifier: Apache-2.0
import {
  GossipCore,
  type GossipInput,
  type GossipOutput,
  type GossipRules,
  type MergeableState,
  replicaOf,
  type Update,
} from '@vnfpool/core/gossip';
import { decodeGossip, encodeGossip } from '@vnfpool/wire/gossip';
import type { Schedule } from '../lease-world/schedule.ts';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import type { Trace } from '../lease-world/trace.ts';
import { GossipViolation, type Ledger, type LifeOfNode } from './ledger.ts';
import type { GossipPlan } from './options.ts';

/** What every instance of this world shares. */
export interface WorldParts {
  readonly plan: GossipPlan;
  readonly rules: GossipRules;
  readonly random: SeededRandom;
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly ledger: Ledger;
  /** Memory fails somewhere. */
  readonly isDamaged: () => boolean;
  /** An instance has declared its former lives gone, of which it knew so much. */
  inherited(by: number, known: ReadonlyMap<string, number>): void;
  /** Takes a message to whoever has this origin id, or not. */
  carry(from: number, to: number, bytes: Uint8Array): void;
}

/** Origin ids are not places in a list. */
export const originOf = (node: number): number => 101 + node;
export const nodeOf = (origin: number): number => origin - 101;

/** One instance over all its lives; its state is in memory only. */
export class GossipNode {
  readonly #parts: WorldParts;
  readonly number: number;
  #core: GossipCore | null = null;
  #life: LifeOfNode | null = null;
  #timerMs = Number.POSITIVE_INFINITY;
  #incarnation = 0n;
  /** Wall clocks differ. */
  readonly #wallMs: number;
  isDead = false;
  walks = 0;
  /** Times that it told so. */
  damaged = 0;
  mended = 0;
  differs = 0;

  constructor(parts: WorldParts, number: number) {
    this.#parts = parts;
    this.number = number;
    this.#wallMs = 1_700_000_000_000 + parts.random.below(5000);
  }

  get isUp(): boolean {
    return this.#core !== null;
  }

  get state(): MergeableState | null {
    return this.#core?.state ?? null;
  }

  /** Whether it has the same as all others, as it and they say. */
  get agrees(): boolean {
    const lags = this.#core?.lags(this.#parts.schedule.nowMs) ?? [];
    return lags.every(({ digests }) => digests.sinceAgreedMs !== null && !digests.isDiffering);
  }

  get incarnation(): bigint {
    return this.#incarnation;
  }

  start(peers: readonly number[], isNumberKept = false): void {
    if (this.isUp || this.isDead) return;
    const { plan, random, rules } = this.#parts;
    if (!isNumberKept || this.#incarnation === 0n) this.#incarnation += 1n;
    this.#life = { isOver: false, present: new Map(), gone: new Set() };
    this.#timerMs = Number.POSITIVE_INFINITY;
    this.#core = new GossipCore({
      origin: originOf(this.number),
      incarnation: this.#incarnation,
      random,
      rules,
      intervalMs: plan.intervalMs,
      fanOut: plan.fanOut,
      messageBytesMax: plan.messageBytesMax,
      bounds: { stepsMax: plan.stepsMax },
    });
    this.input({ type: 'peers', origins: peers });
  }

  end(): void {
    if (this.#life !== null) this.#life.isOver = true;
    this.#life = null;
    this.#core = null;
  }

  update(update: Update): void {
    if (this.#core === null || this.#life === null) return;
    const wallMs = this.#wallMs + this.#parts.schedule.nowMs;
    const outputs = this.#core.handle({ type: 'update', update, wallMs }, this.#parts.schedule.nowMs);
    this.#note(() => `update ${update.type}`);
    this.#parts.ledger.updated(this.#life, this.#core.state);
    this.#perform(outputs);
  }

  input(input: GossipInput): void {
    if (this.#core === null) return;
    this.#perform(this.#core.handle(input, this.#parts.schedule.nowMs));
  }

  receive(from: number, bytes: Uint8Array): void {
    if (this.#core === null || this.#life === null) return;
    const message = decodeGossip(bytes);
    this.#note(() => `hears ${message.type} of ${from}`);
    const outputs = this.#core.handle({ type: 'message', from, message }, this.#parts.schedule.nowMs);
    if (outputs.some(({ type }) => type === 'changed'))
      this.#parts.ledger.heard(this.#life, this.#core.state);
    this.#perform(outputs);
  }

  #perform(outputs: readonly GossipOutput[]): void {
    for (const output of outputs) {
      if (output.type === 'send')
        this.#parts.carry(originOf(this.number), output.to, encodeGossip(output.message));
      else if (output.type === 'event') {
        const { type } = output.event;
        if (type === 'walk-ended') this.walks += 1;
        else if (type === 'damaged' || type === 'mended' || type === 'differs') {
          this[type] += 1;
          if (!this.#parts.isDamaged()) throw new GossipViolation(`${originOf(this.number)} told: ${type}`);
        }
        this.#note(() => output.event.type);
      }
    }
    this.#arm();
  }

  #arm(): void {
    const core = this.#core;
    const deadline = core?.nextDeadline();
    if (core === null || deadline === undefined || deadline >= this.#timerMs) return;
    this.#timerMs = deadline;
    this.#parts.schedule.at(deadline, () => {
      if (this.#core !== core) return;
      this.#timerMs = Number.POSITIVE_INFINITY;
      const former = this.#formerLives(core.state);
      if (this.#life !== null && former.size > 0) this.#parts.ledger.heard(this.#life, core.state);
      const outputs = core.expire(this.#parts.schedule.nowMs);
      if (this.#life !== null && former.size > this.#formerLives(core.state).size) {
        this.#note(() => 'declares its former lives gone');
        this.#parts.inherited(this.number, former);
        const isOwn = (name: string): boolean => replicaOf(name).origin === originOf(this.number);
        this.#parts.ledger.inherited(this.#life, core.state, isOwn);
      }
      this.#perform(outputs);
    });
  }

  #formerLives({ vector }: MergeableState): ReadonlyMap<string, number> {
    const isFormer = (name: string): boolean => {
      const { origin, incarnation } = replicaOf(name);
      return origin === originOf(this.number) && incarnation < this.#incarnation;
    };
    return new Map([...vector].filter(([name]) => isFormer(name)));
  }

  #note(text: () => string): void {
    const incarnation = this.#incarnation;
    this.#parts.trace.add(
      this.#parts.schedule.nowMs,
      () => `${originOf(this.number)}.${incarnation} ${text()}`,
    );
  }
}
