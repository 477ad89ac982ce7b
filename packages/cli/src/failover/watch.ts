// SPDX-License-Identifier: Apache-2.0
import type { FailoverView, StateView } from '@vnfpool/core/management';
import type { ApiClient } from '../api/client.ts';
import type { StreamMessage } from '../api/event-stream.ts';

/** The outage is told by the traffic source, up to a second after the slot serves again. */
const OUTAGE_MS_MAX = 3_000;

/**
 * Follows the state from before something is done to a slot, so that the failover that comes of it is told from earlier ones.
 */
export class FailoverWatch {
  /** As it was when the watch began. */
  readonly before: StateView;
  readonly #messages: AsyncGenerator<StreamMessage, void, undefined>;
  readonly #abort: AbortController;

  private constructor(
    before: StateView,
    messages: AsyncGenerator<StreamMessage, void, undefined>,
    abort: AbortController,
  ) {
    this.before = before;
    this.#messages = messages;
    this.#abort = abort;
  }

  /** @throws CliError when the stream cannot be opened */
  static async open(client: ApiClient): Promise<FailoverWatch> {
    const abort = new AbortController();
    const messages = client.stream('/v1/stream?kinds=state', abort.signal);
    const first = await messages.next();
    if (first.done === true) throw new Error('the stream ended before its first message');
    return new FailoverWatch(JSON.parse(first.value.data) as StateView, messages, abort);
  }

  /**
   * Waits until each of the slots (`web/0`) has a record of a failover that ended, and the outage is known where
   * a traffic source watches. After `waitMs` it returns what there is, without the slots that have none.
   */
  async failovers(slots: readonly string[], waitMs: number): Promise<ReadonlyMap<string, FailoverView>> {
    const known = new Set(this.before.failovers.map((it) => it.id));
    const found = new Map<string, FailoverView>();
    const end = setTimeout(() => this.#abort.abort(), waitMs);
    let outageEnd: NodeJS.Timeout | undefined;
    try {
      for await (const message of this.#messages) {
        const state = JSON.parse(message.data) as StateView;
        // Newest first: of several the first failover of a slot since then is the one that was caused.
        for (const it of state.failovers) if (!known.has(it.id)) found.set(`${it.pool}/${it.slot}`, it);
        const waited = slots.map((slot) => found.get(slot));
        if (!waited.every((it) => it !== undefined && hasEnded(it))) continue;
        if (waited.every((it) => it !== undefined && (it.outageMs !== null || !isWatched(state, it.pool))))
          break;
        outageEnd ??= setTimeout(() => this.#abort.abort(), OUTAGE_MS_MAX);
      }
    } finally {
      clearTimeout(end);
      clearTimeout(outageEnd);
      this.close();
    }
    return new Map([...found].filter(([slot]) => slots.includes(slot)));
  }

  close(): void {
    this.#abort.abort();
  }
}

function hasEnded(failover: FailoverView): boolean {
  return failover.steps.some((step) => step.name === 'serving' || step.name === 'first-served');
}

function isWatched(state: StateView, pool: string): boolean {
  return state.traffic.some((source) => source.pool === pool);
}
