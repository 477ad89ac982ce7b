// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage, HandleResolutionResponse } from '@vnfpool/wire/asap';
import { CAUSE, type ErrorCause } from '@vnfpool/wire/parameters';
import type { Core, Random } from '../core.ts';
import { Deadlines } from '../deadlines/deadlines.ts';
import { poolKey } from '../handlespace/pool-key.ts';
import { RegistrarHunt } from '../registrar-hunt/registrar-hunt.ts';
import { CachedPool } from './cached-pool.ts';
import {
  POOL_USER_DEFAULTS,
  type PoolUserInput,
  type PoolUserOptions,
  type PoolUserOutput,
} from './messages.ts';

/** Reports that wait for an association at most; the oldest goes. */
const REPORTS_WAITING_MAX = 64;
/** Elements whose last report is remembered at most; the oldest is forgotten. */
const REPORTED_MAX = 1024;

type UnresolvedReason = Extract<PoolUserOutput, { type: 'unresolved' }>['reason'];

/** What is known of one pool, and the question about it that is open. */
interface Pool {
  readonly handle: Uint8Array;
  cached: CachedPool | undefined;
  /** Whether a question is open. */
  asking: boolean;
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
  readonly #options: Required<Omit<PoolUserOptions, 'connectTimeoutMs' | 'backoffMinMs' | 'backoffMaxMs'>>;
  readonly #random: Random;
  readonly #hunt: RegistrarHunt;
  /** The pool asked for longest ago first. */
  readonly #pools = new Map<string, Pool>();
  readonly #deadlines = new Deadlines<Pool, 't1-request'>();
  readonly #reportedMs = new Map<string, number>();
  #reports: AsapMessage[] = [];
  #outputs: PoolUserOutput[] = [];

  constructor(options: PoolUserOptions, random: Random) {
    this.#options = { ...POOL_USER_DEFAULTS, ...options };
    this.#random = random;
    this.#hunt = new RegistrarHunt(options, random);
  }

  handle(input: PoolUserInput, nowMs: number): PoolUserOutput[] {
    switch (input.type) {
      case 'resolve':
        this.#resolve(input.request, input.poolHandle, nowMs);
        break;
      case 'unreachable':
        this.#unreachable(input.poolHandle, input.elementId, nowMs);
        break;
      case 'purge': {
        const pool = this.#pools.get(poolKey(input.poolHandle));
        if (pool !== undefined) pool.cached = undefined;
        break;
      }
      case 'connected':
        if (this.#hunt.connected(input.association)) this.#attach();
        break;
      case 'disconnected': {
        const outputs = this.#hunt.disconnected(input.association, nowMs);
        if (outputs !== undefined) this.#outputs.push(...outputs);
        break;
      }
      case 'message':
        if (
          input.association === this.#hunt.association &&
          input.message.type === 'handle-resolution-response'
        ) {
          this.#answer(input.message, nowMs);
        }
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

  #resolve(request: number, poolHandle: Uint8Array, nowMs: number): void {
    const pool = this.#pool(poolHandle);
    if (pool === undefined) {
      this.#outputs.push({ type: 'unresolved', request, reason: 'too many requests', causes: [] });
      return;
    }
    const { cached } = pool;
    const usable = cached !== undefined && cached.size > 0;
    const stale = !usable || nowMs - cached.fetchedMs >= this.#options.staleMs;
    if (usable && (!stale || this.#options.answerStale)) this.#choose(request, cached);
    else if (pool.waiting.length < this.#options.waitingMax) pool.waiting.push(request);
    else this.#outputs.push({ type: 'unresolved', request, reason: 'too many requests', causes: [] });
    if (stale && !pool.asking) {
      pool.asking = true;
      pool.retransmits = 0;
      this.#ask(pool, nowMs);
    }
  }

  /** The entry of this pool, now the youngest; undefined: the cache is full of pools with open questions. */
  #pool(poolHandle: Uint8Array): Pool | undefined {
    const key = poolKey(poolHandle);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      if (this.#pools.size >= this.#options.poolsMax) {
        const idle = [...this.#pools].find(([, candidate]) => !candidate.asking);
        if (idle === undefined) return undefined;
        this.#pools.delete(idle[0]);
      }
      pool = { handle: poolHandle.slice(), cached: undefined, asking: false, retransmits: 0, waiting: [] };
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
    const question = { type: 'handle-resolution', sendUpdates: false, poolHandle: pool.handle } as const;
    const { items } = this.#options;
    this.#send(items === 0 ? question : { ...question, items });
  }

  #attach(): void {
    for (const pool of this.#pools.values()) if (pool.asking) this.#sendQuestion(pool);
    const reports = this.#reports;
    this.#reports = [];
    for (const report of reports) this.#send(report);
  }

  /** T1: ask again, where there is another registrar, ask that one; in the end give up. */
  #unanswered(pool: Pool, nowMs: number): void {
    pool.retransmits += 1;
    const last = pool.retransmits > this.#options.retransmitsMax;
    if (last) this.#fail(pool, 'not answered', []);
    else this.#deadlines.set(pool, 't1-request', nowMs + this.#options.requestTimeoutMs);
    if (this.#hunt.association === undefined) return;
    // A registrar that is up but does not answer: a new association may help, even to the same one at last.
    if (last || this.#hunt.registrarCount > 1) this.#outputs.push(...this.#hunt.giveUp(nowMs));
    else this.#sendQuestion(pool);
  }

  #answer(response: HandleResolutionResponse, nowMs: number): void {
    const pool = this.#pools.get(poolKey(response.poolHandle));
    if (pool === undefined || !pool.asking) return;
    this.#hunt.provedGood();
    const { causes } = response;
    if (causes.length > 0) {
      const unknown = causes.some((cause) => cause.code === CAUSE.unknownPoolHandle);
      if (unknown) pool.cached = undefined;
      this.#fail(pool, unknown ? 'unknown pool' : 'refused', causes);
      return;
    }
    this.#deadlines.clear(pool, 't1-request');
    pool.asking = false;
    pool.cached = new CachedPool(response, this.#random, nowMs);
    const waiting = pool.waiting;
    pool.waiting = [];
    for (const request of waiting) this.#choose(request, pool.cached);
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

  /** Out of the cache at once; to the registrar once per event, which is what the spacing makes of many of one. */
  #unreachable(poolHandle: Uint8Array, elementId: number, nowMs: number): void {
    this.#pools.get(poolKey(poolHandle))?.cached?.delete(elementId);
    const key = `${elementId}/${poolKey(poolHandle)}`;
    const lastMs = this.#reportedMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < this.#options.reportSpacingMs) return;
    this.#reportedMs.delete(key);
    this.#reportedMs.set(key, nowMs);
    const [oldest] = this.#reportedMs.keys();
    if (this.#reportedMs.size > REPORTED_MAX && oldest !== undefined) this.#reportedMs.delete(oldest);
    const report = { type: 'endpoint-unreachable', poolHandle: poolHandle.slice(), elementId } as const;
    if (this.#hunt.association !== undefined) {
      this.#send(report);
      return;
    }
    this.#reports.push(report);
    if (this.#reports.length > REPORTS_WAITING_MAX) this.#reports.shift();
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
