// SPDX-License-Identifier: Apache-2.0
import { isPlatformError, PlatformError } from '../errors.ts';
import { type LinkAddress as Found, listAddresses } from '../netlink/address.ts';
import { findLink } from '../netlink/link.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';
import { Subscription } from '../netlink/subscription.ts';

/** RTNLGRP_IPV4_IFADDR: IPv4 addresses come and go. */
const ADDRESS_GROUP = 5;

export interface LinkAddressListener {
  /** The link has another address in place of the one that it had. */
  changed(address: string, former: string): void;
  /** Nothing more will come. */
  failed(error: Error): void;
}

/**
 * The IPv4 address of a link in the namespace of the calling thread, followed as it changes. It stays what it is for as
 * long as the link has it as a source of its own; then it is the first other one of these. Deprecated addresses are none, and
 * so are the virtual addresses of slots. Without any it is the former one, until there is one.
 */
export class LinkAddress {
  readonly link: string;
  readonly #route: NetlinkSocket;
  readonly #subscription: Subscription;
  readonly #listener: LinkAddressListener;
  #current: string;

  /** @throws PlatformError `ENODEV`; `NO_ADDRESS` for a link that has none */
  constructor(link: string, listener: LinkAddressListener) {
    this.link = link;
    this.#listener = listener;
    this.#route = new NetlinkSocket(NETLINK_ROUTE);
    try {
      findLink(this.#route, link);
      // Before the first look: what changes from here on is heard.
      this.#subscription = new Subscription(
        { protocol: NETLINK_ROUTE, groups: [ADDRESS_GROUP] },
        {
          messages: () => this.#look(),
          overrun: () => this.#look(),
          failed: (error) => listener.failed(error),
        },
      );
    } catch (error) {
      this.#route.close();
      throw error;
    }
    const first = this.#find('');
    if (first === null) {
      this.close();
      throw new PlatformError('NO_ADDRESS', `${link} has no IPv4 address`, { call: 'list addresses' });
    }
    this.#current = first;
  }

  get current(): string {
    return this.#current;
  }

  close(): void {
    this.#subscription.close();
    this.#route.close();
  }

  #look(): void {
    const former = this.#current;
    const found = this.#find(former);
    if (found === null || found === former) return;
    this.#current = found;
    this.#listener.changed(found, former);
  }

  #find(former: string): string | null {
    let index: number;
    try {
      ({ index } = findLink(this.#route, this.link));
    } catch (error) {
      // It may come back, with another number.
      if (isPlatformError(error, 'ENODEV')) return null;
      throw error;
    }
    return choose(
      listAddresses(this.#route).filter(({ linkIndex }) => linkIndex === index),
      former,
    );
  }
}

/** Which of a link's addresses is its own; `former`: the one that it was. */
export function choose(addresses: readonly Found[], former: string): string | null {
  const own = addresses.filter(({ isDeprecated }) => !isDeprecated);
  const found =
    own.find(({ address }) => address === former) ?? own.find(({ isSecondary }) => !isSecondary) ?? own[0];
  return found?.address ?? null;
}
