// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import { findLink, listLinks } from '../netlink/link.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';

/** The links that a fence stands on: one that is made anew under the same name is another one, without a fence. */
export class LinkWatch {
  readonly #route = new NetlinkSocket(NETLINK_ROUTE);
  readonly #bare = new Set<string>();
  #indexes = new Map<string, number>();

  /** Those that are there. */
  get present(): readonly string[] {
    return [...this.#indexes].filter(([, index]) => index !== 0).map(([name]) => name);
  }

  /** Index of each link; 0: it is not there. */
  get indexes(): ReadonlyMap<string, number> {
    return this.#indexes;
  }

  /** Whether its frames have no Ethernet header. */
  isBare(name: string): boolean {
    return this.#bare.has(name);
  }

  /** The links from now on. @returns whether those that are there are others than before */
  watch(names: readonly string[]): boolean {
    const former = JSON.stringify([...this.#indexes]);
    this.#indexes = new Map(names.map((name) => [name, this.#indexOf(name)]));
    return JSON.stringify([...this.#indexes]) !== former;
  }

  /** Looks at the same links again. @returns as `watch` does */
  again(): boolean {
    return this.watch([...this.#indexes.keys()]);
  }

  /** Indexes of all other links of the namespace. */
  others(): readonly number[] {
    const own = new Set(this.#indexes.values());
    return listLinks(this.#route).flatMap(({ index }) => (own.has(index) ? [] : [index]));
  }

  /** What happened to the links since the last look, in words. */
  changes(): string[] {
    const former = this.#indexes;
    this.#indexes = new Map([...former.keys()].map((name) => [name, this.#indexOf(name)]));
    return [...this.#indexes].flatMap(([name, index]) => {
      if (index === former.get(name)) return [];
      return index === 0 ? [`link ${name} is gone`] : [`link ${name} is a new one`];
    });
  }

  close(): void {
    this.#route.close();
  }

  #indexOf(name: string): number {
    try {
      const { index, hardwareAddress } = findLink(this.#route, name);
      if (hardwareAddress.length === 6) this.#bare.delete(name);
      else this.#bare.add(name);
      return index;
    } catch (error) {
      if (isPlatformError(error, 'ENODEV')) return 0;
      throw error;
    }
  }
}
