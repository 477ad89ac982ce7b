// SPDX-License-Identifier: Apache-2.0
import type { EndpointKeepAliveAck } from '@vnfpool/wire/asap';
import { scheduleKeepAlive } from '../keep-alive.ts';
import { adopted } from '../takeover/adopted.ts';
import { actsFor } from './acts-for.ts';
import type { Handler } from './handler.ts';

/** An element answers. Nobody else can answer for it. @see RFC 5352 §3.4 */
export const handleKeepAliveAck: Handler<EndpointKeepAliveAck> = (state, association, message, nowMs) => {
  const owned = state.owned.get(message.poolHandle, message.elementId);
  if (owned === undefined || !actsFor(association, owned)) {
    // Of elements that others own, too: it said that it lives, and that is all.
    state.counters.unexpected += 1;
    return;
  }
  owned.lastHeardMs = nowMs;
  if (state.deadlines.get(owned, 'keep-alive-answer') === undefined) return;
  state.deadlines.clear(owned, 'keep-alive-answer');
  state.counters.keepAlivesAnswered += 1;
  if (!association.rttIsTransports) association.rttMs = nowMs - owned.lastKeepAliveMs;
  if (owned.adopting) adopted(state, owned);
  scheduleKeepAlive(state, owned, nowMs);
};
