// SPDX-License-Identifier: Apache-2.0

interface Floor {
  readonly sequence: number;
  readonly issuedMs: number;
}

/**
 * The latest state known of each session, so that an older one is refused. Bounded: of the session that was quiet
 * for longest only its time is kept, and whatever is as old and not remembered is refused from then on. That may
 * cost a quiet session its state; it never lets an old state in.
 */
export class SessionFloors {
  readonly #max: number;
  readonly #clockSkewMs: number;
  /** In the order of their last change. */
  readonly #floors = new Map<string, Floor>();
  #forgottenMs = Number.NEGATIVE_INFINITY;

  /** @param clockSkewMs How much later an earlier state may seem to be, issued by another clock. */
  constructor(max: number, clockSkewMs: number) {
    this.#max = max;
    this.#clockSkewMs = clockSkewMs;
  }

  get size(): number {
    return this.#floors.size;
  }

  admits(session: string, sequence: number, issuedMs: number): boolean {
    const floor = this.#floors.get(session);
    return floor === undefined
      ? issuedMs > this.#forgottenMs + this.#clockSkewMs
      : sequence >= floor.sequence;
  }

  raise(session: string, sequence: number, issuedMs: number): void {
    const floor = this.#floors.get(session);
    if (floor !== undefined && floor.sequence > sequence) return;
    this.#floors.delete(session);
    this.#floors.set(session, { sequence, issuedMs });
    if (this.#floors.size > this.#max) this.#forgetOldest();
  }

  /** Whatever was issued before is refused for its age. */
  expire(beforeMs: number): void {
    for (const [session, { issuedMs }] of this.#floors) {
      if (issuedMs >= beforeMs - this.#clockSkewMs) return;
      this.#floors.delete(session);
    }
  }

  #forgetOldest(): void {
    const [oldest] = this.#floors;
    if (oldest === undefined) return;
    const [session, { issuedMs }] = oldest;
    this.#floors.delete(session);
    this.#forgottenMs = Math.max(this.#forgottenMs, issuedMs);
  }
}
