// SPDX-License-Identifier: Apache-2.0
import type { EventView, StateView } from '@vnfpool/core/management';
import type { ApiClient } from '../api/client.ts';

/** The state, each time that it is told anew, and what has happened since the watch began. */
export interface Look {
  readonly state: StateView;
  /** Oldest first; each once. */
  readonly events: readonly EventView[];
}

/** Follows the state from before something is ordered, so that what comes of it is told from earlier things. */
export class StateWatch {
  /** As it was when the watch began. */
  readonly before: StateView;
  readonly #looks: AsyncGenerator<Look, void, undefined>;
  readonly #abort: AbortController;
  /** Ctrl-C came while it was looked: what was ordered goes on. */
  interrupted = false;

  private constructor(
    before: StateView,
    looks: AsyncGenerator<Look, void, undefined>,
    abort: AbortController,
  ) {
    this.before = before;
    this.#looks = looks;
    this.#abort = abort;
  }

  /** @throws CliError when the stream cannot be opened */
  static async open(client: ApiClient): Promise<StateWatch> {
    const abort = new AbortController();
    const looks = looksOf(client, abort.signal);
    const first = await looks.next();
    if (first.done === true) throw new Error('the stream ended before its first message');
    return new StateWatch(first.value.state, looks, abort);
  }

  /** Looks until the caller stops, `waitMs` is over, or the manager ends the stream. */
  async *looks(waitMs: number): AsyncGenerator<Look, void, undefined> {
    const end = setTimeout(() => this.#abort.abort(), waitMs);
    const interrupt = (): void => {
      this.interrupted = true;
      this.#abort.abort();
    };
    process.once('SIGINT', interrupt);
    try {
      for await (const look of this.#looks) yield look;
    } finally {
      clearTimeout(end);
      process.off('SIGINT', interrupt);
      this.close();
    }
  }

  close(): void {
    this.#abort.abort();
  }
}

async function* looksOf(client: ApiClient, signal: AbortSignal): AsyncGenerator<Look, void, undefined> {
  let last = Number.POSITIVE_INFINITY;
  for await (const { data } of client.stream('/v1/stream?kinds=state', signal)) {
    const state = JSON.parse(data) as StateView;
    const events = state.events.filter(({ id }) => id > last).toReversed();
    last = Math.max(last === Number.POSITIVE_INFINITY ? 0 : last, state.events[0]?.id ?? 0);
    yield { state, events };
  }
}
