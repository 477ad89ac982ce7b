// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import { findLink } from '../netlink/link.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';
import { Subscription } from '../netlink/subscription.ts';

/** RTNLGRP_LINK: links come, go and change. */
const LINK_GROUP = 1;
/** The kernel tells of a carrier that is lost up to a second late when it has told of one just before. */
const LOOK_MS = 200;

export interface CarrierListener {
  /** Also once at the beginning where it has none. */
  changed(hasCarrier: boolean): void;
  /** The kernel's news ended; it is still looked at now and then. */
  failed(error: Error): void;
}

/** Whether a link of the calling thread's namespace is up and has a carrier, followed as it changes. A link that is gone has none. */
export class CarrierWatch {
  readonly #link: string;
  readonly #listener: CarrierListener;
  readonly #route: NetlinkSocket;
  readonly #subscription: Subscription;
  readonly #looking: NodeJS.Timeout;
  #hasCarrier = true;

  /** @throws PlatformError */
  constructor(link: string, listener: CarrierListener) {
    this.#link = link;
    this.#listener = listener;
    this.#route = new NetlinkSocket(NETLINK_ROUTE);
    try {
      this.#subscription = new Subscription(
        { protocol: NETLINK_ROUTE, groups: [LINK_GROUP] },
        {
          messages: () => this.look(),
          overrun: () => this.look(),
          failed: (error) => listener.failed(error),
        },
      );
    } catch (error) {
      this.#route.close();
      throw error;
    }
    this.#looking = setInterval(() => this.look(), LOOK_MS);
    this.look();
  }

  /** Asks the kernel now. */
  look(): void {
    const hasCarrier = this.#ask();
    if (hasCarrier === this.#hasCarrier) return;
    this.#hasCarrier = hasCarrier;
    this.#listener.changed(hasCarrier);
  }

  close(): void {
    clearInterval(this.#looking);
    this.#subscription.close();
    this.#route.close();
  }

  #ask(): boolean {
    try {
      return findLink(this.#route, this.#link).hasCarrier;
    } catch (error) {
      if (!isPlatformError(error, 'ENODEV')) throw error;
      return false;
    }
  }
}
