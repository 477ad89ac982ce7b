// SPDX-License-Identifier: Apache-2.0
import type { AsapError, AsapMessage, HandleResolutionResponse } from '@vnfpool/wire/asap';
import { CAUSE, type ErrorCause, type PoolElement } from '@vnfpool/wire/parameters';
import type { Core, Random } from '../core.ts';
import { Deadlines } from '../deadlines/deadlines.ts';
import { poolKey } from '../handlespace/pool-key.ts';
import { refusesRequest } from '../pool-element/causes.ts';
import type { HuntOptions } from '../registrar-hunt/messages.ts';
import { RegistrarHunt } from '../registrar-hunt/registrar-hunt.ts';
import { CachedPool } from './cached-pool.ts';
import {
  POOL_USER_DEFAULTS,
  type PoolUserInput,
  type PoolUserOptions,
  type PoolUserOutput,
} from './messages.ts';
import { Reports } from './reports.ts';

type ResolveInput = Extract<PoolUserInput, { type: 'resolve' }>;
type UnreachableInput = Extract<PoolUserInput, { type: 'unreachable' }>;
type UnresolvedReason = Extract<PoolUserOutput, { type: 'unresolved' }>['reason'];

/** What is known of one pool, and the question about it that is open. */
interface Pool {
  readonly handle: Uint8Array;
  cached: CachedPool | undefined;
  /** Whether a question is open. */
  asking: boolean;
  /** When it was asked first. */
  askedMs: number;
  /** How many elements to ask for. */
  items: number;
  /** Whether the registrar tells us of changes by itself. */
  subscribed: boolean;
  /** How often the open question was repeated. */
  retransmits: number;
  /** Requests that wait for its answer. */
  waiting: number[];
}

/**
 * Resolves pool handles, keeps the answers, chooses by the pool's policy, reports who cannot be reached.
 * @see RFC 5352 §3.3, §3.5
 */
export class PoolUserCore implements Core<PoolUserInput, PoolUserOutput> {
  readonly #options: Required<Omit<PoolUserOptions, keyof HuntOptions>>;
  readonly #random: Random;
  readonly #hunt: RegistrarHunt;
  /** The pool asked for longest ago first. */
  readonly #pools = new Map<string, Pool>();
  readonly #deadlines = new Deadlines<Pool, 't1-request'>();
  readonly #reports: Reports;
  #outputs: PoolUserOutput[] = [];

  constructor(options: PoolUserOptions, random: Random) {
    this.#options = { ...POOL_USER_DEFAULTS, ...options };
    this.#random = random;
    this.#reports = new Reports(this.#options.reportSpacingMs);
    this.#hunt = new RegistrarHunt(options, random);
  }

  handle(input: PoolUserInput, nowMs: number): PoolUserOutput[] {
    switch (input.type) {
      case 'resolve':
        this.#resolve(input, nowMs);
        break;
      case 'unreachable':
        this.#unreachable(input, nowMs);
        break;
      case 'purge': {
        const pool = this.#pools.get(poolKey(input.poolHandle));
        if (pool !== undefined) pool.cached = undefined;
        break;
      }
      case 'connected': {
        const outputs = this.#hunt.connected(input.association);
        if (outputs === undefined) break;
        this.#outputs.push(...outputs);
        this.#attach();
        break;
      }
      case 'disconnected':
        this.#outputs.push(...this.#hunt.disconnected(input.association, nowMs).outputs);
        break;
      case 'announcement':
        this.#outputs.push(...this.#hunt.announced(input.message, input.source, nowMs));
        break;
      case 'message':
        if (input.association !== this.#hunt.association) break;
        if (input.message.type === 'handle-resolution-response') this.#answer(input.message, nowMs);
        else if (input.message.type === 'error') this.#error(input.message);
        break;
    }
    return this.#drain();
  }

  expire(nowMs: number): PoolUserOutput[] {
    for (let due = this.#deadlines.take(nowMs); due !== undefined; due = this.#deadlines.take(nowMs)) {
      this.#unanswered(due.owner, nowMs);
    }
    this.#outputs.push(...this.#hunt.expire(nowMs));
    return this.#drain();
  }

  nextDeadline(): number | undefined {
    const deadlines = [this.#deadlines.next(), this.#hunt.nextDeadline()].filter((at) => at !== undefined);
    return deadlines.length === 0 ? undefined : Math.min(...deadlines);
  }

  /** Elements known of this pool, fresh or stale. */
  cachedCount(poolHandle: Uint8Array): number {
    return this.#pools.get(poolKey(poolHandle))?.cached?.size ?? 0;
  }

  /** Elements known of this pool, in no order; for views. */
  cached(poolHandle: Uint8Array): readonly PoolElement[] {
    return this.#pools.get(poolKey(poolHandle))?.cached?.elements() ?? [];
  }

  #resolve({ request, poolHandle, staleMs, items }: ResolveInput, nowMs: number): void {
    const pool = this.#pool(poolHandle, nowMs);
    if (pool === undefined) {
      this.#outputs.push({ type: 'unresolved', request, reason: 'too many requests', causes: [] });
      return;
    }
    const { cached } = pool;
    const usable = cached !== undefined && cached.size > 0;
    const stale = !usable || nowMs - cached.fetchedMs >= (staleMs ?? this.#options.staleMs);
    const answerStale = this.#options.answerStale && staleMs === undefined;
    if (usable && (!stale || answerStale)) this.#choose(request, cached);
    else if (pool.waiting.length < this.#options.waitingMax) pool.waiting.push(request);
    else this.#outputs.push({ type: 'unresolved', request, reason: 'too many requests', causes: [] });
    if (stale && !pool.asking) {
      pool.asking = true;
      pool.items = items ?? this.#options.items;
      pool.askedMs = nowMs;
      pool.retransmits = 0;
      this.#ask(pool, nowMs);
    }
  }

  /** The entry of this pool, now the youngest; undefined: the cache is full of pools with open questions. */
  #pool(poolHandle: Uint8Array, nowMs: number): Pool | undefined {
    const key = poolKey(poolHandle);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      if (this.#pools.size >= this.#options.poolsMax) {
        const idle = [...this.#pools].find(([, candidate]) => !candidate.asking);
        if (idle === undefined) return undefined;
        this.#pools.delete(idle[0]);
      }
      pool = {
        handle: poolHandle.slice(),
        cached: undefined,
        asking: false,
        askedMs: nowMs,
        items: this.#options.items,
        subscribed: false,
        retransmits: 0,
        waiting: [],
      };
    }
    this.#pools.delete(key);
    this.#pools.set(key, pool);
    return pool;
  }

  #ask(pool: Pool, nowMs: number): void {
    this.#deadlines.set(pool, 't1-request', nowMs + this.#options.requestTimeoutMs);
    if (this.#hunt.association === undefined) this.#outputs.push(...this.#hunt.want(nowMs));
    else this.#sendQuestion(pool);
  }

  #sendQuestion(pool: Pool): void {
    const question = {
      type: 'handle-resolution',
      sendUpdates: this.#options.updates,
      poolHandle: pool.handle,
    } as const;
    const { items } = pool;
    this.#send(items === 0 ? question : { ...question, items });
  }

  /** Open questions go to the new registrar; subscriptions too, which registrars do not share. */
  #attach(): void {
    for (const pool of this.#pools.values()) {
      if (pool.asking || pool.subscribed) this.#sendQuestion(pool);
      pool.subscribed = false;
    }
    for (const report of this.#reports.takeWaiting()) this.#send(report);
  }

  /** T1: ask again, and hunt for a registrar that answers; in the end give up. */
  #unanswered(pool: Pool, nowMs: number): void {
    pool.retransmits += 1;
    const last = pool.retransmits > this.#options.retransmitsMax;
    if (last) this.#fail(pool, 'not answered', []);
    else this.#deadlines.set(pool, 't1-request', nowMs + this.#options.requestTimeoutMs);
    if (this.#hunt.association === undefined) return;
    // A registrar that is up but does not answer: a new association may help, even to the same one at last.
    if (last) this.#outputs.push(...this.#hunt.giveUp(nowMs));
    else {
      this.#sendQuestion(pool);
      this.#outputs.push(...this.#hunt.wantOther(nowMs));
    }
  }

  /** Also unasked, where we subscribed: then it replaces what was known. */
  #answer(response: HandleResolutionResponse, nowMs: number): void {
    const pool = this.#pools.get(poolKey(response.poolHandle));
    if (pool === undefined) return;
    const { asking } = pool;
    // The answer after a change of registrar comes to a question that nobody waits for.
    if (!asking && !this.#options.updates) return;
    this.#outputs.push(...this.#hunt.provedGood());
    pool.subscribed = response.updatesAccepted && response.causes.length === 0;
    const { causes } = response;
    if (causes.length > 0) {
      const unknown = causes.some((cause) => cause.code === CAUSE.unknownPoolHandle);
      if (unknown && pool.cached !== undefined) {
        pool.cached = undefined;
        this.#changed(pool);
      }
      if (asking) this.#fail(pool, unknown ? 'unknown pool' : 'refused', causes);
      return;
    }
    this.#deadlines.clear(pool, 't1-request');
    pool.asking = false;
    pool.cached = new CachedPool(response, this.#random, nowMs, this.#options.policies);
    this.#changed(pool);
    const waiting = pool.waiting;
    pool.waiting = [];
    for (const request of waiting) this.#choose(request, pool.cached);
  }

  /** Some registrars answer a question that they cannot read with nothing else: it is the oldest open one. */
  #error(message: AsapError): void {
    if (!refusesRequest(message.causes)) return;
    let oldest: Pool | undefined;
    for (const pool of this.#pools.values()) {
      if (pool.asking && (oldest === undefined || pool.askedMs < oldest.askedMs)) oldest = pool;
    }
    if (oldest !== undefined) this.#fail(oldest, 'refused', message.causes);
  }

  #changed(pool: Pool): void {
    if (!this.#options.updates) return;
    const elements = pool.cached?.elements() ?? [];
    this.#outputs.push({ type: 'pool-changed', poolHandle: pool.handle, elements });
  }

  #choose(request: number, cached: CachedPool): void {
    const [element, ...alternatives] = cached.select();
    if (element !== undefined) this.#outputs.push({ type: 'resolved', request, element, alternatives });
    else this.#outputs.push({ type: 'unresolved', request, reason: 'unknown pool', causes: [] });
  }

  #fail(pool: Pool, reason: UnresolvedReason, causes: readonly ErrorCause[]): void {
    this.#deadlines.clear(pool, 't1-request');
    pool.asking = false;
    const waiting = pool.waiting;
    pool.waiting = [];
    for (const request of waiting) this.#outputs.push({ type: 'unresolved', request, reason, causes });
  }

  /** Out of the cache at once; to the registrar once per event. */
  #unreachable({ poolHandle, elementId, report: wanted = true }: UnreachableInput, nowMs: number): void {
    this.#pools.get(poolKey(poolHandle))?.cached?.delete(elementId);
    const report = wanted ? this.#reports.report(poolHandle, elementId, nowMs) : undefined;
    if (report === undefined) return;
    if (this.#hunt.association !== undefined) {
      this.#send(report);
      return;
    }
    this.#reports.wait(report);
    this.#outputs.push(...this.#hunt.want(nowMs));
  }

  #send(message: AsapMessage): void {
    const { association } = this.#hunt;
    if (association !== undefined) this.#outputs.push({ type: 'send', association, message });
  }

  #drain(): PoolUserOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}
