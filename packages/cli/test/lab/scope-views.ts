// SPDX-License-Identifier: Apache-2.0
import type { HandlespaceView } from '@vnfpool/daemons/registrar';

/*
 * What must be so of the views of several registrars.
 */

/** `pool/element home` for each element that a registrar has, sorted; one that it has twice is there twice. */
function registrations(view: HandlespaceView): string[] {
  return view.pools
    .flatMap(({ name, elements }) => elements.map((each) => `${name}/${each.id} ${each.homeRegistrar}`))
    .toSorted();
}

/** Identifier of the registrar that an element is registered with, by the view of one of them. */
export function homeOf(view: HandlespaceView | undefined, element: string): string | undefined {
  return view?.pools.flatMap(({ elements }) => elements).find(({ id }) => id === element)?.homeRegistrar;
}

/** Whether a registrar has these elements, once each, and no others. */
export function lists(view: HandlespaceView | undefined, elements: readonly string[]): boolean {
  const ids = view?.pools.flatMap((pool) => pool.elements.map(({ id }) => id)) ?? [];
  return ids.toSorted().join() === elements.toSorted().join();
}

/**
 * Whether these elements, and no others, are known to all of these registrars, once each and with one home, which is
 * one of these registrars and connected to the element.
 */
function served(views: readonly HandlespaceView[], elements: readonly string[]): boolean {
  const connected = views.flatMap(({ registrarId, pools }) =>
    pools.flatMap((pool) =>
      pool.elements
        .filter(({ homeRegistrar, attached }) => attached && homeRegistrar === registrarId)
        .map(({ id }) => id),
    ),
  );
  const [one = []] = views.map(registrations);
  return (
    connected.toSorted().join() === elements.toSorted().join() &&
    views.every((view) => lists(view, elements) && registrations(view).join() === one.join())
  );
}

/**
 * Whether these registrars are of one mind: `served`, each knows just the others and is connected to them, and what one
 * computes of another is what that one says, and has.
 */
export function agree(views: readonly HandlespaceView[], elements: readonly string[]): boolean {
  const own = new Map(views.map(({ registrarId, checksum }) => [registrarId, checksum]));
  return (
    served(views, elements) &&
    own.size === views.length &&
    views.every(
      ({ state, peers }) =>
        state === 'running' &&
        peers.length === views.length - 1 &&
        peers.every(
          (peer) =>
            peer.state === 'active' &&
            peer.connected &&
            peer.checksum.told === peer.checksum.computed &&
            peer.checksum.computed === own.get(peer.id),
        ),
    )
  );
}
