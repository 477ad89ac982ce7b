// SPDX-License-Identifier: Apache-2.0
import type { ListResponse } from '@vnfpool/wire/enrp';
import { failMentor } from '../joining/mentor-lost.ts';
import { becomeRunning } from '../joining/running.ts';
import { sameEndpoint } from '../peers/endpoints.ts';
import { changeIdentifier } from '../peers/own-identifier.ts';
import { learnPeer } from '../peers/peer-list.ts';
import { isLost } from '../peers/rediscovery.ts';
import { startDownload } from '../tables/download.ts';
import type { EnrpHandler } from './handler.ts';

/** Other registrars of the scope. Of our mentor we ask for the whole handlespace next. @see RFC 5353 §3.2.2 */
export const handleListResponse: EnrpHandler<ListResponse> = (state, { peer, link }, message, nowMs) => {
  const { scope, registrarId } = state;
  const { join, server } = scope;
  const isMentors = join?.stage === 'list' && join.link === link;
  if (message.rejected) {
    if (isMentors) failMentor(state, join, 'refused the peer list', nowMs);
    return;
  }
  const namesake = message.servers.find(
    (other) =>
      other.registrarId === registrarId && server !== undefined && !sameEndpoint(other.transport, server),
  );
  for (const { registrarId: id, transport } of message.servers) {
    if (!isLost(state, id)) learnPeer(state, id, transport, 'peer list', nowMs);
  }
  if (namesake !== undefined) {
    changeIdentifier(state, 'another registrar of the scope has it', nowMs);
    return;
  }
  if (!isMentors) return;
  const mentor = join.mentors[join.index] ?? null;
  join.stage = 'table';
  state.deadlines.clear(join, 'join');
  startDownload(
    state,
    peer,
    link,
    {
      ownOnly: false,
      done: (atMs) => becomeRunning(state, mentor, 'with the table of a mentor', atMs),
      failed: (reason, atMs) => {
        if (scope.join === join && join.link === link) failMentor(state, join, `table: ${reason}`, atMs);
      },
    },
    nowMs,
  );
};
