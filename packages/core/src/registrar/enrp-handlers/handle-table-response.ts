// SPDX-License-Identifier: Apache-2.0
import type { HandleTableResponse } from '@vnfpool/wire/enrp';
import { takePart } from '../tables/download.ts';
import type { EnrpHandler } from './handler.ts';

/** A part of a table that we asked for; what we did not ask for, or not over this association, says nothing. */
export const handleTableResponse: EnrpHandler<HandleTableResponse> = (
  state,
  { peer, link },
  message,
  nowMs,
) => {
  if (peer.download?.link !== link) {
    state.counters.unexpected += 1;
    return;
  }
  takePart(state, peer.download, message, nowMs);
};
