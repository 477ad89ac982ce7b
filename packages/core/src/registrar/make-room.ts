// SPDX-License-Identifier: Apache-2.0
import type { Association, RegistrarState } from './state.ts';

/** Whoever is at the other end, by identity or else by address, may have this part of all associations. */
const SHARE = 4;
const SHARE_MIN = 64;
/** Who has said nothing for so long, and is not needed, may be sent away for somebody who comes. */
const IDLE_MS = 5_000;
/** So many go at once, so that a flood does not make us look at everybody for each of its connections. */
const BATCH = 16;

type Dismiss = (association: Association, reason: string) => void;

/**
 * Why one more association of a source does not fit; undefined: it does. When there are too many, those go that have
 * been silent longest, and over which no element is reached and nothing was subscribed: a user comes back with its next
 * question.
 */
export function makeRoom(
  state: RegistrarState,
  source: string,
  nowMs: number,
  dismiss: Dismiss,
): string | undefined {
  const { associations, options, sources } = state;
  const { associationsMax } = options;
  if (associations.size >= associationsMax)
    return dismissIdle(state, () => true, nowMs, dismiss) ? undefined : 'too many associations';
  const known = sources.get(source);
  if (known === undefined || known.associations < Math.max(SHARE_MIN, Math.floor(associationsMax / SHARE)))
    return undefined;
  const isOfSource = (association: Association): boolean => association.source === known;
  return dismissIdle(state, isOfSource, nowMs, dismiss) ? undefined : 'too many associations of one source';
}

/** Ends some that are idle; false: there is none, or none was a moment ago. */
function dismissIdle(
  state: RegistrarState,
  isMeant: (association: Association) => boolean,
  nowMs: number,
  dismiss: Dismiss,
): boolean {
  if (nowMs < state.noIdleBeforeMs) return false;
  const idle: Association[] = [];
  let soonestMs = Number.POSITIVE_INFINITY;
  for (const association of state.associations.values()) {
    if (association.elements.size > 0 || association.subscriptions.size > 0) continue;
    const dueMs = association.lastHeardMs + IDLE_MS;
    soonestMs = Math.min(soonestMs, dueMs);
    if (dueMs <= nowMs && isMeant(association)) idle.push(association);
  }
  // Until then nobody can be idle whom we have looked at; who comes later is idle later still.
  if (idle.length === 0) state.noIdleBeforeMs = Math.min(Math.max(soonestMs, nowMs + 1), nowMs + IDLE_MS);
  idle.sort((a, b) => a.lastHeardMs - b.lastHeardMs);
  for (const association of idle.slice(0, BATCH)) dismiss(association, 'idle, and others need its place');
  return idle.length > 0;
}
