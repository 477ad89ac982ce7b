// SPDX-License-Identifier: Apache-2.0
import type { WorldPlan } from './options.ts';

/*
 * The rules that no engine can keep by itself: what the agent around it does, and in which order. The simulation breaks
 * each of them too, and must then see a violation.
 */

/** What an agent does that it must not. None of it in production. */
export interface AgentManners {
  /** What was asked to be written first is written last: an answer may have left without its record. */
  readonly answersBeforeDisk?: true;
  /** The engine is told that the fence is closed before the kernel has closed it. */
  readonly saysClosedTooEarly?: true;
  /** A process that starts takes the incarnation of the former one. */
  readonly repeatsIncarnation?: true;
  /** The fence is told to stay open this much longer than the lease. */
  readonly fenceBeyondLeaseMs?: number;
  /** A connection to the holder that is reset is taken for its release. */
  readonly releasesOnReset?: true;
  /** A process that starts goes on with what is left of any process, whether it was meant for it or used before. */
  readonly takesAnyMarker?: true;
  /** A process that has handed on goes on acting until the next one begins. */
  readonly actsAfterHandingOn?: true;
  /** The former process of this node is taken for ended this much before it was. */
  readonly startsTooEarlyMs?: number;
}

/** A broken agent, and a world in which it shows. */
export interface BrokenAgent extends AgentManners {
  readonly override?: Partial<WorldPlan>;
}

/** The simulation has to find a violation for each of them. */
export const BROKEN_AGENTS: ReadonlyMap<string, BrokenAgent> = new Map<string, BrokenAgent>([
  ['release on reset', { releasesOnReset: true }],
  ['answers before they are durable', { answersBeforeDisk: true }],
  ['released before the fence is closed', { saysClosedTooEarly: true }],
  ['an incarnation used again', { repeatsIncarnation: true, override: { stepFault: 0.1 } }],
  ['a fence that outlasts its lease', { fenceBeyondLeaseMs: 30 }],
  ["a wrong agent's marker consumed", { takesAnyMarker: true }],
  ['acting after having handed on', { actsAfterHandingOn: true, override: { faults: 30 } }],
  ['muteness counted from before the end of the former process', { startsTooEarlyMs: 150 }],
]);

/** As an agent does it that answers before its disk has the record. */
export function diskLast<T extends { readonly type: string }>(actions: readonly T[]): T[] {
  const isRecord = ({ type }: T): boolean => type === 'persist';
  return [...actions.filter((action) => !isRecord(action)), ...actions.filter(isRecord)];
}
