// SPDX-License-Identifier: Apache-2.0
import { Agent } from 'node:http';
import type { Outage, TrafficReport } from '@vnfpool/core/management';
import { postJson } from '../post-json.ts';

const OUTAGES_MAX = 64;
const ANSWER_MS = 2_000;

/** Tells the manager. While it is away, outages wait for it (the newest 64); the rest is told anew next time. */
export class Reporter {
  readonly #socketPath: string;
  readonly #how = { agent: new Agent({ keepAlive: true, maxSockets: 1 }), timeout: ANSWER_MS };
  readonly #waiting = new Map<number, Outage>();
  #busy = false;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** One report at a time: while one is on its way the next is left out, but for its outages. */
  async tell(report: TrafficReport): Promise<void> {
    for (const outage of report.outages) {
      this.#waiting.delete(outage.lastOkAt);
      this.#waiting.set(outage.lastOkAt, outage);
    }
    for (const oldest of this.#waiting.keys()) {
      if (this.#waiting.size <= OUTAGES_MAX) break;
      this.#waiting.delete(oldest);
    }
    if (this.#busy) return;
    this.#busy = true;
    const outages = [...this.#waiting.values()];
    try {
      await postJson(this.#socketPath, '/v1/traffic', { ...report, outages }, this.#how);
      for (const outage of outages) {
        if (this.#waiting.get(outage.lastOkAt) === outage) this.#waiting.delete(outage.lastOkAt);
      }
    } catch {
      // The manager is away; service is what we watch, not the manager.
    } finally {
      this.#busy = false;
    }
  }

  close(): void {
    this.#how.agent.destroy();
  }
}
