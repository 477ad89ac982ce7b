// SPDX-License-Identifier: Apache-2.0
import { announce } from '../announcing/announce.ts';
import type { RegistrarTransport } from '../messages.ts';
import { presenceCycle } from '../peers/presence-cycle.ts';
import { sendToAll } from '../peers/send.ts';
import type { RegistrarState } from '../state.ts';

/** From now on we answer; `mentor` null: we begin without anybody's table. */
export function becomeRunning(
  state: RegistrarState,
  mentor: RegistrarTransport | null,
  reason: string,
  nowMs: number,
): void {
  const { scope, handlespace, deadlines, options } = state;
  if (scope.join !== undefined) deadlines.clearAll(scope.join);
  scope.join = undefined;
  scope.phase = 'running';
  state.event({ type: 'event', event: 'joined', mentor, elements: handlespace.elementCount, reason });
  presenceCycle(state, nowMs);
  announce(state, nowMs);
  deadlines.set(scope, 'rediscovery', nowMs + state.jittered(options.reconnectMaxMs));
  // Who has met us without being our mentor may know others.
  if (mentor === null) sendToAll(state, { type: 'list-request' });
}
