// SPDX-License-Identifier: Apache-2.0
import type { FunctionSpecification, SlotAssignment } from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import type { FunctionId } from '../identity.ts';
import type { Resident } from './agent.ts';
import { FunctionLife } from './function-life.ts';
import type { LifeRecord } from './life-record.ts';
import { NO_OWN_STATES, type OwnStates } from './shared-slots.ts';
import { Standing } from './standing.ts';
import { type ResidentTransfer, transferWith } from './transfers.ts';
import type { AgentOutput } from './types.ts';

/** What an agent has to know of a function when it comes back to it. */
export interface FunctionRecord {
  readonly name: string;
  /** Exact octets of its specification. */
  readonly octets: Uint8Array;
  readonly assignment: SlotAssignment | null;
  readonly life: LifeRecord;
  readonly transfer: Pick<ResidentTransfer, 'role' | 'mode' | 'peer' | 'token'> | null;
  /** Absent: it has held no slot with shared state. */
  readonly ownStates?: OwnStates;
}

/** A function that a former agent of this node started. */
export interface AdoptedFunction {
  readonly functionId: FunctionId;
  readonly record: FunctionRecord;
  readonly specification: FunctionSpecification;
  /** Null: it has ended meanwhile. */
  readonly process: { readonly pid: number; readonly address: string; readonly port: number | null } | null;
  /** How it ended, as far as that is known. */
  readonly reason: string;
}

export function recordOf({ life, assignment, transfer, standing, ownStates }: Resident): FunctionRecord {
  const kept = standing.record;
  return {
    name: life.name,
    octets: life.octets,
    assignment,
    life: { ...life.record, ...(kept === undefined ? {} : { standing: kept }) },
    transfer: transfer && {
      role: transfer.role,
      mode: transfer.mode,
      peer: transfer.peer,
      token: transfer.token,
    },
    ...(ownStates.incarnation === '' ? {} : { ownStates }),
  };
}

/** The function as it was, or as it is after its end. */
export function restoreFunction(
  { functionId, record, specification, process, reason }: AdoptedFunction,
  random: Random,
  nowMs: number,
): { readonly resident: Resident; readonly outputs: AgentOutput[] } {
  const { name, octets, assignment, life: kept, transfer, ownStates = NO_OWN_STATES } = record;
  const life = new FunctionLife(functionId, name, specification, octets, random);
  const restored = transfer && transferWith(transfer.role, transfer.mode, transfer.peer, transfer.token);
  const outputs = life.restore(kept, process, reason, nowMs);
  const standing = new Standing();
  if (kept.standing) standing.restore(kept.standing, nowMs);
  return { resident: { life, assignment, transfer: restored, standing, ownStates }, outputs };
}

/** Tells the difference between two records but for the octets: of these the function counts the changes. */
export function recordText({ octets: _octets, ...rest }: FunctionRecord): string {
  return JSON.stringify(rest);
}
