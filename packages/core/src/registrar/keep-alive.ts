// SPDX-License-Identifier: Apache-2.0
import type { OwnedElement, RegistrarState } from './state.ts';

/** Plans the next periodic keep-alive; the period varies by half so that elements do not answer in step. @see RFC 5352 §3.4 */
export function scheduleKeepAlive(state: RegistrarState, owned: OwnedElement, nowMs: number): void {
  const periodMs = state.options.keepAlivePeriodMs;
  if (periodMs <= 0) return;
  state.deadlines.set(owned, 'keep-alive', nowMs + periodMs * (0.5 + state.random.fraction()));
}

/**
 * Asks the element whether it is there, unless an answer is awaited already, it was asked a moment ago, or
 * there is no association to ask over.
 */
export function askAlive(state: RegistrarState, owned: OwnedElement, nowMs: number): void {
  const { association, poolHandle, id: elementId } = owned;
  if (association === undefined) return;
  if (state.deadlines.get(owned, 'keep-alive-answer') !== undefined) return;
  if (nowMs - owned.lastKeepAliveMs < state.options.keepAliveSpacingMs) return;
  owned.lastKeepAliveMs = nowMs;
  state.deadlines.clear(owned, 'keep-alive');
  state.deadlines.set(owned, 'keep-alive-answer', nowMs + state.options.keepAliveTimeoutMs);
  state.counters.keepAlivesSent += 1;
  const { registrarId } = state;
  state.send(association, {
    type: 'endpoint-keep-alive',
    becomeHome: owned.adopting,
    registrarId,
    poolHandle,
    elementId,
  });
}
