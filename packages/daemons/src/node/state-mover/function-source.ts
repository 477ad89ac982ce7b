// SPDX-License-Identifier: Apache-2.0
import { EXPORT_CHUNK_BYTES_MAX, type SourceInput, type SourceOutput } from '@vnfpool/core/state-transfer';
import type { MovedState } from '../function-state/index.ts';
import { Turns } from './turns.ts';

type Export = SourceOutput & { readonly type: 'export' };

/** The function at the source of a transfer: gives its state chunk by chunk, each when it is wanted. */
export class FunctionSource {
  readonly #state: MovedState;
  readonly #give: (input: SourceInput) => void;
  #current: { readonly part: number; readonly turns: Turns; readonly ending: AbortController } | null = null;
  #quiescing: AbortController | null = null;

  constructor(state: MovedState, give: (input: SourceInput) => void) {
    this.#state = state;
    this.#give = give;
  }

  export({ part, kind }: Export): void {
    this.#current?.ending.abort(new Error('another part is exported'));
    const current = { part, turns: new Turns(), ending: new AbortController() };
    this.#current = current;
    const { signal } = current.ending;
    const write = async (octets: Uint8Array): Promise<void> => {
      for (let from = 0; from < octets.length; from += EXPORT_CHUNK_BYTES_MAX) {
        const chunk = octets.subarray(from, from + EXPORT_CHUNK_BYTES_MAX);
        this.#give({ type: 'exported-chunk', part, octets: chunk });
        // It has gone when the next is wanted: until then nobody may use its memory again.
        await current.turns.take(signal);
      }
    };
    this.#state.export(kind, write, signal).then(
      () => {
        if (this.#current === current) this.#current = null;
        const { changeRate, movedSessions: sessions = null } = this.#state;
        this.#give({ type: 'exported', part, sessions, changePerSecond: changeRate });
      },
      (error: Error) => {
        if (this.#current !== current) return;
        this.#current = null;
        if (!signal.aborted) this.#give({ type: 'failed', reason: error.message });
      },
    );
  }

  pull(part: number): void {
    if (this.#current?.part === part) this.#current.turns.give();
  }

  quiesce(): void {
    const ending = new AbortController();
    this.#quiescing = ending;
    this.#state.quiesce(ending.signal).then(
      () => {
        if (!ending.signal.aborted) this.#give({ type: 'quiesced' });
      },
      (error: Error) => {
        if (!ending.signal.aborted) this.#give({ type: 'failed', reason: error.message });
      },
    );
  }

  /** It serves again, whatever was under way. @throws FunctionStateError */
  async resume(): Promise<void> {
    this.stop();
    await this.#state.resume();
  }

  /** Ends what is under way, and tells nothing more of it. */
  stop(): void {
    const reason = new Error('the transfer is over');
    this.#quiescing?.abort(reason);
    this.#current?.ending.abort(reason);
    this.#current = null;
  }
}
