// SPDX-License-Identifier: Apache-2.0
import { toHex } from '@vnfpool/wire/bytes';
import { isStateOfNode, MobilityError, type SlotState } from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import type { FunctionId, NodeId, SlotId } from '../identity.ts';
import type { TransferEnd } from '../state-transfer/types.ts';
import type { Resident } from './agent.ts';
import { Parting } from './parting.ts';
import { transferWith } from './transfers.ts';
import type { AgentInput, AgentOutput } from './types.ts';

interface Refusal {
  readonly code: number;
  readonly text: string;
  readonly error?: number;
}

const OK = 0;
const FAILED = 128;
const PROHIBITED = 130;

/** MOVE and COPY at a node agent: a function with all of its state goes to another node, and takes its slot along. */
export class StateMoves {
  readonly #residents: ReadonlyMap<FunctionId, Resident>;
  readonly #slots: ReadonlyMap<SlotId, SlotState>;
  readonly #random: Random;

  constructor(
    residents: ReadonlyMap<FunctionId, Resident>,
    slots: ReadonlyMap<SlotId, SlotState>,
    random: Random,
  ) {
    this.#residents = residents;
    this.#slots = slots;
    this.#random = random;
  }

  /** Order to the source. */
  send(input: AgentInput & { readonly type: 'transfer' }): AgentOutput[] {
    const { operation, functionId, mode, destination, targetFunctionId, token } = input;
    const known = this.#residents.get(functionId);
    const refusal = refusesToGo(known, mode);
    if (refusal || !known) return [{ type: 'answer', operation, code: FAILED, ...refusal }];
    known.transfer = transferWith('source', mode, destination.node, toHex(token));
    const { life } = known;
    const isLeased = isSlotted(known);
    return [
      { type: 'answer', operation, code: OK, status: life.status, report: life.report() },
      { type: 'send-state', functionId, mode, targetFunctionId, destination, token, isLeased },
    ];
  }

  /** At the destination: the function was started, and waits. */
  receive(functionId: FunctionId, token: Uint8Array, from: NodeId): AgentOutput[] {
    const resident = this.#residents.get(functionId);
    if (!resident) return [];
    resident.transfer = transferWith('destination', null, from, toHex(token));
    return [{ type: 'receive-state', functionId, token, from, isLeased: isSlotted(resident) }];
  }

  /** What becomes of the function when its transfer has ended. */
  ended(resident: Resident, end: TransferEnd, nowMs: number): AgentOutput[] {
    const { life, transfer } = resident;
    if (!transfer) return [];
    // Its state is away, but its address is still here: it ends when the slot has followed.
    if (transfer.role === 'source' && transfer.mode === 'move' && end.outcome === 'committed')
      transfer.parting = this.#parting(resident, nowMs);
    if (transfer.parting) return this.#part(resident, nowMs);
    resident.transfer = null;
    if (transfer.role === 'destination') {
      if (end.outcome === 'aborted') return life.stop(`its state did not come: ${end.text}`);
      life.stateTaken();
      return [];
    }
    if (end.outcome === 'aborted') life.note(`not transferred to node ${transfer.peer}: ${end.text}`);
    else if (transfer.mode === 'move') return life.stop(`moved to node ${transfer.peer}`);
    else life.note(`copied to node ${transfer.peer}`);
    return [];
  }

  /** Functions whose state is away: their slots follow, or they stay. */
  part(nowMs: number): AgentOutput[] {
    return [...this.#residents.values()].flatMap((resident) => this.#part(resident, nowMs));
  }

  /**
   * Whoever orders a function that is here, or its end, knows what became of its other end: a source in doubt goes on or has
   * moved, a destination that has everything serves. Of single sessions such an order says nothing: both functions run.
   */
  settle(functionId: FunctionId, order: 'add' | 'delete'): AgentOutput[] {
    const transfer = this.#residents.get(functionId)?.transfer;
    if (transfer?.mode === 'sessions') return [];
    const phase = transfer?.report?.phase;
    if (transfer?.role === 'source' && phase === 'doubt')
      return [{ type: 'settle-transfer', functionId, verdict: order === 'add' ? 'aborted' : 'committed' }];
    return transfer?.role === 'destination' && phase === 'ready' && order === 'add'
      ? [{ type: 'settle-transfer', functionId, verdict: 'committed' }]
      : [];
  }

  #part(resident: Resident, nowMs: number): AgentOutput[] {
    const { life, transfer } = resident;
    const parting = transfer?.parting;
    if (!transfer || !parting) return [];
    const held = this.#slots.get(parting.slot);
    if (held?.state !== 'holding' || held.holder?.functionId !== life.id) {
      resident.transfer = null;
      return life.stop(`moved to node ${transfer.peer}`);
    }
    if (!parting.isOver(nowMs)) return parting.expire(nowMs);
    resident.transfer = null;
    life.note(`not moved to node ${transfer.peer}: it did not take the slot`);
    return [{ type: 'keep-state', functionId: life.id }];
  }

  /** The slot that the function holds goes where its state has gone; null: it holds none. */
  #parting({ life, transfer }: Resident, nowMs: number): Parting | null {
    for (const [slot, { state, holder }] of this.#slots) {
      if (state !== 'holding' || holder?.functionId !== life.id || !transfer) continue;
      const to = { node: transfer.peer as NodeId, functionId: life.id };
      return new Parting(slot, to, this.#random, nowMs);
    }
    return null;
  }
}

/** Why a function cannot take its state from another node; undefined: it can. */
export function refusesState(
  { from, functionId }: AgentInput & { readonly type: 'prepare' },
  known: Resident | undefined,
): Refusal | undefined {
  if (known) return { code: FAILED, text: `function ${functionId} is here already; delete it first` };
  if (from !== null) return undefined;
  const text = 'the order does not say from which node its state comes';
  return { code: PROHIBITED, error: MobilityError.badToken, text };
}

function refusesToGo(known: Resident | undefined, mode: 'move' | 'copy'): Refusal | undefined {
  if (!known) return { code: FAILED, error: MobilityError.unknownFunction, text: 'no such function here' };
  const { life, transfer } = known;
  if (transfer) return { code: FAILED, text: `${life.name} is being transferred already` };
  if (isSlotted(known) && mode === 'copy')
    return { code: FAILED, text: `a copy of ${life.name} would stand beside its slot: add an instance` };
  if (isStateOfNode(life.specification))
    return { code: FAILED, text: `the connections of ${life.name} are those of its node: they do not move` };
  if (life.specification.state?.via === 'conntrack' && mode === 'copy')
    return { code: FAILED, text: `a copy of ${life.name} would have its addresses: connections only move` };
  return life.status === 'Running' ? undefined : { code: FAILED, text: `${life.name} is ${life.status}` };
}

function isSlotted({ assignment }: Resident): boolean {
  return assignment !== null && assignment.slot !== null;
}
