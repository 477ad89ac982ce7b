// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import { remoteLifeMsOf } from './life.ts';
import type { AssociationId } from './messages.ts';
import type { RegistrarState, RemoteElement } from './state.ts';
import { poolChanged } from './subscriptions/pool-changed.ts';

/*
 * The only place where elements that other registrars own come and go, beside what the handlespace holds. Nobody is
 * told but our own subscribers: their owners tell the other registrars.
 */

/**
 * Keeps an element until its life has long run out, so that a lost DEL_PE leaves no ghost; each update starts it anew.
 * `formerly`: where it was until now, if it was ours.
 */
export function keepRemoteElement(
  state: RegistrarState,
  poolHandle: Uint8Array,
  element: PoolElement,
  nowMs: number,
  formerly?: AssociationId,
): void {
  let remote: RemoteElement | undefined = state.remote.get(poolHandle, element.id);
  if (remote === undefined) {
    remote = { poolHandle: poolHandle.slice(), id: element.id, formerly: undefined };
    state.remote.add(remote);
  }
  remote.formerly = formerly ?? remote.formerly;
  const lifeMs = remoteLifeMsOf(state, element);
  if (lifeMs === undefined) state.deadlines.clear(remote, 'remote-life');
  else state.deadlines.set(remote, 'remote-life', nowMs + lifeMs);
}

/** Removes an element of another registrar from the handlespace. */
export function removeRemoteElement(state: RegistrarState, poolHandle: Uint8Array, id: number): void {
  releaseRemoteElement(state, poolHandle, id);
  if (state.handlespace.delete(poolHandle, id) !== undefined) poolChanged(state, poolHandle);
}

/** It is ours now; returns when it would have expired. */
export function releaseRemoteElement(
  state: RegistrarState,
  poolHandle: Uint8Array,
  id: number,
): number | undefined {
  const remote = state.remote.get(poolHandle, id);
  if (remote === undefined) return undefined;
  const expiryMs = state.deadlines.get(remote, 'remote-life');
  state.deadlines.clearAll(remote);
  state.remote.delete(remote);
  return expiryMs;
}

/** All of them: what a mentor told that could not finish. */
export function forgetRemoteElements(state: RegistrarState): void {
  for (const { poolHandle, id } of state.remote.values()) removeRemoteElement(state, poolHandle, id);
}
