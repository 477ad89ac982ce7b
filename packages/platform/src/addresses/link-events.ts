// SPDX-License-Identifier: Apache-2.0
import { NETLINK_ROUTE } from '../netlink/socket.ts';
import { Subscription } from '../netlink/subscription.ts';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_DELADDR = 21;
/** RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR. */
const GROUPS = [1, 5, 9];
/** Several changes are looked at together: a host that makes many links costs little. */
const GATHER_MS = 5;

export interface LinkEventsListener {
  /** Links came, went or changed, or addresses went. */
  changed(): void;
  failed(error: Error): void;
}

/** Changes of links and addresses in the namespace of the calling thread; it keeps the process alive. */
export class LinkEvents {
  readonly #subscription: Subscription;
  #gathering: NodeJS.Timeout | undefined;

  constructor(listener: LinkEventsListener) {
    const soon = (): void => {
      this.#gathering ??= setTimeout(() => {
        this.#gathering = undefined;
        listener.changed();
      }, GATHER_MS);
    };
    this.#subscription = new Subscription(
      { protocol: NETLINK_ROUTE, groups: GROUPS },
      {
        messages: (messages) => {
          if (messages.some(({ type }) => [RTM_NEWLINK, RTM_DELLINK, RTM_DELADDR].includes(type))) soon();
        },
        overrun: soon,
        failed: (error) => listener.failed(error),
      },
    );
  }

  close(): void {
    clearTimeout(this.#gathering);
    this.#subscription.close();
  }
}
