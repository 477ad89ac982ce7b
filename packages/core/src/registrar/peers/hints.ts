// SPDX-License-Identifier: Apache-2.0
import type { Presence } from '@vnfpool/wire/enrp';
import { discoverMentor } from '../joining/start.ts';
import type { RegistrarState } from '../state.ts';
import { connect } from './attempt.ts';
import { endpointKey, sameEndpoint } from './endpoints.ts';
import { sendPresence } from './send.ts';

/** Endpoints that were heard of by multicast, at most; more are not looked at before one is forgotten. */
const HINTS_MAX = 32;

/**
 * A presence by multicast. Anybody can send one, so that it is a hint and no more: a registrar that we do not know
 * is connected to, where it has to prove what it is.
 */
export function presenceHeard(state: RegistrarState, message: Presence, nowMs: number): void {
  const { scope, options } = state;
  const { sender, server: told } = message;
  if (scope.server === undefined || scope.phase === 'stopped' || told === undefined) return;
  // One elsewhere that has our identifier is found out, as any other, by connecting to it.
  if (sameEndpoint(told.transport, scope.server)) return;
  if (discoverMentor(state, message, nowMs) || scope.peers.has(sender)) return;
  for (const [key, atMs] of scope.hints) {
    if (nowMs - atMs >= options.reconnectMaxMs) scope.hints.delete(key);
  }
  const key = endpointKey(told.transport);
  if (scope.hints.has(key) || scope.hints.size >= HINTS_MAX) return;
  scope.hints.set(key, nowMs);
  connect(
    state,
    told.transport,
    {
      protocol: 'enrp',
      wanted: undefined,
      opened: (link, atMs) => sendPresence(state, link, true, atMs),
      failed: () => undefined,
    },
    nowMs,
  );
}
