// SPDX-License-Identifier: Apache-2.0
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import type { KeeperSlot } from './slot-keeper-types.ts';

/**
 * For which slots this node is a gateway: it forwards into and out of their links only while it holds them. A node that has
 * nothing to do with a slot but its vote forwards as it likes. One that was a candidate once stays under the fence until
 * the slot is gone: somebody may go on sending to it.
 */
export class Gateways {
  readonly #node: number;
  readonly #known: Set<string>;

  /** @param guarded by the process before */
  constructor(node: number, guarded: readonly KeeperSlot[] = []) {
    this.#node = node;
    this.#known = new Set(
      guarded.filter(({ forwarding }) => forwarding !== undefined).map(({ slot }) => slot),
    );
  }

  linksOf({ id, addressing, candidates }: SlotDefinition): readonly string[] {
    const links = addressing?.forwarding ?? [];
    if (links.length > 0 && candidates.some(({ node }) => node === this.#node)) this.#known.add(id);
    return this.#known.has(id) ? links : [];
  }

  forget(slot: string): void {
    this.#known.delete(slot);
  }
}
