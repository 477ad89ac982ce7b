// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import { findLink } from '../netlink/link.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';

/** The links that a fence stands on: one that is made anew under the same name is another one, without a fence. */
export class LinkWatch {
  readonly #route = new NetlinkSocket(NETLINK_ROUTE);
  #indexes = new Map<string, number>();

  /** Those that are there. */
  get present(): readonly string[] {
    return [...this.#indexes].filter(([, index]) => index !== 0).map(([name]) => name);
  }

  /** Index of each link; 0: it is not there. */
  get indexes(): ReadonlyMap<string, number> {
    return this.#indexes;
  }

  /** The links from now on. @returns whether those that are there are others than before */
  watch(names: readonly string[]): boolean {
    const former = JSON.stringify([...this.#indexes]);
    this.#indexes = new Map(names.map((name) => [name, this.#indexOf(name)]));
    return JSON.stringify([...this.#indexes]) !== former;
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
      return findLink(this.#route, name).index;
    } catch (error) {
      if (isPlatformError(error, 'ENODEV')) return 0;
      throw error;
    }
  }
}
