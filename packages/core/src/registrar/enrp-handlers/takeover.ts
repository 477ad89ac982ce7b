// SPDX-License-Identifier: Apache-2.0
import type { InitTakeover, InitTakeoverAck, TakeoverServer } from '@vnfpool/wire/enrp';
import { takeoverInitiated } from '../takeover/arbitration.ts';
import { takenOver } from '../takeover/lose.ts';
import { takeAck } from '../takeover/start.ts';
import type { EnrpHandler } from './handler.ts';

export const handleInitTakeover: EnrpHandler<InitTakeover> = (state, { peer }, { target }, nowMs) =>
  takeoverInitiated(state, peer, target, nowMs);

export const handleInitTakeoverAck: EnrpHandler<InitTakeoverAck> = (state, { peer }, { target }, nowMs) => {
  const takeover = state.scope.peers.get(target)?.takeover;
  if (takeover !== undefined) takeAck(state, takeover, peer, nowMs);
};

export const handleTakeoverServer: EnrpHandler<TakeoverServer> = (state, { peer }, { target }, nowMs) =>
  takenOver(state, peer, target, nowMs);
