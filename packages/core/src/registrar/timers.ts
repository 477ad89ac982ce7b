// SPDX-License-Identifier: Apache-2.0
import { announce } from './announcing/announce.ts';
import { closeAssociation } from './associations.ts';
import { recheck } from './audit/audit.ts';
import { removeElement } from './elements.ts';
import { joinTimer } from './joining/mentors.ts';
import { askAlive, scheduleKeepAlive } from './keep-alive.ts';
import { attemptFailed } from './peers/attempt.ts';
import { closeLink } from './peers/close-link.ts';
import { connectPeer } from './peers/connecting.ts';
import { peerSilent, peerUnanswered, suspectPeer } from './peers/liveness.ts';
import { presenceCycle } from './peers/presence-cycle.ts';
import { rediscover } from './peers/rediscovery.ts';
import { fallBack, leave } from './reach.ts';
import { removeRemoteElement } from './remote-elements.ts';
import type { RegistrarState } from './state.ts';
import { pushPool } from './subscriptions/push.ts';
import { failDownload } from './tables/download-end.ts';
import { endSession } from './tables/session.ts';
import { acksOverdue } from './takeover/acks-overdue.ts';
import { adoptNext } from './takeover/adoption.ts';
import { restartTakeover } from './takeover/start.ts';
import type { RegistrarTimer, TimerOwners } from './timer-names.ts';

/** `lateMs`: how long ago it was due; much, when we were paused. */
type TimerHandler<Owner> = (state: RegistrarState, owner: Owner, nowMs: number, lateMs: number) => void;

/** What happens when a timer is due. */
export const TIMERS: { readonly [T in RegistrarTimer]: TimerHandler<TimerOwners[T]> } = {
  life(state, owned) {
    const { association, poolHandle, id: elementId } = owned;
    removeElement(state, owned, 'life-expired');
    if (association === undefined) return;
    state.send(association, { type: 'deregistration-response', poolHandle, elementId, causes: [] });
  },

  'keep-alive'(state, owned, nowMs) {
    // First the next one: a question that goes out puts it off until the answer.
    scheduleKeepAlive(state, owned, nowMs);
    askAlive(state, owned, nowMs);
  },

  'keep-alive-answer'(state, owned, nowMs, lateMs) {
    const { association, lastKeepAliveMs: askedMs } = owned;
    if (lateMs > state.options.keepAliveTimeoutMs / 2) {
      // It was we who were away: its answer may have come and wait to be read.
      askAlive(state, owned, nowMs);
      return;
    }
    if (association !== undefined) leave(owned, association);
    if (!fallBack(state, owned, nowMs)) {
      if (owned.adopting) state.counters.adoptionsFailed += 1;
      removeElement(state, owned, owned.adopting ? 'adoption-failed' : 'keep-alive-timeout');
    }
    // Whoever comes back from a long pause must notice that it is not registered any more.
    if (association === undefined) return;
    if (association.elements.size === 0 || association.lastHeardMs <= askedMs)
      closeAssociation(state, association, 'keep-alive not answered', nowMs);
  },

  grace(state, owned) {
    if (owned.adopting) state.counters.adoptionsFailed += 1;
    removeElement(state, owned, owned.adopting ? 'adoption-failed' : 'association-lost');
  },

  'remote-life'(state, { poolHandle, id }) {
    state.counters.elementsExpired += 1;
    removeRemoteElement(state, poolHandle, id);
  },

  'pool-update': (state, subscribers) => pushPool(state, subscribers),
  presence: (state, _scope, nowMs) => presenceCycle(state, nowMs),
  announce: (state, _scope, nowMs) => announce(state, nowMs),
  rediscovery: (state, _scope, nowMs) => rediscover(state, nowMs),
  adoptions: (state, _scope, nowMs) => adoptNext(state, nowMs),
  attempt: (state, { number }, nowMs) => attemptFailed(state, number, 'no answer', nowMs),
  'link-hello': (state, link, nowMs) => closeLink(state, link, 'no registrar made itself known', nowMs),
  'table-session': (state, link) => endSession(state, link),
  'peer-silent': (state, peer, nowMs) => peerSilent(state, peer, nowMs),
  'peer-answer': (state, peer, nowMs, lateMs) => peerUnanswered(state, peer, nowMs, lateMs),
  'peer-inactive': (state, peer, nowMs) => suspectPeer(state, peer, 'nobody finished to take it over', nowMs),
  'peer-connect': (state, peer, nowMs) => connectPeer(state, peer, nowMs),
  'audit-recheck': (state, peer, nowMs) => recheck(state, peer, nowMs),
  download: (state, download, nowMs) => failDownload(state, download, 'no answer', nowMs),
  join: (state, join, nowMs) => joinTimer(state, join, nowMs),
  'takeover-acks': (state, takeover, nowMs) => acksOverdue(state, takeover, nowMs),
  'takeover-restart': (state, takeover, nowMs) => restartTakeover(state, takeover, nowMs),
};

/** Runs every timer that is due. */
export function runTimers(state: RegistrarState, nowMs: number): void {
  const { deadlines } = state;
  for (let due = deadlines.take(nowMs); due !== undefined; due = deadlines.take(nowMs)) {
    // Each timer is armed for its own kind of owner; the compiler cannot follow that through a name.
    const handler = TIMERS[due.timer] as TimerHandler<object>;
    handler(state, due.owner, nowMs, nowMs - due.atMs);
  }
}
