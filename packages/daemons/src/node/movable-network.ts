// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { Conntrack, readConntrackSetting } from '@vnfpool/platform/conntrack';
import { NetworkGate } from '@vnfpool/platform/gate';
import { createNamespace, inNamespace, type PrivateNetworkPlan } from '@vnfpool/platform/namespaces';
import { createVeth, NETLINK_ROUTE, NetlinkSocket } from '@vnfpool/platform/netlink';
import type { NetworkSpecification } from '@vnfpool/wire/mobility';

/**
 * The network of a function whose connections move: closed until it is its turn, with the hardware addresses that it has on
 * every node, and with every connection equipped to tell of its changes, where the specification does not say otherwise.
 */
export function movableNetwork(network: NetworkSpecification): PrivateNetworkPlan {
  return {
    ...network,
    interfaces: network.interfaces.map((link) => ({
      ...link,
      ...(link.addresses.length === 0 ? {} : { hardwareAddress: hardwareAddressOf(link.addresses) }),
    })),
    sysctls: { 'net.netfilter.nf_conntrack_events': '1', ...network.sysctls },
    isClosed: true,
  };
}

/** Why this system cannot move connections, found out in a namespace that is gone again; null: it can. */
export function movesRefusal(): string | null {
  try {
    const namespace = createNamespace();
    try {
      inNamespace(namespace.fd, tryAll);
      return null;
    } finally {
      namespace.close();
    }
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is needed of the kernel: rules at both ends of links, and the table with its events. */
function tryAll(): void {
  const route = new NetlinkSocket(NETLINK_ROUTE);
  const gate = new NetworkGate();
  const table = new Conntrack();
  try {
    createVeth(route, { name: 'try0' }, { name: 'try1' });
    gate.close('standby');
    table.count();
    readConntrackSetting('nf_conntrack_events');
  } finally {
    table.close();
    gate.dispose();
    route.close();
  }
}

/**
 * The same wherever these addresses are, and another for other addresses: two links that share one share their IP addresses,
 * too. A unicast address of local administration.
 */
function hardwareAddressOf(addresses: readonly string[]): Uint8Array {
  const digest = createHash('sha256').update(addresses.join(' ')).digest();
  return Uint8Array.of(0x02, ...digest.subarray(0, 5));
}
