// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { SetResult } from '../handlespace/handlespace.ts';
import { scheduleKeepAlive } from './keep-alive.ts';
import { lifeMsOf } from './life.ts';
import type { RemovalReason } from './messages.ts';
import { leave, registerOver } from './reach.ts';
import { releaseRemoteElement } from './remote-elements.ts';
import type { Association, OwnedElement, RegistrarState } from './state.ts';
import { poolChanged } from './subscriptions/pool-changed.ts';
import { touchDownloads } from './tables/download-end.ts';
import { tellUpdate } from './updates/tell.ts';

/*
 * The only place where elements that we own come, change and go; the other registrars and our subscribers are told
 * from here.
 */

/**
 * Takes an element that registers as our own, new or again; or says why the handlespace refuses it. The others are
 * told by `tellRegistered`, when the element has its answer.
 */
export function adoptElement(
  state: RegistrarState,
  association: Association,
  poolHandle: Uint8Array,
  element: PoolElement,
  nowMs: number,
): SetResult {
  const result = state.handlespace.set(poolHandle, element);
  if (result.kind === 'refused') return result;
  const owned = ownedRecord(state, result.pool.handle, element.id, nowMs);
  releaseRemoteElement(state, poolHandle, element.id);
  touchDownloads(state, poolHandle, element.id);
  registerOver(owned, association);
  owned.adopting = false;
  owned.badReports = 0;
  owned.reporters.clear();
  owned.lastHeardMs = nowMs;
  state.deadlines.clearAll(owned);
  const lifeMs = lifeMsOf(state, element);
  if (lifeMs !== undefined) state.deadlines.set(owned, 'life', nowMs + lifeMs);
  scheduleKeepAlive(state, owned, nowMs);
  const from = result.previous?.homeRegistrar ?? state.registrarId;
  if (from !== state.registrarId) moved(state, owned, from, state.registrarId, 'registered-here');
  return result;
}

/** Tells all registrars of a registration, and our subscribers if it changed anything. @see RFC 5353 §3.3 */
export function tellRegistered(
  state: RegistrarState,
  poolHandle: Uint8Array,
  element: PoolElement,
  change: 'new' | 'renewed' | 'changed',
): void {
  tellUpdate(state, 'add', poolHandle, element);
  if (change !== 'renewed') poolChanged(state, poolHandle);
}

/** Takes over an element of a dead registrar; the handlespace has us as its home already. */
export function takeElement(
  state: RegistrarState,
  poolHandle: Uint8Array,
  id: number,
  from: number,
  nowMs: number,
): OwnedElement {
  const owned = ownedRecord(state, poolHandle, id, nowMs);
  owned.adopting = true;
  const expiryMs = releaseRemoteElement(state, poolHandle, id);
  touchDownloads(state, poolHandle, id);
  // It renews its registration by its own clock, which the takeover does not change.
  if (expiryMs !== undefined) state.deadlines.set(owned, 'life', expiryMs);
  poolChanged(state, poolHandle);
  moved(state, owned, from, state.registrarId, 'taken-over');
  return owned;
}

/** Removes an element that we own, and tells everybody. */
export function removeElement(state: RegistrarState, owned: OwnedElement, reason: RemovalReason): void {
  const { poolHandle, id: elementId } = owned;
  const element = state.handlespace.delete(poolHandle, elementId);
  giveUpElement(state, owned);
  touchDownloads(state, poolHandle, elementId);
  state.counters.elementsRemoved += 1;
  if (element !== undefined) tellUpdate(state, 'delete', poolHandle, element);
  poolChanged(state, poolHandle);
  state.event({ type: 'event', event: 'element-removed', poolHandle, elementId, reason });
}

/** It is somebody else's, or nobody's: we do not watch it any more. */
export function giveUpElement(state: RegistrarState, owned: OwnedElement): void {
  state.deadlines.clearAll(owned);
  state.owned.delete(owned);
  for (const association of owned.associations) leave(owned, association);
}

function ownedRecord(state: RegistrarState, poolHandle: Uint8Array, id: number, nowMs: number): OwnedElement {
  const existing = state.owned.get(poolHandle, id);
  if (existing !== undefined) return existing;
  const owned: OwnedElement = {
    poolHandle,
    id,
    association: undefined,
    associations: new Set(),
    registeredOver: undefined,
    owner: undefined,
    adopting: false,
    badReports: 0,
    reporters: new Map(),
    lastKeepAliveMs: Number.NEGATIVE_INFINITY,
    lastHeardMs: nowMs,
  };
  state.owned.add(owned);
  return owned;
}

function moved(
  state: RegistrarState,
  { poolHandle, id: elementId }: OwnedElement,
  from: number,
  to: number,
  reason: 'registered-here' | 'taken-over',
): void {
  state.event({ type: 'event', event: 'element-moved', poolHandle, elementId, from, to, reason });
}
