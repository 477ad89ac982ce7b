// SPDX-License-Identifier: Apache-2.0
import type { Identity } from './options.ts';
import type { Association } from './state.ts';

/** Who registered an element. A user and an element of one name are two. @see RFC 5355 §2.3 */
export type Owner = Pick<Identity, 'role' | 'name'>;

/** Whether this identity is the owner; of nobody's elements, nobody is. */
export function isOwner(identity: Identity | null, owner: Owner | undefined): boolean {
  return identity !== null && identity.role === owner?.role && identity.name === owner.name;
}

/** Who is at the other end, as a map key: the identity, or the address where there is none. */
export function sourceKey({ identity, peer }: Pick<Association, 'identity' | 'peer'>): string {
  return identity === null ? (peer.addresses[0] ?? '') : `${identity.role}/${identity.name}`;
}
