// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import type {
  CheckpointAnswer,
  CheckpointRequest,
  CheckpointView,
  ForgetRequest,
  RecordingMessage,
  RecordingRequest,
  RestoreAnswer,
  RestoreRequest,
  StoredSlotView,
} from '@vnfpool/core/management';
import type { ManagerReply, StoredPlace } from '@vnfpool/core/manager';
import {
  RECORDED_UPDATES_MAX,
  recordedUpdate,
  type StateAnswer,
  type StateTask,
} from '@vnfpool/wire/mobility';
import { ApiError, type WantedSlots } from '../management-api/index.ts';

type Told = NonNullable<Extract<ManagerReply, { ok: true }>['state']>;

/** One question about a task: the first one begins it. */
export interface StateQuestion {
  readonly pool: string;
  readonly index: number;
  readonly id: string;
  /** Of `forget`. */
  readonly slot?: string;
  readonly isGone?: boolean;
  readonly task: StateTask;
  readonly from: number;
  readonly stop: boolean;
  readonly node?: Told['node'];
}

export interface StateQuestionsOptions {
  /** @throws ApiError for what is refused */
  readonly ask: (question: StateQuestion) => Promise<Told>;
  /** 16 hexadecimal digits, never twice the same. */
  readonly newId: () => string;
  /** Null: there is none of this number. */
  readonly nodeName: (id: number) => string | null;
  readonly nowMs: () => number;
}

/** For a checkpoint, and for a list of them. */
const OVER_MS = 25_000;
const LOOK_EVERY_MS = 50;
const RECORDED_EVERY_MS = 200;
const PROGRESS_EVERY_MS = 1_000;

/** What takes longer than one answer of a node: asked again until it is over. */
export class StateQuestions {
  readonly #options: StateQuestionsOptions;

  constructor(options: StateQuestionsOptions) {
    this.#options = options;
  }

  /** @throws ApiError when it was not made, or is not known to be */
  async checkpoint({ pool, slot, full = false }: CheckpointRequest): Promise<CheckpointAnswer> {
    const asking = this.#begin(pool, slot, { task: 'checkpoint', isFull: full });
    const { made } = await this.#over(asking);
    if (made === undefined) throw notReady('The node does not say what it has written.');
    return { ...made, node: this.#nameOf(asking.node ?? 0) };
  }

  /** @throws ApiError when it was not done, or is not known to be */
  async restore({ pool, slot, epoch, number, from, format }: RestoreRequest): Promise<RestoreAnswer> {
    const place = { epoch, number };
    const asking = this.#begin(
      pool,
      slot,
      from === undefined
        ? { task: 'restore', ...place }
        : { task: 'restore-from', source: from, ...place, ...(format === undefined ? {} : { format }) },
    );
    const { made } = await this.#over(asking);
    if (made === undefined) throw notReady('The node does not say what it has written.');
    const { kind: _, ...rest } = made;
    return { ...rest, node: this.#nameOf(asking.node ?? 0) };
  }

  /** The oldest first. @param from of the slot with this id @throws ApiError */
  async checkpoints(pool: string, slot: number, from?: string): Promise<readonly CheckpointView[]> {
    const task =
      from === undefined ? ({ task: 'list' } as const) : ({ task: 'list-from', source: from } as const);
    const all = await this.#all(this.#begin(pool, slot, task), ({ found = [] }) => found);
    return all.map(({ wallMs, node, sequence, damage, ...rest }) => ({
      pool,
      slot,
      ...rest,
      writtenAt: wallMs || null,
      // What another slot has may be of another set, with other numbers for its nodes.
      node: node === 0 ? null : from === undefined ? this.#nameOf(node) : `node ${node}`,
      sequence: wallMs === 0 ? null : sequence,
      damage: damage || null,
      ...(from === undefined ? {} : { from }),
    }));
  }

  /** @param wanted one of them, and what its values are said to be @throws ApiError */
  async storedSlots(
    pool: string,
    slot: number,
    { id, format }: WantedSlots,
  ): Promise<readonly Omit<StoredSlotView, 'current'>[]> {
    const task = {
      task: 'slots',
      ...(id === undefined ? {} : { source: id }),
      ...(format === undefined ? {} : { format }),
    } as const;
    const all = await this.#all(this.#begin(pool, slot, task), ({ slots = [] }) => slots);
    return all.map((each) => ({
      id: each.slot,
      set: each.set || null,
      pool: each.pool || null,
      slot: each.pool === '' ? null : each.index,
      format: each.format || null,
      full: each.full,
      epoch: each.epoch || null,
      number: each.number || null,
      writtenAt: each.wallMs || null,
      keys: each.epoch === 0 ? null : each.keys,
      damage: each.damage || null,
      misfit: each.misfit || null,
    }));
  }

  /** Resolves once nothing of it is in the stores where it was left. @throws ApiError */
  async forget(
    { pool, slot: index, id: slot, gone = [] }: ForgetRequest,
    places: readonly StoredPlace[],
  ): Promise<void> {
    const faults: string[] = [];
    for (const { method, store, address } of places) {
      try {
        const task = { task: 'forget', method, store: address } as const;
        await this.#over(this.#begin(pool, index, task, { slot, isGone: gone.includes(store) }));
      } catch (error) {
        // What is in the others is removed all the same.
        if (!(error instanceof ApiError)) throw error;
        faults.push(`${store}: ${error.message}`);
      }
    }
    if (faults.length > 0) throw notReady(faults.join('; '));
  }

  /** Begins it; what follows is told until it ends, or `signal` ends it. @throws ApiError when it cannot begin */
  async record(request: RecordingRequest, signal: AbortSignal): Promise<AsyncIterable<RecordingMessage>> {
    const { pool, slot, forMs, octetsMax } = request;
    const asking = this.#begin(pool, slot, { task: 'record', forMs, octetsMax });
    return this.#recorded(asking, await this.#answer(asking, 0), signal);
  }

  async *#recorded(
    asking: Asking,
    first: StateAnswer | null,
    signal: AbortSignal,
  ): AsyncGenerator<RecordingMessage, void, undefined> {
    const { nowMs } = this.#options;
    let told = first;
    let updates = 0;
    let elapsedMs = 0;
    let toldMs = nowMs();
    let isOver = false;
    try {
      for (;;) {
        const part = told?.recording;
        elapsedMs = part?.elapsedMs ?? elapsedMs;
        if (part !== undefined && part.updates.length > 0) {
          updates += part.updates.length;
          yield { kind: 'updates', data: part.updates.map(recordedUpdate) };
        }
        if (part !== undefined && part.end !== '') {
          isOver = true;
          yield { kind: 'end', data: { updates, elapsedMs, why: part.end, reason: '' } };
          return;
        }
        if (nowMs() - toldMs >= PROGRESS_EVERY_MS) {
          toldMs = nowMs();
          yield { kind: 'progress', data: { updates, elapsedMs } };
        }
        // One that is full has more behind it.
        if ((part?.updates.length ?? 0) < RECORDED_UPDATES_MAX)
          await pause(RECORDED_EVERY_MS, undefined, { signal });
        signal.throwIfAborted();
        told = await this.#answer(asking, updates);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      yield { kind: 'end', data: { updates, elapsedMs, why: 'failed', reason: error.message } };
    } finally {
      // A node that does not hear of it ends it by itself.
      if (!isOver) await this.#answer(asking, updates, true).catch(() => null);
    }
  }

  #begin(
    pool: string,
    index: number,
    task: StateTask,
    more: Pick<StateQuestion, 'slot' | 'isGone'> = {},
  ): Asking {
    return { question: { pool, index, id: this.#options.newId(), task, ...more }, node: null };
  }

  /** Of a task whose answer comes in parts. */
  async #all<Item>(
    asking: Asking,
    itemsOf: (answer: StateAnswer) => readonly Item[],
  ): Promise<readonly Item[]> {
    const all: Item[] = [];
    for (;;) {
      const answer = await this.#over(asking, all.length);
      const items = itemsOf(answer);
      all.push(...items);
      if (answer.hasMore !== true || items.length === 0) return all;
    }
  }

  /** The last answer of a task. */
  async #over(asking: Asking, from = 0): Promise<StateAnswer> {
    const untilMs = this.#options.nowMs() + OVER_MS;
    for (;;) {
      const told = await this.#answer(asking, from);
      if (told?.isOver) return told;
      if (this.#options.nowMs() >= untilMs) {
        await this.#answer(asking, from, true).catch(() => null);
        throw notReady(`It is not over after ${OVER_MS / 1_000} s; the store may be slow.`);
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  async #answer(asking: Asking, from: number, stop = false): Promise<StateAnswer | null> {
    const { question } = asking;
    const told = await this.#options.ask({
      ...question,
      from,
      stop,
      ...(asking.node === null ? {} : { node: asking.node }),
    });
    asking.node = told.node;
    const fault = told.answer?.fault ?? '';
    if (fault !== '') throw notReady(`${this.#nameOf(told.node)}: ${fault}`);
    return told.answer;
  }

  #nameOf(node: number): string {
    return this.#options.nodeName(node) ?? `node ${node}`;
  }
}

interface Asking {
  readonly question: Omit<StateQuestion, 'from' | 'stop' | 'node'>;
  /** Who was asked; null: nobody was. */
  node: Told['node'] | null;
}

function notReady(message: string): ApiError {
  return new ApiError(409, 'not-ready', message);
}
