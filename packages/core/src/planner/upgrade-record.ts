// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool } from '../declared/set.ts';

/** What a pool runs. */
export type PoolVersion = Pick<DeclaredPool, 'function'>;

/**
 * A pool on its way from one version of its function to another; on disk, so that a manager that dies in the middle goes on
 * from here. Versions are named as `versionName` says.
 */
export interface UpgradeRecord {
  readonly pool: string;
  /** What the whole pool ran before; null: not known, so that there is no way back. */
  readonly from: string | null;
  /** What is declared. */
  readonly to: string;
  /** By name, `from` and whatever else instances still run. */
  readonly versions: Readonly<Record<string, PoolVersion>>;
  /** By Function ID, the version that the instance is to run; who is not in it runs what is declared. */
  readonly wanted: Readonly<Record<string, string>>;
  /** Function IDs of those that have run what is wanted of them for the time of the gate, or ran it when this began. */
  readonly proven: readonly number[];
  readonly direction: 'forward' | 'back';
  /**
   * `going`: one instance after the other has its turn; `paused`: by command; `stopped`: an instance failed its gate;
   * `done`: the pool has gone back, and stays there until something else is declared or asked for.
   */
  readonly state: 'going' | 'paused' | 'stopped' | 'done';
  /** Why it is in that state. */
  readonly reason: string;
  /** By the wall clock. */
  readonly startedMs: number;
}

/** The version to which instances are brought now. */
export function goalOf({ direction, from, to }: UpgradeRecord): string {
  return direction === 'back' && from !== null ? from : to;
}

/**
 * The version that an instance is to run. One of which nothing is known but that it ran when this began goes on as long as it
 * runs; it cannot be started again.
 */
export function wantedOf(record: UpgradeRecord, { functionId, version }: RunningVersion): string {
  const wanted = record.wanted[functionId] ?? record.to;
  return wanted === version || record.versions[wanted] !== undefined ? wanted : record.to;
}

/** What the upgrade is heading for is wanted of it, and it has not been healthy for long enough. */
export function hasToProve(record: UpgradeRecord, instance: RunningVersion): boolean {
  return wantedOf(record, instance) === goalOf(record) && !record.proven.includes(instance.functionId);
}

/** It is the instance's turn: from now on the version of the goal is wanted of it. */
export function withTurn(record: UpgradeRecord, functionId: number): UpgradeRecord {
  return cleaned({
    ...record,
    wanted: { ...record.wanted, [functionId]: goalOf(record) },
    proven: record.proven.filter((id) => id !== functionId),
  });
}

/** An instance that was placed while this goes on: a new one begins with what is wanted now. */
export function withPlaced(record: UpgradeRecord, functionId: number): UpgradeRecord {
  const version =
    record.from === null || (record.direction === 'forward' && record.state === 'going')
      ? record.to
      : record.from;
  return { ...record, wanted: { ...record.wanted, [functionId]: version } };
}

export function withoutInstance(record: UpgradeRecord, functionId: number): UpgradeRecord {
  const { [String(functionId)]: _, ...wanted } = record.wanted;
  return cleaned({ ...record, wanted, proven: record.proven.filter((id) => id !== functionId) });
}

/** The instance has passed its gate. */
export function withProven(record: UpgradeRecord, functionId: number): UpgradeRecord {
  return { ...record, proven: [...record.proven.filter((id) => id !== functionId), functionId] };
}

/** Versions that nobody needs any more are forgotten: the record holds one version an instance and two at most. */
function cleaned(record: UpgradeRecord): UpgradeRecord {
  const used = new Set([record.from, ...Object.values(record.wanted)]);
  used.delete(record.to);
  const versions = Object.fromEntries(Object.entries(record.versions).filter(([name]) => used.has(name)));
  return { ...record, versions };
}

/** What an instance runs as the pool's upgrade begins. */
export interface RunningVersion {
  readonly functionId: number;
  /** Null: nothing, as far as its node has told. */
  readonly version: string | null;
}

/**
 * The record of an upgrade that begins, or that takes another goal on its way; null: everybody runs what is declared now.
 *
 * @param former The record of the upgrade under way
 * @param before The version declared before, with its name; null: not known
 */
export function beginUpgrade(
  pool: string,
  to: string,
  former: UpgradeRecord | null,
  before: { readonly name: string; readonly version: PoolVersion } | null,
  running: readonly RunningVersion[],
  startedMs: number,
): UpgradeRecord | null {
  // A version that did not get through is no place to go back to.
  const from = former?.from ?? before?.name ?? null;
  const versions = { ...former?.versions, ...(before ? { [before.name]: before.version } : {}) };
  const wanted = Object.fromEntries(
    running.map(({ functionId, version }) => [
      functionId,
      (former ? former.wanted[functionId] : undefined) ?? version ?? to,
    ]),
  );
  const wasProven = new Set(former?.proven ?? running.map(({ functionId }) => functionId));
  const proven = running
    .filter(({ functionId, version }) => version !== null && wasProven.has(functionId))
    .map(({ functionId }) => functionId);
  // Whoever does not run begins with the new version at once, but has to prove it like the others.
  const isOver = running.every(({ functionId }) => wanted[functionId] === to && proven.includes(functionId));
  if (isOver) return null;
  return cleaned({
    pool,
    // Whoever goes back by declaring the former version has nowhere to go back to but what did not get through.
    from: from === to ? null : from,
    to,
    versions,
    wanted,
    proven: running
      .filter(({ functionId, version }) => version !== null && wasProven.has(functionId))
      .map(({ functionId }) => functionId),
    direction: 'forward',
    state: 'going',
    reason: 'the function has changed',
    startedMs,
  });
}
