// SPDX-License-Identifier: Apache-2.0
import type { HandleTableRequest } from '@vnfpool/wire/enrp';
import { sendOver } from '../peers/send.ts';
import { nextPart } from '../tables/part.ts';
import { endSession, openSession } from '../tables/session.ts';
import type { EnrpHandler } from './handler.ts';

/** Answers with the next part of our table; refuses while we have none to give, or too many ask. @see RFC 5353 §3.2.3 */
export const handleTableRequest: EnrpHandler<HandleTableRequest> = (state, { link }, message, nowMs) => {
  const { options, scope, counters } = state;
  const limited = (): void =>
    state.event({ type: 'event', event: 'limit-reached', association: link.id, reason: 'tables' });
  // A session that goes on is limited by its table, and by the time that each part takes.
  const continues = link.session?.ownOnly === message.ownOnly;
  const mayBegin = (): boolean =>
    (scope.tableSessions < options.tableSessionsMax || link.session !== undefined) &&
    link.tableRequests.take(nowMs, limited);
  if (scope.phase !== 'running' || !(continues || mayBegin())) {
    counters.tableRequestsRefused += 1;
    sendOver(state, link, { type: 'handle-table-response', rejected: true, more: false, pools: [] });
    return;
  }
  counters.tableRequests += 1;
  const session =
    continues && link.session !== undefined ? link.session : openSession(state, link, message.ownOnly);
  const { pools, more } = nextPart(session, options.tableElementsMax, options.tableBytesMax);
  if (more) state.deadlines.set(link, 'table-session', nowMs + options.tableSessionMs);
  else endSession(state, link);
  sendOver(state, link, { type: 'handle-table-response', rejected: false, more, pools });
};
