// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@vnfpool/core';
import {
  LeaseEngine,
  type LeaseInput,
  type LeaseOutput,
  type LeaseRules,
  watchMs,
} from '@vnfpool/core/lease';
import type { Call, Calls, Life } from './node-state.ts';
import { DRIFT_BOUND, LEASE_MS, type Setting } from './setting.ts';

/** No path is long enough to measure a rate, so nobody asks for clocks. */
const CLOCK_WINDOW_MS = 1e9;

/** Values are told apart by who made them and how many it had made; nobody waits a random time. */
class CountingRandom implements Random {
  readonly #base: bigint;
  #count = 0n;

  constructor(node: number, life: bigint) {
    this.#base = (BigInt(node) << 48n) | (life << 32n);
  }

  u32(): number {
    return 0;
  }

  u64(): bigint {
    this.#count += 1n;
    return this.#base | this.#count;
  }

  fraction(): number {
    return 0;
  }
}

/** A production engine that was brought to where former calls had led, and that writes down the next ones. */
export class NodeProcess {
  readonly #engine: LeaseEngine;
  #calls: Calls | undefined;
  #calledAtMs = 0;
  #dueMs: number | undefined;

  constructor(
    node: number,
    life: Life,
    calls: Calls | undefined,
    { rules, setting }: { readonly rules: LeaseRules; readonly setting: Setting },
  ) {
    const { incarnation, startedAtMs, restored } = life;
    const random = new CountingRandom(node, life.number);
    this.#engine = new LeaseEngine(
      {
        node,
        incarnation,
        startedAtMs,
        restored,
        random,
        driftBound: DRIFT_BOUND,
        clockWindowMs: CLOCK_WINDOW_MS,
        namesHeirs: setting.namesHeirs,
      },
      rules,
    );
    const all: Call[] = [];
    for (let each = calls; each !== undefined; each = each.former) all.push(each.last);
    for (let call = all.pop(); call !== undefined; call = all.pop()) this.#do(call);
    this.#calls = calls;
  }

  get calls(): Calls | undefined {
    return this.#calls;
  }

  handle(input: LeaseInput, nowMs: number): LeaseOutput[] {
    return this.#note({ type: 'handle', input, nowMs });
  }

  expire(nowMs: number): LeaseOutput[] {
    return this.#note({ type: 'expire', nowMs });
  }

  /** Asking is a call too: an engine notices by it that its driver was late. */
  nextDeadline(): number | undefined {
    this.#note({ type: 'arm' });
    return this.#dueMs;
  }

  /** Whether it is called at its next deadline for no other reason than that it wants to see that it is called. */
  get isMereCall(): boolean {
    return this.#dueMs === this.#calledAtMs + watchMs(LEASE_MS);
  }

  muteMs(nowMs: number): number {
    return this.#engine.muteMs(nowMs);
  }

  #note(last: Call): LeaseOutput[] {
    this.#calls = { last, former: this.#calls };
    return this.#do(last);
  }

  #do(call: Call): LeaseOutput[] {
    if (call.type !== 'arm') this.#calledAtMs = call.nowMs;
    switch (call.type) {
      case 'handle':
        return this.#engine.handle(call.input, call.nowMs);
      case 'expire':
        return this.#engine.expire(call.nowMs);
      case 'arm':
        this.#dueMs = this.#engine.nextDeadline();
        return [];
    }
  }
}
