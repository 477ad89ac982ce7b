// SPDX-License-Identifier: Apache-2.0
import { fromHex } from '@vnfpool/wire/bytes';
import type { FunctionId, NodeId } from '../identity.ts';
import type { MobilityManagerOutput, TransferToken } from '../mobility/types.ts';
import type { Command } from '../planner/actions.ts';
import type { Journal } from './journal.ts';
import { failMove, type Moment } from './moves.ts';
import { forget, saveNode } from './node-reports.ts';
import type { MoveRecord } from './records.ts';
import { nameOf } from './reports.ts';
import type { ManagerState, OpenOrder } from './state.ts';
import type { ManagerCoreOutput, ManagerOrder } from './types.ts';

const UNKNOWN_FUNCTION = 2;
const ANOTHER_SPECIFICATION = 6;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;

type Result = Extract<MobilityManagerOutput, { readonly type: 'operation-result' }>;

/** The orders that nodes were given and have not answered; at most one for each function of a node. */
export class Orders {
  readonly #state: ManagerState;
  readonly #journal: Journal;
  #next = 1;

  constructor(state: ManagerState, journal: Journal) {
    this.#state = state;
    this.#journal = journal;
  }

  give(command: Exclude<Command, { readonly type: 'handover' }>): ManagerCoreOutput | undefined {
    const name = this.#state.nodeById(command.node)?.name;
    if (name === undefined) return undefined;
    return { type: 'mobility', input: this.#input(command, name), reason: command.reason };
  }

  #input(command: Exclude<Command, { readonly type: 'handover' }>, node: string): ManagerOrder {
    const to = command.node as NodeId;
    switch (command.type) {
      case 'configure': {
        const requestId = this.#open({
          node,
          functionId: 0,
          kind: 'configure',
          told: null,
          configuration: command.fingerprint,
        });
        return {
          type: 'add',
          requestId,
          node: to,
          functionId: 0 as FunctionId,
          configuration: command.configuration,
        };
      }
      case 'add': {
        const { functionId, name, specification, assignment } = command;
        const requestId = this.#open({
          node,
          functionId,
          kind: 'add',
          told: { ...command.fingerprints, role: assignment.role },
          configuration: null,
        });
        return {
          type: 'add',
          requestId,
          node: to,
          functionId: functionId as FunctionId,
          name,
          specification,
          assignment,
        };
      }
      case 'assign': {
        const { functionId, assignment } = command;
        const requestId = this.#open({
          node,
          functionId,
          kind: 'assign',
          told: { assignment: command.fingerprint, role: assignment.role },
          configuration: null,
        });
        return { type: 'add', requestId, node: to, functionId: functionId as FunctionId, assignment };
      }
      case 'prepare': {
        const { functionId, name, specification, assignment, fingerprints } = command;
        const told = { ...fingerprints, role: assignment.role };
        const requestId = this.#open({ node, functionId, kind: 'prepare', told, configuration: null });
        return {
          type: 'add',
          requestId,
          node: to,
          functionId: functionId as FunctionId,
          name,
          specification,
          assignment,
          prepare: { token: this.#tokenOf(functionId), from: command.from as NodeId },
        };
      }
      case 'transfer': {
        const { functionId } = command;
        const requestId = this.#open({ node, functionId, kind: 'move', told: null, configuration: null });
        return {
          type: 'move',
          requestId,
          node: to,
          functionId: functionId as FunctionId,
          destination: this.#state.destinationAt(command.to as NodeId),
          token: this.#tokenOf(functionId),
        };
      }
      case 'delete': {
        const requestId = this.#open({
          node,
          functionId: command.functionId,
          kind: 'delete',
          told: null,
          configuration: null,
        });
        return { type: 'delete', requestId, node: to, functionId: command.functionId as FunctionId };
      }
    }
  }

  /** The destination of a move is to give up, if it has not got the state yet. */
  cancel({ functionId, to }: MoveRecord): ManagerCoreOutput[] {
    const node = this.#state.nodes.get(to)?.id;
    if (node === undefined || !this.#state.moves.has(functionId)) return [];
    const requestId = this.#open({ node: to, functionId, kind: 'cancel', told: null, configuration: null });
    const input: ManagerOrder = {
      type: 'delete',
      requestId,
      node: node as NodeId,
      functionId: functionId as FunctionId,
      cancels: this.#tokenOf(functionId),
    };
    return [{ type: 'mobility', input, reason: 'its move was cancelled' }];
  }

  #tokenOf(functionId: number): TransferToken {
    return fromHex(this.#state.moves.get(functionId)?.token ?? '');
  }

  /** The number of an order that somebody else settles. */
  nextRequest(): number {
    return this.#next++;
  }

  #open(order: OpenOrder): number {
    const requestId = this.nextRequest();
    this.#state.orders.set(requestId, order);
    return requestId;
  }

  /** Takes the answer to an order. A refusal is tried again after 1 s, doubling up to 30 s. */
  settle(result: Result, moment: Moment): void {
    const { nowMs, wallMs } = moment;
    const order = this.#state.orders.get(result.requestId);
    if (!order) return;
    this.#state.orders.delete(result.requestId);
    const key = `${order.node}/${order.functionId}`;
    if (result.code < 128) {
      this.#state.retries.delete(key);
      this.#done(order, result, key);
      return;
    }
    if (order.kind === 'prepare' || order.kind === 'move' || order.kind === 'cancel') {
      this.#moveRefused(order, result, moment);
      return;
    }
    if (result.error === UNKNOWN_FUNCTION) forget(this.#state, this.#journal, key);
    if (order.kind === 'add' && result.error === ANOTHER_SPECIFICATION) this.#runsAnother(order, key);
    const waitMs = Math.min(RETRY_MS_MAX, (this.#state.retries.get(key)?.waitMs ?? RETRY_MS_MIN / 2) * 2);
    const what = order.functionId === 0 ? order.node : nameOf(this.#state, order.functionId);
    const reason = `${order.node} refused to ${order.kind} ${what}: ${result.text || `code ${result.code}`}`;
    this.#state.retries.set(key, { atMs: nowMs + waitMs, waitMs, reason });
    this.#journal.event(
      wallMs,
      'order.refused',
      'warning',
      `node ${order.node}`,
      `${reason}. It is tried again in ${waitMs / 1_000} s.`,
    );
  }

  /** What it runs nobody has a record of; that it is not what is wanted of it the node has said. */
  #runsAnother({ functionId }: OpenOrder, key: string): void {
    const state = this.#state;
    if (!state.functions.has(key)) return;
    const value = {
      specification: null,
      assignment: null,
      role: null,
      ...state.told.get(functionId),
      version: 'another',
    };
    state.told.set(functionId, value);
    this.#journal.save({ table: 'told', key: String(functionId), value });
  }

  #moveRefused({ node, functionId, kind }: OpenOrder, result: Result, moment: Moment): void {
    const why = `${node} refused: ${result.text || `code ${result.code}`}`;
    const life = this.#state.moveLives.get(functionId);
    if (kind !== 'cancel') failMove(this.#state, this.#journal, functionId, why, moment);
    else if (life) {
      life.isCancelled = false;
      const name = nameOf(this.#state, functionId);
      const message = `It is too late to cancel the move of ${name}: ${why}.`;
      this.#journal.event(moment.wallMs, 'instance.move-goes-on', 'info', `instance ${name}`, message);
    }
  }

  #done(order: OpenOrder, result: Result, key: string): void {
    const state = this.#state;
    switch (order.kind) {
      case 'configure': {
        const node = state.nodes.get(order.node);
        if (node) saveNode(state, this.#journal, { ...node, configuration: order.configuration });
        return;
      }
      case 'add':
      case 'assign': {
        // Dropped meanwhile: what runs is a stray now and is deleted as one.
        const value = {
          specification: null,
          assignment: null,
          role: null,
          ...state.told.get(order.functionId),
          ...order.told,
        };
        const former = state.functions.get(key);
        const status = result.status ?? former?.status ?? 'Starting';
        if (order.kind === 'add' || former) {
          state.functions.set(key, {
            node: order.node,
            functionId: order.functionId,
            status,
            report: result.report ?? former?.report ?? null,
            reason: former?.reason ?? '',
          });
        }
        if (state.instances.get(order.functionId)?.node !== order.node) return;
        state.told.set(order.functionId, value);
        this.#journal.save({ table: 'told', key: String(order.functionId), value });
        return;
      }
      case 'prepare': {
        const life = state.moveLives.get(order.functionId);
        state.functions.set(key, {
          node: order.node,
          functionId: order.functionId,
          status: result.status ?? 'Starting',
          report: result.report ?? null,
          reason: '',
        });
        if (!life) return;
        life.phase = 'prepared';
        life.told = { specification: null, assignment: null, role: null, ...order.told };
        return;
      }
      case 'move': {
        const life = state.moveLives.get(order.functionId);
        if (life) life.phase = 'ordered';
        return;
      }
      case 'cancel':
      case 'delete': {
        const life = state.functions.get(key);
        if (result.status === 'Unknown') forget(state, this.#journal, key);
        else if (life) state.functions.set(key, { ...life, status: 'Terminating' });
        return;
      }
    }
  }
}
