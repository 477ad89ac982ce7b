// SPDX-License-Identifier: Apache-2.0
import type { HealthCheck } from '@vnfpool/wire/mobility';

/** Between checks while it has not been healthy yet, or its port refuses connections. */
const CLOSE_MS = 100;

/** Whether a function is healthy: `rise` good answers in a row make it so, `fall` bad ones end it. */
export class HealthCount {
  #isHealthy = false;
  /** Answers in a row that say the other thing. */
  #inARow = 0;

  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /** Said by another way than by checks. */
  set(isHealthy: boolean): void {
    this.#isHealthy = isHealthy;
    this.#inARow = 0;
  }

  /** Time to the next check. Until it was healthy, and while it refuses connections, that is sooner than declared. */
  paceMs({ intervalMs }: Pick<HealthCheck, 'intervalMs'>, isRefused: boolean): number {
    return this.#isHealthy && !isRefused ? intervalMs : Math.min(CLOSE_MS, intervalMs);
  }

  /** One answer. @returns what it changed; null: nothing */
  take(ok: boolean, { rise, fall }: Pick<HealthCheck, 'rise' | 'fall'>): 'healthy' | 'unhealthy' | null {
    this.#inARow = ok === this.#isHealthy ? 0 : this.#inARow + 1;
    if (this.#inARow < (this.#isHealthy ? fall : rise)) return null;
    this.set(!this.#isHealthy);
    return this.#isHealthy ? 'healthy' : 'unhealthy';
  }
}
