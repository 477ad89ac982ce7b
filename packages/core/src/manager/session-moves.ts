// SPDX-License-Identifier: Apache-2.0

import type { SessionInformation } from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import type { FunctionId, NodeId } from '../identity.ts';
import type { MobilityManagerOutput } from '../mobility/types.ts';
import { indexed } from '../planner/indexed.ts';
import { instanceName, isReady, type ObservedInstance, takesOrders } from '../planner/observed.ts';
import type { Journal } from './journal.ts';
import type { Moment } from './moves.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { ManagerState } from './state.ts';
import type { ManagerCoreOutput, ManagerOrder, ManagerReply } from './types.ts';

type Result = Extract<MobilityManagerOutput, { readonly type: 'operation-result' }>;

/** What a person asks for. */
export interface SessionMoveRequest {
  readonly requestId: number;
  /** Names of instances. */
  readonly from: string;
  readonly to: string;
  /** Their union; at least one. */
  readonly sessions: readonly SessionInformation[];
}

/** One that goes on: first its destination is asked, then its source. */
interface SessionMove {
  readonly request: SessionMoveRequest;
  readonly source: Place;
  readonly target: Place;
  readonly token: Uint8Array;
  /** Null: the source has not answered. */
  count: bigint | null;
  /** Its last word when it answered. */
  before: string;
}

interface Place {
  readonly node: NodeId;
  readonly name: string;
  readonly functionId: FunctionId;
}

const FAILED = 128;
/** Of one manager at a time; more are refused. */
const MOVES_MAX = 64;

/**
 * Sessions that go from one instance of a pool to another one, while both serve. Nothing of it is kept on disk: what the nodes
 * were told they finish without a manager, and what they were not told has not begun.
 */
export class ManagerSessionMoves {
  readonly #state: ManagerState;
  readonly #journal: Journal;
  readonly #random: Random;
  readonly #nextRequest: () => number;
  /** What the answer to an order means. */
  readonly #steps = new Map<number, (result: Result, moment: Moment) => ManagerCoreOutput[]>();
  /** By Function ID of the source. */
  readonly #moves = new Map<number, SessionMove>();

  /** `nextRequest` gives the number of the next order to a node. */
  constructor(state: ManagerState, journal: Journal, random: Random, nextRequest: () => number) {
    this.#state = state;
    this.#journal = journal;
    this.#random = random;
    this.#nextRequest = nextRequest;
  }

  /** Checks what a person asks for, and asks the destination. */
  begin(request: SessionMoveRequest, nowMs: number): ManagerCoreOutput[] {
    const places = this.#places(request, nowMs);
    if ('code' in places) return [answer(request, places)];
    const { source, target } = places;
    const token = new Uint8Array(16);
    for (let at = 0; at < 16; at++) token[at] = this.#random.u32() & 0xff;
    const move: SessionMove = { request, source, target, token, count: null, before: '' };
    this.#moves.set(source.functionId, move);
    return [
      this.#order(
        {
          type: 'add',
          node: target.node,
          functionId: target.functionId,
          prepare: { token, from: source.node },
        },
        `it is to take sessions of ${source.name}`,
        (result) => (result.code < FAILED ? this.#send(move) : this.#refused(move, target, result)),
      ),
    ];
  }

  /** Takes the answer to an order of ours; undefined: it is not. */
  settle(result: Result, moment: Moment): ManagerCoreOutput[] | undefined {
    const step = this.#steps.get(result.requestId);
    this.#steps.delete(result.requestId);
    return step?.(result, moment);
  }

  /** A source that does not tell of the transfer any more has ended it: its last word says how. */
  look({ wallMs }: Moment): void {
    for (const [functionId, move] of this.#moves) {
      const { source, target, count, before } = move;
      const life = this.#state.functions.get(`${this.#nodeName(source)}/${functionId}`);
      const reason = life?.report?.reason ?? '';
      const isUnderWay = life?.report?.transfer !== undefined || reason.includes(' go to node ');
      if (count === null || (life !== undefined && (isUnderWay || reason === before))) continue;
      this.#moves.delete(functionId);
      const isMoved = life !== undefined && !reason.startsWith('sessions not moved');
      const text = isMoved
        ? `${sessionsOf(count)} of ${source.name} moved to ${target.name}.`
        : `Sessions of ${source.name} stay: ${reason || 'it does not run any more'}.`;
      const type = isMoved ? 'sessions.moved' : 'sessions.move-failed';
      this.#journal.event(wallMs, type, isMoved ? 'info' : 'warning', `instance ${source.name}`, text);
    }
  }

  #send(move: SessionMove): ManagerCoreOutput[] {
    const { source, target, token, request } = move;
    const order = {
      type: 'move-session',
      node: source.node,
      functionId: source.functionId,
      targetFunctionId: target.functionId,
      sessions: request.sessions,
      destination: this.#state.destinationAt(target.node),
      token,
    } as const;
    return [
      this.#order(order, `${target.name} takes them`, (result, moment) => {
        if (result.code >= FAILED) return [...this.#refused(move, source, result), this.#cancel(move)];
        move.count = result.sessions ?? 0n;
        move.before = result.report?.reason ?? '';
        const sessions = Number(move.count);
        const ok = answer(request, { ok: true, sessions });
        if (sessions === 0) {
          this.#moves.delete(source.functionId);
          return [ok, this.#cancel(move)];
        }
        const text = `${sessionsOf(move.count)} of ${source.name} go to ${target.name}: it was asked for.`;
        const subject = `instance ${source.name}`;
        this.#journal.event(moment.wallMs, 'sessions.move-ordered', 'info', subject, text);
        return [ok];
      }),
    ];
  }

  /** Nobody comes to the destination. */
  #cancel({ source, target, token }: SessionMove): ManagerCoreOutput {
    const order = {
      type: 'delete',
      node: target.node,
      functionId: target.functionId,
      cancels: token,
    } as const;
    return this.#order(order, `no session of ${source.name} comes`, () => []);
  }

  #refused({ request, source }: SessionMove, who: Place, result: Result): ManagerCoreOutput[] {
    this.#moves.delete(source.functionId);
    const message = `${who.name} refused: ${result.text || `code ${result.code}`}.`;
    return [answer(request, { ok: false, code: 'NOT_READY', message })];
  }

  #order(
    input: Without<ManagerOrder>,
    reason: string,
    then: (result: Result, moment: Moment) => ManagerCoreOutput[],
  ): ManagerCoreOutput {
    const requestId = this.#nextRequest();
    this.#steps.set(requestId, then);
    return { type: 'mobility', input: { ...input, requestId } as ManagerOrder, reason };
  }

  #places(
    { from, to }: SessionMoveRequest,
    nowMs: number,
  ): { readonly source: Place; readonly target: Place } | Refusal {
    const observed = this.#state.observed(nowMs);
    const find = (name: string): ObservedInstance | undefined =>
      observed.instances.find((each) => instanceName(each) === name);
    const [giver, taker] = [find(from), find(to)];
    if (!giver || !taker) return refuse('NOT_FOUND', `There is no instance ${giver ? to : from}.`);
    if (from === to) return refuse('NOT_READY', `${from} has its sessions already.`);
    if (giver.pool !== taker.pool)
      return refuse('NOT_READY', `${to} is of another pool: sessions go between instances of one.`);
    const nodes = indexed(observed).nodes;
    for (const instance of [giver, taker]) {
      const name = instanceName(instance);
      if (instance.move) return refuse('NOT_READY', `${name} moves to ${instance.move.to} as a whole.`);
      if (!isReady(instance, nodes) || !takesOrders(nodes.get(instance.node)))
        return refuse('NOT_READY', `${name} is not ready.`);
    }
    if (!observed.slots.some(({ holder }) => holder === taker.functionId))
      return refuse('NOT_READY', `${to} holds no slot: it would not serve them.`);
    if (this.#moves.has(giver.functionId))
      return refuse('NOT_READY', `Sessions of ${from} are on their way already.`);
    if (this.#moves.size >= MOVES_MAX)
      return refuse('BUSY', `Sessions of ${MOVES_MAX} instances are on their way.`);
    const place = ({ functionId, node, ...rest }: ObservedInstance): Place => ({
      functionId: functionId as FunctionId,
      node: (nodes.get(node)?.id ?? 0) as NodeId,
      name: instanceName(rest),
    });
    return { source: place(giver), target: place(taker) };
  }

  #nodeName({ node }: Place): string {
    return this.#state.nodeById(node)?.name ?? '';
  }
}

/** Keeps the union apart, so that each order has its own fields. */
type Without<T> = T extends { readonly requestId: number } ? Omit<T, 'requestId'> : never;

function sessionsOf(count: bigint): string {
  return count === 1n ? '1 session' : `${count} sessions`;
}

function answer({ requestId }: SessionMoveRequest, reply: ManagerReply): ManagerCoreOutput {
  return { type: 'reply', requestId, reply };
}
