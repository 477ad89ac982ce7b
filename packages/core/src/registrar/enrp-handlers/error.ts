// SPDX-License-Identifier: Apache-2.0
import type { EnrpError } from '@vnfpool/wire/enrp';
import { describeCause } from '@vnfpool/wire/parameters';
import { failMentor } from '../joining/mentor-lost.ts';
import { failDownload } from '../tables/download-end.ts';
import type { EnrpHandler } from './handler.ts';

/** A peer did not understand us: whatever we asked of it is refused. It is told to people, and never answered. */
export const handleError: EnrpHandler<EnrpError> = (state, { peer, link }, message, nowMs) => {
  const reason = message.causes.map(describeCause).join(', ');
  state.event({ type: 'event', event: 'peer-error', association: link.id, reason });
  if (peer.download?.link === link) failDownload(state, peer.download, reason, nowMs);
  const { join } = state.scope;
  if (join?.stage === 'list' && join.link === link) failMentor(state, join, reason, nowMs);
};
