// SPDX-License-Identifier: Apache-2.0
import { MobilityError, type TransferReport } from '@vnfpool/wire/mobility';
import type { FunctionId } from '../identity.ts';
import type { TransferEnd } from '../state-transfer/types.ts';
import type { FunctionLife } from './function-life.ts';
import type { Parting } from './parting.ts';
import type { AgentInput, AgentOutput } from './types.ts';

/** A transfer of state that a function takes part in. */
export interface ResidentTransfer {
  readonly role: 'source' | 'destination';
  /** Null: not known yet. */
  readonly mode: 'move' | 'copy' | 'sessions' | null;
  /** Node ID of the other end. */
  readonly peer: number;
  report: TransferReport | null;
  /** At a source whose state is away: its slot follows. */
  parting: Parting | null;
}

interface Resident {
  readonly life: FunctionLife;
  readonly assignment: { readonly slot: object | null } | null;
  transfer: ResidentTransfer | null;
}

/** Begins a transfer. */
export function transferWith(
  role: ResidentTransfer['role'],
  mode: ResidentTransfer['mode'],
  peer: number,
): ResidentTransfer {
  return { role, mode, peer, report: null, parting: null };
}

interface Refusal {
  readonly code: number;
  readonly text: string;
  readonly error?: number;
}

const FAILED = 128;
const PROHIBITED = 130;

/** Why a function cannot take its state from another node; undefined: it can. */
export function refusesState(
  { from, functionId }: AgentInput & { readonly type: 'prepare' },
  known: Resident | undefined,
): Refusal | undefined {
  if (known) return { code: FAILED, text: `function ${functionId} is here already; delete it first` };
  if (from === null) {
    const text = 'the order does not say from which node its state comes';
    return { code: PROHIBITED, error: MobilityError.badToken, text };
  }
  return undefined;
}

/** Why a function's state cannot go to another node; undefined: it can. */
export function refusesToGo(known: Resident | undefined, mode: 'move' | 'copy'): Refusal | undefined {
  if (!known) return { code: FAILED, error: MobilityError.unknownFunction, text: 'no such function here' };
  const { life, transfer, assignment } = known;
  if (transfer) return { code: FAILED, text: `${life.name} is being transferred already` };
  if (assignment?.slot && mode === 'copy')
    return { code: FAILED, text: `a copy of ${life.name} would stand beside its slot: add an instance` };
  if (life.specification.state?.via === 'conntrack' && mode === 'copy')
    return { code: FAILED, text: `a copy of ${life.name} would have its addresses: connections only move` };
  return life.status === 'Running' ? undefined : { code: FAILED, text: `${life.name} is ${life.status}` };
}

/**
 * What becomes of the function when its transfer has ended.
 * @param part Begins to hand its slot over; null: it holds none
 */
export function afterTransfer(
  resident: Resident,
  end: TransferEnd,
  part: () => Parting | null,
): AgentOutput[] {
  const { life, transfer } = resident;
  if (!transfer) return [];
  // Its state is away, but its address is still here: it ends when the slot has followed.
  if (transfer.role === 'source' && transfer.mode === 'move' && end.outcome === 'committed')
    transfer.parting = part();
  if (transfer.parting) return [];
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

/** The function goes: what it had under way with another node is over. */
export function cancelTransfer(
  functionId: FunctionId,
  { transfer }: Resident,
  isGone: boolean,
): AgentOutput[] {
  return transfer ? [{ type: 'cancel-transfer', functionId, isGone }] : [];
}
