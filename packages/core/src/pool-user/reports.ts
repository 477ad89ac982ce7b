// SPDX-License-Identifier: Apache-2.0
import type { EndpointUnreachable } from '@vnfpool/wire/asap';
import { poolKey } from '../handlespace/pool-key.ts';

/** Reports that wait for an association at most; the oldest goes. */
const WAITING_MAX = 64;
/** Elements whose last report is remembered at most; the oldest is forgotten. */
const REMEMBERED_MAX = 1024;

/**
 * Reports of unreachable elements: one per event, which the spacing makes of many failures of one element.
 * @see RFC 5352 §3.5, RFC 5355 §2.13
 */
export class Reports {
  readonly #spacingMs: number;
  readonly #lastMs = new Map<string, number>();
  #waiting: EndpointUnreachable[] = [];

  constructor(spacingMs: number) {
    this.#spacingMs = spacingMs;
  }

  /** The report to send; undefined: this element was reported a moment ago. */
  report(poolHandle: Uint8Array, elementId: number, nowMs: number): EndpointUnreachable | undefined {
    const key = `${elementId}/${poolKey(poolHandle)}`;
    const lastMs = this.#lastMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < this.#spacingMs) return undefined;
    this.#lastMs.delete(key);
    this.#lastMs.set(key, nowMs);
    const [oldest] = this.#lastMs.keys();
    if (this.#lastMs.size > REMEMBERED_MAX && oldest !== undefined) this.#lastMs.delete(oldest);
    return { type: 'endpoint-unreachable', poolHandle: poolHandle.slice(), elementId };
  }

  /** Keeps a report for the next association. */
  wait(report: EndpointUnreachable): void {
    this.#waiting.push(report);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
  }

  takeWaiting(): readonly EndpointUnreachable[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
