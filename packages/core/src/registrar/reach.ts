// SPDX-License-Identifier: Apache-2.0
import { askAlive } from './keep-alive.ts';
import type { Association, OwnedElement, RegistrarState } from './state.ts';

/*
 * Over which associations an element of ours is reached. It is at one of them, and has others to fall back to: that
 * over which it registered before, or that over which it accepted us after a takeover.
 */

/** Associations of one element that are remembered; the oldest at which it is not goes. */
const ASSOCIATIONS_MAX = 4;

/** The element has spoken over this association, too. */
export function reach(owned: OwnedElement, association: Association): void {
  owned.associations.add(association);
  association.elements.add(owned);
  for (const oldest of owned.associations) {
    if (owned.associations.size <= ASSOCIATIONS_MAX) return;
    if (oldest !== owned.association && oldest !== association) leave(owned, oldest);
  }
}

/** The element is at this association from now on. */
export function attach(owned: OwnedElement, association: Association): void {
  owned.association = association;
  owned.owner = association.identity ?? undefined;
  reach(owned, association);
}

/**
 * An element registers over an association. One that was overtaken on its way, by a registration over a later
 * association, does not bring the element back to the older one.
 */
export function registerOver(owned: OwnedElement, association: Association): void {
  const { registeredOver } = owned;
  if (registeredOver !== undefined && registeredOver.id > association.id) {
    reach(owned, association);
    return;
  }
  owned.registeredOver = association;
  attach(owned, association);
}

/** It is not reached over this association any more. */
export function leave(owned: OwnedElement, association: Association): void {
  owned.associations.delete(association);
  association.elements.delete(owned);
  if (owned.registeredOver === association) owned.registeredOver = undefined;
  if (owned.association === association) owned.association = undefined;
}

/** Asks an element that has lost its association over the latest of the others; false: there is none. */
export function fallBack(state: RegistrarState, owned: OwnedElement, nowMs: number): boolean {
  let latest: Association | undefined;
  for (const association of owned.associations) {
    if (latest === undefined || association.id > latest.id) latest = association;
  }
  if (latest === undefined) return false;
  attach(owned, latest);
  askAgain(state, owned, nowMs);
  return true;
}

/** Asks at once, whatever was asked elsewhere. */
export function askAgain(state: RegistrarState, owned: OwnedElement, nowMs: number): void {
  state.deadlines.clear(owned, 'keep-alive-answer');
  owned.lastKeepAliveMs = Number.NEGATIVE_INFINITY;
  askAlive(state, owned, nowMs);
}
