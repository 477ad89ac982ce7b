// SPDX-License-Identifier: Apache-2.0
import { ConntrackSource, type ConntrackSourceOptions } from './conntrack-source.ts';

/** The connections of a function as the state of its slots: made once a slot is known, as its addresses say which they are. */
export class SlotConnections {
  readonly #options: Omit<ConntrackSourceOptions, 'addresses' | 'slot'>;
  /** By slot: an instance may hold one, and be the standby of another. As many as its pool has. */
  readonly #made = new Map<string, { readonly addresses: string; readonly source: ConntrackSource }>();

  constructor(options: Omit<ConntrackSourceOptions, 'addresses' | 'slot'>) {
    this.#options = options;
  }

  /** For a slot with these addresses: the same one as long as they are the same. @throws PlatformError `EPERM` */
  of(slot: string, addresses: readonly string[]): ConntrackSource {
    const text = addresses.join(' ');
    const made = this.#made.get(slot);
    if (made?.addresses === text) return made.source;
    void made?.source.close();
    const source = new ConntrackSource({ ...this.#options, slot, addresses });
    this.#made.set(slot, { addresses: text, source });
    return source;
  }

  /** @param isLeft the next agent goes on with them */
  async close(isLeft = false): Promise<void> {
    await Promise.all([...this.#made.values()].map(({ source }) => source.close(isLeft)));
    this.#made.clear();
  }
}
