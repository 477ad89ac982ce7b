// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage } from '@vnfpool/wire/lease';
import type { LeaseRecord } from './record.ts';
import type { LeaseOutput } from './types.ts';

/** What a member says of its register: it must be true when it is said. */
const ANSWERS: ReadonlySet<LeaseMessage['type']> = new Set([
  'promise',
  'accepted',
  'renewed',
  'renewed-many',
  'refuse',
  'released',
  'register',
]);
/** Of a message that is about many. */
const EVERY_SLOT = '';

/**
 * Collects one step's outputs. Records of different slots share one `persist`, at the place of the first one: a record
 * may be durable earlier than it had to be, and a step then waits for the disk once, however many slots it is about. What a
 * member answered of a slot stays before a later record of it.
 * Messages to one peer share a `send`, as long as nothing moves ahead of what it depends on.
 */
export class Outbox {
  #outputs: LeaseOutput[] = [];
  /** Open batches since the `persist` or the last other output. */
  readonly #sends = new Map<number, LeaseMessage[]>();
  #records: LeaseRecord[] | undefined;
  /** Slots that are in it, or were answered of since. */
  readonly #spoken = new Set<string>();

  send(to: number, message: LeaseMessage): void {
    if (this.#records !== undefined && ANSWERS.has(message.type)) {
      this.#spoken.add('slot' in message ? message.slot : EVERY_SLOT);
    }
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
    const about = record.type === 'slot' ? record.slot : record.type;
    if (this.#records !== undefined && !this.#spoken.has(about) && !this.#spoken.has(EVERY_SLOT)) {
      this.#spoken.add(about);
      this.#records.push(record);
      return;
    }
    this.#spoken.clear();
    this.#spoken.add(about);
    this.#records = [record];
    this.#sends.clear();
    this.#outputs.push({ type: 'persist', records: this.#records });
  }

  emit(output: LeaseOutput): void {
    // What is sent after this may depend on it (a release on its `fence-close`).
    this.#sends.clear();
    this.#outputs.push(output);
  }

  /** What would be sent is not; like everything that is sent it may be lost. */
  dropSends(): void {
    this.#outputs = this.#outputs.filter(({ type }) => type !== 'send');
    this.#sends.clear();
    this.#records = undefined;
  }

  take(): LeaseOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    this.#sends.clear();
    this.#records = undefined;
    this.#spoken.clear();
    return outputs;
  }
}
