// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@vnfpool/runtime/driver';
import type { CheckpointPlace } from '@vnfpool/wire/checkpoint';
import {
  answerWords,
  FOUND_CHECKPOINTS_MAX,
  FOUND_SLOTS_MAX,
  type FoundCheckpoint,
  type FoundSlot,
  type MadeCheckpoint,
  type StateAnswer,
  type StateOrder,
} from '@vnfpool/wire/mobility';
import { Recorder } from './recorder.ts';

/** Another slot whose checkpoints are meant. */
export interface OtherSource {
  /** Its id. */
  readonly source: string;
  /** What its values are, where the store does not say; absent: nobody says it. */
  readonly format?: string;
}

/** What is done about the state of one slot. */
export interface SlotTasks {
  /** One now. @throws Error why there is none */
  checkpoint(isFull: boolean): Promise<MadeCheckpoint>;
  /** Those in its store, the oldest first. @param source of this slot instead @throws Error why that cannot be told */
  checkpoints(signal: AbortSignal, source?: string): Promise<readonly FoundCheckpoint[]>;
  /** What its store has of other slots. @param from absent: all @throws Error why that cannot be told */
  others(signal: AbortSignal, from?: Partial<OtherSource>): Promise<readonly FoundSlot[]>;
  /** Whoever takes the slot next begins with this one; its holder gives it up. @param from whose it is; absent: its own @throws Error why not */
  restore(place: CheckpointPlace, signal: AbortSignal, from?: OtherSource): Promise<MadeCheckpoint>;
  /** @throws Error why nothing can be recorded */
  record(recorder: Recorder): void;
}

/** Removes what a slot that is no more has left. @throws Error why it is not done */
export type Forget = (order: StateOrder & { readonly task: 'forget' }) => Promise<void>;

/** What a task answers, but for whose answer it is. */
type Said = Omit<StateAnswer, 'v' | 'id'>;

interface Task {
  /** Nothing is done for it any more. */
  readonly isOver: boolean;
  /** @param from items that whoever asks has */
  say(from: number): Said;
  stop(): void;
}

interface Entry {
  readonly task: Task;
  /** Calls off that it is forgotten. */
  cancel: () => void;
}

/** Of a node under way at a time; more are refused. */
const TASKS_MAX = 8;
/** With those that are over, whose answer may be asked for once more; the oldest of these goes. */
const KEPT_MAX = 32;
/** Nobody asks about it any more: it is stopped and forgotten. */
const UNASKED_MS = 10_000;

/** Tasks that managers ordered, and ask about until they are over. */
export class StateTasks {
  readonly #clock: Clock;
  readonly #slotOf: (slot: string) => SlotTasks | undefined;
  readonly #forget: Forget;
  readonly #tasks = new Map<string, Entry>();

  constructor(clock: Clock, slotOf: (slot: string) => SlotTasks | undefined, forget: Forget) {
    this.#clock = clock;
    this.#slotOf = slotOf;
    this.#forget = forget;
  }

  /** Begins what is not known yet, and says how far it is. */
  answer(order: StateOrder): StateAnswer {
    const { id, from, stop } = order;
    const entry = this.#tasks.get(id) ?? this.#begin(order);
    if (typeof entry === 'string') return { v: 1, id, isOver: true, fault: answerWords(entry) };
    if (stop) entry.task.stop();
    this.#keep(id, entry);
    return { v: 1, id, ...entry.task.say(from) };
  }

  close(): void {
    for (const { task, cancel } of this.#tasks.values()) {
      cancel();
      task.stop();
    }
    this.#tasks.clear();
  }

  /** A text: why not. */
  #begin(order: StateOrder): Entry | string {
    const { slot: slotId, from, stop } = order;
    if (from > 0 || stop)
      return 'nothing is known of it any more: the agent was started again, or nobody asked';
    const slot = this.#slotOf(slotId);
    if (slot !== undefined && order.task === 'forget') return 'the slot is there: nothing of it is removed';
    const over = [...this.#tasks].filter(([, { task }]) => task.isOver);
    if (this.#tasks.size - over.length >= TASKS_MAX)
      return `${TASKS_MAX} such tasks are under way at the node already`;
    const [oldest] = over;
    if (oldest !== undefined && this.#tasks.size >= KEPT_MAX) {
      oldest[1].cancel();
      this.#tasks.delete(oldest[0]);
    }
    try {
      return { task: this.#taskOf(order, slot), cancel: () => undefined };
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** @throws Error why it cannot begin */
  #taskOf(order: StateOrder, slot: SlotTasks | undefined): Task {
    if (order.task === 'forget')
      return running(
        () => this.#forget(order),
        () => ({}),
      );
    if (slot === undefined) throw new Error('no state of the slot is shared here');
    return taskOf(order, slot, this.#clock);
  }

  #keep(id: string, entry: Entry): void {
    entry.cancel();
    this.#tasks.set(id, entry);
    entry.cancel = this.#clock.at(this.#clock.nowMs() + UNASKED_MS, () => {
      this.#tasks.delete(id);
      entry.task.stop();
    });
  }
}

/** @throws Error why it cannot begin */
function taskOf(
  order: Exclude<StateOrder, { readonly task: 'forget' }>,
  slot: SlotTasks,
  clock: Clock,
): Task {
  switch (order.task) {
    case 'checkpoint':
      return running(
        () => slot.checkpoint(order.isFull),
        (made) => ({ made }),
      );
    case 'slots':
      return running(
        (signal) => slot.others(signal, order),
        (all, from) => ({
          slots: all.slice(from, from + FOUND_SLOTS_MAX),
          hasMore: all.length > from + FOUND_SLOTS_MAX,
        }),
      );
    case 'list':
    case 'list-from':
      return running(
        (signal) => slot.checkpoints(signal, order.task === 'list' ? undefined : order.source),
        (all, from) => ({
          found: all.slice(from, from + FOUND_CHECKPOINTS_MAX),
          hasMore: all.length > from + FOUND_CHECKPOINTS_MAX,
        }),
      );
    case 'restore':
    case 'restore-from':
      return running(
        (signal) => {
          const { epoch, number } = order;
          return slot.restore({ epoch, number }, signal, order.task === 'restore' ? undefined : order);
        },
        (made) => ({ made }),
      );
    case 'record': {
      const recorder = new Recorder(order, clock);
      try {
        slot.record(recorder);
      } catch (error) {
        recorder.end('stopped');
        throw error;
      }
      return {
        get isOver() {
          return recorder.isOver;
        },
        say: (from) => {
          const recording = recorder.part(from);
          return { isOver: recording.end !== '', fault: '', recording };
        },
        stop: () => recorder.end('stopped'),
      };
    }
  }
}

/** A task that has something to say when it is done. */
function running<Result>(
  run: (signal: AbortSignal) => Promise<Result>,
  say: (result: Result, from: number) => Partial<Said>,
): Task {
  const ending = new AbortController();
  let outcome: { readonly result: Result } | { readonly fault: string } | null = null;
  run(ending.signal).then(
    (result) => {
      outcome = { result };
    },
    (error: Error) => {
      outcome = { fault: answerWords(error.message) || 'it failed' };
    },
  );
  return {
    get isOver() {
      return outcome !== null;
    },
    say: (from) => {
      if (outcome === null) return { isOver: false, fault: '' };
      if ('fault' in outcome) return { isOver: true, fault: outcome.fault };
      return { isOver: true, fault: '', ...say(outcome.result, from) };
    },
    stop: () => ending.abort(new Error('it was stopped')),
  };
}
