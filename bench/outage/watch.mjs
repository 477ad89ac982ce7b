// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** Answers kept: 20 s of them. */
const KEPT_MAX = 20_000;

/** Milliseconds of CLOCK_MONOTONIC, the probe's clock. */
export function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Reads a running probe and tells outages from its answers. */
export class Watch {
  #answers = [];
  #ready;
  realtime = false;

  constructor(child) {
    this.#ready = new Promise((resolve, reject) => {
      child.once('exit', (code, signal) => reject(new Error(`the probe ended (${signal ?? code})`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = JSON.parse(line);
        if (Array.isArray(said)) this.#take(said);
        else {
          this.realtime = said.realtime;
          resolve();
        }
      });
    });
    this.#ready.catch(() => {});
  }

  get ready() {
    return this.#ready;
  }

  /** Who answered last. */
  get responder() {
    return this.#answers.at(-1)?.[2] ?? null;
  }

  /** The longest time between two answers after `sinceMs`, for the floor. */
  longestGap(sinceMs) {
    const seen = this.#answers.filter(([at]) => at >= sinceMs);
    let longest = 0;
    for (let i = 1; i < seen.length; i++) longest = Math.max(longest, seen[i][0] - seen[i - 1][0]);
    return longest;
  }

  /**
   * The outage of a fault that began at `sinceMs`: from the last answer of `from` to the first one of anyone else
   * that follows it, nothing taken off, so about 1 ms without any outage. Null while nobody else has answered.
   */
  outage(from, sinceMs) {
    const first = this.#answers.findIndex(([at, , name]) => at >= sinceMs && name !== from);
    if (first < 1) return null;
    const [at, , to] = this.#answers[first];
    return { ms: at - this.#answers[first - 1][0], afterFaultMs: at - sinceMs, to };
  }

  /** Waits for the outage to end, and a little longer, so that a fall back to the former one would be seen. */
  async nextOutage(from, sinceMs, { withinMs = 10_000, signal } = {}) {
    const deadline = monotonicMs() + withinMs;
    for (;;) {
      signal?.throwIfAborted();
      const outage = this.outage(from, sinceMs);
      if (outage !== null) return outage;
      if (monotonicMs() > deadline) throw new Error(`nobody took over within ${withinMs} ms`);
      await delay(10);
    }
  }

  /** Waits until `count` answers in a row came from one responder after now. */
  async steady(count, { withinMs = 10_000, signal } = {}) {
    const since = monotonicMs();
    for (;;) {
      signal?.throwIfAborted();
      const recent = this.#answers.filter(([at]) => at >= since).slice(-count);
      const name = recent[0]?.[2];
      if (recent.length >= count && recent.every((entry) => entry[2] === name)) return name;
      if (monotonicMs() - since > withinMs) throw new Error('the service does not answer');
      await delay(20);
    }
  }

  #take(answers) {
    this.#answers.push(...answers);
    if (this.#answers.length > 2 * KEPT_MAX) this.#answers = this.#answers.slice(-KEPT_MAX);
  }
}
