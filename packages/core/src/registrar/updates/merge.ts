// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import { distanceMsOf, fartherBy } from '../distance.ts';
import { giveUpElement } from '../elements.ts';
import type { PeerLink, PeerRegistrar } from '../peers/peer.ts';
import { learnPeer } from '../peers/peer-list.ts';
import { keepRemoteElement } from '../remote-elements.ts';
import { sameElement } from '../same-element.ts';
import type { OwnedElement, RegistrarState } from '../state.ts';
import { poolChanged } from '../subscriptions/pool-changed.ts';
import { tellUpdate } from './tell.ts';

/** Who told of an element, and how. */
export interface Told {
  readonly peer: PeerRegistrar;
  readonly link: PeerLink;
  readonly source: 'update' | 'table';
}

/**
 * Takes over what a peer tells of an element: added if it is new, else all its values are replaced. What does not
 * fit is left out, counted and told to people; the pool stays.
 * @see RFC 5353 §3.2.3, §3.3
 */
export function mergeElement(
  state: RegistrarState,
  poolHandle: Uint8Array,
  told: PoolElement,
  { peer, link, source }: Told,
  nowMs: number,
): boolean {
  const { handlespace, options, registrarId } = state;
  const home = told.homeRegistrar;
  const conflict = (reason: string): false => {
    state.counters.elementConflicts += 1;
    const [elementId, from] = [told.id, peer.id];
    state.event({
      type: 'event',
      event: 'element-conflict',
      poolHandle,
      elementId,
      registrarId: from,
      reason,
    });
    return false;
  };
  if (told.id === 0) return conflict('it has no identifier');
  if (home === 0) return conflict('it has no home');
  // An update of ours that came back, or a peer that knows better than we: our own word counts.
  if (home === registrarId) return conflict('it names us as its home');
  if (learnPeer(state, home, undefined, 'home of an element', nowMs) === undefined)
    return conflict('its home is not in the peer list');
  const owned = state.owned.get(poolHandle, told.id);
  if (owned !== undefined && source === 'table' && claims(state, owned, home)) return conflict('it is ours');
  if (owned === undefined && source === 'table' && isAnothers(state, poolHandle, told))
    return conflict('another registrar has it');

  const element = fartherBy(told, distanceMsOf(link.rttMs, options.distanceStepMs));
  const result = handlespace.set(poolHandle, element);
  if (result.kind === 'refused') return conflict(result.reason);
  const formerly = owned?.association?.id;
  if (owned !== undefined) giveUpElement(state, owned);
  keepRemoteElement(state, poolHandle, element, nowMs, formerly);
  // A renewal is no news to those who use the pool.
  if (result.previous === undefined || !sameElement(result.previous, element)) poolChanged(state, poolHandle);
  const from = result.previous?.homeRegistrar ?? home;
  if (from !== home) {
    const reason = 'registered-elsewhere';
    const elementId = told.id;
    state.event({ type: 'event', event: 'element-moved', poolHandle, elementId, from, to: home, reason });
  }
  return true;
}

/**
 * A table does not take an element from a peer that is well: that one has told of it itself, and gives it up itself.
 * The table of a registrar that was taken over and comes back is full of what it does not own any more.
 */
function isAnothers(
  { handlespace, scope }: RegistrarState,
  poolHandle: Uint8Array,
  told: PoolElement,
): boolean {
  const known = handlespace.pool(poolHandle)?.get(told.id)?.homeRegistrar;
  if (known === undefined || known === told.homeRegistrar) return false;
  return scope.peers.get(known)?.state === 'active';
}

/**
 * Two registrars believe that they own an element, and a table shows it. A table is not newer than what we know, so
 * one of both must insist: the one with the higher identifier, if the element is attached to it.
 */
function claims(state: RegistrarState, owned: OwnedElement, rival: number): boolean {
  if (owned.association === undefined || state.registrarId < rival) return false;
  const element = state.handlespace.pool(owned.poolHandle)?.get(owned.id);
  if (element !== undefined) tellUpdate(state, 'add', owned.poolHandle, element);
  return true;
}
