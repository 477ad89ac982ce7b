// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import { addDropTable, type Dropped, readDropped } from '../netlink/drop-table.ts';
import { listLinks } from '../netlink/link.ts';
import { deleteTables, NFPROTO_NETDEV } from '../netlink/nftables.ts';
import { NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';

/** Why nothing passes: it is not its turn, or it stands still for a moment. Both may hold at a time. */
export type GateReason = 'standby' | 'quiesced';

const TABLES: Readonly<Record<GateReason, string>> = {
  standby: 'vnfpool_standby',
  quiesced: 'vnfpool_quiesced',
};

/**
 * The gate of a network namespace: while it is closed for some reason, no frame comes in or goes out by any link but the
 * loopback: nothing is forwarded, and no ARP is answered or asked. Links stay up, with their carriers, addresses, routes
 * and neighbours, so that opening takes well below a millisecond.
 *
 * It is the kernel's rules that stand for a reason, one table each: whoever comes later, after a crash, finds it as it was
 * left. Made in the namespace of the calling thread. Links that are made while it is closed are not behind it.
 */
export class NetworkGate {
  readonly #rules: NetlinkSocket;
  readonly #route: NetlinkSocket;

  /** @throws PlatformError `EPERM` */
  constructor() {
    this.#rules = new NetlinkSocket(NETLINK_NETFILTER);
    this.#route = new NetlinkSocket(NETLINK_ROUTE);
  }

  /** Does nothing where it is closed for this reason. @throws PlatformError `EOPNOTSUPP` before Linux 5.16 */
  close(reason: GateReason): void {
    const links = listLinks(this.#route).flatMap(({ name }) => (name === 'lo' ? [] : [name]));
    if (links.length === 0) return;
    try {
      addDropTable(this.#rules, TABLES[reason], links);
    } catch (error) {
      if (!isPlatformError(error, 'EEXIST')) throw error;
    }
  }

  /** Takes the reason away. @returns what was dropped meanwhile; null: it was not closed for this reason */
  open(reason: GateReason): Dropped | null {
    const dropped = this.dropped(reason);
    if (dropped === null) return null;
    const failure = deleteTables(this.#rules, [{ family: NFPROTO_NETDEV, table: TABLES[reason] }]);
    if (failure !== undefined && failure.error.code !== 'ENOENT') throw failure.error;
    return dropped;
  }

  /** What was dropped for this reason so far; null: it is not closed for it. */
  dropped(reason: GateReason): Dropped | null {
    return readDropped(this.#rules, TABLES[reason]);
  }

  /** Lets go of it; it stays as it is. */
  dispose(): void {
    this.#rules.close();
    this.#route.close();
  }
}
