// SPDX-License-Identifier: Apache-2.0

import { acceptLoss } from './accepted-loss.ts';
import { chooseForced } from './council.ts';
import { saveCouncil } from './decisions.ts';
import { type Declarations, reply } from './declarations.ts';
import { beginHandover, chooseSuccessor } from './handover.ts';
import type { Journal } from './journal.ts';
import { chooseMaintenance, tellBegin, tellEnd } from './maintenance.ts';
import type { MassFailureGuard } from './mass-failure.ts';
import { beginMove, cancelMove, chooseMove, type Moment } from './moves.ts';
import {
  saveNode,
  takeFunctionStatus,
  takeFunctions,
  takeMoved,
  takeNodeState,
  takeRegistration,
} from './node-reports.ts';
import type { Orders } from './orders.ts';
import { chooseRotation, putSecrets } from './pool-secrets.ts';
import { nameOf, takeSlotReport, takeTraffic } from './reports.ts';
import type { Saving } from './saving.ts';
import type { ManagerSessionMoves } from './session-moves.ts';
import type { ManagerState } from './state.ts';
import type { ManagerStateOrders } from './state-orders.ts';
import type { ManagerCoreInput, ManagerCoreOptions, ManagerCoreOutput, ManagerReply } from './types.ts';
import { chooseUpgrade, putUpgrade } from './upgrade.ts';

/** What a manager consists of. */
export interface ManagerParts {
  readonly options: ManagerCoreOptions;
  readonly state: ManagerState;
  readonly journal: Journal;
  readonly orders: Orders;
  readonly declarations: Declarations;
  readonly saving: Saving;
  readonly sessionMoves: ManagerSessionMoves;
  readonly stateOrders: ManagerStateOrders;
  readonly guard: MassFailureGuard;
}

type Taker<Input extends ManagerCoreInput> = (
  parts: ManagerParts,
  input: Input,
  moment: Moment,
  outputs: ManagerCoreOutput[],
) => void;

type InputOf<Type extends ManagerCoreInput['type']> = Extract<ManagerCoreInput, { readonly type: Type }>;

const INPUTS: { readonly [T in ManagerCoreInput['type']]: Taker<InputOf<T>> } = {
  'node-registered': ({ state, journal }, input, { nowMs, wallMs }) =>
    takeRegistration(state, journal, input, nowMs, wallMs),
  'node-functions': ({ state, journal }, input) => takeFunctions(state, journal, input),
  'node-suspect': takeState,
  'node-lost': takeState,
  'node-back': takeState,
  'node-left': takeState,
  'node-moved': ({ state, journal }, input, { wallMs }) => takeMoved(state, journal, input, wallMs),
  // Placement counts functions; what nodes measure is not asked yet.
  'node-information': () => {},
  'function-status': ({ state, journal }, input, { nowMs, wallMs }) =>
    takeFunctionStatus(state, journal, input, nowMs, wallMs),
  'slot-report': ({ state, journal }, { node, report }, { wallMs }) => {
    const name = state.nodeById(node)?.name;
    if (name !== undefined) takeSlotReport(state, journal, name, report, wallMs);
  },
  'operation-result': ({ orders, sessionMoves, stateOrders }, input, moment, outputs) => {
    const own = sessionMoves.settle(input, moment) ?? stateOrders.settle(input, moment.wallMs);
    if (own) outputs.push(...own);
    else orders.settle(input, moment);
  },
  // The driver logs and counts these; nothing follows from them here.
  event: () => {},
  joined: takeJoin,
  registrar: ({ state, journal }, { address, port }) => {
    // It tells again and again; only news goes to disk.
    const [known] = state.topology.registrars;
    if (known?.address === address && known.port === port) return;
    state.topology = { registrars: [{ address, port }] };
    journal.save({ table: 'registrars', key: 'first', value: { address, port } });
  },
  traffic: ({ state, journal }, { report }, { wallMs }) => takeTraffic(state, journal, report, wallMs),
  handover: takeHandover,
  move: takeMove,
  drain: takeDrain,
  'force-council': takeForcedCouncil,
  thaw: ({ guard, journal }, { requestId }, moment, outputs) => {
    const message = 'Nothing is frozen.';
    const isThawed = guard.thaw(journal, moment);
    outputs.push(reply(requestId, isThawed ? { ok: true } : { ok: false, code: 'NOT_READY', message }));
  },
  upgrade: takeUpgrade,
  maintenance: takeMaintenance,
  'rotate-secret': takeRotation,
  'move-sessions': ({ sessionMoves }, input, { nowMs }, outputs) => {
    outputs.push(...sessionMoves.begin(input, nowMs));
  },
  'state-order': ({ stateOrders }, input, moment, outputs) => {
    outputs.push(stateOrders.ask(input, moment));
  },
  apply: ({ declarations }, input, { nowMs }, outputs) => declarations.take(input, nowMs, outputs),
  persisted: ({ saving, declarations }, { id }, { nowMs }, outputs) => {
    if (!saving.persisted(id)) declarations.persisted(id, nowMs, outputs);
  },
  'persist-failed': ({ saving, declarations }, input, { nowMs }, outputs) => {
    if (!saving.persistFailed(input.id, nowMs)) declarations.persistFailed(input, nowMs, outputs);
  },
};

export function takeInput(
  parts: ManagerParts,
  input: ManagerCoreInput,
  nowMs: number,
  outputs: ManagerCoreOutput[],
): void {
  const moment = { nowMs, wallMs: parts.options.wallMs(nowMs) };
  // The table pairs each input with its own function; the compiler cannot follow that through an index.
  (INPUTS[input.type] as Taker<ManagerCoreInput>)(parts, input, moment, outputs);
}

function takeState(
  { state, journal }: ManagerParts,
  input: InputOf<'node-suspect'> | InputOf<'node-lost'> | InputOf<'node-back'> | InputOf<'node-left'>,
  { nowMs, wallMs }: Moment,
): void {
  takeNodeState(state, journal, input, nowMs, wallMs);
}

/** A node has got its certificate. One with the same number keeps what is known of it. */
function takeJoin({ state, journal }: ManagerParts, input: InputOf<'joined'>, { wallMs }: Moment): void {
  const { node: id, name, certificateSerial } = input;
  const former = state.nodes.get(name);
  const record =
    former?.id === id
      ? { ...former, certificateSerial }
      : { id, name, certificateSerial, endpoint: null, bootTime: '', configuration: null };
  saveNode(state, journal, record);
  journal.event(wallMs, 'node.joined', 'info', `node ${name}`, `${name} joined as node ${id}.`);
}

function takeHandover(
  { options, state, journal }: ManagerParts,
  input: InputOf<'handover'>,
  { nowMs, wallMs }: Moment,
  outputs: ManagerCoreOutput[],
): void {
  if (input.acceptsLoss === true) {
    outputs.push(reply(input.requestId, acceptLoss(state, journal, input, { nowMs, wallMs })));
    return;
  }
  const chosen = chooseSuccessor(state, input, { nowMs, wallMs });
  if ('code' in chosen) {
    outputs.push(reply(input.requestId, chosen));
    return;
  }
  beginHandover(state, chosen, options.random, nowMs);
  journal.event(
    wallMs,
    'handover.ordered',
    'info',
    `slot ${input.pool}/${input.index}`,
    `Slot ${input.index} of ${input.pool} is handed over to ${chosen.name}${chosen.handedFrom === undefined ? '' : ', and stays there'}.`,
  );
  outputs.push(reply(input.requestId, { ok: true, to: chosen.name }));
}

function takeMove(
  { options, state, journal, declarations, orders }: ManagerParts,
  input: InputOf<'move'>,
  moment: Moment,
  outputs: ManagerCoreOutput[],
): void {
  const { nowMs, wallMs } = moment;
  const { requestId, instance, cancel = false } = input;
  if (cancel) {
    const move = [...state.moves.values()].find(({ functionId }) => nameOf(state, functionId) === instance);
    if (move) {
      cancelMove(state, journal, move.functionId, moment);
      outputs.push(...orders.cancel(move));
    }
    const message = `${instance} does not move.`;
    outputs.push(
      reply(requestId, move ? { ok: true, to: move.from } : { ok: false, code: 'NOT_READY', message }),
    );
    return;
  }
  const chosen = chooseMove(state, input, nowMs);
  if ('code' in chosen) {
    outputs.push(reply(requestId, chosen));
    return;
  }
  const { functionId, to } = chosen;
  const writes = beginMove(state, { ...chosen, reason: 'it was asked for' }, options.random, wallMs);
  const done = (): ManagerReply => {
    const message = `${instance} moves to ${to}: it was asked for.`;
    journal.event(wallMs, 'instance.move-ordered', 'info', `instance ${instance}`, message);
    return { ok: true, to };
  };
  const undo = (reason: string): string => {
    state.moves.delete(functionId);
    state.moveLives.delete(functionId);
    return `The move could not be written; ${instance} stays where it is. ${reason}`;
  };
  declarations.record(writes, { requestId, done, undo }, outputs);
}

function takeDrain(
  { state, journal, declarations }: ManagerParts,
  { requestId, node: name, cancel = false }: InputOf<'drain'>,
  { wallMs }: Moment,
  outputs: ManagerCoreOutput[],
): void {
  const former = state.nodes.get(name);
  if (!former || !state.set?.declared.nodes.some((each) => each.name === name)) {
    const message = former ? `Node ${name} is not declared.` : `No node ${name} has joined.`;
    outputs.push(reply(requestId, { ok: false, code: 'NOT_FOUND', message }));
    return;
  }
  const { drainedSinceMs: _, ...rest } = former;
  const value = cancel ? rest : { ...rest, drainedSinceMs: former.drainedSinceMs ?? wallMs };
  state.nodes.set(name, value);
  const done = (): ManagerReply => {
    const message = cancel
      ? `${name} is not drained any more: instances may be placed on it.`
      : `${name} is drained: what it runs moves away, and nothing is placed on it.`;
    if (cancel === (former.drainedSinceMs !== undefined))
      journal.event(
        wallMs,
        cancel ? 'node.drain-ended' : 'node.drain-ordered',
        'info',
        `node ${name}`,
        message,
      );
    return { ok: true };
  };
  const undo = (reason: string): string => {
    state.nodes.set(name, former);
    return `It could not be written; ${name} is what it was. ${reason}`;
  };
  declarations.record([{ table: 'nodes', key: name, value }], { requestId, done, undo }, outputs);
}

function takeForcedCouncil(
  { options, state, declarations }: ManagerParts,
  { requestId, members, council }: InputOf<'force-council'>,
  { wallMs }: Moment,
  outputs: ManagerCoreOutput[],
): void {
  const former = state.set;
  const chosen = chooseForced(state, { members, council }, options.random, wallMs);
  if ('code' in chosen) {
    outputs.push(reply(requestId, chosen));
    return;
  }
  const writes = saveCouncil(state, chosen);
  const undo = (reason: string): string => {
    state.set = former;
    return `It could not be written; the council is what it was. ${reason}`;
  };
  declarations.record(writes, { requestId, done: () => ({ ok: true }), undo }, outputs);
}

function takeUpgrade(
  { state, journal, declarations }: ManagerParts,
  input: InputOf<'upgrade'>,
  { wallMs }: Moment,
  outputs: ManagerCoreOutput[],
): void {
  const { requestId, pool, action } = input;
  const chosen = chooseUpgrade(state, input);
  if ('code' in chosen) {
    outputs.push(reply(requestId, chosen));
    return;
  }
  const former = state.upgrades.get(pool) ?? null;
  const write = putUpgrade(state, pool, chosen);
  // Whoever is at the gate has all its time again.
  state.gates.clear();
  const done = (): ManagerReply => {
    const types = { pause: 'paused', resume: 'resumed', rollback: 'rolling-back' } as const;
    const words = { pause: 'is paused', resume: 'goes on', rollback: 'is rolled back' } as const;
    const message = `The upgrade of ${pool} ${words[action]}: it was asked for.`;
    journal.event(wallMs, `upgrade.${types[action]}`, 'info', `pool ${pool}`, message);
    return { ok: true };
  };
  const undo = (reason: string): string => {
    putUpgrade(state, pool, former);
    return `It could not be written; the upgrade of ${pool} is what it was. ${reason}`;
  };
  declarations.record([write], { requestId, done, undo }, outputs);
}

function takeRotation(
  { options, state, journal, declarations }: ManagerParts,
  { requestId, pool }: InputOf<'rotate-secret'>,
  { wallMs }: Moment,
  outputs: ManagerCoreOutput[],
): void {
  const chosen = chooseRotation(state, pool, options.random);
  if ('code' in chosen) {
    outputs.push(reply(requestId, chosen));
    return;
  }
  const former = state.secrets.get(pool) ?? null;
  const write = putSecrets(state, pool, chosen);
  const done = (): ManagerReply => {
    const message = `An operator wants another secret for the cookies of ${pool}: it is handed to its instances, and seals once all that can be reached have it.`;
    journal.event(wallMs, 'secret.rotating', 'info', `pool ${pool}`, message);
    return { ok: true };
  };
  const undo = (reason: string): string => {
    putSecrets(state, pool, former);
    return `It could not be written; the secret of ${pool} is what it was. ${reason}`;
  };
  declarations.record([write], { requestId, done, undo }, outputs);
}

function takeMaintenance(
  { state, journal, declarations }: ManagerParts,
  { requestId, node: name, forMs, off = false, force = false }: InputOf<'maintenance'>,
  moment: Moment,
  outputs: ManagerCoreOutput[],
): void {
  const { wallMs } = moment;
  const chosen = chooseMaintenance(state, { node: name, forMs: forMs ?? null, off, force }, moment);
  if ('code' in chosen) {
    outputs.push(reply(requestId, chosen));
    return;
  }
  const former = state.nodes.get(name);
  state.nodes.set(name, chosen);
  const done = (): ManagerReply => {
    if (off) tellEnd(state, journal, name, 'it was asked for', wallMs);
    else tellBegin(journal, chosen, former, wallMs);
    return { ok: true };
  };
  const undo = (reason: string): string => {
    if (former) state.nodes.set(name, former);
    return `It could not be written; ${name} is what it was. ${reason}`;
  };
  declarations.record([{ table: 'nodes', key: name, value: chosen }], { requestId, done, undo }, outputs);
}
