// SPDX-License-Identifier: Apache-2.0
import { ConntrackSource, type ConntrackSourceOptions } from './conntrack-source.ts';

/** The connections of a function as the state of a slot: made once the slot is known, as its addresses say which they are. */
export class SlotConnections {
  readonly #options: Omit<ConntrackSourceOptions, 'addresses'>;
  #made: { readonly addresses: string; readonly source: ConntrackSource } | null = null;

  constructor(options: Omit<ConntrackSourceOptions, 'addresses'>) {
    this.#options = options;
  }

  /** For a slot with these addresses: the same one as long as they are the same. @throws PlatformError `EPERM` */
  of(addresses: readonly string[]): ConntrackSource {
    const text = addresses.join(' ');
    if (this.#made?.addresses === text) return this.#made.source;
    void this.#made?.source.close();
    const source = new ConntrackSource({ ...this.#options, addresses });
    this.#made = { addresses: text, source };
    return source;
  }

  async close(): Promise<void> {
    await this.#made?.source.close();
    this.#made = null;
  }
}
