// SPDX-License-Identifier: Apache-2.0
import { type MadeCheckpoint, MobilityError, type StateAnswer, type StateTask } from '@vnfpool/wire/mobility';
import { formatEpoch, type NodeId } from '../identity.ts';
import type { MobilityManagerOutput } from '../mobility/types.ts';
import { type Observed, type ObservedNode, type ObservedSlot, takesOrders } from '../planner/observed.ts';
import { rankingOf } from '../planner/roles.ts';
import { isCarriedBySlot } from '../state-level/carried.ts';
import { nodesBehind } from './addresses.ts';
import type { Journal } from './journal.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { ManagerState } from './state.ts';
import { forgetPlace } from './stored-states.ts';
import type { ManagerCoreOutput, ManagerReply } from './types.ts';

type Result = Extract<MobilityManagerOutput, { readonly type: 'operation-result' }>;

/** What a person asks of the state of a slot, or how far that is. */
export interface StateOrderRequest {
  readonly requestId: number;
  readonly pool: string;
  readonly index: number;
  /** As in `StateOrder`, and the same for every question about the same task. */
  readonly id: string;
  /** Of `forget`: the slot, as others may have had its name. */
  readonly slot?: string;
  /** Of `forget`: the store is there no more, and no node is asked. */
  readonly isGone?: boolean;
  readonly task: StateTask;
  readonly from: number;
  readonly stop: boolean;
  /** Who was asked first; absent: nobody was. */
  readonly node?: NodeId;
}

/** What the node said; null: nothing, and it may be asked again. */
export interface StateOrderReply {
  readonly node: NodeId;
  readonly answer: StateAnswer | null;
}

interface Asked {
  readonly request: StateOrderRequest;
  readonly node: NodeId;
  readonly name: string;
  readonly untilMs: number;
}

interface Moment {
  readonly nowMs: number;
  readonly wallMs: number;
}

interface Chosen {
  readonly slot: string;
  readonly node: ObservedNode;
}

const FAILED = 128;
/** A node that says nothing for so long is not waited for. */
const ANSWER_MS = 10_000;
/** Unanswered at a time; more are refused. */
const ASKED_MAX = 256;

/** Questions about the state of slots, on their way between whoever asks and the node that knows. Nothing of it is kept. */
export class ManagerStateOrders {
  readonly #state: ManagerState;
  readonly #journal: Journal;
  readonly #nextRequest: () => number;
  readonly #asked = new Map<number, Asked>();

  /** `nextRequest` gives the number of the next order to a node. */
  constructor(state: ManagerState, journal: Journal, nextRequest: () => number) {
    this.#state = state;
    this.#journal = journal;
    this.#nextRequest = nextRequest;
  }

  /** Checks what a person asks for, and asks the node. */
  ask(request: StateOrderRequest, { nowMs, wallMs }: Moment): ManagerCoreOutput {
    const { id, from, stop, task, pool, index } = request;
    const chosen = task.task === 'forget' ? this.#forgetter(request, nowMs) : this.#choose(request, nowMs);
    if ('code' in chosen) return answered(request, chosen);
    if (task.task === 'forget' && request.isGone === true) {
      const place = { method: task.method, address: task.store };
      forgetPlace(this.#state, this.#journal, chosen.slot, place, true, wallMs);
      const answer: StateAnswer = { v: 1, id, isOver: true, fault: '' };
      return answered(request, { ok: true, state: { node: chosen.node.id as NodeId, answer } });
    }
    if (this.#asked.size >= ASKED_MAX)
      return answered(request, refuse('BUSY', `${ASKED_MAX} questions about states are on their way.`));
    const { slot, node } = chosen;
    if (isRestore(task) && request.node === undefined) {
      const message = `An operator wants slot ${index} of ${pool} to begin anew with ${checkpointOf(task)}; ${chosen.node.name} is told.`;
      this.#journal.event(wallMs, 'state.restore', 'warning', `slot ${pool}/${index}`, message);
    }
    const requestId = this.#nextRequest();
    const to = node.id as NodeId;
    this.#asked.set(requestId, { request, node: to, name: node.name, untilMs: nowMs + ANSWER_MS });
    return {
      type: 'mobility',
      input: { type: 'state-order', requestId, node: to, order: { v: 1, id, slot, from, stop, ...task } },
      reason: `the state of slot ${index} of ${pool} is asked for`,
    };
  }

  /** Takes the answer to a question of ours; undefined: it is not. */
  settle(result: Result, wallMs: number): ManagerCoreOutput[] | undefined {
    const asked = this.#asked.get(result.requestId);
    if (asked === undefined) return undefined;
    this.#asked.delete(result.requestId);
    const { request, node, name } = asked;
    if (result.code >= FAILED) {
      const words = result.text || `code ${result.code}`;
      const message = isUnknownTask(result)
        ? `The agent of ${name} is of an earlier version, which cannot do that: upgrade it first. It said: ${words}.`
        : `${name} refused: ${words}.`;
      return [answered(request, refuse('NOT_READY', message))];
    }
    const answer = result.stateAnswer?.id === request.id ? result.stateAnswer : null;
    const { task, slot } = request;
    if (task.task === 'forget' && slot !== undefined && answer?.isOver === true && answer.fault === '') {
      const place = { method: task.method, address: task.store };
      forgetPlace(this.#state, this.#journal, slot, place, false, wallMs);
    }
    if (isRestore(task) && answer?.made !== undefined) this.#restored(asked, answer.made, wallMs);
    return [answered(request, { ok: true, state: { node, answer } })];
  }

  #restored(
    { request, name }: Asked,
    { epoch, number, sequence, keys }: MadeCheckpoint,
    wallMs: number,
  ): void {
    const { pool, index, task } = request;
    if (!isRestore(task)) return;
    const message = `Slot ${index} of ${pool} begins anew with ${checkpointOf(task)}, as an operator wanted: ${name} has written it as the newest, ${placeOf({ epoch, number })}, with ${keys} keys, up to update ${sequence}. ${task.task === 'restore' ? 'What was changed behind it' : 'What the slot had'} is dropped.`;
    this.#journal.event(wallMs, 'state.restored', 'warning', `slot ${pool}/${index}`, message);
  }

  /** Tells whom nobody answers. */
  expire(nowMs: number): ManagerCoreOutput[] {
    const late = [...this.#asked].filter(([, { untilMs }]) => untilMs <= nowMs);
    return late.map(([requestId, { request, name }]) => {
      this.#asked.delete(requestId);
      return answered(request, refuse('NOT_READY', `${name} does not answer.`));
    });
  }

  get deadlineMs(): number | undefined {
    // In the order in which they were asked.
    const [first] = this.#asked.values();
    return first?.untilMs;
  }

  /** Whoever removes what a slot has left. No two may have the same thing in mind: it is named by its id, too. */
  #forgetter(request: StateOrderRequest, nowMs: number): Chosen | Refusal {
    const { pool, index, slot = '', node: asked } = request;
    const where = `slot ${index} of ${pool}`;
    if (this.#state.slots.has(slot))
      return refuse(
        'NOT_READY',
        `There is ${where}: only what is left of slots that are no more is removed.`,
      );
    const record = this.#state.stored.get(slot);
    if (record === undefined || record.pool !== pool || record.index !== index)
      return refuse('NOT_FOUND', `Nothing is known to be left of ${where} with the id ${slot}.`);
    const { nodes } = this.#state.observed(nowMs);
    const reachable = nodes.filter(takesOrders);
    // A node that cannot be reached may write as well; the store refuses it, which is told the same way to all.
    const behind = nodesBehind(this.#state, nowMs).find((name) =>
      reachable.some((each) => each.name === name),
    );
    if (behind !== undefined && asked === undefined)
      return refuse('NOT_READY', `${behind} has not confirmed yet that ${where} is no more; try again.`);
    const witnesses = this.#state.set?.declared.nodes.filter(({ witness }) => witness === true) ?? [];
    const [node] =
      asked === undefined
        ? reachable.filter(({ name }) => witnesses.every((each) => each.name !== name))
        : reachable.filter(({ id }) => id === asked);
    return node ? { slot, node } : refuse('NOT_READY', 'No node that may do it can be reached.');
  }

  #choose(request: StateOrderRequest, nowMs: number): Chosen | Refusal {
    const { pool: name, index, task, node: asked } = request;
    const pool = this.#state.set?.declared.pools.find((each) => each.name === name);
    if (!pool) return refuse('NOT_FOUND', `There is no pool ${name}.`);
    const observed = this.#state.observed(nowMs);
    const slot = observed.slots.find((each) => each.pool === name && each.index === index);
    if (!slot) return refuse('NOT_FOUND', `Pool ${name} has no slot ${index}.`);
    const where = `slot ${index} of ${name}`;
    if (asked !== undefined) {
      const node = observed.nodes.find(({ id }) => id === asked);
      if (takesOrders(node)) return { slot: slot.id, node };
      return refuse('NOT_READY', 'The node that was asked first cannot be reached any more.');
    }
    const level = this.#state.sharing.get(name)?.level;
    const method = level?.method ?? 'none';
    if (task.task !== 'record' && method !== 'checkpoint')
      return refuse('NOT_READY', `${name} has no checkpoints: its method of state sharing is ${method}.`);
    if (task.task === 'record' && !isCarriedBySlot({ method }))
      return refuse('NOT_READY', `Agents do not carry the state of ${name}: its method is ${method}.`);
    if ('source' in task && task.source === slot.id)
      return refuse('NOT_READY', `${slot.id} is ${where} itself, and no other slot.`);
    // What a store has any candidate reads; but only a holder can let go of what it has.
    const isForAny = isReading(task) || (isRestore(task) && slot.holder === null);
    const nodes = nodesOf(slot, observed, isForAny ? rankingOf(pool, index, observed) : []);
    if (slot.holder === null && !isForAny)
      return refuse('NOT_READY', `Nobody holds ${where}, so nobody has its state.`);
    const node = nodes.find(takesOrders);
    if (node) return { slot: slot.id, node };
    return refuse(
      'NOT_READY',
      isForAny
        ? `No node with a candidate for ${where} can be reached.`
        : `The node of the holder of ${where} cannot be reached.`,
    );
  }
}

/** Where its holder is, then where the others are. */
function nodesOf({ holder }: ObservedSlot, observed: Observed, others: readonly number[]): ObservedNode[] {
  return [holder, ...others].flatMap((functionId) => {
    const instance = observed.instances.find((each) => each.functionId === functionId);
    return observed.nodes.filter(({ name }) => name === instance?.node);
  });
}

type Restore = Extract<StateTask, { readonly task: 'restore' | 'restore-from' }>;

function isRestore(task: StateTask): task is Restore {
  return task.task === 'restore' || task.task === 'restore-from';
}

/** Nothing is changed by it. */
function isReading({ task }: StateTask): boolean {
  return task === 'list' || task === 'slots' || task === 'list-from';
}

/** Agents refuse a task of which they do not know by the place in the document. */
function isUnknownTask({ error, text }: Result): boolean {
  return error === MobilityError.malformed && text.startsWith('stateOrder.task ');
}

function checkpointOf(task: Restore): string {
  const name = `checkpoint ${placeOf(task)}`;
  return task.task === 'restore' ? name : `${name} of another slot, ${task.source}`;
}

/** As people name a checkpoint. */
function placeOf({ epoch, number }: { readonly epoch: number; readonly number: number }): string {
  return `${formatEpoch(epoch)}/${number}`;
}

function answered({ requestId }: StateOrderRequest, reply: ManagerReply): ManagerCoreOutput {
  return { type: 'reply', requestId, reply };
}
