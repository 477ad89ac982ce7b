// SPDX-License-Identifier: Apache-2.0
import type { KeyUpdate } from '@vnfpool/core/replication';
import type { SecurityState } from '@vnfpool/wire/mobility';
import type { Recorder } from './recorder.ts';
import type { StateEntry, StateSink } from './state-source.ts';

/** Between a function that tells of its state and where that goes: whoever wants to records what passes. */
export class RecordedSink implements StateSink {
  readonly #sink: StateSink;
  readonly #recorders = new Set<Recorder>();

  constructor(sink: StateSink) {
    this.#sink = sink;
  }

  get securityState(): SecurityState | undefined {
    return this.#sink.securityState;
  }

  get defers(): boolean {
    return this.#sink.defers === true;
  }

  record(recorder: Recorder): void {
    this.#recorders.add(recorder);
  }

  change(updates: readonly KeyUpdate[]): Promise<void> {
    this.#told(updates);
    return this.#sink.change(updates);
  }

  changeDeferred(updates: readonly KeyUpdate[]): Promise<void> {
    this.#told(updates);
    return this.#sink.changeDeferred?.(updates) ?? Promise.reject(new Error('nothing is deferred here'));
  }

  #told(updates: readonly KeyUpdate[]): void {
    for (const recorder of this.#recorders) {
      recorder.take(updates);
      if (recorder.isOver) this.#recorders.delete(recorder);
    }
  }

  entries(): Iterable<StateEntry> {
    return this.#sink.entries();
  }

  /** The slot is left. */
  close(): void {
    for (const recorder of this.#recorders) recorder.end('left');
    this.#recorders.clear();
  }
}
