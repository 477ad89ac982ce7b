// SPDX-License-Identifier: Apache-2.0
import { plainAddress, type SlotDefinition } from '@vnfpool/wire/mobility';
import type { AddressUpkeep } from './address-upkeep.ts';
import { Gateways } from './gateways.ts';
import { type HandedOnSlots, slotsOf } from './handed-on-slots.ts';
import type { KeeperOutput, KeeperSlot } from './slot-keeper-types.ts';

/** The slots of a node, as they were told last, and those that are gone while they are still held; with what is theirs under the fence. */
export class SlotDefinitions {
  readonly #definitions = new Map<string, SlotDefinition>();
  readonly #upkeep: AddressUpkeep;
  readonly #gateways: Gateways;
  /** Those of the last configuration. */
  #current: ReadonlySet<string>;

  constructor(node: number, upkeep: AddressUpkeep, handedOn: HandedOnSlots | undefined) {
    this.#upkeep = upkeep;
    this.#gateways = new Gateways(node, handedOn?.guarded);
    for (const { definition } of handedOn ? slotsOf(handedOn.leases) : [])
      this.#definitions.set(definition.id, definition);
    this.#current = new Set(this.#definitions.keys());
  }

  get all(): SlotDefinition[] {
    return [...this.#definitions.values()];
  }

  /** Without prefix lengths. */
  get addresses(): string[] {
    return this.all.flatMap(({ addresses }) => addresses.map(plainAddress));
  }

  get(slot: string): SlotDefinition | undefined {
    return this.#definitions.get(slot);
  }

  has(slot: string): boolean {
    return this.#definitions.has(slot);
  }

  isCurrent(slot: string): boolean {
    return this.#current.has(slot);
  }

  /** The configuration; those that it does not have any more stay until `forget`. */
  define(slots: readonly SlotDefinition[]): void {
    this.#current = new Set(slots.map(({ id }) => id));
    for (const slot of slots) this.#definitions.set(slot.id, slot);
  }

  /** Forgets, and tells, those that are gone and not held. */
  forget(isHeld: (slot: string) => boolean): string[] {
    const gone = [...this.#definitions.keys()].filter((slot) => !this.#current.has(slot) && !isHeld(slot));
    for (const slot of gone) {
      this.#definitions.delete(slot);
      this.#gateways.forget(slot);
    }
    return gone;
  }

  /**
   * An address that two slots name, as one of them is going and not gone, stays with the elder until it is: the fence
   * opens each thing by one slot.
   */
  underFence(): KeeperOutput {
    return { type: 'guard', slots: this.guarded() };
  }

  guarded(): KeeperSlot[] {
    const taken = new Set<string>();
    return [...this.#definitions].map(([slot, definition]) => {
      const addresses = definition.addresses.map(plainAddress).filter((address) => !taken.has(address));
      for (const address of addresses) taken.add(address);
      const places = this.#upkeep.placesOf(slot, addresses);
      const links = new Set(places.flatMap(({ own }) => own?.name ?? []));
      const on = new Set(places.flatMap(({ link }) => link ?? []));
      const forwarding = this.#gateways.linksOf(definition);
      const all = { slot, addresses, links: [...links], on: [...on] };
      return forwarding.length === 0 ? all : { ...all, forwarding };
    });
  }
}
