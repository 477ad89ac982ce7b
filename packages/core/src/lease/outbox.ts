// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage } from '@vnfpool/wire/lease';
import type { LeaseRecord } from './record.ts';
import type { LeaseOutput } from './types.ts';

/**
 * Collects one step's outputs. All records of a step share one `persist`, at the place of the first one: a record may
 * be durable earlier than it had to be, and a step then waits for the disk once, however many slots it is about.
 * Messages to one peer share a `send`, as long as nothing moves ahead of what it depends on.
 */
export class Outbox {
  #outputs: LeaseOutput[] = [];
  /** Open batches since the `persist` or the last other output. */
  readonly #sends = new Map<number, LeaseMessage[]>();
  #records: LeaseRecord[] | undefined;

  send(to: number, message: LeaseMessage): void {
    const open = this.#sends.get(to);
    if (open !== undefined) {
      open.push(message);
      return;
    }
    const messages = [message];
    this.#sends.set(to, messages);
    this.#outputs.push({ type: 'send', to, messages });
  }

  persist(record: LeaseRecord): void {
    if (this.#records !== undefined) {
      this.#records.push(record);
      return;
    }
    this.#records = [record];
    this.#sends.clear();
    this.#outputs.push({ type: 'persist', records: this.#records });
  }

  emit(output: LeaseOutput): void {
    // What is sent after this may depend on it (a release on its `fence-close`).
    this.#sends.clear();
    this.#outputs.push(output);
  }

  take(): LeaseOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#sends.clear();
    this.#records = undefined;
    return outputs;
  }
}
