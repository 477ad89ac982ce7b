// SPDX-License-Identifier: Apache-2.0
import { transportAddresses } from '@vnfpool/wire/parameters';
import { isOwner } from '../owner.ts';
import type { Association, OwnedElement, RegistrarState } from '../state.ts';

/**
 * Whether this association speaks for the element: it registered over it, or the same identity did over another. In
 * a closed network, where nobody has an identity, an association from one of its addresses does.
 */
export function actsFor(state: RegistrarState, association: Association, owned: OwnedElement): boolean {
  if (owned.associations.has(association)) return true;
  const { identity, peer } = association;
  if (identity !== null || owned.owner !== undefined) return isOwner(identity, owned.owner);
  const element = state.handlespace.pool(owned.poolHandle)?.get(owned.id);
  if (element === undefined || !state.options.openRegistration) return false;
  const known = transportAddresses(element.userTransport);
  return peer.addresses.some((address) => known.includes(address));
}
