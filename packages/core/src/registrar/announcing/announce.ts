// SPDX-License-Identifier: Apache-2.0
import type { ServerAnnounce } from '@vnfpool/wire/asap';
import type { RegistrarState } from '../state.ts';

/** Cycles after which a registrar that is not heard any more does not count. */
const CYCLES_KEPT = 4;

/**
 * Announces us to elements and users every (N+1) × T6, N being the registrars that we hear announcing: all together
 * announce about once in T6.
 * @see RFC 5352 §3.6.1
 */
export function announce(state: RegistrarState, nowMs: number): void {
  const { scope, options, registrarId } = state;
  if (scope.server === undefined) return;
  const cycleMs = options.serverAnnounceCycleMs;
  const keptMs = CYCLES_KEPT * cycleMs * (scope.announcers.size + 1);
  for (const [id, heardMs] of scope.announcers) {
    if (nowMs - heardMs > keptMs || !scope.peers.has(id)) scope.announcers.delete(id);
  }
  state.counters.announcementsSent += 1;
  state.output({
    type: 'announce',
    message: { type: 'server-announce', registrarId, transports: scope.asap },
  });
  state.deadlines.set(scope, 'announce', nowMs + state.jittered(cycleMs * (scope.announcers.size + 1)));
}

/** Anybody can announce anything: only registrars that we know as peers make us announce less often. */
export function announcementHeard(state: RegistrarState, message: ServerAnnounce, nowMs: number): void {
  const { scope, options, counters } = state;
  const { registrarId } = message;
  const isNew = !scope.announcers.has(registrarId);
  if (!scope.peers.has(registrarId) || (isNew && scope.announcers.size >= options.announcersMax)) {
    counters.announcementsUnknown += 1;
    return;
  }
  scope.announcers.set(registrarId, nowMs);
}
