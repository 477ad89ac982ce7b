// SPDX-License-Identifier: Apache-2.0

import type { Random } from '../core.ts';
import { indexed } from '../planner/indexed.ts';
import { instanceName, isReady, takesOrders } from '../planner/observed.ts';
import { staysAtNode, targetOf } from '../planner/target.ts';
import { isByAgents } from '../state-level/carried.ts';
import { hex64 } from './hex64.ts';
import type { Journal } from './journal.ts';
import { lifeOf } from './node-reports.ts';
import type { ManagerWrite, MoveRecord } from './records.ts';
import { type Refusal, refuse } from './refusal.ts';
import { nameOf } from './reports.ts';
import { type ManagerState, type MoveLife, newMoveLife } from './state.ts';

/*
 * Instances on their way from one node to another. The manager orders both ends and then only watches: which of the two
 * copies serves is settled by the transfer between the nodes and by the slot's lease. An instance belongs to its new
 * node as soon as it runs there and its slot is not held at the old one; what is left at the other is a stray.
 */

/** When something happens: by the core's clock, and by people's. */
export interface Moment {
  readonly nowMs: number;
  readonly wallMs: number;
}

/** How long a slot's holder may take to admit the destination as a candidate. */
const ADMIT_MS = 10_000;
/** Where it admits only who has the slot's state, which has to get there before. */
const ADMIT_WITH_STATE_MS = 60_000;
/** How long a destination may be silent when nobody else can tell what became of a move. */
const UNHEARD_MS = 60_000;
const RETRY_MS_MIN = 2_000;
const RETRY_MS_MAX = 60_000;

/** The record of a move that begins. */
export function beginMove(
  state: ManagerState,
  { functionId, to, reason }: { readonly functionId: number; readonly to: string; readonly reason: string },
  random: Random,
  wallMs: number,
): ManagerWrite[] {
  const from = state.instances.get(functionId)?.node;
  if (from === undefined) return [];
  const token = hex64(random.u64()) + hex64(random.u64());
  const value: MoveRecord = { functionId, from, to, token, startedMs: wallMs, reason };
  state.moves.set(functionId, value);
  state.moveLives.set(functionId, newMoveLife('begun'));
  return [{ table: 'moves', key: String(functionId), value }];
}

/** Checks a move that a person asks for. */
export function chooseMove(
  state: ManagerState,
  request: { readonly instance: string; readonly to?: string },
  nowMs: number,
): { readonly functionId: number; readonly to: string } | Refusal {
  const observed = state.observed(nowMs);
  const declared = state.set?.declared;
  const instance = observed.instances.find((each) => instanceName(each) === request.instance);
  if (!declared || !instance) return refuse('NOT_FOUND', `There is no instance ${request.instance}.`);
  const { functionId, pool, node, move } = instance;
  if (move) return refuse('NOT_READY', `${request.instance} moves to ${move.to} already.`);
  if (observed.slots.some(({ holder, handover }) => holder === functionId && handover))
    return refuse('NOT_READY', `The slot of ${request.instance} is being handed over.`);
  if (observed.slots.filter(({ holder }) => holder === functionId).length > 1)
    return refuse(
      'NOT_READY',
      `${request.instance} holds several slots, and can take one along: hand them over first.`,
    );
  if (staysAtNode(instance, declared))
    return refuse(
      'NOT_READY',
      `The connections of ${request.instance} are those of its node: hand its slot over, they are shared.`,
    );
  const nodes = indexed(observed).nodes;
  if (!isReady(instance, nodes))
    return refuse(
      'NOT_READY',
      `${request.instance} is not ready: what does not run has nothing to take along.`,
    );
  if (request.to === undefined) {
    const target = targetOf(instance, declared, observed);
    return target
      ? { functionId, to: target.name }
      : refuse(
          'NOT_READY',
          `Every node that answers and is not drained runs an instance of ${pool} already.`,
        );
  }
  const { to } = request;
  const place = declared.nodes.find(({ name }) => name === to);
  if (place?.witness) return refuse('NOT_READY', `${to} is a witness: it runs no functions.`);
  if (!place)
    return refuse(
      'NOT_FOUND',
      `The set has no node ${to}; its nodes: ${declared.nodes.map(({ name }) => name).join(', ')}.`,
    );
  if (to === node) return refuse('NOT_READY', `${request.instance} is on ${to} already.`);
  const other = observed.instances.find(
    (each) => each.pool === pool && (each.node === to || each.move?.to === to),
  );
  if (other)
    return refuse('NOT_READY', `${to} has ${instanceName(other)}; a node runs one instance of a pool.`);
  const target = nodes.get(to);
  if (!takesOrders(target)) return refuse('NOT_READY', `${to} is not registered.`);
  if (target.draining) return refuse('NOT_READY', `${to} is drained.`);
  return { functionId, to };
}

/** Takes a move back. One that was begun goes on until its destination, which is to be asked, has given up. */
export function cancelMove(state: ManagerState, journal: Journal, functionId: number, moment: Moment): void {
  const life = state.moveLives.get(functionId);
  if (!life) return;
  life.isCancelled = true;
  if (life.phase === 'begun') failMove(state, journal, functionId, 'cancelled', moment);
}

/**
 * Looks at what both ends of every move have told.
 * @param isDeciding Decisions are being written: an instance that was dropped may be there again when they cannot be
 */
export function settleMoves(
  state: ManagerState,
  journal: Journal,
  isDeciding: boolean,
  moment: Moment,
): void {
  for (const move of state.moves.values()) {
    const life = state.moveLives.get(move.functionId);
    if (!life) continue;
    if (state.instances.has(move.functionId)) settleMove(state, journal, move, life, moment);
    else if (!isDeciding) dropMove(state, journal, move, moment);
  }
}

function settleMove(
  state: ManagerState,
  journal: Journal,
  move: MoveRecord,
  life: MoveLife,
  moment: Moment,
): void {
  const { functionId, from, to } = move;
  const { wallMs } = moment;
  const source = state.functions.get(`${from}/${functionId}`);
  const arrival = state.arrivalOf(move);
  const isSending = source?.report?.transfer !== undefined;
  if (isSending) life.isSeen = true;
  const isHeldAtSource = state
    .holders()
    .some((holder) => holder.functionId === functionId && holder.node === state.nodes.get(from)?.id);
  const goneAtSource = source === undefined && lifeOf(state, from).heard;
  if (!goneAtSource || isReachable(state, to)) life.heardByMs = null;
  if (arrival?.status === 'Running' && !isHeldAtSource) arrive(state, journal, move, life, wallMs);
  else if (life.phase !== 'ordered') {
    const reason = unfit(state, move, life) ?? notAdmitted(state, move, life, moment.nowMs);
    if (reason !== undefined) failMove(state, journal, functionId, reason, moment);
  } else if (goneAtSource && !isReachable(state, to)) {
    // It went there, and then the node was lost: from there it comes back, or fails over like any other.
    if (life.hasLeft) arrive(state, journal, move, life, wallMs);
    // Else the source may have crashed; or it has moved, and told a manager before us. The destination knows.
    else if (moment.nowMs >= (life.heardByMs ??= moment.nowMs + UNHEARD_MS))
      failMove(
        state,
        journal,
        functionId,
        `${from} does not run it any more, and ${to} is not heard of`,
        moment,
      );
  } else if (source?.status === 'Running' && !isSending && life.isSeen)
    failMove(state, journal, functionId, source.report?.reason || 'its node did not send it', moment);
  // While the source can be heard it says why.
  else if (arrival === undefined && lifeOf(state, to).heard && !(isSending && isReachable(state, from)))
    failMove(state, journal, functionId, source?.report?.reason || `${to} does not run it`, moment);
}

/**
 * Whoever holds an instance's slot is that instance, also where its record says that it is elsewhere: a move whose end
 * nobody could tell had gone well.
 */
export function followHolders(state: ManagerState, journal: Journal, wallMs: number): void {
  for (const holder of state.holders()) {
    const instance = state.instances.get(holder.functionId);
    const node = state.nodeById(holder.node)?.name;
    if (!instance || !node || instance.node === node || state.moves.has(instance.functionId)) continue;
    if (state.functions.get(`${node}/${instance.functionId}`)?.status !== 'Running') continue;
    const value = { ...instance, node };
    state.instances.set(instance.functionId, value);
    state.told.delete(instance.functionId);
    journal.save(
      { table: 'instances', key: String(instance.functionId), value },
      { table: 'told', key: String(instance.functionId), value: null },
    );
    const name = instanceName(value);
    const message = `${name} is on ${node}: it holds its slot there.`;
    journal.event(wallMs, 'instance.found', 'info', `instance ${name}`, message);
  }
}

function isReachable(state: ManagerState, node: string): boolean {
  const is = lifeOf(state, node).state;
  return is !== 'lost' && is !== 'absent';
}

/** Why a move that the source has not been told of cannot go on. */
function unfit(state: ManagerState, move: MoveRecord, { phase }: MoveLife): string | undefined {
  const { functionId, from, to } = move;
  const missing = [from, to].find((name) => !isReachable(state, name));
  if (missing !== undefined) return `${missing} is ${lifeOf(state, missing).state}`;
  if (lifeOf(state, from).heard && state.functions.get(`${from}/${functionId}`)?.status !== 'Running')
    return `it does not run on ${from} any more`;
  const isGone = phase === 'prepared' && lifeOf(state, to).heard && !state.arrivalOf(move);
  return isGone ? `it did not start on ${to}, or its state did not come in time` : undefined;
}

/** Why nobody was told of the move in time: a slot has no holder, or one that knows nothing of it. */
function notAdmitted(
  state: ManagerState,
  move: MoveRecord,
  life: MoveLife,
  nowMs: number,
): string | undefined {
  if (life.phase !== 'begun' || state.isAdmitted(move)) {
    life.admittedByMs = null;
    return undefined;
  }
  const level = state.sharing.get(state.instances.get(move.functionId)?.pool ?? '')?.level;
  life.admittedByMs ??= nowMs + (level && isByAgents(level) ? ADMIT_WITH_STATE_MS : ADMIT_MS);
  return nowMs < life.admittedByMs
    ? undefined
    : `its slot could not be told that it goes to ${move.to}, for only a holder can tell`;
}

function arrive(
  state: ManagerState,
  journal: Journal,
  move: MoveRecord,
  life: MoveLife,
  wallMs: number,
): void {
  const { functionId, from, to, startedMs } = move;
  const instance = state.instances.get(functionId);
  if (!instance) return;
  const value = { ...instance, node: to };
  state.instances.set(functionId, value);
  if (life.told) state.told.set(functionId, life.told);
  else state.told.delete(functionId);
  forgetMove(state, journal, functionId);
  state.moveRetries.delete(functionId);
  journal.save(
    { table: 'instances', key: String(functionId), value },
    { table: 'told', key: String(functionId), value: life.told },
  );
  const name = instanceName(value);
  const took = `${((wallMs - startedMs) / 1000).toFixed(1)} s`;
  journal.event(
    wallMs,
    'instance.moved',
    'info',
    `instance ${name}`,
    `${name} moved from ${from} to ${to} in ${took}.`,
  );
}

/**
 * The instance stays where it is; what was begun at the destination is a stray now. Nobody but a person orders it again
 * before 2 s are over, twice as long each time up to a minute.
 */
export function failMove(
  state: ManagerState,
  journal: Journal,
  functionId: number,
  reason: string,
  { nowMs, wallMs }: Moment,
): void {
  const move = state.moves.get(functionId);
  if (!move) return;
  const former = state.moveRetries.get(functionId)?.waitMs ?? RETRY_MS_MIN / 2;
  const waitMs = Math.min(RETRY_MS_MAX, former * 2);
  state.moveRetries.set(functionId, { atMs: nowMs + waitMs, waitMs });
  const isCancelled = state.moveLives.get(functionId)?.isCancelled === true;
  forgetMove(state, journal, functionId);
  const name = nameOf(state, functionId);
  journal.event(
    wallMs,
    isCancelled ? 'instance.move-cancelled' : 'instance.move-failed',
    isCancelled ? 'info' : 'warning',
    `instance ${name}`,
    `${name} stays on ${move.from} and did not move to ${move.to}: ${reason}.`,
  );
}

/** The instance is not wanted any more, wherever it is. */
function dropMove(
  state: ManagerState,
  journal: Journal,
  { functionId, from, to }: MoveRecord,
  { wallMs }: Moment,
): void {
  forgetMove(state, journal, functionId);
  const name = nameOf(state, functionId);
  const message = `${name} was dropped on its way from ${from} to ${to}.`;
  journal.event(wallMs, 'instance.move-cancelled', 'info', `instance ${name}`, message);
}

function forgetMove(state: ManagerState, journal: Journal, functionId: number): void {
  state.moves.delete(functionId);
  state.moveLives.delete(functionId);
  journal.save({ table: 'moves', key: String(functionId), value: null });
}
