// SPDX-License-Identifier: Apache-2.0
import type { TransferReport } from '@vnfpool/wire/mobility';
import type { FunctionId } from '../identity.ts';
import type { Parting } from './parting.ts';
import type { AgentOutput } from './types.ts';

/** A transfer of state that a function takes part in. */
export interface ResidentTransfer {
  readonly role: 'source' | 'destination';
  /** Null: not known yet. */
  readonly mode: 'move' | 'copy' | 'sessions' | null;
  /** Node ID of the other end. */
  readonly peer: number;
  /** Its token, hexadecimal: tells it from an earlier one of the same function. */
  readonly token: string;
  report: TransferReport | null;
  /** At a source whose state is away: its slot follows. */
  parting: Parting | null;
}

/** Begins a transfer. */
export function transferWith(
  role: ResidentTransfer['role'],
  mode: ResidentTransfer['mode'],
  peer: number,
  token: string,
): ResidentTransfer {
  return { role, mode, peer, token, report: null, parting: null };
}

/** The function goes: what it had under way with another node is over. */
export function cancelTransfer(
  functionId: FunctionId,
  { transfer }: { readonly transfer: ResidentTransfer | null },
  isGone: boolean,
): AgentOutput[] {
  return transfer ? [{ type: 'cancel-transfer', functionId, isGone }] : [];
}
