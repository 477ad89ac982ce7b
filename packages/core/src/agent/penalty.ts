// SPDX-License-Identifier: Apache-2.0

/** How failures are remembered and forgotten; the manner of RFC 2439 (route flap damping), applied to candidates. */
export interface FlapRule {
  /** Added by each failure. */
  readonly penalty: number;
  /** From here on the candidate ranks behind all others… */
  readonly suppress: number;
  /** …until its penalty has decayed to this. */
  readonly reuse: number;
  /** In this time a penalty becomes half of what it was. */
  readonly halfLifeMs: number;
}

/** Three failures within some seconds put a candidate last for one to two minutes. */
export const FLAP_DEFAULT: FlapRule = { penalty: 1_000, suppress: 2_500, reuse: 1_000, halfLifeMs: 60_000 };

/** A penalty grows to this many times `suppress` at most: what failed all night is not shut out all day. */
const CEILING = 4;

/** What is kept of a penalty for the next agent; `atMs` by the machine's clock. */
export interface PenaltyRecord {
  readonly value: number;
  readonly atMs: number;
  readonly isSuppressed: boolean;
}

/** A figure that failures raise and time halves. */
export class Penalty {
  #value = 0;
  #atMs = 0;
  #isSuppressed = false;

  /** A failure. */
  add(rule: FlapRule, nowMs: number): void {
    const value = this.value(rule, nowMs) + rule.penalty;
    this.#isSuppressed = this.isSuppressed(rule, nowMs) || value >= rule.suppress;
    this.#value = Math.min(value, rule.suppress * CEILING);
    this.#atMs = nowMs;
  }

  value({ halfLifeMs }: FlapRule, nowMs: number): number {
    return this.#value * 2 ** (-Math.max(0, nowMs - this.#atMs) / halfLifeMs);
  }

  isSuppressed(rule: FlapRule, nowMs: number): boolean {
    const endsAtMs = this.endsAtMs(rule);
    return endsAtMs !== undefined && nowMs < endsAtMs;
  }

  /** When it has decayed far enough; undefined while it suppresses nothing. */
  endsAtMs({ reuse, halfLifeMs }: FlapRule): number | undefined {
    if (!this.#isSuppressed) return undefined;
    return this.#atMs + Math.max(0, halfLifeMs * Math.log2(this.#value / reuse));
  }

  get record(): PenaltyRecord | undefined {
    if (this.#value === 0) return undefined;
    return { value: this.#value, atMs: this.#atMs, isSuppressed: this.#isSuppressed };
  }

  /** @param nowMs a record from later than this is one of the machine's former life, and means nothing */
  restore({ value, atMs, isSuppressed }: PenaltyRecord, nowMs: number): void {
    if (atMs > nowMs) return;
    this.#value = value;
    this.#atMs = atMs;
    this.#isSuppressed = isSuppressed;
  }
}
