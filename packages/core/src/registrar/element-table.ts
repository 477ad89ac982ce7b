// SPDX-License-Identifier: Apache-2.0
import { type PoolKey, poolKey } from '../handlespace/pool-key.ts';

interface ElementName {
  readonly poolHandle: Uint8Array;
  readonly id: number;
}

/** An element of a pool as a map key. */
export function elementKey(poolHandle: Uint8Array, id: number): string {
  const key: PoolKey = poolKey(poolHandle);
  return `${id}/${key}`;
}

/** What is known of elements, by pool and identifier. */
export class ElementTable<Element extends ElementName> {
  readonly #elements = new Map<string, Element>();

  get size(): number {
    return this.#elements.size;
  }

  get(poolHandle: Uint8Array, id: number): Element | undefined {
    return this.#elements.get(elementKey(poolHandle, id));
  }

  add(element: Element): void {
    this.#elements.set(elementKey(element.poolHandle, element.id), element);
  }

  delete(element: ElementName): void {
    this.#elements.delete(elementKey(element.poolHandle, element.id));
  }

  values(): IterableIterator<Element> {
    return this.#elements.values();
  }
}
