// SPDX-License-Identifier: Apache-2.0
import type { HandleUpdate } from '@vnfpool/wire/enrp';
import { removeRemoteElement } from '../remote-elements.ts';
import { touchDownloads } from '../tables/download-end.ts';
import { followSuggestion } from '../takeover/adoption.ts';
import { tellOut } from '../takeover/reclaim.ts';
import { mergeElement } from '../updates/merge.ts';
import type { EnrpHandler } from './handler.ts';

/**
 * A peer's element came, changed or went. Only the owner on record can remove it: a DEL_PE that was overtaken by the
 * ADD_PE of a new owner means nothing.
 * @see RFC 5353 §3.3
 */
export const handleUpdate: EnrpHandler<HandleUpdate> = (state, { peer, link }, message, nowMs) => {
  const { poolHandle, element, action } = message;
  const { counters, scope, options } = state;
  counters.handleUpdatesReceived += 1;
  if (action === 'delete') {
    const known = state.handlespace.pool(poolHandle)?.get(element.id);
    if (known !== undefined && known.homeRegistrar !== peer.id) {
      counters.handleUpdatesIgnored += 1;
      return;
    }
    touchDownloads(state, poolHandle, element.id);
    if (known === undefined) return;
    tellOut(state, poolHandle, element.id);
    removeRemoteElement(state, poolHandle, element.id);
    return;
  }
  if (!mergeElement(state, poolHandle, element, { peer, link, source: 'update' }, nowMs)) {
    counters.handleUpdatesIgnored += 1;
    return;
  }
  touchDownloads(state, poolHandle, element.id);
  const isMeant = message.takeoverSuggested && message.receiver === state.registrarId;
  if (isMeant && options.followSuggestions && scope.phase === 'running')
    followSuggestion(state, poolHandle, element, nowMs);
};
