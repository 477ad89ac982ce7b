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

type Sends = Map<number, LeaseMessage[]>;

/** One write to the disk, and the answers that rest on it. */
interface Stage {
  readonly records: LeaseRecord[];
  readonly answers: Sends;
}

/** The stage of a slot's last record, or the last one when the slot was answered of without a record. */
interface Place {
  readonly stage: number;
  readonly hasRecord: boolean;
  isAnswered: boolean;
}

/**
 * Collects one step's outputs. Records share writes to the disk: a record may be durable earlier than it had to be, and a
 * step then waits for the disk once, however many slots it is about. What was answered of a slot stays before a later
 * record of it, so a step has as many writes as one slot has records. Messages to one peer share a `send`, as long as
 * nothing moves ahead of what it depends on.
 */
export class Outbox {
  #outputs: (LeaseOutput | Stage)[] = [];
  readonly #stages: Stage[] = [];
  readonly #places = new Map<string, Place>();
  /** First stage for records of whatever slot: a message about many was sent before it. */
  #floor = 0;
  /** Open batches since the last stage or other output. */
  readonly #sends: Sends = new Map();

  send(to: number, message: LeaseMessage): void {
    const last = this.#stages.length - 1;
    if (ANSWERS.has(message.type)) {
      if (!('slot' in message)) this.#floor = last + 1;
      else {
        const place = this.#places.get(message.slot);
        const stage = place && this.#stages[place.stage];
        if (place?.hasRecord && stage !== undefined) {
          place.isAnswered = true;
          add(stage.answers, to, message);
          return;
        }
        this.#places.set(message.slot, { stage: last, hasRecord: false, isAnswered: true });
      }
    }
    const messages = add(this.#sends, to, message);
    if (messages.length === 1) this.#outputs.push({ type: 'send', to, messages });
  }

  persist(record: LeaseRecord): void {
    const about = record.type === 'slot' ? record.slot : record.type;
    const place = this.#places.get(about);
    const earliest = place === undefined ? 0 : place.stage + (place.isAnswered ? 1 : 0);
    const at = Math.max(earliest, this.#floor);
    let stage = this.#stages[at];
    if (stage === undefined) {
      stage = { records: [], answers: new Map() };
      this.#stages.push(stage);
      this.#outputs.push(stage);
      this.#sends.clear();
    }
    stage.records.push(record);
    this.#places.set(about, { stage: at, hasRecord: true, isAnswered: false });
  }

  emit(output: LeaseOutput): void {
    // What is sent after this may depend on it (a release on its `fence-close`).
    if (this.#sends.size > 0) this.#sends.clear();
    this.#outputs.push(output);
  }

  /** What would be sent is not; like everything that is sent it may be lost. */
  dropSends(): void {
    this.#outputs = this.#outputs.filter((output) => !('type' in output) || output.type !== 'send');
    for (const { answers } of this.#stages) answers.clear();
    this.#sends.clear();
  }

  take(): LeaseOutput[] {
    const outputs =
      this.#stages.length === 0 ? (this.#outputs as LeaseOutput[]) : this.#outputs.flatMap(flat);
    this.#outputs = [];
    this.#stages.length = 0;
    this.#places.clear();
    this.#floor = 0;
    this.#sends.clear();
    return outputs;
  }
}

function add(sends: Sends, to: number, message: LeaseMessage): readonly LeaseMessage[] {
  let messages = sends.get(to);
  if (messages === undefined) sends.set(to, (messages = []));
  messages.push(message);
  return messages;
}

function flat(output: LeaseOutput | Stage): LeaseOutput | LeaseOutput[] {
  if ('type' in output) return output;
  const { records, answers } = output;
  return [
    { type: 'persist', records },
    ...[...answers].map(([to, messages]) => ({ type: 'send' as const, to, messages })),
  ];
}
