// SPDX-License-Identifier: Apache-2.0
import type { ConntrackNetwork } from '@vnfpool/platform/conntrack';
import { ipBytes, listAddresses, NETLINK_ROUTE, NetlinkSocket } from '@vnfpool/platform/netlink';

const LOOPBACK: ConntrackNetwork = { network: Uint8Array.of(127, 0, 0, 0), prefix: 8 };

/** Addresses that the node of the calling thread has now, and that loop back to it, but for these. @throws PlatformError */
export function otherAddresses(slot: readonly string[]): ConntrackNetwork[] {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    const shared = new Set(slot.map(canonical));
    const own = listAddresses(socket, 'any').map(({ address }) => ipBytes(address));
    return [
      LOOPBACK,
      ...own
        .filter((octets) => !shared.has(String(octets)))
        .map((network) => ({ network, prefix: network.length * 8 })),
    ];
  } finally {
    socket.close();
  }
}

/** Of an address with or without a prefix length: IPv6 can be written in many ways. */
function canonical(address: string): string {
  return String(ipBytes(address.split('/')[0] ?? ''));
}
