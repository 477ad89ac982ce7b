// SPDX-License-Identifier: Apache-2.0
import {
  type AcceptedValue,
  CANDIDATES_MAX,
  type LastResort,
  type LeaseCouncilVersion,
  type LeaseHolder,
  type LeaseValue,
  type Proposer,
  RELEASE_REASONS,
  type ReleaseReason,
  type StoredPromise,
} from '@vnfpool/wire/lease';
import { ROUNDS } from '../identity.ts';
import type { NodeLeaseRecord } from './node-leases.ts';
import type {
  CouncilMembers,
  CouncilNumber,
  CouncilOrigin,
  CouncilRecord,
  LeaseRecord,
  SlotRecord,
} from './record.ts';

/** A record of the journal does not say what it should: the register must not be guessed. */
export class LeaseRecordError extends Error {
  override readonly name: string = 'LeaseRecordError';
  readonly code = 'lease-record' as const;
}

/** One record as one line of JSON, with the number of its council; incarnations are decimal text, since they exceed a JSON number. */
export function encodeLeaseRecord(record: NodeLeaseRecord): string {
  return JSON.stringify({ v: 1, ...record }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

/** The record of one line; throws `LeaseRecordError` where anything is missing or out of range. */
export function decodeLeaseRecord(line: string): NodeLeaseRecord {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (cause) {
    throw new LeaseRecordError('a lease record is not JSON', { cause });
  }
  const record = object(parsed, 'record');
  if (record['v'] !== 1) throw new LeaseRecordError(`lease record of version ${String(record['v'])}`);
  return { ...leaseRecord(record), councilId: u32(record['councilId'], 'councilId') };
}

function leaseRecord(record: Fields): LeaseRecord {
  switch (record['type']) {
    case 'slot':
      return slotRecord(record);
    case 'council':
      return councilRecord(record);
    case 'clock':
      return { type: 'clock', isOutside: flag(record['isOutside'], 'isOutside') };
    default:
      throw new LeaseRecordError(`lease record of type ${String(record['type'])}`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function slotRecord(record: Fields): SlotRecord {
  return {
    type: 'slot',
    slot: hex64(record['slot'], 'slot'),
    promised: storedPromise(record['promised']),
    accepted: accepted(record['accepted']),
    longestLeaseMs: time(record['longestLeaseMs'], 'longestLeaseMs'),
    voice: councilNumber(object(record['voice'], 'voice')),
  };
}

function storedPromise(value: unknown): StoredPromise {
  const promised = object(value, 'promised');
  const isHeirs = promised['isHeirs'] !== undefined && flag(promised['isHeirs'], 'isHeirs');
  return {
    round: round(promised['round']),
    proposer: proposer(promised['proposer']),
    closed: flag(promised['closed'], 'closed'),
    ...(isHeirs && { isHeirs }),
  };
}

function councilRecord(record: Fields): CouncilRecord {
  return {
    type: 'council',
    ...councilMembers(record),
    origin: councilOrigin(object(record['origin'], 'origin')),
    next: record['next'] === null ? null : councilMembers(object(record['next'], 'next')),
    isWitness: flag(record['isWitness'], 'isWitness'),
    rival: record['rival'] === null ? null : councilVersion(record['rival']),
  };
}

function councilMembers(fields: Fields): CouncilMembers {
  return {
    version: councilVersion(fields['version']),
    members: list(fields['members'], 'members').map((member) => u32(member, 'member')),
  };
}

function councilOrigin(fields: Fields): CouncilOrigin {
  switch (fields['type']) {
    case 'birth':
      return { type: 'birth' };
    case 'forced':
      return { type: 'forced' };
    case 'change':
      return { type: 'change', former: councilMembers(object(fields['former'], 'former')) };
    default:
      throw new LeaseRecordError(`origin ${String(fields['type'])} of a council`);
  }
}

function councilVersion(value: unknown): LeaseCouncilVersion {
  const version = object(value, 'version');
  return { ...councilNumber(version), randomId: hex64(version['randomId'], 'randomId') };
}

function councilNumber(fields: Fields): CouncilNumber {
  return {
    generation: u32(fields['generation'], 'generation'),
    number: u32(fields['number'], 'number'),
  };
}

function accepted(value: unknown): AcceptedValue {
  const fields = object(value, 'accepted');
  return {
    round: round(fields['round']),
    proposer: proposer(fields['proposer']),
    value: leaseValue(fields['value']),
    released: fields['released'] === null ? null : releaseReason(fields['released']),
  };
}

function leaseValue(value: unknown): LeaseValue {
  const fields = object(value, 'value');
  const candidates = list(fields['candidates'], 'candidates');
  if (candidates.length > CANDIDATES_MAX) throw new LeaseRecordError(`${candidates.length} candidates`);
  return {
    holder: holder(fields['holder']),
    candidates: candidates.map(holder),
    lastResort: lastResort(fields['lastResort']),
    lossMark: flag(fields['lossMark'], 'lossMark'),
    leaseMs: time(fields['leaseMs'], 'leaseMs'),
    randomId: hex64(fields['randomId'], 'randomId'),
  };
}

function lastResort(value: unknown): LastResort {
  const fields = object(value, 'lastResort');
  if (fields['rule'] === 'never') return { rule: 'never' };
  if (fields['rule'] === 'after') return { rule: 'after', afterMs: time(fields['afterMs'], 'afterMs') };
  throw new LeaseRecordError(`last resort ${String(fields['rule'])}`);
}

function holder(value: unknown): LeaseHolder {
  const fields = object(value, 'holder');
  return {
    node: u32(fields['node'], 'node'),
    functionId: u32(fields['functionId'], 'functionId'),
    functionIncarnation: u64(fields['functionIncarnation'], 'functionIncarnation'),
  };
}

function proposer(value: unknown): Proposer {
  const fields = object(value, 'proposer');
  return { node: u32(fields['node'], 'node'), incarnation: u64(fields['incarnation'], 'incarnation') };
}

function releaseReason(value: unknown): ReleaseReason {
  const known = RELEASE_REASONS.find((reason) => reason === value);
  if (known === undefined) throw new LeaseRecordError(`released for ${String(value)}`);
  return known;
}

function object(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LeaseRecordError(`${what} is no object`);
  }
  return value as Fields;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new LeaseRecordError(`${what} is no list`);
  return value;
}

function flag(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new LeaseRecordError(`${what} is no truth value`);
  return value;
}

function time(value: unknown, what: string): number {
  if (typeof value !== 'number' || !(value >= 0)) throw new LeaseRecordError(`${what} is no time`);
  return value;
}

function round(value: unknown): number {
  return integer(value, ROUNDS - 1, 'round');
}

function u32(value: unknown, what: string): number {
  return integer(value, 0xffffffff, what);
}

function integer(value: unknown, max: number, what: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
    throw new LeaseRecordError(`${what} is ${String(value)}`);
  }
  return value;
}

function u64(value: unknown, what: string): bigint {
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) {
    throw new LeaseRecordError(`${what} is ${String(value)}`);
  }
  return BigInt(value);
}

function hex64(value: unknown, what: string): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{16}$/.test(value)) {
    throw new LeaseRecordError(`${what} is ${String(value)}`);
  }
  return value;
}
