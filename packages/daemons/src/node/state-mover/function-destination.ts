// SPDX-License-Identifier: Apache-2.0
import type { DestinationInput, DestinationOutput } from '@vnfpool/core/state-transfer';
import type { MovedState } from '../function-state/index.ts';
import { ChunkQueue } from './chunk-queue.ts';

/** The function at the destination of a transfer: takes its state in, part by part. */
export class FunctionDestination {
  readonly #state: MovedState;
  readonly #give: (input: DestinationInput) => void;
  #current: { readonly part: number; readonly queue: ChunkQueue; readonly ending: AbortController } | null =
    null;

  constructor(state: MovedState, give: (input: DestinationInput) => void) {
    this.#state = state;
    this.#give = give;
  }

  begin({ part, kind }: DestinationOutput & { readonly type: 'import' }): void {
    const ending = new AbortController();
    const queue = new ChunkQueue((bytes) => {
      if (!ending.signal.aborted) this.#give({ type: 'consumed', bytes });
    });
    const current = { part, queue, ending };
    this.#current = current;
    this.#state.import(kind, queue, ending.signal).then(
      () => {
        if (this.#current !== current) return;
        this.#current = null;
        this.#give({ type: 'imported', part, sessions: this.#state.movedSessions ?? null });
      },
      (error: Error) => {
        if (this.#current !== current) return;
        this.#current = null;
        this.#give({ type: 'failed', reason: error.message });
      },
    );
  }

  chunk({ part, octets }: DestinationOutput & { readonly type: 'import-chunk' }): void {
    if (this.#current?.part === part) this.#current.queue.push(octets);
  }

  end(part: number): void {
    if (this.#current?.part === part) this.#current.queue.end();
  }

  /** Throws away what came. @throws FunctionStateError */
  async discard(): Promise<void> {
    this.stop();
    await this.#state.discard();
  }

  stop(): void {
    const { queue, ending } = this.#current ?? {};
    this.#current = null;
    const reason = new Error('the transfer is over');
    ending?.abort(reason);
    queue?.fail(reason);
  }
}
