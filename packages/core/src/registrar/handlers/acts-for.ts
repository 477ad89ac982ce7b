// SPDX-License-Identifier: Apache-2.0
import type { Association, OwnedElement } from '../state.ts';

/** Whether this association speaks for the element: it registered over it, or the same identity did over another. */
export function actsFor(association: Association, owned: OwnedElement): boolean {
  if (owned.association === association) return true;
  return association.identity !== null && association.identity.name === owned.owner;
}
