// SPDX-License-Identifier: Apache-2.0
import type { EndpointKeepAliveAck } from '@vnfpool/wire/asap';
import { scheduleKeepAlive } from '../keep-alive.ts';
import { withinLimits } from '../rate-limits.ts';
import { reach } from '../reach.ts';
import { adopted } from '../takeover/adopted.ts';
import { actsFor } from './acts-for.ts';
import type { Handler } from './handler.ts';

/** An element answers. Nobody else can answer for it. @see RFC 5352 §3.4 */
export const handleKeepAliveAck: Handler<EndpointKeepAliveAck> = (state, association, message, nowMs) => {
  const owned = state.owned.get(message.poolHandle, message.elementId);
  if (owned === undefined || !actsFor(state, association, owned)) {
    // Of elements that others own, too: it said that it lives, and that is all.
    state.counters.unexpected += 1;
    withinLimits(state, association, 'unasked', nowMs);
    return;
  }
  if (state.deadlines.get(owned, 'keep-alive-answer') === undefined) {
    // Many can be late, but what nobody waits for need not be believed without end.
    if (withinLimits(state, association, 'unasked', nowMs)) owned.lastHeardMs = nowMs;
    return;
  }
  owned.lastHeardMs = nowMs;
  reach(owned, association);
  state.deadlines.clear(owned, 'keep-alive-answer');
  state.counters.keepAlivesAnswered += 1;
  if (!association.rttIsTransports) association.rttMs = nowMs - owned.lastKeepAliveMs;
  if (owned.adopting) adopted(state, owned);
  scheduleKeepAlive(state, owned, nowMs);
};
