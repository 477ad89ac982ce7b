// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import { banned } from '../authorization.ts';
import { removeElement } from '../elements.ts';
import type { RegistrarTransport } from '../messages.ts';

import { connect } from '../peers/attempt.ts';
import { endpointKey } from '../peers/endpoints.ts';
import { askAgain, attach } from '../reach.ts';
import type { Association, OwnedElement, RegistrarState } from '../state.ts';
import type { AdoptionTarget } from './adoption-queue.ts';

/** Endpoints of suggested elements that wait at most; further suggestions are not followed. */
const SUGGESTIONS_MAX = 1024;

/** Asks an element that was taken over whether it accepts us; one without ASAP endpoint has time to come by itself. */
export function adopt(
  state: RegistrarState,
  owned: OwnedElement,
  transport: RegistrarTransport | undefined,
  nowMs: number,
): void {
  if (transport === undefined) {
    state.deadlines.set(owned, 'grace', nowMs + state.options.keepAliveTimeoutMs);
    return;
  }
  enqueue(state, transport, { poolHandle: owned.poolHandle, id: owned.id, cause: 'takeover' }, nowMs);
}

/** Asks an element of another registrar to become ours, as that one suggests. @see draft-dreibholz-rserpool-enrp-takeover */
export function followSuggestion(
  state: RegistrarState,
  poolHandle: Uint8Array,
  element: PoolElement,
  nowMs: number,
): void {
  const { counters, scope } = state;
  const { id, asapTransport } = element;
  if (asapTransport === undefined || scope.adoptions.waiting.size >= SUGGESTIONS_MAX) {
    counters.suggestionsIgnored += 1;
    return;
  }
  counters.suggestionsFollowed += 1;
  enqueue(state, asapTransport, { poolHandle: poolHandle.slice(), id, cause: 'suggestion' }, nowMs);
}

function enqueue(
  state: RegistrarState,
  transport: RegistrarTransport,
  element: AdoptionTarget['elements'][number],
  nowMs: number,
): void {
  const { waiting } = state.scope.adoptions;
  const key = endpointKey(transport);
  const target = waiting.get(key);
  if (target !== undefined) {
    target.elements.push(element);
    return;
  }
  waiting.set(key, { transport, elements: [element] });
  state.deadlines.set(state.scope, 'adoptions', nowMs);
}

/** Connects to endpoints that wait, a bounded number at once. */
export function adoptNext(state: RegistrarState, nowMs: number): void {
  const { adoptions, phase } = state.scope;
  if (phase === 'stopped') return;
  for (const [key, target] of adoptions.waiting) {
    if (adoptions.connecting >= state.options.adoptionsAtOnceMax) return;
    adoptions.waiting.delete(key);
    adoptions.connecting += 1;
    const over = (atMs: number): void => {
      adoptions.connecting -= 1;
      state.deadlines.set(state.scope, 'adoptions', atMs);
    };
    connect(
      state,
      target.transport,
      {
        protocol: 'asap',
        opened(association, atMs) {
          over(atMs);
          for (const element of target.elements) askToAccept(state, association, element, atMs);
        },
        failed(_reason, atMs) {
          over(atMs);
          for (const { poolHandle, id, cause } of target.elements) {
            const owned = state.owned.get(poolHandle, id);
            if (cause === 'takeover' && owned?.adopting === true) notAdopted(state, owned);
          }
        },
      },
      nowMs,
    );
  }
}

function askToAccept(
  state: RegistrarState,
  association: Association,
  { poolHandle, id, cause }: AdoptionTarget['elements'][number],
  nowMs: number,
): void {
  const element = state.handlespace.pool(poolHandle)?.get(id);
  if (element === undefined) return;
  if (cause === 'suggestion') {
    const { registrarId } = state;
    state.counters.keepAlivesSent += 1;
    const keepAlive = { becomeHome: true, registrarId, poolHandle, elementId: id } as const;
    state.send(association, { type: 'endpoint-keep-alive', ...keepAlive });
    return;
  }
  const owned = state.owned.get(poolHandle, id);
  // It has registered by itself in the meantime, with us or elsewhere.
  if (owned?.adopting !== true) return;
  if (banned(state, association, poolHandle, element) !== undefined) {
    notAdopted(state, owned);
    return;
  }
  attach(owned, association);
  askAgain(state, owned, nowMs);
}

function notAdopted(state: RegistrarState, owned: OwnedElement): void {
  state.counters.adoptionsFailed += 1;
  removeElement(state, owned, 'adoption-failed');
}
